"""Promises of ETH to trades: none is promised twice, a promise ends by itself, a repeated request is the same one.

A request is answered by what the account has, what it promised, and what it may convert; if it has to convert, it opens
a sweep of the same kind as dust does. In one transaction that is sold whole or not at all; where each token goes by
itself, what came before one failed stays and counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from domain.account import Account, Reservation
from domain.bundle import Intent
from domain.commands import ReleaseEth, RequestEth
from domain.funding import Conversion, Impossible, largest, plan
from domain.identity import funding_id, leg_id, lot_id, reservation_id
from domain.lane import Idle
from domain.leg import Filled, NeverArrived, Planned, Refused, Requested, Unknown
from domain.sweep import Sweep
from domain.treasury import Treasury, gas_reserve
from events.facts import AccountFact, EthReserved, FundingCompleted, FundingDeclined, FundingOpened, ReservationReleased
from events.money import Amount, exactly_less, exactly_sum, plain
from events.values import (
    FundingAnswer,
    LegKind,
    Lot,
    PlannedLeg,
    Policy,
    Refusal,
    RefusalCode,
    Release,
)

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Need:
    """What a request comes to: `promised` to other trades, `gas` kept beside this one, and what is short."""

    promised: Decimal
    gas: Decimal
    shortage: Decimal
    allowance: Decimal


def promised(account: Account, now: datetime, beside: str = "") -> Decimal:
    """Return the ETH that is promised at a moment, gas kept beside it included, without the reservation `beside`."""
    return exactly_sum(
        *(
            each.eth
            for each in account.reservations.values()
            if each.fact.expires_at > now and each.fact.reservation_id != beside
        )
    )


def allowance(account: Account, policy: Policy, now: datetime) -> Decimal:
    """Return what the caps still let be converted today, in the policy's currency."""
    return min(policy.sweep_cap, exactly_less(policy.day_cap, account.spent_on(now.date())))


def held_for(account: Account, trade: str, now: datetime) -> Reservation | None:
    """Return the reservation that a trade has now."""
    found = account.reservations.get(reservation_id(account.name, trade))
    return found if found and found.fact.expires_at > now else None


def expired(account: Account, now: datetime) -> list[ReservationReleased]:
    """Release what was promised for too long."""
    return [
        ReservationReleased(account.name, each.fact.reservation_id, each.fact.trade, Release.EXPIRED)
        for each in account.reservations.values()
        if each.fact.expires_at <= now
    ]


def request(command: RequestEth, account: Account) -> list[AccountFact]:
    """Answer a trade's request; nothing where that would take another sweep than the open one, or a newer reading."""
    now = command.now
    if held_for(account, command.trade, now):
        return []
    treasury, amount = command.treasury, command.amount
    if isinstance(treasury, str):
        return [*expired(account, now), _declined(command, account, FundingAnswer.NOT_NOW, treasury, None, None)]
    if treasury.head.number < account.lane.head:
        return []
    need = _need(command, account, treasury)
    if need.shortage <= 0:
        answered = _reserved(command, account, need, FundingAnswer.COVERED, "")
        return [*expired(account, now), answered]
    if account.sweep is not None or account.claim is not None or not isinstance(account.lane.state, Idle):
        return []
    if obstacle := not_allowed(account, command.fingerprint):
        no = _declined(command, account, FundingAnswer.NOT_NOW, obstacle, None, None)
        return [*expired(account, now), no]
    if need.shortage > treasury.asked:
        return []  # more was promised since it was read: what that costs has to be asked first
    found = plan(treasury, command.policy, need.shortage, need.allowance, _within(command), command.overrun)
    if isinstance(found, Impossible) and found.answer is FundingAnswer.NOT_NOW:
        return [*expired(account, now), _declined(command, account, found.answer, found.reason, None, None)]
    if isinstance(found, Impossible):
        most = largest(treasury, command.policy, need.promised, need.allowance)
        gap = Amount(max(_NOTHING, exactly_less(amount.quantity, most)), amount.asset)
        no = _declined(command, account, found.answer, found.reason, gap, Amount(most, amount.asset))
        return [*expired(account, now), no]
    opened = _opened(command, account, treasury, need, found)
    answered = _reserved(command, account, need, FundingAnswer.CONVERTED, opened.sweep_id)
    return [*expired(account, now), answered, opened]


def release(command: ReleaseEth, account: Account) -> list[AccountFact]:
    """End a reservation once."""
    found = account.reservations.get(command.reservation_id)
    if found is None:
        return []
    return [ReservationReleased(account.name, command.reservation_id, found.fact.trade, command.why)]


def not_allowed(account: Account, mark: str) -> str:
    """Say why nothing may be converted for a trade now, empty when it may."""
    if account.halted:
        return f"conversions are halted: {account.halted}"
    if account.live != mark:
        why = "its policy changed since it went live" if account.live else "it never went live"
        return f"nothing may be converted, {why}"
    return ""


def ended(sweep: Sweep, account: Account, now: datetime) -> Refusal | None:
    """Refuse a conversion that no trade waits for any more."""
    opened = sweep.opened
    if not isinstance(opened, FundingOpened) or held_for(account, opened.trade, now):
        return None
    some = any(isinstance(leg, Filled) for leg in sweep.legs.values())
    what = "all" if some else "anything"
    return Refusal(RefusalCode.OTHER, f"the reservation of trade {opened.trade} ended before {what} was converted")


def enough(sweep: Sweep, account: Account, treasury: Treasury, now: datetime) -> Refusal | None:
    """Refuse what is left of a conversion when by now the ETH is there without it."""
    opened, halfway = sweep.opened, any(isinstance(leg, Filled) for leg in sweep.legs.values())
    if not isinstance(opened, FundingOpened) or not halfway or not held_for(account, opened.trade, now):
        return None
    if treasury.head.number < account.lane.head or promised(account, now) > treasury.ether:
        return None
    return Refusal(RefusalCode.OTHER, f"{plain(treasury.ether)} ETH is there by now, which is enough without it")


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


def settle(sweep: Sweep, opened: FundingOpened) -> list[AccountFact]:
    """End a conversion for a trade; one that brought less than the shortage releases what was reserved."""
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
    if covered:
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


def _within(command: RequestEth) -> timedelta:
    """Return how long a conversion may take: until nobody waits for it any more, or until its promise ends."""
    assert command.policy.funding is not None  # the worker asks for accounts that have it
    return min(command.until - command.now, timedelta(seconds=command.policy.funding.life))


def _product(quantity: Decimal, price: Decimal) -> Decimal:
    with localcontext(prec=200):
        return quantity * price


def _need(command: RequestEth, account: Account, treasury: Treasury) -> _Need:
    assert command.policy.funding is not None  # the worker asks for accounts that have it
    gas = gas_reserve(command.policy.funding, treasury.gas_price)
    others = promised(account, command.now)
    short = exactly_less(exactly_sum(command.amount.quantity, gas, others), treasury.ether)
    return _Need(others, gas, short, allowance(account, command.policy, command.now))


def _reserved(command: RequestEth, account: Account, need: _Need, answer: FundingAnswer, sweep_id: str) -> EthReserved:
    assert command.policy.funding is not None  # as above
    return EthReserved(
        account=account.name,
        reservation_id=reservation_id(account.name, command.trade),
        trade=command.trade,
        amount=command.amount,
        gas_reserve=Amount(need.gas, command.amount.asset),
        answer=answer,
        sweep_id=sweep_id,
        reserved_at=command.now,
        expires_at=command.now + timedelta(seconds=command.policy.funding.life),
    )


def _declined(
    command: RequestEth,
    account: Account,
    answer: FundingAnswer,
    reason: str,
    gap: Amount | None,
    most: Amount | None,
) -> FundingDeclined:
    return FundingDeclined(account.name, command.trade, command.amount, answer, reason, gap, most, command.now)


def _opened(
    command: RequestEth, account: Account, treasury: Treasury, need: _Need, conversions: list[Conversion]
) -> FundingOpened:
    reservation = reservation_id(account.name, command.trade)
    sweep, coin = funding_id(reservation, command.now), command.amount.asset
    lots = tuple(
        Lot(
            lot_id(sweep, each.token.asset),
            each.token.asset,
            each.spent,
            each.price,
            each.value,
            command.policy.currency,
        )
        for each in conversions
    )
    return FundingOpened(
        account=account.name,
        venue=command.venue,
        sweep_id=sweep,
        reservation_id=reservation,
        trade=command.trade,
        policy=command.policy,
        fingerprint=command.fingerprint,
        shortage=Amount(need.shortage, coin),
        worth=treasury.worth,
        lots=lots,
        total=exactly_sum(*(lot.value for lot in lots)),
        plan=tuple(_leg(sweep, each, coin) for each in conversions),
        head=treasury.head.number,
        opened_at=command.now,
    )


def _leg(sweep: str, conversion: Conversion, coin: str) -> PlannedLeg:
    asset, unit = conversion.token.asset, conversion.token.increment
    return PlannedLeg(
        leg_id=leg_id(sweep, LegKind.SWAP, asset),
        kind=LegKind.SWAP,
        product=conversion.product,
        spend=asset,
        receive=coin,
        lot_id=lot_id(sweep, asset),
        quantity=conversion.most,
        increment=unit,
        minimum=unit,
        output=conversion.output,
    )
