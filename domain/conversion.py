"""The conversion that a shortage opened: whether it is still needed, what it brings, how it ends for its trade.

In one transaction it is sold whole or not at all. Where each token goes by transactions of its own, what came before
one failed stays and counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, localcontext

from domain.account import Account
from domain.bundle import Intent
from domain.leg import Filled, NeverArrived, Planned, Refused, Requested, Unknown
from domain.reservation import held_for, promised
from domain.sweep import Sweep
from domain.treasury import Treasury
from events.facts import AccountFact, FundingCompleted, FundingOpened, ReservationReleased
from events.money import Amount, exactly_less, exactly_sum, plain
from events.values import Refusal, RefusalCode, Release

_NOTHING = Decimal(0)


def ended(sweep: Sweep, account: Account, now: datetime) -> Refusal | None:
    """Refuse a conversion that no trade waits for any more."""
    opened = sweep.opened
    if not isinstance(opened, FundingOpened) or _is_waited_for(opened, account, now):
        return None
    some = any(isinstance(leg, Filled) for leg in sweep.legs.values())
    what = "all" if some else "anything"
    return Refusal(RefusalCode.OTHER, f"the reservation of trade {opened.trade} ended before {what} was converted")


def enough(sweep: Sweep, account: Account, treasury: Treasury, now: datetime) -> Refusal | None:
    """Refuse what is left of a conversion when by now the ETH is there without it."""
    opened, halfway = sweep.opened, any(isinstance(leg, Filled) for leg in sweep.legs.values())
    if not isinstance(opened, FundingOpened) or not halfway or not _is_waited_for(opened, account, now):
        return None
    if treasury.head.number < account.lane.head or promised(account, now) > treasury.ether:
        return None
    return Refusal(RefusalCode.OTHER, f"{plain(treasury.ether)} ETH is there by now, which is enough without it")


def _is_waited_for(opened: FundingOpened, account: Account, now: datetime) -> bool:
    """Say whether the promise that it was opened for holds: its trade may have another by now, made without it."""
    held = held_for(account, opened.trade, now)
    return held is not None and held.fact.sweep_id == opened.sweep_id


def brought(sweep: Sweep) -> Decimal:
    """Return the ETH that a conversion's legs brought, or will as they are under way, gas taken off that none bears."""
    filled = (leg.fill.received.quantity for leg in sweep.legs.values() if isinstance(leg, Filled))
    asked = (leg.intent.quote.receive.quantity for leg in sweep.legs.values() if isinstance(leg, Requested | Unknown))
    return exactly_less(exactly_sum(*filled, *asked), sweep.gas)


def is_there(sweep: Sweep) -> bool:
    """Say whether a conversion has brought what was short, or what is under way does; only its end is still to come."""
    opened = sweep.opened
    asked = all(isinstance(leg, Filled | Requested | Unknown) for leg in sweep.legs.values())
    return isinstance(opened, FundingOpened) and asked and brought(sweep) >= opened.shortage.quantity


def settle(sweep: Sweep, opened: FundingOpened, account: Account) -> list[AccountFact]:
    """End a conversion for a trade; one that brought less than the shortage releases what was reserved with it."""
    fills = [leg.fill for leg in sweep.legs.values() if isinstance(leg, Filled)]
    refused = [leg.refusal for leg in sweep.legs.values() if isinstance(leg, Refused)]
    received = max(_NOTHING, brought(sweep)) if fills else _NOTHING
    values = {leg.plan.leg_id: leg.intent.quote.price for leg in sweep.legs.values() if isinstance(leg, Filled)}
    spent = [(leg.plan.leg_id, leg.fill.spent) for leg in sweep.legs.values() if isinstance(leg, Filled)]
    covered = received >= opened.shortage.quantity
    short = f"{plain(received)} ETH arrived, {plain(opened.shortage.quantity)} was short"
    stays = f"; {plain(received)} ETH arrived before that and stays" if fills else ""
    completed = FundingCompleted(
        account=opened.account,
        sweep_id=opened.sweep_id,
        reservation_id=opened.reservation_id,
        trade=opened.trade,
        spent=tuple(each for _, each in spent),
        received=Amount(received, opened.shortage.asset),
        value=exactly_sum(*(_product(each.quantity, values[leg]) for leg, each in spent)),
        currency=opened.policy.currency,
        covered=covered,
        tx_hash=next((fill.order_id for fill in fills), ""),
        reason="" if covered else next((each.sentence + stays for each in refused), short),
    )
    held = account.reservations.get(opened.reservation_id)
    if covered or held is None or held.fact.sweep_id != opened.sweep_id:
        return [completed]
    fell_short = ReservationReleased(opened.account, opened.reservation_id, opened.trade, Release.FELL_SHORT)
    return [completed, fell_short]


def cost_of(opened: FundingOpened, done: FundingCompleted) -> Decimal:
    """Return what a conversion cost, in the policy's currency: what left at its prices, less what arrived after gas."""
    prices = {lot.asset: lot.price for lot in opened.lots}
    left = exactly_sum(*(_product(each.quantity, prices[each.asset]) for each in done.spent))
    return exactly_less(left, _product(done.received.quantity, opened.worth))


def objection(intents: Iterable[Intent], opened: FundingOpened, sweep: Sweep) -> Refusal | None:
    """Check a conversion just before it is signed: exactly what was planned for at most what was planned.

    What it does not carry counts as far as it was made, or is planned for later.
    """
    later = {leg_id: leg.plan.output for leg_id, leg in sweep.legs.items() if isinstance(leg, Planned | NeverArrived)}
    brings = brought(sweep)
    for intent in intents:
        leg = sweep.legs[intent.leg_id].plan
        brings = exactly_sum(brings, intent.quote.receive.quantity)
        later.pop(intent.leg_id, None)
        if intent.quote.spend.quantity > (leg.quantity or _NOTHING) or intent.spend.quantity != leg.quantity:
            sentence = f"it would take {intent.quote.spend} now, at most {plain(leg.quantity or _NOTHING)} was planned"
            return Refusal(RefusalCode.NO_LIQUIDITY, sentence)
    brings = exactly_sum(brings, *(output or _NOTHING for output in later.values()))
    if brings < opened.shortage.quantity:
        sentence = f"after gas {plain(brings)} ETH would arrive, {opened.shortage} is short"
        return Refusal(RefusalCode.NO_NET_GAIN, sentence)
    return None


def _product(quantity: Decimal, price: Decimal) -> Decimal:
    with localcontext(prec=200):
        return quantity * price
