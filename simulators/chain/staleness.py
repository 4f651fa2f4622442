"""Staleness: a call and its answer as a node would have them that has not seen the last blocks."""

from __future__ import annotations

from typing import Any

# Where a method takes the block it is about.
PLACES = {
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getStorageAt": 2,
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_feeHistory": 1,
}
# What is looked up, and the field of it that says in which block it is.
FOUND = {
    "eth_getTransactionReceipt": "blockNumber",
    "eth_getTransactionByHash": "blockNumber",
    "eth_getBlockByHash": "number",
    "eth_getBlockByNumber": "number",
}
NEWEST = {"latest", "pending", None}


def as_of(call: dict[str, Any], head: int) -> dict[str, Any]:
    """Rewrite a call so that the newest block it can mean is `head`."""
    method, parameters = call["method"], call.get("params")
    match parameters:
        case [dict() as wanted] if method == "eth_getLogs":
            return call | {"params": [_filter(wanted, head)]}
        case list() if method in PLACES:
            return call | {"params": _pinned(parameters, PLACES[method], head)}
    return call


def _pinned(given: list[Any], place: int, head: int) -> list[Any]:
    parameters = list(given)
    parameters += [None] * (place + 1 - len(parameters))
    if parameters[place] in NEWEST:
        parameters[place] = hex(head)
    return parameters


def unseen(method: str, result: Any, head: int) -> Any:
    """Take out of an answer what was mined after `head`."""
    if method == "eth_blockNumber":
        return hex(head)
    if method in FOUND:
        number = (result or {}).get(FOUND[method])
        return None if number is not None and int(number, 16) > head else result
    if method == "eth_getLogs":
        return [entry for entry in result if int(entry["blockNumber"], 16) <= head]
    return result


def _filter(wanted: dict[str, Any], head: int) -> dict[str, Any]:
    """Name the newest block where it is meant; a filter by hash or by an older number stays as it is."""
    if "blockHash" in wanted:
        return wanted
    named = {key: wanted.get(key) for key in ("fromBlock", "toBlock")}
    return wanted | {key: hex(head) for key, tag in named.items() if tag in NEWEST}
