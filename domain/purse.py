"""What dust has earned on an account and not yet spent, and whose it is: every fill moves through the purse.

Exits earn, top-ups and buys spend, exchanges move from hub to hub. What an order could not spend stays with the lots
whose money it is, so that a later order's target is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.leg import Filled, Leg, is_exit
from domain.share import share
from events.money import Amount, exactly_less, exactly_sum
from events.values import Execution, Fill, LegKind, Lot

# What an order leaves unspent of its size: this part of it is a rounding of the venue, not money waiting for a seller.
ROUNDING = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class SoldLot:
    """A lot that has left its asset and is not the target yet.

    `contribution` is what of its net proceeds is still in a hub currency, `received` what it has got of the target.
    `slip` is what the sale brought by what the venue had offered for it.
    """

    lot: Lot
    sold: Decimal
    contribution: Amount
    slip: Decimal
    value: Decimal
    fees: tuple[Amount, ...]
    executions: tuple[Execution, ...]
    order_ids: tuple[str, ...]
    received: Amount | None = None


@dataclass(frozen=True, slots=True)
class Purse:
    """What dust has earned on an account and not yet spent: money per hub currency, and the lots it came from."""

    money: Mapping[str, Decimal]
    owed: tuple[SoldLot, ...]

    def of(self, asset: str) -> Decimal:
        """Return the money in one currency."""
        return self.money.get(asset, Decimal(0))


def receive(purse: Purse, leg: Filled, lot: Lot | None, topping: Leg | None) -> Purse:
    """Move a fill through the purse; `lot` is what the leg belongs to, if to one, and `topping` its top-up."""
    plan, fill = leg.plan, leg.fill
    money, owed = dict(purse.money), purse.owed
    if not is_exit(plan):
        money[plan.spend] = exactly_less(purse.of(plan.spend), fill.spent.quantity)
    if is_exit(plan) or plan.kind is LegKind.CONVERT:
        money[plan.receive] = exactly_sum(purse.of(plan.receive), fill.received.quantity)
    if lot and is_exit(plan):
        owed = (*owed, _sold(lot, leg, topping))
    elif plan.kind is LegKind.CONVERT:
        owed = _moved(owed, leg, left=money[plan.spend])
    elif plan.kind is LegKind.BUY:
        owed = _bought(owed, leg, left=money[plan.spend])
    return Purse(money, owed)


def sum_of(fees: tuple[Amount, ...], asset: str) -> Amount:
    """Add up the fees that are in one asset."""
    return sum((fee for fee in fees if fee.asset == asset), Amount(Decimal(0), asset))


def _sold(lot: Lot, leg: Filled, topping: Leg | None) -> SoldLot:
    fill, quote = leg.fill, leg.intent.quote
    fills: tuple[Fill, ...] = (topping.fill, fill) if isinstance(topping, Filled) else (fill,)
    cost = topping.fill.spent.quantity if isinstance(topping, Filled) else Decimal(0)
    brought = (fill.received + sum_of(fill.fees, fill.received.asset)).quantity
    offered = (quote.receive + sum_of(quote.fees, quote.receive.asset)).quantity
    offered = offered * fill.spent.quantity / quote.spend.quantity
    slip = brought / offered if offered else Decimal(1)
    swapped = leg.plan.kind is LegKind.SWAP
    return SoldLot(
        lot=lot,
        sold=fill.spent.quantity,
        contribution=fill.received - Amount(cost, fill.received.asset),
        slip=slip,
        value=fill.spent.quantity * quote.price * slip if swapped else brought,
        fees=tuple(fee for each in fills for fee in each.fees),
        executions=tuple(execution for each in fills for execution in each.executions),
        order_ids=tuple(each.order_id for each in fills),
    )


def _moved(owed: tuple[SoldLot, ...], leg: Filled, left: Decimal) -> tuple[SoldLot, ...]:
    """Let the lots whose money was exchanged be owed in the other hub; one it did not reach stays whole."""
    ready, paid = _paid(owed, leg, left)
    moved = {lot.lot.lot_id for lot, part in zip(ready, paid, strict=True) if part == lot.contribution.quantity}
    return tuple(
        replace(lot, contribution=Amount(lot.contribution.quantity, leg.plan.receive))
        if lot.lot.lot_id in moved
        else lot
        for lot in owed
    )


def _bought(owed: tuple[SoldLot, ...], leg: Filled, left: Decimal) -> tuple[SoldLot, ...]:
    """Give what was bought, and its fee, to the lots whose money was spent."""
    fill = leg.fill
    ready, paid = _paid(owed, leg, left)
    if not ready:
        return owed
    parts = share(fill.received.quantity, paid)
    fees = [(fee.asset, share(fee.quantity, paid)) for fee in fill.fees]
    served = {}
    for nth, lot in enumerate(ready):
        if paid[nth] == 0 != lot.contribution.quantity:
            continue
        part = Amount(parts[nth], fill.received.asset)
        served[lot.lot.lot_id] = replace(
            lot,
            contribution=lot.contribution - Amount(paid[nth], leg.plan.spend),
            received=part + lot.received if lot.received and lot.received.asset == part.asset else part,
            fees=(*lot.fees, *(Amount(shares[nth], asset) for asset, shares in fees)),
            order_ids=(*lot.order_ids, fill.order_id),
        )
    return tuple(served.get(lot.lot.lot_id, lot) for lot in owed)


def _paid(owed: tuple[SoldLot, ...], leg: Filled, left: Decimal) -> tuple[list[SoldLot], list[Decimal]]:
    """Say whose money a leg spent out of a pool in which `left` remains, and how much of each lot's.

    An order for all of the pool, filled but for a rounding, spent everybody's; else that of the oldest lots, as far as
    it went, so that what is left belongs to the others. Who lacks less than one step is paid, since that buys nothing.
    """
    ready = [lot for lot in owed if lot.contribution.asset == leg.plan.spend]
    money, step, paid = leg.fill.spent.quantity, leg.plan.increment, []
    asked = leg.intent.spend.quantity
    unasked = exactly_less(exactly_sum(money, left), asked)
    whole = unasked < step and exactly_less(asked, money) < max(step, asked * ROUNDING)
    for due in (lot.contribution.quantity for lot in ready):
        paid.append(due if whole or due < exactly_sum(money, step) else max(money, Decimal(0)))
        money = exactly_less(money, paid[-1])
    return ready, paid
