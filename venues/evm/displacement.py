"""Displacement: whether others used a nonce of ours, told by the block that used it.

That a receipt is missing proves nothing: receipts come from an index that may lag behind a node's blocks, and behind
one address each call of a request may be answered by another node. A block lists what it holds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from domain.chain import Watch
from venues.evm.rpc import Call, Rpc, good, quantity

# So far below the head every node still knows what an account's nonce was: geth keeps the state of 128 blocks.
KEPT: Final = 120


class Displacement(NamedTuple):
    """The hashes that are not in the block which used their nonce, and that block, None where it lies too deep."""

    absent: frozenset[str] = frozenset()
    block: int | None = None


def displacement(rpc: Rpc, account: str, watch: Watch, head: int, at: int) -> Displacement:
    """Tell the watched hashes where the block that used their nonce, `at` or an earlier one, holds none of them.

    None are told where a node knows one of them in a block, or where nodes do not agree which block it was. A block
    deeper than nodes keep the state of is not searched: there it has to do that none is known, asked again.
    """
    blocks = range(max(0, min(at, head - KEPT)), at + 1)
    place = bisect_right(blocks, watch.nonce, key=lambda number: _counted(rpc, account, number))
    if place == len(blocks):
        return Displacement()
    block = _block(account, blocks[place]) if place else []
    answers = [good(answer) for answer in rpc.ask([*_lookups(watch.hashes), *block])]
    known = any(map(_mined, answers[: len(answers) - len(block)]))
    if known or (block and not _used_by_others(watch, *answers[-len(block) :])):
        return Displacement()
    return Displacement(frozenset(watch.hashes), blocks[place] if place else None)


def _used_by_others(watch: Watch, before: object, after: object, block: object) -> bool:
    held = block.get("transactions") if isinstance(block, dict) else None
    used = quantity(before) <= watch.nonce < quantity(after)
    return used and isinstance(held, list) and not {str(each).lower() for each in held} & set(watch.hashes)


def _counted(rpc: Rpc, account: str, number: int) -> int:
    (count,) = rpc.ask([_count(account, number)])
    return quantity(good(count))


def _block(account: str, number: int) -> list[Call]:
    held = Call("eth_getBlockByNumber", (hex(number), False))
    return [_count(account, number - 1), _count(account, number), held]


def _count(account: str, number: int) -> Call:
    return Call("eth_getTransactionCount", (account, hex(number)))


def _lookups(hashes: Sequence[str]) -> list[Call]:
    methods = ("eth_getTransactionByHash", "eth_getTransactionReceipt")
    return [Call(method, (tx_hash,)) for method in methods for tx_hash in hashes]


def _mined(found: object) -> bool:
    return isinstance(found, dict) and found.get("blockNumber") is not None
