"""The state as bytes and back: what a snapshot holds, typed field by field.

A union of dataclasses has no form of its own in MessagePack, so a leg is its state's name and whatever it has, a nonce
lane what is in flight in it, and what stays is the one or the other. Decimals are texts, so they keep every digit and
exponent.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final, assert_never

import msgspec

from domain.account import Account, Reservation
from domain.lane import Idle, Included, Lane, Signed
from domain.leg import Filled, Leg, NeverArrived, Planned, Refused, Requested, Unknown
from domain.purse import Purse
from domain.strategy import Strategy
from domain.sweep import Sweep, open_sweep
from events.facts import (
    DustDetected,
    DustUnroutable,
    FundingOpened,
    LegRequested,
    RewardClaimRequested,
    TransactionIncluded,
    TransactionSigned,
)
from events.money import Amount
from events.values import Fill, Kept, PlannedLeg, Refusal
from views.closed import Closed, Page
from views.lots import Lots, Tally
from views.row import LotRow
from views.state import State


class UnfitState(ValueError):
    """Bytes that are not what `packed` writes."""


class _Leg(msgspec.Struct, frozen=True, array_like=True):
    state: str
    plan: PlannedLeg
    intent: LegRequested | None = None
    detail: str = ""
    fill: Fill | None = None
    refusal: Refusal | None = None


class _Sweep(msgspec.Struct, frozen=True):
    """A sweep by what opened it: dust or a shortage."""

    dust: DustDetected | None
    shortage: FundingOpened | None
    legs: dict[str, _Leg]
    gas: Decimal


class _Lane(msgspec.Struct, frozen=True):
    """The fields of `Lane`, its state as what is in flight: idle without attempts, included with what was seen."""

    attempts: tuple[TransactionSigned, ...]
    displaced: bool
    seen: TransactionIncluded | None
    nonce: int | None
    anew: bool
    delegated: bool
    head: int
    turn: int
    allowed: Amount | None


class _Account(msgspec.Struct, frozen=True):
    """The fields of `Account`, all of them and in the same order."""

    name: str
    scanned_until: datetime | None
    read_until: datetime | None
    judged: dict[str, str]
    learned: dict[str, DustUnroutable]
    purse: Purse
    sweep: _Sweep | None
    lane: _Lane
    watched: frozenset[str]
    dry_run: str
    live: str
    halted: str
    spent: tuple[date, Decimal]
    outage: tuple[str, str]
    reservations: dict[str, Reservation]
    claim: RewardClaimRequested | None
    claims: dict[str, str]


class StateForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state without the closed rows that lie in pages."""

    live: list[LotRow]
    rest: list[LotRow]
    tallies: dict[str, Tally]
    staying: list[tuple[str, Kept | None, DustUnroutable | None]]
    plans: dict[str, dict[str, tuple[str, ...]]]
    carried_by: dict[str, dict[str, tuple[str, ...]]]
    watched: list[tuple[str, str, str]]
    ledger: dict[str, dict[str, Decimal]]
    accounts: list[_Account]
    strategies: list[Strategy]


def form_of(state: State) -> StateForm:
    """Return the form of a state."""
    lots = state.lots
    return StateForm(
        live=list(lots.live.values()),
        rest=lots.closed.rest,
        tallies=lots.tallies,
        staying=[
            (account, why, None) if isinstance(why, Kept) else (account, None, why)
            for (account, _), why in lots.staying.items()
        ],
        plans=lots.plans,
        carried_by=lots.carried_by,
        watched=[(account, asset, lot_id) for (account, asset), lot_id in lots.watched.items()],
        ledger=state.ledger,
        accounts=[_account_form(account) for account in state.accounts.values()],
        strategies=list(state.strategies.values()),
    )


def state_from(form: StateForm, pages: list[Page]) -> State:
    """Return the state of a form; `UnfitState` when it is of none."""
    lots = Lots(
        live={row.lot_id: row for row in form.live},
        closed=Closed(pages, form.rest),
        tallies=form.tallies,
        plans=form.plans,
        carried_by=form.carried_by,
        watched={(account, asset): lot_id for account, asset, lot_id in form.watched},
    )
    for account, kept, stuck in form.staying:
        why = kept or stuck
        if why is None:
            raise UnfitState("staying: neither a holding that is kept nor one without a way out")
        lots.staying[account, why.asset] = why
    accounts = {account.name: _account(account) for account in form.accounts}
    return State(lots, form.ledger, accounts, {strategy.name: strategy for strategy in form.strategies})


def _account_form(account: Account) -> _Account:
    values = account._asdict()
    values["lane"] = _lane_form(account.lane)
    if account.sweep:
        legs = {leg_id: _leg_form(leg) for leg_id, leg in account.sweep.legs.items()}
        values["sweep"] = _sweep_form(account.sweep, legs)
    return _Account(**values)


def _account(form: _Account) -> Account:
    values = {name: getattr(form, name) for name in form.__struct_fields__}
    values["lane"] = _lane(form.lane)
    if form.sweep:
        opened = form.sweep.dust or form.sweep.shortage
        if opened is None:
            raise UnfitState(f"account {form.name}: a sweep that nothing opened")
        legs = {leg_id: _leg(leg) for leg_id, leg in form.sweep.legs.items()}
        values["sweep"] = open_sweep(opened)._replace(legs=legs, gas=form.sweep.gas)
    return Account(**values)


def _sweep_form(sweep: Sweep, legs: dict[str, _Leg]) -> _Sweep:
    opened = sweep.opened
    if isinstance(opened, DustDetected):
        return _Sweep(opened, None, legs, sweep.gas)
    return _Sweep(None, opened, legs, sweep.gas)


def _lane_form(lane: Lane) -> _Lane:
    state = lane.state
    return _Lane(
        attempts=() if isinstance(state, Idle) else state.attempts,
        displaced=isinstance(state, Signed) and state.displaced,
        seen=state.seen if isinstance(state, Included) else None,
        nonce=lane.nonce,
        anew=lane.anew,
        delegated=lane.delegated,
        head=lane.head,
        turn=lane.turn,
        allowed=lane.allowed,
    )


def _lane(form: _Lane) -> Lane:
    match form:
        case _Lane(attempts=()):
            state: Idle | Signed | Included = Idle()
        case _Lane(seen=TransactionIncluded() as seen):
            state = Included(form.attempts, seen)
        case _:
            state = Signed(form.attempts, form.displaced)
    return Lane(state, form.nonce, form.anew, form.delegated, form.head, form.turn, form.allowed)


def _leg_form(leg: Leg) -> _Leg:
    name = type(leg).__name__
    match leg:
        case Planned(plan):
            return _Leg(name, plan)
        case Requested(plan, intent) | NeverArrived(plan, intent):
            return _Leg(name, plan, intent)
        case Unknown(plan, intent, detail):
            return _Leg(name, plan, intent, detail=detail)
        case Filled(plan, intent, fill):
            return _Leg(name, plan, intent, fill=fill)
        case Refused(plan, refusal):
            return _Leg(name, plan, refusal=refusal)
        case _:
            assert_never(leg)


def _leg(form: _Leg) -> Leg:
    match form:
        case _Leg(state="Planned", plan=plan):
            return Planned(plan)
        case _Leg(state="Requested", plan=plan, intent=LegRequested() as intent):
            return Requested(plan, intent)
        case _Leg(state="NeverArrived", plan=plan, intent=LegRequested() as intent):
            return NeverArrived(plan, intent)
        case _Leg(state="Unknown", plan=plan, intent=LegRequested() as intent, detail=detail):
            return Unknown(plan, intent, detail)
        case _Leg(state="Filled", plan=plan, intent=LegRequested() as intent, fill=Fill() as fill):
            return Filled(plan, intent, fill)
        case _Leg(state="Refused", plan=plan, refusal=Refusal() as refusal):
            return Refused(plan, refusal)
        case _:
            raise UnfitState(f"leg {form.plan.leg_id}: {form.state} without what that state has")


ROWS: Final = msgspec.msgpack.Decoder(list[LotRow])
PACK: Final = msgspec.msgpack.Encoder()
