"""The rules of alerts. Pure.

Some alarms are told of an event. The others are told of a condition that has held for long enough: a rule says which
conditions hold in a state, and `views.watch` knows since when.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from domain.account import Account
from domain.lane import Idle
from domain.leg import Requested, Unknown
from domain.strategy import Strategy
from events.facts import (
    AccountWentLive,
    DustInstructed,
    DustUnroutable,
    Fact,
    FundingDeclined,
    InstructionsExpired,
    SweepCompleted,
    TransactionDisplaced,
)
from events.money import Amount, exactly_less, plain, rounded, ticker
from views.alarms import Alarm, Limits
from views.flight import in_flight
from views.metrics import waiting

AT_ONCE: Final = timedelta(0)
# What a scan says of many assets comes in one breath; it is told of once it was all said.
SETTLED: Final = timedelta(minutes=1)


class Condition(NamedTuple):
    """Something that holds: its alarm when it did for `after`, and what is told when it is over after that.

    `cause` tells one time that it holds from another. `since` None: since the event that made it hold.
    """

    alarm: Alarm
    subject: str
    text: str
    after: timedelta
    over: Alarm | None = None
    cause: str = ""
    since: datetime | None = None


class Known(NamedTuple):
    """What is known of an account beside its fold: its last scan, the last outage's words, and what has no way out.

    `stuck` is the value of all of that, `told` what it was when it was last told of.
    """

    scan: tuple[int, datetime] | None = None
    outage: str = ""
    stuck: Decimal = Decimal(0)
    told: Decimal = Decimal(0)
    currency: str = ""


class Streak(NamedTuple):
    """How many measurements of a strategy in a row were over the threshold, and how many could not be made."""

    over: int = 0
    doubts: int = 0


def event_alarm(fact: Fact) -> tuple[Alarm, str, str] | None:
    """Return what an event by itself is worth: the alarm, whom it is about, and the words."""
    match fact:
        case SweepCompleted(account=name, converted=converted, carried=carried, failed=failed, proceeds=proceeds):
            counts = f"{converted} converted, {carried} carried, {failed} failed; {proceeds} received"
            return (Alarm.SWEEP_FAILED if failed else Alarm.SWEEP_COMPLETED), name, f"sweep of {name}: {counts}"
        case AccountWentLive(account=name, sweep_cap=sweep, day_cap=day, currency=currency):
            caps = f"up to {plain(sweep)} a sweep and {plain(day)} a day ({currency})"
            return Alarm.ACCOUNT_WENT_LIVE, name, f"{name} may convert by itself, {caps}"
        case TransactionDisplaced(account=name, nonce=nonce, detail=detail):
            return Alarm.NONCE_DISPLACED, name, f"{name}: nonce {nonce} was used by somebody else; {detail}"
        case DustUnroutable(account=name, asset=asset, value=value, currency=currency, reason=reason):
            told = f"{ticker(asset)} worth {rounded(value)} {currency} has no way out: {reason.value}"
            return Alarm.DUST_UNROUTABLE, name, f"{name}: {told}"
        case FundingDeclined(account=name, trade=trade, amount=amount, reason=reason, largest=largest):
            most = f"; the most a trade could have is {largest}" if largest else ""
            return Alarm.FUNDING_DECLINED, name, f"{name}: trade {trade} got none of its {amount}: {reason}{most}"
        case DustInstructed(strategy=name, instructions=lots, total=total, net=net, currency=currency) as told:
            text = f"{name}: {len(lots)} lots worth {rounded(total)} {currency} are to be sold, for {rounded(net)} net"
            if told.approval_until is None:
                return Alarm.DUST_INSTRUCTED, name, text
            until = f"{told.approval_until:%Y-%m-%d %H:%M:%S} UTC"
            return Alarm.APPROVAL_AWAITED, name, f"{text}; {told.measure_id} waits for approval until {until}"
        case InstructionsExpired(strategy=name, measure_id=measure):
            return Alarm.INSTRUCTIONS_EXPIRED, name, f"{name}: nobody approved {measure} in time; nothing of it is sold"
        case _:
            return None


def account_conditions(account: Account, known: Known, limits: Limits) -> Iterator[Condition]:
    """Yield what holds of an account."""
    name = account.name
    if account.halted:
        text = f"{name} is halted: {account.halted}"
        yield Condition(Alarm.ACCOUNT_HALTED, name, text, AT_ONCE, Alarm.ACCOUNT_RESUMED)
    if account.outage != ("", ""):
        yield Condition(
            Alarm.VENUE_UNREACHABLE, name, f"{name}: {known.outage}", limits.unreachable_after, Alarm.VENUE_RECOVERED
        )
    yield from _unanswered(account, limits)
    waits = [Amount(quantity, asset) for asset in account.purse.money if (quantity := waiting(account, asset)) > 0]
    if waits:
        text = f"{name}: {', '.join(map(str, waits))} wait for enough to buy the target"
        yield Condition(Alarm.PROCEEDS_CARRIED, name, text, limits.carried_after)
    if exactly_less(known.stuck, known.told) >= limits.unroutable_growth:
        text = (
            f"{name}: dust without a way out grew from {rounded(known.told)} to {rounded(known.stuck)} {known.currency}"
        )
        yield Condition(Alarm.UNROUTABLE_GREW, name, text, SETTLED)
    if known.scan:
        position, at = known.scan
        text = f"{name} was last read at {at:%Y-%m-%d %H:%M} UTC"
        yield Condition(Alarm.SCAN_OVERDUE, name, text, limits.scan_overdue_after, cause=str(position))


def _unanswered(account: Account, limits: Limits) -> Iterator[Condition]:
    legs = account.sweep.legs.values() if account.sweep else ()
    unanswered = [leg for leg in legs if isinstance(leg, Requested | Unknown)]
    if unanswered:
        since = min(leg.intent.requested_at for leg in unanswered)
        asked = ", ".join(f"{leg.plan.kind} {leg.plan.product}" for leg in unanswered[:5])
        more = f" and {len(unanswered) - 5} more" if len(unanswered) > 5 else ""
        yield _unknown(account, since, f"{asked}{more}", limits)
    elif not isinstance(account.lane.state, Idle):
        yield _unknown(account, account.lane.state.attempts[0].signed_at, in_flight(account.lane), limits)


def _unknown(account: Account, since: datetime, asked: str, limits: Limits) -> Condition:
    advice = "do not trade by hand" if not in_flight(account.lane) else "`dustman doctor` says what its nodes say"
    text = f"{account.name}: no final answer since {since:%Y-%m-%d %H:%M} UTC to {asked}; {advice}"
    return Condition(
        Alarm.OUTCOME_UNKNOWN, account.name, text, limits.unknown_after, Alarm.OUTCOME_SETTLED, since=since
    )


def strategy_conditions(strategy: Strategy, streak: Streak, limits: Limits) -> Iterator[Condition]:
    """Yield what holds of a strategy."""
    name, last, doubt = strategy.name, strategy.measured, strategy.doubt
    if last and streak.over >= limits.over_intervals:
        told = f"{rounded(last.total)} {last.currency} of dust, the threshold is {rounded(last.threshold)}"
        why = f"; {last.sentence}" if last.sentence else ""
        text = f"{name}: {told}, over it {streak.over} times in a row{why}"
        yield Condition(Alarm.STRATEGY_OVER, name, text, AT_ONCE, Alarm.STRATEGY_BELOW)
    if doubt and streak.doubts >= limits.over_intervals:
        text = f"{name}: not measured {streak.doubts} times in a row, {doubt.sentence}"
        yield Condition(Alarm.STRATEGY_UNMEASURED, name, text, AT_ONCE, Alarm.STRATEGY_MEASURED)
