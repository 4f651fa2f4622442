"""Promises of ETH to trades: none is promised twice, a promise ends by itself, a repeated request is the same one.

Gas of transactions that serve no trade is not paid of what is promised.

A request is answered by what the account has, what it promised, and what it may convert; if it has to convert, it opens
a sweep of the same kind as dust does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from domain.account import Account, Reservation
from domain.commands import ReleaseEth, RequestEth
from domain.funding import Conversion, Impossible, largest, plan
from domain.identity import funding_id, leg_id, lot_id, reservation_id
from domain.lane import Idle, flying, most_gas
from domain.treasury import Treasury, gas_reserve
from events.facts import AccountFact, EthReserved, FundingDeclined, FundingOpened, ReservationReleased
from events.money import Amount, exactly_less, exactly_sum, plain
from events.values import (
    FundingAnswer,
    LegKind,
    Lot,
    PlannedLeg,
    Policy,
    Release,
    SignedTransaction,
)

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Need:
    """What a request comes to: `promised` to other trades, `gas` kept beside this one, and what is short."""

    promised: Decimal
    gas: Decimal
    shortage: Decimal
    allowance: Decimal


def promised(account: Account, now: datetime) -> Decimal:
    """Return the ETH that is promised at a moment, gas kept beside it included."""
    return exactly_sum(*(each.eth for each in account.reservations.values() if each.fact.expires_at > now))


def gas_shortage(account: Account, signed: SignedTransaction, ether: Decimal, brings: Decimal, now: datetime) -> str:
    """Say that a transaction's gas may take what is promised to trades, empty where it does not.

    `ether` is there, and `brings` what the transaction adds to it.
    """
    kept, most = promised(account, now), most_gas(signed)
    if not kept or exactly_less(exactly_sum(ether, brings), most) >= kept:
        return ""
    return f"gas may take {plain(most)} ETH of {plain(ether)}, of which {plain(kept)} is promised to trades"


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


def _within(command: RequestEth) -> timedelta:
    """Return how long a conversion may take: until nobody waits for it any more, or until its promise ends."""
    assert command.policy.funding is not None  # the worker asks for accounts that have it
    return min(command.until - command.now, timedelta(seconds=command.policy.funding.life))


def _need(command: RequestEth, account: Account, treasury: Treasury) -> _Need:
    assert command.policy.funding is not None  # the worker asks for accounts that have it
    gas = gas_reserve(command.policy.funding, treasury.gas_price)
    others = promised(account, command.now)
    short = exactly_less(exactly_sum(command.amount.quantity, gas, others, flying(account.lane)), treasury.ether)
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
    sweep, coin = funding_id(reservation, command.cause), command.amount.asset
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
