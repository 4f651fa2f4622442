"""Walking an open sweep to its end: the converter's work, and the part of it that the reconciler shares.

One step at a time, each from the log's state: so a worker that dies anywhere is continued by any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.commands import ConcludeLeg, Declare, DeclineLeg, FinishSweep, RequestLeg
from domain.decision import fingerprint, next_step
from domain.errors import NOT_ASKED, OutcomeUnknown
from domain.leg import Answer, Leg, NeverArrived, Requested, Unknown, draft, order_of
from domain.sweep import Ask, AskBatch, Batch, Bundle, Finish, GiveUp, Observe, Rest, Retract, Sweep, Try, size
from domain.venue import NeverArrived as VenueKnowsNothing
from domain.venue import Pending, Venue
from events.facts import ConversionsHalted, LegRequested
from events.money import Amount
from events.values import Quote, Refusal
from workers import batching, sending
from workers.desk import Desk
from workers.outages import outage_recorded

# How long a worker itself waits for an answer that is not final, before it leaves the leg to the reconciler.
PATIENCE = (0.1, 0.2, 0.4, 0.8, 1.6)
# How often a balance that lags behind a fill is read again before it is believed.
LAG = (0.2, 0.5, 1.0, 2.0, 4.0)


class Ended(StrEnum):
    """Why a worker stopped walking a sweep."""

    RESTING = "resting"
    WAITING = "waiting"
    OUT_OF_TIME = "out_of_time"


def conduct(desk: Desk, account: str, until: datetime) -> Ended:
    """Take what is in flight and the account's open sweep as far as they go, or until `until`.

    `WAITING` means that an answer is still unknown, or that another worker is just getting it: nothing more is asked
    before the reconciler has settled it.
    When the venue can't be read, or not with this key, `VenueUnavailable` or `ConfigurationError` is recorded, once for
    each sweep, and raised.
    """
    patience = iter(PATIENCE)
    while desk.clock() < until:
        current = desk.streams.load(account).state
        sweep, step = current.sweep, next_step(current)
        if isinstance(step, Observe):
            went_on = sending.observe(desk, account)
        elif sweep is None or isinstance(step, Rest):
            return Ended.RESTING
        elif isinstance(step, Ask | AskBatch):
            if _held(desk, step):
                return Ended.WAITING
            went_on = _settle_all(desk, account, sweep, step)
        else:
            went_on = _go_on(desk, account, sweep, step)
        if not went_on and not _wait(desk, patience):
            return Ended.WAITING
    return Ended.OUT_OF_TIME


def _go_on(desk: Desk, account: str, sweep: Sweep, step: Try | Bundle | Batch | Retract | GiveUp | Finish) -> bool:
    """Take a step that asks for something new or ends something; False when it is worth while to wait first."""
    match step:
        case Try() | Bundle() | Batch() | Retract() if danger := _danger(desk, account, sweep):
            # A key that could empty the account is the owner's to replace; until then nothing is asked with it.
            halted = ConversionsHalted(account, danger)
            told = Declare(halted, f"{sweep.opened.sweep_id}/danger/{desk.clock().isoformat()}")
            desk.streams.handle(account, told, sweep.opened.sweep_id)
        case Try():
            _attempt(desk, account, sweep, step)
        case Bundle():
            return sending.request(desk, account, sweep, step)
        case Retract():
            return sending.retract(desk, account, sweep, step)
        case Batch():
            batching.request(desk, account, sweep, step)
        case GiveUp(leg, refusal):
            _decline(desk, account, sweep, leg, refusal)
        case Finish():
            done = FinishSweep(sweep.opened.sweep_id, desk.clock())
            desk.streams.handle(account, done, sweep.opened.sweep_id)
        case _:
            assert_never(step)
    return True


def _danger(desk: Desk, account: str, sweep: Sweep) -> str:
    """Ask once for each desk what the account's key may do."""
    if account not in desk.trusted:
        with outage_recorded(desk, account, sweep.opened.sweep_id):
            if danger := desk.venue(account).danger():
                return danger
        desk.trusted.add(account)
    return ""


def reconcile(desk: Desk, account: str) -> bool:
    """Ask the venue what became of what is open; no new leg is asked. Returns whether the sweep can go on."""
    current = desk.streams.load(account).state
    sweep, step = current.sweep, next_step(current)
    if isinstance(step, Rest):
        return False
    if isinstance(step, Observe):
        return sending.observe(desk, account)
    if sweep is None or not isinstance(step, Ask | AskBatch):
        return True
    return not _held(desk, step) and _settle_all(desk, account, sweep, step)


def _held(desk: Desk, step: Ask | AskBatch) -> bool:
    """Say whether whoever recorded the intents is likely still talking to the venue about them."""
    asked = step.legs if isinstance(step, AskBatch) else (step.leg,)
    return all(isinstance(leg, Requested) and desk.clock() - leg.intent.requested_at < desk.hold for leg in asked)


def _wait(desk: Desk, delays: Iterator[float]) -> bool:
    delay = next(delays, None)
    if delay is not None:
        desk.sleep(delay)
    return delay is not None


def _settle_all(desk: Desk, account: str, sweep: Sweep, step: Ask | AskBatch) -> bool:
    """Ask the venue what became of what is open; False when an answer is not final."""
    if isinstance(step, AskBatch):
        return batching.settle(desk, account, sweep, step.legs)
    return _settle(desk, account, sweep, step.leg)


def _settle(desk: Desk, account: str, sweep: Sweep, leg: Leg) -> bool:
    assert isinstance(leg, Requested | Unknown)  # only open legs are asked about
    with outage_recorded(desk, account, sweep.opened.sweep_id):
        answer = desk.venue(account).outcome(order_of(leg.intent))
    _conclude(desk, account, sweep, leg.intent, answer)
    return not isinstance(answer, Pending)


def _attempt(desk: Desk, account: str, sweep: Sweep, step: Try) -> None:
    """Record the intent that the venue's offer allows, then carry it out; else record why not."""
    plan = step.leg.plan
    with outage_recorded(desk, account, sweep.opened.sweep_id):
        offer = _offer(desk, desk.venue(account), step, sweep)
    if isinstance(offer, Refusal):
        _decline(desk, account, sweep, step.leg, offer)
        return
    spend, quote = offer
    attempt = step.leg.intent.attempt + 1 if isinstance(step.leg, NeverArrived) else 1
    mark = fingerprint(desk.mandates[account].policy)
    intent = RequestLeg(plan.leg_id, spend, quote, mark, attempt, desk.worker, desk.clock())
    for recorded in desk.streams.handle(account, intent, sweep.opened.sweep_id):
        if isinstance(recorded.fact, LegRequested):
            _execute(desk, account, sweep, recorded.fact)


def _offer(desk: Desk, venue: Venue, step: Try, sweep: Sweep) -> tuple[Amount, Quote] | Refusal:
    """Size the leg and have it quoted: one or two reads and one preview."""
    spend = _sized(desk, venue, step, sweep)
    if isinstance(spend, Refusal):
        return spend
    quote = venue.quote(draft(step.leg.plan, spend))
    return quote if isinstance(quote, Refusal) else (spend, quote)


def _execute(desk: Desk, account: str, sweep: Sweep, intent: LegRequested) -> None:
    """Make the order whose intent this worker has just recorded; nobody else may."""
    try:
        with outage_recorded(desk, account, sweep.opened.sweep_id):
            answer: Answer = desk.venue(account).execute(order_of(intent))
    except OutcomeUnknown as lost:
        answer = Pending(str(lost))
    except NOT_ASKED:
        # It is certain that the order was not taken; it is asked again, under its key, when the venue is back.
        _conclude(desk, account, sweep, intent, VenueKnowsNothing())
        raise
    _conclude(desk, account, sweep, intent, answer)


def _sized(desk: Desk, venue: Venue, step: Try, sweep: Sweep) -> Amount | Refusal:
    """Size the leg by a balance read now; legs that spend proceeds wait a little for balances that lag a fill."""
    delays = iter(LAG)
    while True:
        spend = size(step, venue.holding(step.leg.plan.spend), sweep.opened.policy)
        short = isinstance(spend, Refusal) or spend.quantity < step.wanted.quantity
        lagging = step.leg.plan.lot_id is None or sweep.top_up_of(step.leg.plan.lot_id) is not None
        if not (short and lagging and _wait(desk, delays)):
            return spend


def _decline(desk: Desk, account: str, sweep: Sweep, leg: Leg, refusal: Refusal) -> None:
    desk.streams.handle(account, DeclineLeg(leg.plan.leg_id, refusal), sweep.opened.sweep_id)


def _conclude(desk: Desk, account: str, sweep: Sweep, intent: LegRequested, answer: Answer) -> None:
    concluded = ConcludeLeg(intent.leg_id, intent.attempt, answer)
    desk.streams.handle(account, concluded, sweep.opened.sweep_id)
