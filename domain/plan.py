"""The plan of a sweep: which legs turn its lots into the target.

Each lot is sold for a hub currency; proceeds are pooled in one hub; one buy makes the target of the pool. Where the
venue exchanges a pair one to one, that replaces the sale, and unifies proceeds in different hubs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from domain.dust import CENT, Dust, Market, settlement_hub, smallest
from domain.identity import leg_id, lot_id
from domain.small import STEP
from domain.venue import Product
from events.money import exactly_less, exactly_sum, floor_to
from events.values import LegKind, Lot, PlannedLeg, Policy

# A buy sized for the ask of a moment ago should still reach the minimum when the price has moved a little.
TOP_UP_MARGIN = Decimal("1.01")


def lot_of(dust: Dust, sweep: str, policy: Policy, topped_up: bool = False) -> Lot:
    """Make a lot of dust: what can be sold of it, floored to the market's increment; all of it when topped up."""
    size = dust.free if topped_up else dust.size
    lot, value = lot_id(sweep, dust.asset), size * dust.price
    return Lot(lot, dust.asset, size, dust.price, value, policy.currency, dust.source, dust.proof)


def plan(
    sweep: str,
    dust: Sequence[Dust],
    top_ups: Mapping[str, Decimal],
    carried: Mapping[str, Decimal],
    policy: Policy,
    market: Market,
) -> tuple[PlannedLeg, ...]:
    """Lay out all legs of a sweep: per lot, then unification of the other hubs, then one buy of the target.

    `top_ups` says by asset what is spent on lifting a lot over its minimum.
    """
    legs: list[PlannedLeg] = []
    for piece in dust:
        topped = top_ups.get(piece.asset)
        if topped:
            legs.append(_top_up(sweep, piece, topped))
        legs.append(_exit(sweep, piece, policy, market, topped is not None))
    pool = settlement_hub(policy, market)
    if pool is None:
        return tuple(legs)
    paid_in = {leg.receive for leg in legs if leg.kind is not LegKind.TOP_UP} | {h for h, q in carried.items() if q > 0}
    for hub in policy.hubs:
        if hub != pool and hub in paid_in and (hub, pool) in market.capabilities.convertible:
            legs.append(_exchange(sweep, hub, pool, None, None))
    if policy.target != pool and (product := market.product(policy.target, pool)):
        legs.append(_buy(sweep, product))
    return tuple(legs)


def top_up(dust: Dust, policy: Policy, market: Market, funds: Decimal) -> Decimal | None:
    """Say what to spend on buying up to the minimum if selling all recovers more than both fees and the spread cost.

    None when the policy has it off, when `funds` (hub currency: carried proceeds and the owner's allowance) do not
    cover it, or when it would not gain. The buy's fee is inside its quote size.
    """
    product = dust.product
    ask = market.ask(product) if product else None
    if policy.top_up is None or product is None or ask is None:
        return None
    lacking = exactly_less(smallest(product.base_minimum, product.base_increment), dust.free)
    whole_steps = smallest(lacking, product.base_increment)
    kept = Decimal(1) - policy.taker_fee
    cost = whole_steps * ask / kept * TOP_UP_MARGIN
    spend = max(floor_to(cost, product.quote_increment) + product.quote_increment, product.quote_minimum)
    bought = floor_to(spend * kept / ask, product.base_increment)
    sold = floor_to(exactly_sum(dust.free, bought), product.base_increment)
    gain = sold * dust.price * kept - spend
    short = sold < product.base_minimum or sold * ask < product.sale_minimum
    if short or spend > funds or gain <= max(policy.minimum_gain, Decimal(0)):
        return None
    return spend


def outlay(money: Mapping[str, Decimal], hub: str, policy: Policy) -> Decimal:
    """Say how much of a hub currency a top-up may spend: what dust has earned in it, and what the owner allows.

    The allowance is one for all hubs; what an earlier top-up laid out and did not bring back is taken off it.
    """
    laid_out = [min(other, Decimal(0)) for asset, other in money.items() if asset != hub]
    allowance = max(exactly_sum(policy.top_up or Decimal(0), *laid_out), Decimal(0))
    return exactly_sum(money.get(hub, Decimal(0)), allowance)


def _top_up(sweep: str, dust: Dust, spend: Decimal) -> PlannedLeg:
    assert dust.product is not None  # top_up() gives one only for dust with a market
    product = dust.product
    return PlannedLeg(
        leg_id(sweep, LegKind.TOP_UP, dust.asset),
        LegKind.TOP_UP,
        product.name,
        product.quote,
        dust.asset,
        lot_id(sweep, dust.asset),
        spend,
        product.quote_increment,
        product.quote_minimum,
    )


def _exit(sweep: str, dust: Dust, policy: Policy, market: Market, topped_up: bool) -> PlannedLeg:
    lot = lot_of(dust, sweep, policy, topped_up)
    if dust.offer is not None:
        return _small(sweep, dust, lot, market)
    if dust.product is None:
        return _exchange(sweep, dust.asset, dust.hub, lot.lot_id, lot.quantity)
    product = dust.product
    return PlannedLeg(
        leg_id(sweep, product.exit, dust.asset),
        product.exit,
        product.name,
        dust.asset,
        dust.hub,
        lot.lot_id,
        lot.quantity,
        product.base_increment,
        product.base_minimum,
    )


def _small(sweep: str, dust: Dust, lot: Lot, market: Market) -> PlannedLeg:
    desk = market.capabilities.small
    assert desk is not None  # it made the offer
    kind, small = LegKind.DUST, STEP
    name = leg_id(sweep, kind, dust.asset)
    return PlannedLeg(name, kind, desk.name, dust.asset, desk.pays, lot.lot_id, lot.quantity, small, small)


def _exchange(sweep: str, spend: str, receive: str, lot: str | None, quantity: Decimal | None) -> PlannedLeg:
    name = f"{spend.rsplit(':', 1)[-1]}-{receive.rsplit(':', 1)[-1]}"
    kind = LegKind.CONVERT
    return PlannedLeg(leg_id(sweep, kind, spend), kind, name, spend, receive, lot, quantity, CENT, CENT)


def _buy(sweep: str, product: Product) -> PlannedLeg:
    return PlannedLeg(
        leg_id(sweep, LegKind.BUY, product.base),
        LegKind.BUY,
        product.name,
        product.quote,
        product.base,
        None,
        None,
        product.quote_increment,
        product.quote_minimum,
    )
