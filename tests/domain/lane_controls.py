"""Example values for what happens on a chain: transactions of one account, blocks, what a node says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.chain import Code, Receipt, Rules, Sight
from domain.lane import Included, Lane, Signed, evolve
from events.facts import (
    TransactionDisplaced,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.money import Amount
from events.values import Block, GasPrice, Outcome, Purpose, SignedTransaction

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEADLINE = NOON + timedelta(minutes=10)
ETHER = "eip155:42161/slip44:60"
RULES = Rules(confirmations=3, patience=timedelta(minutes=1), ceiling=1000)
MARKET = GasPrice(100, 10)
FEE = Amount(Decimal("0.001"), ETHER)


def signed(
    nonce: int = 7, purpose: Purpose = Purpose.SWEEP, price: GasPrice = MARKET, name: str = "first"
) -> SignedTransaction:
    deadline = None if purpose is Purpose.CANCEL else DEADLINE
    return SignedTransaction(
        purpose, "eip155:42161", "0xAb", nonce, f"0x{name}", f"0x02{name}", 2_000_000, price, deadline
    )


def recorded(transaction: SignedTransaction | None = None, replaces: str = "", head: int = 100) -> TransactionSigned:
    legs = ("leg",) if transaction is None or transaction.purpose is Purpose.SWEEP else ()
    return TransactionSigned("main", "sweep", transaction or signed(), legs, replaces, head, NOON)


BUMPED = recorded(signed(price=GasPrice(110, 11), name="second"), replaces="0xfirst")
CANCEL = recorded(signed(purpose=Purpose.CANCEL, price=GasPrice(110, 11), name="second"), replaces="0xfirst")


def block(number: int, fork: str = "a") -> Block:
    return Block(number, f"0x{number}{fork}")


def receipt(tx_hash: str = "0xfirst", at: Block | None = None, succeeded: bool = True) -> Receipt:
    return Receipt(tx_hash, at or block(101), succeeded, 1_000_000, FEE)


def included(tx_hash: str = "0xfirst", at: Block | None = None, succeeded: bool = True) -> TransactionIncluded:
    return TransactionIncluded("main", "sweep", tx_hash, at or block(101), succeeded)


def reorged(tx_hash: str = "0xfirst", at: Block | None = None) -> TransactionReorged:
    return TransactionReorged("main", "sweep", tx_hash, at or block(101), "gone")


def displaced(nonce: int = 7) -> TransactionDisplaced:
    return TransactionDisplaced("main", "sweep", nonce, "not ours")


def settled(outcome: Outcome = Outcome.SUCCEEDED, next_nonce: int = 8, tx_hash: str = "0xfirst") -> TransactionSettled:
    return TransactionSettled(
        account="main",
        sweep_id="sweep",
        tx_hash=tx_hash,
        purpose=Purpose.SWEEP,
        outcome=outcome,
        block=block(101),
        gas_used=1_000_000,
        fee=FEE,
        shared=True,
        confirmations=3,
        next_nonce=next_nonce,
    )


def lane(
    *facts: TransactionSigned | TransactionIncluded | TransactionReorged | TransactionDisplaced | TransactionSettled,
) -> Lane:
    state = Lane()
    for fact in facts:
        state = evolve(state, fact)
    return state


def sight(head: int = 102, nonce: int = 7, *receipts: Receipt, **changes: object) -> Sight:
    """A node at block `head` of fork `a`, where our transactions wait in the pool and the account is delegated."""
    usual = Sight(
        head=block(head),
        nonce=nonce,
        final_nonce=min(nonce, 7),
        receipts={each.tx_hash: each for each in receipts},
        pooled=frozenset({"0xfirst", "0xsecond"}),
        block_hash=block(101).block_hash,
        code=Code.OURS,
        gas_price=MARKET,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def flight(state: Lane) -> Signed | Included:
    assert isinstance(state.state, Signed | Included)
    return state.state
