"""Looking at an account: its nonce, its code, its transactions and what others may still take of it, at one block.

The first request names the head; the second is pinned to it, and reads receipts. A receipt above the head is left to
the next look. A node may count what is in a block that it is just adding, so where there is no receipt of ours a nonce
counts as finally used only below the head, where nothing changes any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.chain import Code, Receipt, Sight, Watch
from domain.errors import VenueUnavailable
from events.values import Block, GasPrice
from venues.evm import assets
from venues.evm.batch import COIN, DESIGNATOR
from venues.evm.receipts import receipt_of
from venues.evm.rpc import Call, Failure, Rpc, good, octets, quantity
from venues.evm.words import number, padded, selector

GWEI: Final = 10**9


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
        hashes = watch.hashes
        answers = self.rpc.ask(
            [
                *price_calls("latest"),
                *(Call("eth_getTransactionByHash", (tx_hash,)) for tx_hash in hashes),
            ]
        )
        seen = priced(answers[:3])
        pooled = {tx_hash for tx_hash, found in zip(hashes, answers[3:], strict=True) if _waits(good(found))}
        head = seen.block.number
        final = max(0, head - self.confirmations + 1)
        nonce, final_nonce, below, code, block, *others = self.rpc.ask(
            [
                Call("eth_getTransactionCount", (self.account, hex(head))),
                Call("eth_getTransactionCount", (self.account, hex(final))),
                Call("eth_getTransactionCount", (self.account, hex(max(0, min(final, head - 1))))),
                Call("eth_getCode", (self.account, hex(head))),
                Call("eth_getBlockByNumber", (hex(head if watch.block is None else watch.block), False)),
                *(Call("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in hashes),
                *self._allowance_calls(watch.spends, head),
            ]
        )
        written = {
            tx_hash: receipt
            for tx_hash, receipt in zip(hashes, map(good, others[: len(hashes)]), strict=True)
            if isinstance(receipt, dict) and quantity(receipt.get("blockNumber")) <= head
        }
        receipts: dict[str, Receipt] = {tx_hash: receipt_of(each, self.chain_id) for tx_hash, each in written.items()}
        sight = Sight(
            head=seen.block,
            nonce=quantity(good(nonce)),
            final_nonce=quantity(good(final_nonce if receipts else below)),
            receipts=receipts,
            pooled=frozenset(pooled),
            block_hash=_hash(good(block)) if watch.block is not None else _holding(receipts),
            code=code_seen(code, self.delegate),
            gas_price=seen.price,
            allowances=self._allowed(watch.spends, others[len(hashes) :]),
        )
        return sight, written

    def _allowance_calls(self, spends: Sequence[str], block: int) -> list[Call]:
        ask = selector("allowance(address,address)")
        return [
            Call("eth_call", ({"to": token, "data": "0x" + (ask + padded(self.account) + padded(spender)).hex()}, at))
            for at in (hex(block),)
            for token, spender in self._pairs(spends)
        ]

    def _pairs(self, spends: Sequence[str]) -> list[tuple[str, str]]:
        tokens = [assets.address_of(asset, self.chain_id) or COIN for asset in spends]
        return [(token, spender) for token in tokens for spender in self.spenders]

    def _allowed(self, spends: Sequence[str], answers: Sequence[object]) -> tuple[str, ...]:
        pairs = self._pairs(spends)
        units = [number(octets(good(answer))) for answer in answers]
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
