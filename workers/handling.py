"""The one impure loop: load the stream, decide, append with the expected version; on conflict load again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.account import Account, evolve
from domain.commands import Command
from domain.decision import decide
from domain.identity import event_id, stream_of
from events.facts import Fact
from events.log import EventLog, LogConflict, NewEvent, Recorded

ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """An account as of a version of its stream, and the event that brought it there."""

    account: Account
    version: int = 0
    last_event: str | None = None

    def then(self, recorded: Recorded) -> Loaded:
        """Apply one more event."""
        return Loaded(evolve(self.account, recorded.fact), recorded.version, recorded.event_id)


class Streams:
    """Accounts folded from their streams; a process keeps each where it last was and reads only what is new."""

    def __init__(self, log: EventLog, clock: Callable[[], datetime], publish: Callable[[], None]) -> None:
        self._log = log
        self._clock = clock
        self._publish = publish
        self._kept: dict[str, Loaded] = {}

    def load(self, account: str) -> Loaded:
        """Return the account as the log has it now."""
        loaded = self._kept.get(account, Loaded(Account(account)))
        for recorded in self._log.stream(stream_of(account), after=loaded.version):
            loaded = loaded.then(recorded)
        self._kept[account] = loaded
        return loaded

    def handle(self, account: str, command: Command, correlation: str) -> Sequence[Recorded]:
        """Carry a command out and return what it made happen, nothing when it was carried out before.

        Two workers that carry out the very same command at once write it once, and both are told what it made happen;
        a command that only one may act on names its worker.
        The events' cause is the event that was last when they were decided. A conflict means that another worker was
        faster: decide again on what it wrote. Raises `LogConflict` when that happens too often.
        """
        for _ in range(ROUNDS):
            loaded = self.load(account)
            facts = decide(command, loaded.account)
            if not facts:
                return []
            try:
                recorded = self._append(account, loaded, command, facts, correlation)
            except LogConflict:
                continue
            self._publish()
            return recorded
        raise LogConflict(f"{stream_of(account)}: overtaken {ROUNDS} times by other workers")

    def _append(
        self, account: str, loaded: Loaded, command: Command, facts: Sequence[Fact], correlation: str
    ) -> Sequence[Recorded]:
        stream, now = stream_of(account), self._clock()
        new = [
            NewEvent(event_id(stream, command.cause, nth), fact, now, correlation, loaded.last_event)
            for nth, fact in enumerate(facts)
        ]
        return self._log.append(stream, loaded.version, new)
