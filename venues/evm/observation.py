"""Looking at an account: its nonce, its code, its transactions and what others may still take of it, at one block.

The first request names the head and reads receipts; one above the head is left to the next look. Where a receipt of a
sweep is there and a glance is of the head, that is all. Else a second request is pinned to the head: without a receipt
of ours much depends on the nonce. A node may count what is in a block that it is just adding, so a nonce then counts
as finally used only below the head, where nothing changes any more. Where it counts as used deep enough to be told, the
block that used it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.chain import Code, Receipt, Sight, Watch
from domain.errors import VenueUnavailable
from events.values import Block, GasPrice
from venues.evm import assets, glance
from venues.evm.batch import COIN, DESIGNATOR
from venues.evm.displacement import Displacement, displacement
from venues.evm.receipts import receipt_of
from venues.evm.rpc import Call, Failure, Rpc, good, octets, quantity
from venues.evm.words import number, padded, selector

GWEI: Final = 10**9
# How deep a block is in which a nonce that others used is told before it is final: so many blocks, and at least such a
# part of what makes final. Nodes behind one address are seldom further apart.
EARLY: Final = 3
PARTS: Final = 8


@dataclass(frozen=True, slots=True)
class Priced:
    """A block, what it charged for gas, and what nodes say is paid on top of that; in wei."""

    block: Block
    base_fee: int
    tip: int

    @property
    def price(self) -> GasPrice:
        """Offer twice the block's charge, so that six full blocks in a row do not outrun it (EIP-1559)."""
        return GasPrice(2 * self.base_fee + self.tip, self.tip)


def price_calls(block: str) -> list[Call]:
    """Ask for a block and for the price of gas."""
    return [
        Call("eth_getBlockByNumber", (block, False)),
        Call("eth_maxPriorityFeePerGas"),
        Call("eth_gasPrice"),
    ]


def priced(answers: Sequence[object]) -> Priced:
    """Read what `price_calls` asked; a node that names no tip means what gas costs above the block's charge."""
    block, tip, price = answers
    found = good(block)
    if not isinstance(found, dict):
        raise VenueUnavailable("a node names no such block")
    base = quantity(found.get("baseFeePerGas"))
    extra = max(0, quantity(good(price)) - base) if isinstance(tip, Failure) else quantity(tip)
    return Priced(Block(quantity(found.get("number")), str(found.get("hash"))), base, extra)


def code_seen(code: object, delegate: str | None) -> Code:
    """Tell our delegation, if there is to be one, from none and from any other."""
    found = octets(good(code)).hex()
    if not found:
        return Code.EMPTY
    return Code.OURS if delegate and found == DESIGNATOR[2:] + delegate[2:].lower() else Code.UNKNOWN


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at one account; `spenders` are the contracts that batches allow to take tokens."""

    rpc: Rpc
    chain_id: int
    account: str
    delegate: str | None
    spenders: tuple[str, ...]
    confirmations: int

    def look(self, watch: Watch) -> tuple[Sight, Mapping[str, Mapping[str, Any]]]:
        """Return a sight, and the receipts in it as the node wrote them."""
        hashes, pairs = watch.hashes, self._pairs(watch.spends)
        answers = self.rpc.ask(
            [
                *price_calls("latest"),
                Call("eth_getTransactionCount", (self.account, "latest")),
                glance.call(self.account, pairs),
                *(Call("eth_getTransactionByHash", (tx_hash,)) for tx_hash in hashes),
                *(Call("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in hashes),
                *_standing(watch),
            ]
        )
        seen, (nonce, glanced), answers = priced(answers[:3]), answers[3:5], answers[5:]
        pooled = frozenset(tx_hash for tx_hash, found in zip(hashes, answers, strict=False) if _waits(good(found)))
        written = _written(hashes, answers[len(hashes) :], seen.block.number)
        found = glance.seen(glanced, pairs)
        if not (watch.spends and written and found and found.block == seen.block.number):
            return self._pinned(watch, seen, pooled)
        receipts = self._receipts(written)
        sight = Sight(
            head=seen.block,
            nonce=quantity(good(nonce)),
            final_nonce=quantity(good(nonce)),
            receipts=receipts,
            pooled=pooled,
            block_hash=_holding(receipts) if watch.block is None else _hash(good(answers[-1])),
            code=code_seen(found.code, self.delegate),
            gas_price=seen.price,
            allowances=_allowed(pairs, found.allowances),
        )
        return sight, written

    def _pinned(
        self, watch: Watch, seen: Priced, pooled: frozenset[str]
    ) -> tuple[Sight, Mapping[str, Mapping[str, Any]]]:
        """Look at what `seen` names as the head."""
        hashes, pairs, head = watch.hashes, self._pairs(watch.spends), seen.block.number
        final = max(0, head - self.confirmations + 1)
        settled = max(0, min(final, head - 1))
        early = max(0, head - max(EARLY, self.confirmations // PARTS))
        nonce, final_nonce, below, early_nonce, code, *others = self.rpc.ask(
            [
                Call("eth_getTransactionCount", (self.account, hex(head))),
                Call("eth_getTransactionCount", (self.account, hex(final))),
                Call("eth_getTransactionCount", (self.account, hex(settled))),
                Call("eth_getTransactionCount", (self.account, hex(early))),
                Call("eth_getCode", (self.account, hex(head))),
                *(Call("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in hashes),
                *self._allowance_calls(pairs, head),
                *_standing(watch),
            ]
        )
        written = _written(hashes, others, head)
        receipts, allowances = self._receipts(written), others[len(hashes) : len(hashes) + len(pairs)]
        counts = {settled: quantity(good(below)), early: quantity(good(early_nonce))}
        foreign = Displacement() if receipts else self._displacement(watch, head, counts)
        sight = Sight(
            head=seen.block,
            nonce=quantity(good(nonce)),
            final_nonce=quantity(good(final_nonce if receipts else below)),
            receipts=receipts,
            pooled=pooled,
            block_hash=_holding(receipts) if watch.block is None else _hash(good(others[-1])),
            code=code_seen(code, self.delegate),
            gas_price=seen.price,
            allowances=_allowed(pairs, [number(octets(good(answer))) for answer in allowances]),
            early_nonce=counts[early],
            absent=foreign.absent,
            used_in=foreign.block,
        )
        return sight, written

    def _displacement(self, watch: Watch, head: int, counts: Mapping[int, int]) -> Displacement:
        """Search for the block that used the nonce, given counts by block; not while one of ours is seen in a block."""
        used = [number for number, count in counts.items() if count > watch.nonce]
        if watch.block is not None or not used:
            return Displacement()
        return displacement(self.rpc, self.account, watch, head, max(used))

    def _receipts(self, written: Mapping[str, Mapping[str, Any]]) -> dict[str, Receipt]:
        return {tx_hash: receipt_of(each, self.chain_id) for tx_hash, each in written.items()}

    def _allowance_calls(self, pairs: Sequence[tuple[str, str]], block: int) -> list[Call]:
        ask = selector("allowance(address,address)")
        return [
            Call("eth_call", ({"to": token, "data": "0x" + (ask + padded(self.account) + padded(spender)).hex()}, at))
            for at in (hex(block),)
            for token, spender in pairs
        ]

    def _pairs(self, spends: Sequence[str]) -> list[tuple[str, str]]:
        tokens = [assets.address_of(asset, self.chain_id) or COIN for asset in spends]
        return [(token, spender) for token in tokens for spender in self.spenders]


def _standing(watch: Watch) -> list[Call]:
    """Ask which block stands where one of ours was seen."""
    return [] if watch.block is None else [Call("eth_getBlockByNumber", (hex(watch.block), False))]


def _written(hashes: Sequence[str], answers: Sequence[object], head: int) -> dict[str, Mapping[str, Any]]:
    """Return the receipts that begin the answers, as the node wrote them; none of a block above the head."""
    return {
        tx_hash: receipt
        for tx_hash, receipt in zip(hashes, map(good, answers[: len(hashes)]), strict=True)
        if isinstance(receipt, dict) and quantity(receipt.get("blockNumber")) <= head
    }


def _allowed(pairs: Sequence[tuple[str, str]], units: Sequence[int]) -> tuple[str, ...]:
    return tuple(
        f"{spender} may take {each} base units of {token}"
        for (token, spender), each in zip(pairs, units, strict=True)
        if each
    )


def _holding(receipts: Mapping[str, Receipt]) -> str | None:
    """Return the block that holds a transaction of ours: a node that shows its receipt has that block in its chain."""
    return next((receipt.block.block_hash for receipt in receipts.values()), None)


def _waits(found: object) -> bool:
    return isinstance(found, dict) and found.get("blockNumber") is None


def _hash(block: object) -> str | None:
    return str(block.get("hash")) if isinstance(block, dict) else None
