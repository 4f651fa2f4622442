"""The end of a sweep: every lot gets its answer, and every unit of proceeds a place.

Given the legs' outcomes, a lot is converted (it has its share of the target), failed (it never left, or its buy was
refused: the money is named), or carried (sold, and waiting for a buy that was too small or only partly made).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from domain.dust import smallest
from domain.leg import Filled, Leg, Refused
from domain.purse import ROUNDING, Purse, SoldLot
from domain.share import share
from domain.sweep import Sweep
from events.facts import DustConversionFailed, DustConverted, DustUnroutable, ProceedsCarried, SweepCompleted
from events.money import Amount, exactly_less, exactly_sum, plain, ticker
from events.values import CarriedLot, LegKind, Lot, Refusal, RefusalCode, Unroutable

BPS = Decimal(10_000)
TAUGHT = {
    RefusalCode.BELOW_MINIMUM: Unroutable.BELOW_MINIMUM,
    RefusalCode.NO_NET_GAIN: Unroutable.NO_NET_GAIN,
    RefusalCode.NOT_TRADABLE: Unroutable.REFUSED_BY_VENUE,
    RefusalCode.NOT_PERMITTED: Unroutable.REFUSED_BY_VENUE,
    RefusalCode.OTHER: Unroutable.REFUSED_BY_VENUE,
}

Answer = DustConverted | DustConversionFailed | DustUnroutable | ProceedsCarried | SweepCompleted


def settle(sweep: Sweep, purse: Purse, now: datetime) -> list[Answer]:
    """Give every lot of the sweep, and every lot carried into it, its answer; the last fact closes the sweep."""
    stuck = [_stuck(leg, sweep) for leg in sweep.legs.values() if _kept_its_lot(leg)]
    taught = [lesson for leg in sweep.legs.values() if _kept_its_lot(leg) and (lesson := _lesson(leg, sweep, now))]
    bought, carried, failed = _proceeds(sweep, purse)
    waiting = {lot.lot_id for each in carried for lot in each.lots} - {each.lot_id for each in failed}
    completed = SweepCompleted(
        account=sweep.opened.account,
        sweep_id=sweep.opened.sweep_id,
        converted=len(bought),
        carried=len(waiting),
        failed=len(stuck) + len(failed),
        proceeds=sum((each.proceeds for each in bought), Amount(Decimal(0), sweep.opened.policy.target)),
    )
    return [*stuck, *taught, *bought, *failed, *carried, completed]


def _kept_its_lot(leg: Leg) -> bool:
    """A refused exit leaves its lot where it was; a refused top-up shows in the exit that it was for."""
    return isinstance(leg, Refused) and leg.plan.lot_id is not None and leg.plan.kind is not LegKind.TOP_UP


def _stuck(leg: Leg, sweep: Sweep) -> DustConversionFailed:
    assert isinstance(leg, Refused)  # _kept_its_lot
    assert leg.plan.lot_id is not None
    lot = sweep.lot(leg.plan.lot_id)
    topping = sweep.top_up_of(lot.lot_id)
    done = (topping,) if isinstance(topping, Filled) else ()
    there = Amount(exactly_sum(lot.quantity, *(each.fill.received.quantity for each in done)), lot.asset)
    gone = leg.refusal.code is RefusalCode.INSUFFICIENT_BALANCE
    return DustConversionFailed(
        account=sweep.opened.account,
        sweep_id=sweep.opened.sweep_id,
        lot_id=lot.lot_id,
        asset=lot.asset,
        refusal=leg.refusal,
        legs_done=tuple(each.plan.leg_id for each in done),
        money=() if gone else (there,),
    )


def _lesson(leg: Leg, sweep: Sweep, now: datetime) -> DustUnroutable | None:
    """What a refusal teaches about the asset, so that the next scan does not announce it for nothing."""
    assert isinstance(leg, Refused)  # _kept_its_lot
    reason = TAUGHT.get(leg.refusal.code)
    # That a balance fell below a minimum is not the venue's teaching: the next scan sees it, or sees that it is back.
    own = reason is Unroutable.BELOW_MINIMUM and not leg.refusal.venue_code
    if reason is None or own or leg.plan.lot_id is None:
        return None
    lot = sweep.lot(leg.plan.lot_id)
    return DustUnroutable(
        account=sweep.opened.account,
        asset=lot.asset,
        quantity=lot.quantity,
        value=lot.value,
        currency=lot.currency,
        reason=reason,
        sentence=leg.refusal.sentence,
        missing=leg.refusal.missing,
        learned=True,
        noted_at=now,
        base_fee=leg.refusal.base_fee,
    )


def _proceeds(
    sweep: Sweep, purse: Purse
) -> tuple[list[DustConverted], list[ProceedsCarried], list[DustConversionFailed]]:
    target = sweep.opened.policy.target
    if target in sweep.opened.policy.hubs:
        ready = [lot for lot in purse.owed if lot.contribution.asset == target]
        return _paid_in_target(sweep, ready, purse), _left(sweep, purse, ready, refusal=None), []
    buy = next((leg for leg in sweep.legs.values() if leg.plan.kind is LegKind.BUY), None)
    if not isinstance(buy, Filled):
        refusal = buy.refusal if isinstance(buy, Refused) else None
        return [], _left(sweep, purse, (), refusal), _unbought(sweep, purse, refusal)
    nothing, slip = Amount(Decimal(0), buy.plan.spend), _slip(buy)
    paid = [(lot, lot.received) for lot in purse.owed if lot.received and lot.contribution == nothing]
    bought = [_converted(sweep, lot, received, slip) for lot, received in paid]
    return bought, _left(sweep, purse, [lot for lot, _ in paid], refusal=None), []


def _paid_in_target(sweep: Sweep, ready: Sequence[SoldLot], purse: Purse) -> list[DustConverted]:
    """Where the target is itself a hub, proceeds are the target; what exchanges rounded away is shared by all."""
    if not ready:
        return []
    target, weights = sweep.opened.policy.target, [lot.contribution.quantity for lot in ready]
    total = max(min(exactly_sum(*weights), purse.of(target)), Decimal(0))
    parts = share(total, weights)
    return [_converted(sweep, lot, Amount(part, target), Decimal(1)) for lot, part in zip(ready, parts, strict=True)]


def _converted(sweep: Sweep, sold: SoldLot, proceeds: Amount, slip: Decimal) -> DustConverted:
    return DustConverted(
        account=sweep.opened.account,
        sweep_id=sweep.opened.sweep_id,
        lot_id=sold.lot.lot_id,
        asset=sold.lot.asset,
        quantity=sold.sold,
        unsold=max(exactly_less(sold.lot.quantity, sold.sold), Decimal(0)),
        proceeds=proceeds,
        fees=sold.fees,
        executions=sold.executions,
        order_ids=sold.order_ids,
        slippage_bps=_bps(sold.slip * slip),
        value=sold.value,
        currency=sold.lot.currency,
    )


def _slip(buy: Filled) -> Decimal:
    """Compare what a buy gave for its money with what the quote had offered for it."""
    fill, quote = buy.fill, buy.intent.quote
    offered = quote.receive.quantity * fill.spent.quantity / quote.spend.quantity
    return fill.received.quantity / offered if offered else Decimal(1)


def _bps(slip: Decimal) -> Decimal:
    """Write fill by quote, of both legs, as the difference in basis points; negative is worse."""
    with localcontext(prec=200):
        return ((slip - 1) * BPS).quantize(Decimal("0.01"))


def _left(sweep: Sweep, purse: Purse, answered: Collection[SoldLot], refusal: Refusal | None) -> list[ProceedsCarried]:
    """Name the proceeds that wait, per currency, and what they wait for."""
    carried = []
    for hub in sweep.opened.policy.hubs:
        lots = [lot for lot in purse.owed if lot.contribution.asset == hub and lot not in answered]
        if lots:
            waiting = tuple(CarriedLot(lot.lot.lot_id, lot.contribution, _received(lot, sweep)) for lot in lots)
            sentence, missing = _waits_for(sweep, purse, hub, refusal)
            amount = Amount(purse.of(hub), hub)
            carried.append(
                ProceedsCarried(sweep.opened.account, sweep.opened.sweep_id, amount, waiting, sentence, missing)
            )
    return carried


def _received(lot: SoldLot, sweep: Sweep) -> Decimal:
    target = sweep.opened.policy.target
    return lot.received.quantity if lot.received and lot.received.asset == target else Decimal(0)


def _waits_for(sweep: Sweep, purse: Purse, hub: str, refusal: Refusal | None) -> tuple[str, Amount | None]:
    if refusal is not None:
        return refusal.sentence, refusal.missing
    leg = next((leg for leg in sweep.legs.values() if leg.plan.lot_id is None and leg.plan.spend == hub), None)
    if leg is None:
        return f"no market leads from {ticker(hub)} to the target today", None
    if isinstance(leg, Refused):
        return leg.refusal.sentence, leg.refusal.missing
    if isinstance(leg, Filled):
        spent, asked = leg.fill.spent, leg.intent.spend
        partly = spent.quantity < asked.quantity * (1 - ROUNDING)
        why = f"of {asked} found a seller" if partly else "was free on the account"
        return f"only {spent} {why}; the rest joins the next sweep", None
    needed = smallest(leg.plan.minimum, leg.plan.increment)
    missing = Amount(max(exactly_less(needed, purse.of(hub)), Decimal(0)), hub)
    return f"{leg.plan.product} takes at least {plain(needed)}, {missing} more is needed", missing


def _unbought(sweep: Sweep, purse: Purse, refusal: Refusal | None) -> list[DustConversionFailed]:
    """A buy that was refused for more than its size failed this sweep's lots; their money is in the hub currency."""
    if refusal is None or refusal.code is RefusalCode.BELOW_MINIMUM:
        return []
    mine: set[Lot] = set(sweep.opened.lots)
    return [
        DustConversionFailed(
            account=sweep.opened.account,
            sweep_id=sweep.opened.sweep_id,
            lot_id=sold.lot.lot_id,
            asset=sold.lot.asset,
            refusal=refusal,
            legs_done=tuple(
                leg.plan.leg_id
                for leg in sweep.legs.values()
                if isinstance(leg, Filled) and leg.plan.lot_id == sold.lot.lot_id
            ),
            money=(sold.contribution,),
        )
        for sold in purse.owed
        if sold.lot in mine
    ]
