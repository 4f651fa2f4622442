"""The life of a leg: one request to one venue, under one idempotency key.

    Planned ──▶ Requested ──▶ Filled
       │          │    │ ╲───▶ Refused ◀── Planned, NeverArrived (our own no)
       │          ▼    ▼
       │       Unknown ──▶ Filled | Refused | NeverArrived
       ▼                                          │
    Refused        Requested (same key) ◀─────────┘  at most `ATTEMPTS` times

An intent is on record before the venue hears of it. Once it is, only the venue's answer ends the leg; asking again
for a leg that never arrived uses the same key and the same size, so the venue can make at most one order of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from domain.errors import ImpossibleHistory
from domain.identity import idempotency_key
from domain.venue import NeverArrived as VenueKnowsNothing
from domain.venue import Order, Pending
from events.facts import LegFact, LegFilled, LegNeverArrived, LegOutcomeUnknown, LegRefused, LegRequested
from events.money import Amount
from events.values import Fill, LegKind, PlannedLeg, Quote, Refusal

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """Nothing was asked yet."""

    plan: PlannedLeg


@dataclass(frozen=True, slots=True)
class Requested:
    """The intent is on record; whether the venue heard of it is not known to whoever reads this."""

    plan: PlannedLeg
    intent: LegRequested


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost or is not final."""

    plan: PlannedLeg
    intent: LegRequested
    detail: str


@dataclass(frozen=True, slots=True)
class NeverArrived:
    """The venue cannot have it any more."""

    plan: PlannedLeg
    intent: LegRequested


@dataclass(frozen=True, slots=True)
class Filled:
    """The venue did it."""

    plan: PlannedLeg
    intent: LegRequested
    fill: Fill


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not made and will not be."""

    plan: PlannedLeg
    refusal: Refusal


# Held against these at every step of a fold, where a union would be made anew each time.
_UNASKED, _OPEN, _CLOSED = (Planned, NeverArrived), (Requested, Unknown), (Filled, Refused)
Leg = Planned | Requested | Unknown | NeverArrived | Filled | Refused
Answer = Fill | Refusal | Pending | VenueKnowsNothing


def order_of(intent: LegRequested) -> Order:
    """Say the intent in the words a venue is asked in."""
    return Order(
        key=intent.key,
        kind=intent.kind,
        product=intent.product,
        spend=intent.spend,
        receive=intent.receive,
        reference=intent.quote.reference,
        requested_at=intent.requested_at,
        output=intent.output,
    )


def draft(plan: PlannedLeg, spend: Amount) -> Order:
    """Make the order that is quoted before the intent is recorded."""
    return Order(idempotency_key(plan.leg_id), plan.kind, plan.product, spend, plan.receive, output=plan.output)


def next_attempt(leg: Leg) -> int | None:
    """Number the request that may be made now: the leg never was asked, or provably never arrived; None for no more."""
    match leg:
        case Planned():
            return 1
        case NeverArrived(_, intent) if intent.attempt < ATTEMPTS:
            return intent.attempt + 1
        case _:
            return None


def is_exit(plan: PlannedLeg) -> bool:
    """An exit turns a lot's asset into a hub currency."""
    return plan.lot_id is not None and plan.kind is not LegKind.TOP_UP


def is_open(leg: Leg) -> bool:
    """An open leg has an intent on record and no final answer."""
    return isinstance(leg, _OPEN)


def request(
    leg: Leg, account: str, sweep: str, spend: Amount, quote: Quote, now: datetime, key: str = ""
) -> list[LegRequested]:
    """Put the intent on record, once; after NeverArrived again under the same key and with the same size.

    `key` is that of the request it travels in with others, without one it is the leg's own.
    """
    attempt, plan = next_attempt(leg), leg.plan
    if attempt is None:
        return []
    return [
        LegRequested(
            account=account,
            sweep_id=sweep,
            leg_id=plan.leg_id,
            key=key or idempotency_key(plan.leg_id),
            kind=plan.kind,
            product=plan.product,
            spend=leg.intent.spend if isinstance(leg, NeverArrived) else spend,
            receive=plan.receive,
            quote=quote,
            attempt=attempt,
            requested_at=now,
            output=plan.output,
        )
    ]


def decline(leg: Leg, account: str, sweep: str, refusal: Refusal) -> list[LegRefused]:
    """Record our own no, possible only while the venue cannot have the leg."""
    match leg:
        case Planned(plan) | NeverArrived(plan, _):
            return [LegRefused(account, sweep, plan.leg_id, refusal)]
        case Requested() | Unknown() | Filled() | Refused():
            return []
        case _:
            assert_never(leg)


def conclude(leg: Leg, account: str, sweep: str, answer: Answer) -> list[LegFact]:
    """Record what the venue said of an open leg; an answer to a leg that has one changes nothing."""
    if not isinstance(leg, _OPEN):
        return []
    leg_id = leg.plan.leg_id
    match answer:
        case Fill():
            return [LegFilled(account, sweep, leg_id, answer)]
        case Refusal():
            return [LegRefused(account, sweep, leg_id, answer)]
        case VenueKnowsNothing():
            return [LegNeverArrived(account, sweep, leg_id, leg.intent.attempt)]
        case Pending(detail):
            return [] if isinstance(leg, Unknown) else [LegOutcomeUnknown(account, sweep, leg_id, detail)]
        case _:
            assert_never(answer)


def evolve(leg: Leg, fact: LegFact) -> Leg:
    """Apply a fact; one that the leg's state does not allow raises `ImpossibleHistory` and changes nothing."""
    match fact:
        case LegRequested() if isinstance(leg, _UNASKED):
            return Requested(leg.plan, fact)
        case LegFilled() if isinstance(leg, _OPEN):
            return Filled(leg.plan, leg.intent, fact.fill)
        case LegRefused() if not isinstance(leg, _CLOSED):
            return Refused(leg.plan, fact.refusal)
        case LegOutcomeUnknown() if isinstance(leg, Requested):
            return Unknown(leg.plan, leg.intent, fact.detail)
        case LegNeverArrived() if isinstance(leg, _OPEN):
            return NeverArrived(leg.plan, leg.intent)
        case _:
            raise ImpossibleHistory(f"leg {fact.leg_id}: {type(fact).__name__} after {type(leg).__name__}")
