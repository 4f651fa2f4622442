"""What dust has earned on an account and not yet spent, and whose it is: every fill moves through the purse.

Exits earn, top-ups and buys spend, exchanges move from hub to hub. What an order could not spend stays with the lots
whose money it is, so that a later order's target is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import NamedTuple

from domain.leg import Filled, Leg, is_exit
from domain.share import share
from events.money import Amount, exactly_less, exactly_sum
from events.values import Execution, Fill, LegKind, Lot

# What an order leaves unspent of its size: this part of it is a rounding of the venue, not money waiting for a seller.
ROUNDING = Decimal("0.01")
_NOTHING = Decimal(0)


class SoldLot(NamedTuple):
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


class Purse(NamedTuple):
    """What dust has earned on an account and not yet spent: money per hub currency, and the lots it came from."""

    money: Mapping[str, Decimal]
    owed: tuple[SoldLot, ...]

    def of(self, asset: str) -> Decimal:
        """Return the money in one currency."""
        return self.money.get(asset, _NOTHING)


def receive(purse: Purse, leg: Filled, lot: Lot | None, topping: Leg | None) -> Purse:
    """Move a fill through the purse; `lot` is what the leg belongs to, if to one, and `topping` its top-up."""
    plan, fill = leg.plan, leg.fill
    money, owed, leaves = dict(purse.money), purse.owed, is_exit(plan)
    if not leaves:
        money[plan.spend] = exactly_less(purse.of(plan.spend), fill.spent.quantity)
    if leaves or plan.kind is LegKind.CONVERT:
        money[plan.receive] = exactly_sum(purse.of(plan.receive), fill.received.quantity)
    if lot and leaves:
        sold = _sold(lot, leg)
        owed = (*owed, _lifted(sold, topping.fill) if isinstance(topping, Filled) else sold)
    elif plan.kind is LegKind.CONVERT:
        owed = _moved(owed, leg, left=money[plan.spend])
    elif plan.kind is LegKind.BUY:
        owed = _bought(owed, leg, left=money[plan.spend])
    return Purse(money, owed)


def gross(arrived: Amount, fees: tuple[Amount, ...]) -> Decimal:
    """Add to what arrived the fees that were taken out of it."""
    return exactly_sum(arrived.quantity, *[fee.quantity for fee in fees if fee.asset == arrived.asset])


def _sold(lot: Lot, leg: Filled) -> SoldLot:
    fill, quote = leg.fill, leg.intent.quote
    sold, brought = fill.spent.quantity, gross(fill.received, fill.fees)
    offered = gross(quote.receive, quote.fees) * sold / quote.spend.quantity
    slip = brought / offered if offered else Decimal(1)
    return SoldLot(
        lot=lot,
        sold=sold,
        contribution=fill.received,
        slip=slip,
        value=sold * quote.price * slip if leg.plan.kind in (LegKind.SWAP, LegKind.DUST) else brought,
        fees=fill.fees,
        executions=fill.executions,
        order_ids=(fill.order_id,),
    )


def _lifted(sold: SoldLot, top_up: Fill) -> SoldLot:
    """Charge a lot with what lifted it over its minimum."""
    return sold._replace(
        contribution=sold.contribution - Amount(top_up.spent.quantity, sold.contribution.asset),
        fees=(*top_up.fees, *sold.fees),
        executions=(*top_up.executions, *sold.executions),
        order_ids=(top_up.order_id, *sold.order_ids),
    )


def _moved(owed: tuple[SoldLot, ...], leg: Filled, left: Decimal) -> tuple[SoldLot, ...]:
    """Let the lots whose money was exchanged be owed in the other hub; one it did not reach stays whole."""
    ready, paid = _paid(owed, leg, left)
    moved = {lot.lot.lot_id for lot, part in zip(ready, paid, strict=True) if part == lot.contribution.quantity}
    return tuple(
        lot._replace(contribution=Amount(lot.contribution.quantity, leg.plan.receive))
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
        due, received = lot.contribution.quantity, parts[nth]
        if paid[nth] == 0 != due:
            continue
        if lot.received and lot.received.asset == fill.received.asset:
            received = exactly_sum(received, lot.received.quantity)
        served[lot.lot.lot_id] = SoldLot(
            lot=lot.lot,
            sold=lot.sold,
            contribution=Amount(exactly_less(due, paid[nth]), leg.plan.spend),
            slip=lot.slip,
            value=lot.value,
            fees=(*lot.fees, *[Amount(shares[nth], asset) for asset, shares in fees]),
            executions=lot.executions,
            order_ids=(*lot.order_ids, fill.order_id),
            received=Amount(received, fill.received.asset),
        )
    return tuple([served.get(lot.lot.lot_id, lot) for lot in owed])


def _paid(owed: tuple[SoldLot, ...], leg: Filled, left: Decimal) -> tuple[list[SoldLot], list[Decimal]]:
    """Say whose money a leg spent out of a pool in which `left` remains, and how much of each lot's.

    An order for all of the pool, filled but for a rounding, spent everybody's; else that of the oldest lots, as far as
    it went, so that what is left belongs to the others. Who lacks less than one step is paid, since that buys nothing.
    """
    ready = [lot for lot in owed if lot.contribution.asset == leg.plan.spend]
    due = [lot.contribution.quantity for lot in ready]
    money, step, paid = leg.fill.spent.quantity, leg.plan.increment, list[Decimal]()
    asked = leg.intent.spend.quantity
    with localcontext(prec=200):
        if money + left - asked < step and asked - money < max(step, asked * ROUNDING):
            return ready, due
        for each in due:
            paid.append(each if each < money + step else max(money, _NOTHING))
            money -= paid[-1]
    return ready, paid
