"""The nonce lane of an account: one transaction in flight at a time, under the nonce that the log gave it.

    Idle ──▶ Signed ──▶ Included ──▶ Idle (final: succeeded, reverted or cancelled)
              │ ▲  ▲        │
              │ │  └────────┘ the block is no longer part of the chain: the same bytes again
              │ └─ again, under the same nonce, for a higher price or to cancel it
              └──▶ Idle (displaced: a transaction that is not ours used the nonce)

Signed bytes are on record before any node gets them; all bytes of a nonce are remembered, and a receipt of any of them
is the answer. A node that is behind what was seen before is no evidence. Only what has its confirmations is final.
What comes of a nonce is decided before it is on record (`domain/move.py`): a record that earlier rules made is read as
it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from domain.errors import ImpossibleHistory
from events.facts import (
    TransactionDisplaced,
    TransactionFact,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.money import Amount
from events.values import GasPrice, Outcome, Purpose, SignedTransaction


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing is in flight."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Bytes of one nonce are on record, oldest first; a node may have them. `displaced`: the owner was told so."""

    attempts: tuple[TransactionSigned, ...]
    displaced: bool = False

    @property
    def newest(self) -> TransactionSigned:
        return self.attempts[-1]


@dataclass(frozen=True, slots=True)
class Included:
    """A block holds one of them; not final yet."""

    attempts: tuple[TransactionSigned, ...]
    seen: TransactionIncluded


InFlight = Signed | Included


@dataclass(frozen=True, slots=True)
class Lane:
    """Where the lane stands. `nonce` is the next to be signed, None before the first; with `anew` a higher one on the
    chain is taken over. `delegated` says that our delegation was made. `head` is the highest block that was acted on,
    `turn` counts the facts so far. `allowed` is what our last approval allows, at the most, that no swap has used."""

    state: Idle | Signed | Included = Idle()
    nonce: int | None = None
    anew: bool = True
    delegated: bool = False
    head: int = 0
    turn: int = 0
    allowed: Amount | None = None


def evolve(lane: Lane, fact: TransactionFact) -> Lane:
    """Apply a fact; one that the lane's state does not allow raises `ImpossibleHistory` and changes nothing."""
    turned = replace(lane, turn=lane.turn + 1)
    match lane.state, fact:
        case Idle(), TransactionSigned(transaction=signed, replaces="") if signed.nonce >= (lane.nonce or 0):
            return replace(
                turned, state=Signed((fact,)), nonce=signed.nonce, anew=False, head=max(lane.head, fact.head)
            )
        case Signed(attempts, displaced), TransactionSigned() if _replaces(fact, attempts):
            return replace(turned, state=Signed((*attempts, fact), displaced), head=max(lane.head, fact.head))
        case Signed(attempts, _), TransactionIncluded(tx_hash=tx_hash, block=block) if _has(attempts, tx_hash):
            return replace(turned, state=Included(attempts, fact), head=max(lane.head, block.number))
        case Included(attempts, seen), TransactionReorged(tx_hash=tx_hash, block=block) if (
            seen.tx_hash == tx_hash and seen.block == block
        ):
            return replace(turned, state=Signed(attempts))
        case Signed(attempts, False), TransactionDisplaced():
            return replace(turned, state=Signed(attempts, displaced=True))
        case Signed(_, True), TransactionSettled(outcome=Outcome.DISPLACED):
            return replace(turned, state=Idle(), nonce=fact.next_nonce, anew=True)
        case Included(_, seen), TransactionSettled(tx_hash=tx_hash) if (
            seen.tx_hash == tx_hash and fact.outcome is not Outcome.DISPLACED
        ):
            delegated, allowed = lane.delegated or fact.purpose is Purpose.DELEGATE, _allowed_after(lane, fact)
            return replace(turned, state=Idle(), nonce=fact.next_nonce, delegated=delegated, allowed=allowed)
        case _:
            raise ImpossibleHistory(
                f"lane: {type(fact).__name__} after {type(lane.state).__name__}, or of another nonce"
            )


def _allowed_after(lane: Lane, fact: TransactionSettled) -> Amount | None:
    """An exact allowance ends with the swap that uses it, one of a swap that may need less is left with what it names.

    One that could not be taken back is told to the owner.
    """
    assert isinstance(lane.state, Included)  # what a receipt settles was included
    made = lane.state.attempts[0].transaction.allowance
    match fact.purpose, fact.outcome:
        case Purpose.APPROVE, Outcome.SUCCEEDED:
            return made
        case Purpose.APPROVE, Outcome.REVERTED if made is not None and not made.quantity:
            return None
        case Purpose.SWEEP, Outcome.SUCCEEDED:
            return made
        case _:
            return lane.allowed


def owed(lane: Lane) -> str:
    """Name the asset of which a market may still take something by our approval, empty for none."""
    return lane.allowed.asset if lane.allowed and lane.allowed.quantity else ""


def swept(lane: Lane) -> Lane:
    """A sweep has ended, which it does not while anything is owed: what its approvals did is behind."""
    return replace(lane, allowed=None)


def taken_anew(lane: Lane) -> Lane:
    """The owner has looked: whatever nonce and delegation the chain has from here on are the account's."""
    return replace(lane, anew=True, delegated=False)


def _replaces(fact: TransactionSigned, attempts: tuple[TransactionSigned, ...]) -> bool:
    first, newest = attempts[0].transaction, attempts[-1].transaction
    least = raised(newest.gas_price)
    offered = fact.transaction.gas_price
    same = fact.replaces == first.tx_hash and fact.transaction.nonce == first.nonce
    return same and offered.fee >= least.fee and offered.tip >= least.tip


def _has(attempts: tuple[TransactionSigned, ...], tx_hash: str) -> bool:
    return any(each.transaction.tx_hash == tx_hash for each in attempts)


def replaces(fact: TransactionSigned, lane: Lane) -> bool:
    """Say whether a transaction takes the place of those in flight: same nonce, and a tenth more offered of both."""
    return isinstance(lane.state, Signed) and _replaces(fact, lane.state.attempts)


def most_gas(signed: SignedTransaction) -> Decimal:
    """Return what a transaction may take of the native coin: all of its gas, at the most that it offers."""
    with localcontext(prec=80):
        return Decimal(signed.gas_limit * signed.gas_price.fee).scaleb(-18)


def flying(lane: Lane) -> Decimal:
    """Return what may still be taken by what was signed and no block holds."""
    return most_gas(lane.state.newest.transaction) if isinstance(lane.state, Signed) else Decimal(0)


def raised(price: GasPrice) -> GasPrice:
    """Return the least price that replaces this one: a tenth more of both, rounded up (geth's price bump)."""
    return GasPrice(*(max(part + 1, -(-part * 11 // 10)) for part in (price.fee, price.tip)))
