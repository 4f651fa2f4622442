"""The dry run: real balances, the venue's own preview of each leg, net after fees. Nothing is sold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.bundle import intents, objection
from domain.chain import Chain
from domain.commands import Declare
from domain.decision import findings, fingerprint
from domain.dust import Market, smallest
from domain.leg import Planned, draft
from domain.scan import Findings, Reading
from domain.venue import SmallBalanceDesk, Venue
from events.facts import DryRunCompleted
from events.money import Amount, exactly_sum, floor_to
from events.values import LegKind, PlannedLeg, Policy, Quote, Refusal, RefusalCode
from workers.desk import Desk
from workers.scanning import read


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One leg of a dry run: what it would spend and what the venue offers.

    `estimated` is true for a leg that spends what is not there before the legs ahead of it are done: no venue previews
    that, so its offer is reckoned from the book and the policy's fee. None: the proceeds do not reach its minimum.
    """

    plan: PlannedLeg
    spend: Amount
    offer: Quote | Refusal | None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A whole dry run; `net` is what would arrive of the target, and `waiting` what would be carried."""

    reading: Reading
    findings: Findings
    legs: tuple[Rehearsed, ...]
    net: Amount
    waiting: tuple[Amount, ...]

    @property
    def refused(self) -> int:
        """Count the legs that the venue would not make."""
        return sum(isinstance(leg.offer, Refusal) for leg in self.legs)


def rehearse(desk: Desk, account: str, due: datetime, command_id: str, automatic: bool = True) -> Rehearsal:
    """Price a sweep leg by leg and record that this policy was tried; a preview a lot, or on a chain one for all."""
    policy, venue = desk.mandates[account].policy, desk.venue(account)
    reading = read(desk, account, due, automatic)
    known = desk.streams.load(account).state
    found = findings(known, reading, policy)
    purse = {hub: known.purse.of(hub) for hub in policy.hubs}
    offers = _proposed(venue, found, policy) if isinstance(venue, Chain) else _small(venue, found)
    legs = [_rehearsed(venue, plan, purse, reading, policy, found, offers) for plan in found.legs]
    target = policy.target
    bought = exactly_sum(
        *(leg.offer.receive.quantity for leg in legs if isinstance(leg.offer, Quote) and leg.plan.receive == target)
    )
    net = Amount(purse.get(target, bought), target)
    waiting = tuple(Amount(money, hub) for hub, money in purse.items() if money > 0 and hub != policy.target)
    rehearsal = Rehearsal(reading, found, tuple(legs), net, waiting)
    told = DryRunCompleted(account, fingerprint(policy), len(found.lots), rehearsal.refused, net, desk.clock())
    desk.streams.handle(account, Declare(told, command_id), correlation=command_id)
    return rehearsal


def _proposed(chain: Chain, found: Findings, policy: Policy) -> Mapping[str, Quote | Refusal]:
    """Have all swaps simulated as the transactions that they will be; by leg id what each brings after gas, or a no."""
    plans = {plan.leg_id: plan for plan in found.legs if plan.kind is LegKind.SWAP}
    spends = {leg_id: _spend(plan, {}, found) for leg_id, plan in plans.items()}
    drafts = {leg_id: draft(plan, spends[leg_id]) for leg_id, plan in plans.items()}
    legs = {leg_id: Planned(plan) for leg_id, plan in plans.items()}
    told: dict[str, Quote | Refusal] = {}
    for proposal in chain.forecast(list(drafts.values())):
        told |= {leg_id: no for leg_id, order in drafts.items() if (no := proposal.dropped.get(order.key))}
        offered = intents(spends, legs, proposal)
        told |= {each.leg_id: objection(each, proposal, policy) or each.quote for each in offered}
    return told


def _small(venue: Venue, found: Findings) -> Mapping[str, Quote | Refusal]:
    """Have all small balances offered for in one request, by leg id."""
    plans = [plan for plan in found.legs if plan.kind is LegKind.DUST]
    if not plans or not isinstance(venue, SmallBalanceDesk):
        return {}
    drafts = {plan.leg_id: draft(plan, _spend(plan, {}, found)) for plan in plans}
    offers = venue.offer_small(list(drafts.values()))
    return {leg_id: offers[order.spend.asset] for leg_id, order in drafts.items()}


def _rehearsed(
    venue: Venue,
    plan: PlannedLeg,
    purse: dict[str, Decimal],
    reading: Reading,
    policy: Policy,
    found: Findings,
    offers: Mapping[str, Quote | Refusal],
) -> Rehearsed:
    held = {holding.asset: holding.available for holding in reading.holdings}
    spend = _spend(plan, purse, found)
    if plan.lot_id is None and spend.quantity < max(plan.minimum, plan.increment):
        return Rehearsed(plan, spend, None)
    estimated = spend.quantity > held.get(spend.asset, Decimal(0))
    if estimated:
        offer = _reckoned(plan, spend, reading.market, policy)
    else:
        offer = offers.get(plan.leg_id) or venue.quote(draft(plan, spend))
    if isinstance(offer, Quote):
        for asset, change in (
            (offer.spend.asset, offer.spend.quantity.copy_negate()),
            (plan.receive, offer.receive.quantity),
        ):
            if asset in purse:
                purse[asset] = exactly_sum(purse[asset], change)
    return Rehearsed(plan, spend, offer, estimated)


def _spend(plan: PlannedLeg, purse: Mapping[str, Decimal], found: Findings) -> Amount:
    if plan.quantity is not None and plan.kind is LegKind.TOP_UP:
        return Amount(plan.quantity, plan.spend)
    if plan.lot_id is None:
        return Amount(floor_to(max(purse[plan.spend], Decimal(0)), plan.increment), plan.spend)
    lot = next(lot for lot in found.lots if lot.lot_id == plan.lot_id)
    least = smallest(plan.minimum, plan.increment)  # more than there is where a top-up is still to come
    return Amount(max(floor_to(lot.quantity, plan.increment), least), plan.spend)


def _reckoned(plan: PlannedLeg, spend: Amount, market: Market, policy: Policy) -> Quote | Refusal:
    """Reckon a leg that spends what legs before it bring: exchanges are one to one, a sale takes the bid less the fee,
    a buy takes the ask and the fee out of its spend."""
    if plan.kind is LegKind.CONVERT:
        return Quote(spend, Amount(spend.quantity, plan.receive), (), Decimal(1), "")
    if plan.kind is LegKind.SELL:
        return _sold(plan, spend, market, policy)
    product = market.product(plan.receive, plan.spend)
    ask = market.ask(product) if product else None
    if product is None or not ask:
        return Refusal(RefusalCode.NO_LIQUIDITY, f"nobody offers on {plan.product}")
    fee = spend.quantity * policy.taker_fee
    bought = floor_to((spend.quantity - fee) / ask, product.base_increment)
    return Quote(spend, Amount(bought, plan.receive), (Amount(fee, plan.spend),), ask, "")


def _sold(plan: PlannedLeg, spend: Amount, market: Market, policy: Policy) -> Quote | Refusal:
    product = market.product(plan.spend, plan.receive)
    bid = market.bid(product) if product else None
    if not bid:
        return Refusal(RefusalCode.NO_LIQUIDITY, f"nobody bids on {plan.product}")
    gross = spend.quantity * bid
    fee = gross * policy.taker_fee
    return Quote(spend, Amount(gross - fee, plan.receive), (Amount(fee, plan.receive),), bid, "")
