"""What a strategy has come to, and what its measurements make happen: the fold and the rules of its stream.

A strategy owns no money: its dust lies in accounts, and each account's own stream says what becomes of it there. Where
instructions need approval one set of them waits at a time: what is measured meanwhile is a snapshot and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, assert_never

from events.facts import (
    DustInstructed,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    StrategyFact,
    StrategyMeasured,
    StrategyNotMeasured,
)
from events.records import replace


class Strategy(NamedTuple):
    """What a strategy has come to; `doubt` is why it was not measured since `measured`, None when it was.

    `approved`, `cancelled`, `expired` and `released` are about `instructed`.
    """

    name: str
    due_until: datetime | None = None
    measured: StrategyMeasured | None = None
    doubt: StrategyNotMeasured | None = None
    instructed: DustInstructed | None = None
    approved: InstructionsApproved | None = None
    cancelled: InstructionsCancelled | None = None
    expired: InstructionsExpired | None = None
    released: InstructionsReleased | None = None

    @property
    def waiting(self) -> DustInstructed | None:
        """What waits for approval, None where nothing does; its time may be up without that being on record yet."""
        told = self.instructed
        if told is None or told.approval_until is None or self.approved or self.cancelled or self.expired:
            return None
        return told

    @property
    def unreleased(self) -> tuple[DustInstructed, InstructionsApproved] | None:
        """What was approved and of which nobody has said yet what came of it."""
        if self.instructed is None or self.approved is None or self.released:
            return None
        return self.instructed, self.approved


@dataclass(frozen=True, slots=True)
class RecordMeasurement:
    """Record what came of a measurement, and what it instructs."""

    outcome: StrategyMeasured | StrategyNotMeasured
    instructed: DustInstructed | None = None

    @property
    def cause(self) -> str:
        return f"measure/{self.outcome.measure_id}"


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve what waits; only one of two workers at once does, and carries it out."""

    measure_id: str
    by: str
    words: str
    now: datetime
    worker: str

    @property
    def cause(self) -> str:
        return f"approve/{self.measure_id}/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel what waits."""

    measure_id: str
    by: str
    words: str
    now: datetime
    worker: str

    @property
    def cause(self) -> str:
        return f"cancel/{self.measure_id}/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class Expire:
    """Put on record that time is up for what waits, if it is."""

    measure_id: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"expire/{self.measure_id}"


@dataclass(frozen=True, slots=True)
class RecordRelease:
    """Record what came of an approval."""

    released: InstructionsReleased

    @property
    def cause(self) -> str:
        return f"release/{self.released.measure_id}"


StrategyCommand = RecordMeasurement | Approve | Cancel | Expire | RecordRelease


def evolve(strategy: Strategy, fact: StrategyFact) -> Strategy:
    """Apply a fact."""
    match fact:
        case StrategyMeasured(due=due):
            return strategy._replace(due_until=due, measured=fact, doubt=None)
        case StrategyNotMeasured(due=due):
            return strategy._replace(due_until=due, doubt=fact)
        case DustInstructed():
            return strategy._replace(instructed=fact, approved=None, cancelled=None, expired=None, released=None)
        case InstructionsApproved():
            return strategy._replace(approved=fact)
        case InstructionsCancelled():
            return strategy._replace(cancelled=fact)
        case InstructionsExpired():
            return strategy._replace(expired=fact)
        case InstructionsReleased():
            return strategy._replace(released=fact)
        case _:
            assert_never(fact)


def decide(command: StrategyCommand, strategy: Strategy) -> list[StrategyFact]:
    """Decide what a command makes happen; a due time is answered for once, and instructions are answered once."""
    match command:
        case RecordMeasurement():
            return _record(command, strategy)
        case RecordRelease(released):
            open_one = strategy.unreleased
            return [released] if open_one and open_one[0].measure_id == released.measure_id else []
        case Approve() | Cancel() | Expire():
            waiting = strategy.waiting
            if waiting is None or waiting.measure_id != command.measure_id:
                return []
            return _expired(waiting, command.now) or _answered(command, strategy.name, waiting)
        case _:
            assert_never(command)


def _record(command: RecordMeasurement, strategy: Strategy) -> list[StrategyFact]:
    outcome, instructed = command.outcome, command.instructed
    if strategy.due_until is not None and outcome.due <= strategy.due_until:
        return []
    late = _expired(strategy.waiting, outcome.measured_at)
    if late:
        strategy = evolve(strategy, late[0])
    if instructed is None or not isinstance(outcome, StrategyMeasured):
        return [*late, outcome]
    if held := held_up(strategy):
        return [*late, replace(outcome, triggered=False, sentence=held)]
    return [*late, outcome, instructed]


def held_up(strategy: Strategy) -> str:
    """Say why nothing new is instructed now, empty where it may be."""
    if waiting := strategy.waiting:
        return f"what {waiting.measure_id} instructed waits for approval until {_time(waiting.approval_until)}"
    if unreleased := strategy.unreleased:
        return f"what {unreleased[0].measure_id} instructed is approved and about to be announced"
    return ""


def refusal(strategy: Strategy, measure_id: str) -> str:
    """Say why what a measurement instructed can be neither approved nor cancelled; `measure_id` may be empty."""
    told = strategy.instructed
    if told is None or (not measure_id and strategy.waiting is None):
        return f"{strategy.name}: nothing waits for approval{_last(strategy)}"
    if measure_id and told.measure_id != measure_id:
        return f"{strategy.name}: {measure_id} is not what was instructed last; that is {told.measure_id}"
    if told.approval_until is None:
        return f"{strategy.name}: {told.measure_id} needs no approval, it was announced at once"
    return f"{strategy.name}: {told.measure_id} {_end(strategy) or 'waits for approval'}"


def _last(strategy: Strategy) -> str:
    told = strategy.instructed
    return f"; {told.measure_id}, the last, {_end(strategy)}" if told and _end(strategy) else ""


def _end(strategy: Strategy) -> str:
    if done := strategy.approved:
        came = "" if strategy.released else "; what came of it is not known yet"
        return f"was approved by {done.by} at {_time(done.approved_at)}{came}"
    if no := strategy.cancelled:
        return f"was cancelled by {no.by} at {_time(no.cancelled_at)}"
    if strategy.expired:
        return f"expired at {_time(strategy.expired.expired_at)}"
    return ""


def _expired(waiting: DustInstructed | None, now: datetime) -> list[StrategyFact]:
    if waiting is None or waiting.approval_until is None or now < waiting.approval_until:
        return []
    return [InstructionsExpired(waiting.strategy, waiting.measure_id, waiting.approval_until)]


def _answered(command: Approve | Cancel | Expire, name: str, waiting: DustInstructed) -> list[StrategyFact]:
    measure = waiting.measure_id
    match command:
        case Approve(by=by, words=words, now=now):
            accounts = tuple(sorted({each.account for each in waiting.instructions}))
            return [InstructionsApproved(name, measure, accounts, by, words, now)]
        case Cancel(by=by, words=words, now=now):
            return [InstructionsCancelled(name, measure, by, words, now)]
        case Expire():
            return []
        case _:
            assert_never(command)


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
