"""Calls: how the proxy answers one JSON-RPC call, given the faults that strike it and geth's rules."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from simulators.chain import mempool, staleness
from simulators.chain.behind import Behind, Json
from simulators.chain.faults import (
    SEND,
    Duplicated,
    LogRange,
    NoOverrides,
    Refused,
    StaleHead,
    Swallowed,
    Unknown,
    WrongChain,
)
from simulators.chain.mischief import Loaded, head_for

OVERRIDES = 2


class Calls:
    """Answers calls before a node. With `geth` a transaction must pass geth's rules, stricter than the node's."""

    def __init__(self, behind: Behind, *, geth: bool) -> None:
        self._behind = behind
        self._geth = geth
        self._sending = threading.Lock()
        self.objections: Counter[str] = Counter()

    def plain(self, call: Json, faults: Sequence[Loaded]) -> bool:
        """Say whether a call is the node's alone to answer."""
        return not faults and not (self._geth and call["method"] == SEND)

    def answer(self, call: Json, faults: Sequence[Loaded]) -> Json:
        """Answer one call; the first fault that has an answer of its own gives it."""
        method = call["method"]
        for loaded in faults:
            match loaded.fault:
                case Refused(when=when, code=code, message=message):
                    if when == "after":
                        self._handed_on(call)
                    return error(call, code, message)
                case Unknown():
                    return error(call, -32601, f"the method {method} does not exist/is not available")
                case NoOverrides(silently=True) if _overrides(call):
                    return self._handed_on({**call, "params": call["params"][:OVERRIDES]})
                case NoOverrides() if _overrides(call):
                    return error(call, -32602, "state override is not supported")
                case LogRange(blocks=blocks) if (span := self._span(call)) > blocks:
                    return error(call, -32005, f"query exceeds max block range {blocks}, asked for {span}")
                case WrongChain(chain_id=chain_id) if method == "eth_chainId":
                    return result(call, hex(chain_id))
                case WrongChain(chain_id=chain_id) if method == "net_version":
                    return result(call, str(chain_id))
                case Swallowed() if raw := _raw(call):
                    return result(call, "0x" + keccak(raw).hex())
                case Duplicated(answer=answer):
                    answers = self._handed_on(call), self._handed_on(call)
                    return answers[0 if answer == "first" else 1]
                case StaleHead() as stale:
                    return self._stale(call, loaded, stale)
        return self._handed_on(call)

    def _stale(self, call: Json, loaded: Loaded, stale: StaleHead) -> Json:
        head = head_for(loaded, stale, int(self._behind.ask("eth_blockNumber"), 16))
        answer = self._handed_on(staleness.as_of(call, head))
        if "result" in answer:
            answer["result"] = staleness.unseen(call["method"], answer["result"], head)
        return answer

    def _handed_on(self, call: Json) -> Json:
        if call["method"] != SEND or not self._geth:
            return self._behind.answer(call)
        with self._sending:
            try:
                sent = mempool.read(_raw(call))
            except mempool.NoTransaction:
                return self._behind.answer(call)  # the node says so in its own words
            objection = self._objection(sent)
            if objection:
                self.objections[objection] += 1
                return error(call, -32000, objection)
            return self._behind.answer(call)

    def _objection(self, sent: mempool.Waiting) -> str | None:
        ask = self._behind.ask
        return mempool.objection(
            sent,
            self._pool(),
            int(ask("eth_getTransactionCount", sent.sender, "latest"), 16),
            delegated=ask("eth_getCode", sent.sender, "latest").startswith(mempool.DELEGATION),
        )

    def _pool(self) -> list[mempool.Waiting]:
        content = self._behind.ask("txpool_content")
        return [
            _waiting(form)
            for part in ("pending", "queued")
            for forms in content[part].values()
            for form in forms.values()
        ]

    def _span(self, call: Json) -> int:
        """Count the blocks that a filter of logs is about."""
        match call.get("params"):
            case [dict() as wanted] if "blockHash" not in wanted:
                pass
            case _:
                return 1
        first, last = (self._number(wanted.get(key)) for key in ("fromBlock", "toBlock"))
        return last - first + 1

    def _number(self, tag: str | None) -> int:
        if tag == "earliest":
            return 0
        if tag and tag.startswith("0x"):
            return int(tag, 16)
        return int(self._behind.ask("eth_getBlockByNumber", tag or "latest", False)["number"], 16)


def result(call: Json, value: Any) -> Json:
    """Answer a call."""
    return {"jsonrpc": "2.0", "id": call.get("id"), "result": value}


def error(call: Json, code: int, message: str) -> Json:
    """Answer a call with an error."""
    return {"jsonrpc": "2.0", "id": call.get("id"), "error": {"code": code, "message": message}}


def _overrides(call: Json) -> bool:
    return call["method"] in {"eth_call", "eth_estimateGas"} and len(call.get("params") or []) > OVERRIDES


def _raw(call: Json) -> bytes:
    """Return the transaction in a call, empty where there is none."""
    match call.get("params"):
        case [str() as text]:
            try:
                return bytes.fromhex(text.removeprefix("0x"))
            except ValueError:
                return b""
    return b""


def _waiting(form: Json) -> mempool.Waiting:
    price = form.get("gasPrice") or "0x0"
    return mempool.Waiting(
        form["hash"],
        to_checksum_address(form["from"]),
        int(form["nonce"], 16),
        int(form.get("maxFeePerGas") or price, 16),
        int(form.get("maxPriorityFeePerGas") or price, 16),
        frozenset(mempool.authority(entry) for entry in form.get("authorizationList") or ()),
    )
