"""The log as alerts: a fold that says what is worth telling, of events and of time that passes.

What comes out follows from the log and the owner's limits alone: a fold of the whole log gives every alert there ever
was again, under the same ids and in the same order. That is how a process goes on where another one ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from domain import account as accounts
from domain import strategy as strategies
from domain.account import Account
from domain.identity import alert_id
from domain.strategy import Strategy
from events.facts import (
    AccountFact,
    DustDetected,
    DustUnroutable,
    HoldingsKept,
    ScanCompleted,
    StrategyFact,
    StrategyMeasured,
    StrategyNotMeasured,
    VenueUnreachable,
)
from events.log import Recorded
from events.money import exactly_sum
from views.alarms import Alarm, Level, Limits, Severity
from views.conditions import Condition, Known, Streak, account_conditions, event_alarm, strategy_conditions

DIGEST: Final = "digest"
LONGEST: Final = 500
NEVER: Final = datetime.max.replace(tzinfo=UTC)
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody is told. `position` is that of the last event before it and `at` its time: together its place.

    `count` is how many alarms alike it stands for.
    """

    alert_id: str
    title: str
    text: str
    severity: Severity
    silent: bool
    count: int
    position: int
    at: datetime


class _Holding(NamedTuple):
    """A condition since it holds."""

    condition: Condition
    since: datetime
    position: int
    told: bool = False


@dataclass(slots=True)
class _Window:
    """Alarms alike that came after one was told of."""

    until: datetime
    count: int = 0
    text: str = ""
    position: int = 0


@dataclass(slots=True)
class Watch:
    """Everything that holds now and everything that was told lately, grown in place.

    Accounts that are not among `watched` are left alone; `identity` is the log's and goes into the ids.
    """

    identity: str
    limits: Limits
    watched: frozenset[str]
    position: int = 0
    _accounts: dict[str, Account] = field(default_factory=dict)
    _strategies: dict[str, Strategy] = field(default_factory=dict)
    _known: dict[str, Known] = field(default_factory=dict)
    _streaks: dict[str, Streak] = field(default_factory=dict)
    _stuck: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    _holding: dict[tuple[str, Alarm, str], _Holding] = field(default_factory=dict)
    _windows: dict[tuple[Alarm, str], _Window] = field(default_factory=dict)
    _digest: dict[tuple[Alarm, str], tuple[int, str]] = field(default_factory=dict)
    _digest_due: datetime | None = None
    _digest_from: int = 0
    _last: datetime = BEGINNING
    # The first time at which something is due, None when it has to be looked for.
    _due: datetime | None = None
    _out: list[Alert] = field(default_factory=list)

    def apply(self, recorded: Recorded) -> list[Alert]:
        """Apply one event; return what was due before it and what it is worth."""
        fact, at = recorded.fact, recorded.recorded_at
        self._advance(at)
        self.position, self._last = recorded.position, max(self._last, at)
        if isinstance(fact, StrategyFact):
            self._measured(fact, recorded)
        elif fact.account in self.watched:
            self._happened(fact, recorded)
        else:
            return self._taken()
        if found := event_alarm(fact):
            self._tell(*found, at, self.position)
        self._advance(at)
        return self._taken()

    def tick(self, now: datetime) -> list[Alert]:
        """Let time pass; return what is due by `now`."""
        self._advance(now)
        return self._taken()

    def _taken(self) -> list[Alert]:
        taken, self._out = self._out, []
        return taken

    def _happened(self, fact: AccountFact, recorded: Recorded) -> None:
        name = fact.account
        account = accounts.evolve(self._accounts.get(name) or Account(name), fact)
        self._accounts[name] = account
        self._known[name] = known = self._learned(fact, recorded)
        self._hold(recorded.stream, account_conditions(account, known, self.limits), recorded.recorded_at)

    def _learned(self, fact: AccountFact, recorded: Recorded) -> Known:
        known, stuck = self._known.get(fact.account, Known()), self._stuck.setdefault(fact.account, {})
        match fact:
            case ScanCompleted():
                return known._replace(scan=(recorded.position, recorded.recorded_at))
            case VenueUnreachable(venue=venue, operation=operation, detail=detail):
                return known._replace(outage=f"{venue} could not be reached ({operation}): {detail}")
            case DustUnroutable(asset=asset, value=value, currency=currency):
                stuck[asset] = value
                known = known._replace(currency=currency)
            case HoldingsKept(kept=kept):
                for each in kept:
                    stuck.pop(each.asset, None)
            case DustDetected(lots=lots):
                for lot in lots:
                    stuck.pop(lot.asset, None)
            case _:
                return known
        total = exactly_sum(*stuck.values())
        return known._replace(stuck=total, told=min(known.told, total))

    def _measured(self, fact: StrategyFact, recorded: Recorded) -> None:
        name = fact.strategy
        strategy = strategies.evolve(self._strategies.get(name) or Strategy(name), fact)
        self._strategies[name], streak = strategy, self._streaks.get(name, Streak())
        match fact:
            case StrategyMeasured(exceeds=exceeds):
                streak = Streak(over=streak.over + 1 if exceeds else 0)
            case StrategyNotMeasured():
                streak = streak._replace(doubts=streak.doubts + 1)
        self._streaks[name] = streak
        self._hold(recorded.stream, strategy_conditions(strategy, streak, self.limits), recorded.recorded_at)

    def _hold(self, stream: str, conditions: Iterable[Condition], at: datetime) -> None:
        """Take in what holds of whom a stream is about; what held and no longer does is over."""
        there = {(stream, each.alarm, each.cause): each for each in conditions}
        for key in [key for key in self._holding if key[0] == stream and key not in there]:
            self._due = None
            self._end(self._holding.pop(key), at)
        for key, condition in there.items():
            held = self._holding.get(key) or _Holding(condition, at, self.position)
            since = condition.since or held.since
            if key not in self._holding or since != held.since:
                self._due = None
            if held.condition != condition or self._due is None:
                self._holding[key] = held._replace(condition=condition, since=since)

    def _end(self, held: _Holding, at: datetime) -> None:
        """Say that something is over to whom it was told; nobody needs to hear of what was never said."""
        condition = held.condition
        if held.told and condition.over and self.limits.level(condition.alarm) is not Level.OFF:
            lasted = str(at - held.since).partition(".")[0]
            text = f"{condition.over.meaning} It took {lasted}. Before: {condition.text}"
            self._tell(condition.over, condition.subject, text, at, self.position)

    def _advance(self, to: datetime) -> None:
        """Do what is due up to a time, in the order in which it is."""
        while self._due is None or self._due <= to:
            rings = min(
                ((held.since + held.condition.after, key) for key, held in self._holding.items() if not held.told),
                default=None,
            )
            closes = min(((window.until, key) for key, window in self._windows.items()), default=None)
            digest = self._digest_due
            first = min((each for each in (rings and rings[0], closes and closes[0], digest) if each), default=None)
            self._due = first or NEVER
            if self._due > to or first is None:
                return
            self._due = None
            if rings and rings[0] == first:
                self._ring(rings[1], first)
            elif closes and closes[0] == first:
                self._close(closes[1], first)
            else:
                self._send_digest(first)

    def _ring(self, key: tuple[str, Alarm, str], at: datetime) -> None:
        held = self._holding[key]
        self._holding[key] = held._replace(told=True)
        self._tell(held.condition.alarm, held.condition.subject, held.condition.text, at, held.position)
        if held.condition.alarm is Alarm.UNROUTABLE_GREW:
            known = self._known[held.condition.subject]
            self._known[held.condition.subject] = known._replace(told=known.stuck)
            del self._holding[key]

    def _tell(self, alarm: Alarm, subject: str, text: str, at: datetime, cause: int) -> None:
        key = alarm, subject
        match self.limits.level(alarm):
            case Level.OFF:
                return
            case Level.DIGEST:
                if self._digest_due is None:
                    self._due = None
                    self._digest_due, self._digest_from = self.limits.next_digest(at), cause
                self._digest[key] = self._digest.get(key, (0, ""))[0] + 1, text
            case _ if window := self._windows.get(key):
                window.count, window.text, window.position = window.count + 1, text, cause
            case _:
                self._due = None
                self._windows[key] = _Window(at + self.limits.collapse)
                self._put(alarm, subject, text, at, cause, 1)

    def _close(self, key: tuple[Alarm, str], at: datetime) -> None:
        """End a window; if something fell into it, say so and open the next."""
        window = self._windows.pop(key)
        if window.count:
            self._windows[key] = _Window(at + self.limits.collapse)
            more = f"{window.count} more of the same, the last: {window.text}"
            self._put(*key, more, at, window.position, window.count)

    def _put(self, alarm: Alarm, subject: str, text: str, at: datetime, cause: int, count: int) -> None:
        name = alert_id(self.identity, alarm.value, subject, str(cause), str(count))
        silent = self.limits.level(alarm) is Level.SILENT
        title = f"{subject}: {alarm.value.replace('_', ' ')}"
        self._give(Alert(name, title, _short(text), alarm.severity, silent, count, self.position, at))

    def _send_digest(self, at: datetime) -> None:
        told = [f"{_short(text)} (and {n - 1} more)" if n > 1 else _short(text) for n, text in self._digest.values()]
        count = sum(count for count, _ in self._digest.values())
        name = alert_id(self.identity, DIGEST, at.isoformat(), str(self._digest_from))
        self._give(Alert(name, DIGEST, "\n".join(told), Severity.INFO, True, count, self.position, at))
        self._digest, self._digest_due = {}, None

    def _give(self, alert: Alert) -> None:
        """Put an alert behind all before it: places never go back."""
        self._last = max(self._last, alert.at)
        self._out.append(replace(alert, at=self._last))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
