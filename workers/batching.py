"""Exchanging small balances, many in one request: the converter's work and the reconciler's.

The intents of all its legs are on record before the venue hears of the request; their answers are recorded together
too, because the venue's log tells which request it was by all that travelled in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.commands import ConcludeBatch, ConcludeLeg, DeclineLeg, RequestBatch, SmallIntent
from domain.decision import fingerprint
from domain.errors import NOT_ASKED, OutcomeUnknown
from domain.identity import batch_key
from domain.leg import Answer, Leg, NeverArrived, Requested, Unknown, draft, order_of
from domain.sweep import Batch, Sweep, size
from domain.venue import Holding, Order, Pending
from domain.venue import NeverArrived as VenueKnowsNothing
from events.facts import LegRequested
from events.values import Quote, Refusal
from workers.desk import Desk
from workers.outages import outage_recorded


def request(desk: Desk, account: str, sweep: Sweep, step: Batch) -> None:
    """Record what the venue's offers allow, as much as one request takes, then ask; else record why not."""
    with outage_recorded(desk, account, sweep.opened.sweep_id):
        held = {holding.asset: holding for holding in desk.venue(account).holdings()}
    orders: dict[str, Order] = {}
    for each in step.of_at_most(desk.small_balances(account).largest_batch).tries:
        plan = each.leg.plan
        nothing = Holding(plan.spend, Decimal(0), Decimal(0))
        spend = size(each, held.get(plan.spend, nothing), sweep.opened.policy)
        if isinstance(spend, Refusal):
            _decline(desk, account, sweep, plan.leg_id, spend)
        else:
            orders[plan.leg_id] = draft(plan, spend)
    if not orders:
        return
    key = batch_key(orders)
    with outage_recorded(desk, account, sweep.opened.sweep_id):
        asked = [replace(order, key=key) for order in orders.values()]
        offers = desk.small_balances(account).offer_small(asked)
    intents = []
    for leg_id, order in orders.items():
        offer = offers[order.spend.asset]
        if isinstance(offer, Quote):
            intents.append(SmallIntent(leg_id, order.spend, offer, _attempt(sweep.legs[leg_id])))
        else:
            _decline(desk, account, sweep, leg_id, offer)
    if intents:
        mark = fingerprint(desk.mandates[account].policy)
        intent = RequestBatch(tuple(intents), mark, desk.worker, desk.clock())
        recorded = desk.streams.handle(account, intent, sweep.opened.sweep_id)
        _exchange(desk, account, sweep, [each.fact for each in recorded if isinstance(each.fact, LegRequested)])


def settle(desk: Desk, account: str, sweep: Sweep, legs: Sequence[Leg]) -> bool:
    """Ask what became of one request; returns whether every leg of it has a final answer."""
    intents = [leg.intent for leg in legs if isinstance(leg, Requested | Unknown)]
    with outage_recorded(desk, account, sweep.opened.sweep_id):
        answers = desk.small_balances(account).small_outcome([order_of(intent) for intent in intents])
    _conclude(desk, account, sweep, intents, answers)
    return not any(isinstance(answer, Pending) for answer in answers.values())


def _exchange(desk: Desk, account: str, sweep: Sweep, intents: Sequence[LegRequested]) -> None:
    """Make the request whose intents this worker has just recorded; nobody else may."""
    if not intents:
        return
    orders = [order_of(intent) for intent in intents]
    try:
        with outage_recorded(desk, account, sweep.opened.sweep_id):
            answers = desk.small_balances(account).exchange_small(orders)
    except OutcomeUnknown as lost:
        answers = {order.spend.asset: Pending(str(lost)) for order in orders}
    except NOT_ASKED:
        # It is certain that the request was not taken; it is made again when the venue is back.
        nothing = {order.spend.asset: VenueKnowsNothing() for order in orders}
        _conclude(desk, account, sweep, intents, nothing)
        raise
    _conclude(desk, account, sweep, intents, answers)


def _conclude(
    desk: Desk, account: str, sweep: Sweep, intents: Sequence[LegRequested], answers: Mapping[str, Answer]
) -> None:
    told = tuple(ConcludeLeg(intent.leg_id, intent.attempt, answers[intent.spend.asset]) for intent in intents)
    desk.streams.handle(account, ConcludeBatch(told), sweep.opened.sweep_id)


def _attempt(leg: Leg) -> int:
    return leg.intent.attempt + 1 if isinstance(leg, NeverArrived) else 1


def _decline(desk: Desk, account: str, sweep: Sweep, leg_id: str, refusal: Refusal) -> None:
    desk.streams.handle(account, DeclineLeg(leg_id, refusal), sweep.opened.sweep_id)
