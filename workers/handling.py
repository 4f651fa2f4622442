"""The one impure loop: load the stream, decide, append with the expected version; on conflict load again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from domain import account as accounts
from domain import strategy as strategies
from domain.account import Account
from domain.commands import Command
from domain.decision import decide
from domain.errors import ImpossibleHistory
from domain.identity import event_id, strategy_stream, stream_of
from domain.strategy import Strategy, StrategyCommand
from events.facts import Fact, StrategyFact
from events.log import EventLog, LogConflict, NewEvent, Recorded

ROUNDS = 20


class Caused(Protocol):
    """A command, whose cause makes the ids of its events."""

    @property
    def cause(self) -> str: ...


S = TypeVar("S")
C = TypeVar("C", bound=Caused)


@dataclass(frozen=True, slots=True)
class Subject(Generic[S, C]):
    """What streams are about: how one is named, begins, is folded, and what a command makes happen on it."""

    stream: Callable[[str], str]
    begin: Callable[[str], S]
    evolve: Callable[[S, Fact], S]
    decide: Callable[[C, S], Sequence[Fact]]


def _account(account: Account, fact: Fact) -> Account:
    if isinstance(fact, StrategyFact):
        raise ImpossibleHistory(f"{stream_of(account.name)}: {type(fact).__name__} of the strategy {fact.strategy}")
    return accounts.evolve(account, fact)


def _strategy(strategy: Strategy, fact: Fact) -> Strategy:
    if not isinstance(fact, StrategyFact):
        stream = strategy_stream(strategy.name)
        raise ImpossibleHistory(f"{stream}: {type(fact).__name__} of the account {fact.account}")
    return strategies.evolve(strategy, fact)


ACCOUNTS: Final[Subject[Account, Command]] = Subject(stream_of, Account, _account, decide)
STRATEGIES: Final[Subject[Strategy, StrategyCommand]] = Subject(strategy_stream, Strategy, _strategy, strategies.decide)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A subject's state as of a version of its stream, and the event that brought it there."""

    state: S
    version: int = 0
    last_event: str | None = None


class Streams(Generic[S, C]):
    """Subjects folded from their streams; a process keeps each where it last was and reads only what is new."""

    def __init__(
        self, subject: Subject[S, C], log: EventLog, clock: Callable[[], datetime], publish: Callable[[], None]
    ) -> None:
        self._subject = subject
        self._log = log
        self._clock = clock
        self._publish = publish
        self._kept: dict[str, Loaded[S]] = {}

    def load(self, name: str) -> Loaded[S]:
        """Return the subject as the log has it now."""
        loaded = self._kept.get(name) or Loaded(self._subject.begin(name))
        for recorded in self._log.stream(self._subject.stream(name), after=loaded.version):
            loaded = Loaded(self._subject.evolve(loaded.state, recorded.fact), recorded.version, recorded.event_id)
        self._kept[name] = loaded
        return loaded

    def handle(self, name: str, command: C, correlation: str, version: int | None = None) -> Sequence[Recorded]:
        """Carry a command out and return what it made happen, nothing when it was carried out before.

        Two workers that carry out the very same command at once write it once, and both are told what it made happen;
        a command that only one may act on names its worker.
        With a `version` it is carried out only as long as the stream has come no further than that.
        The events' cause is the event that was last when they were decided. A conflict means that another worker was
        faster: decide again on what it wrote. Raises `LogConflict` when that happens too often.
        """
        for _ in range(ROUNDS):
            loaded = self.load(name)
            if version is not None and loaded.version != version:
                return []
            facts = self._subject.decide(command, loaded.state)
            if not facts:
                return []
            try:
                recorded = self._append(name, loaded, command, facts, correlation)
            except LogConflict:
                continue
            self._publish()
            return recorded
        raise LogConflict(f"{self._subject.stream(name)}: overtaken {ROUNDS} times by other workers")

    def _append(
        self, name: str, loaded: Loaded[S], command: C, facts: Sequence[Fact], correlation: str
    ) -> Sequence[Recorded]:
        stream, now = self._subject.stream(name), self._clock()
        new = [
            NewEvent(event_id(stream, command.cause, nth), fact, now, correlation, loaded.last_event)
            for nth, fact in enumerate(facts)
        ]
        return self._log.append(stream, loaded.version, new)
