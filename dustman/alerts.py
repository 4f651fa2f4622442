"""The process that tells people what needs them, each target in a thread of its own: `python -m dustman.alerts`.

One of several such processes is at work; another takes over within seconds when it dies. It needs the log and a way to
the targets, and no venue's key. How far each target is stands in the log's store, so an alert is sent at least once,
and again, under the same id, only after a crash between sending and noting that.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from redis.exceptions import RedisError

from domain.errors import ConfigurationError
from dustman import pulse
from dustman.process import work
from dustman.settings import Settings
from dustman.targets import Target, targets_of
from dustman.wiring import now, open_log, open_redis
from events.lease import LIFE_SECONDS, Lease
from events.log import EventLog, LogUnavailable
from views.alarms import Limits
from views.watch import Alert, Watch
from workers.schedule import next_due

logger = logging.getLogger("dustman")
LOOK_SECONDS: Final = 0.5
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 300.0
# Time passes this much late, so that what other hosts recorded before a moment is known when the moment counts.
GRACE: Final = timedelta(seconds=5)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def limits_of(settings: Settings) -> Limits:
    """Return the owner's limits."""
    if settings.alerts is None:
        raise ConfigurationError("alerts: the settings have them off; docs/how-to/alerts.md shows how")
    ours = settings.alerts
    return Limits(
        next_digest=lambda at: next_due(ours.digest, at),
        levels=ours.levels,
        collapse=timedelta(seconds=ours.collapse),
        unreachable_after=timedelta(seconds=ours.unreachable_after),
        unknown_after=timedelta(seconds=ours.unknown_after),
        carried_after=timedelta(seconds=ours.carried_after),
        scan_overdue_after=timedelta(seconds=ours.scan_overdue_after),
        over_intervals=ours.over_intervals,
        unroutable_growth=ours.unroutable_growth,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a target is: everything up to a place was told. A name that is first seen begins with what comes."""

    log: EventLog
    target: str

    @property
    def _names(self) -> tuple[str, str]:
        return f"alerts:{self.target}", f"alerts:{self.target}:moment"

    def begin(self, at: datetime) -> None:
        """Set where a target of a new name starts, once."""
        if not self.log.checkpoint(self._names[1]):
            self.save(self.log.head(), at)

    def place(self) -> tuple[int, datetime]:
        """Return the place up to which everything was told."""
        position, moment = map(self.log.checkpoint, self._names)
        return position, EPOCH + timedelta(microseconds=moment)

    def behind(self) -> int:
        """Return how many events were not looked at; none for a name that nobody told anything yet."""
        position, moment = self._names
        return self.log.head() - self.log.checkpoint(position) if self.log.checkpoint(moment) else 0

    def save(self, position: int, at: datetime | None = None) -> None:
        """Keep a place; the moment first, since that alone passes over nothing."""
        if at:
            self.log.save_checkpoint(self._names[1], (at - EPOCH) // timedelta(microseconds=1))
        self.log.save_checkpoint(self._names[0], position)


class Turn:
    """Whether it is this process that tells. While Redis cannot say so, whoever did goes on: twice beats never."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.ours = False
        self._asked = self._silent = False

    def look(self) -> None:
        """Ask whose turn it is."""
        try:
            self._lease.renew()
            self.ours, self._silent = self._lease.term() is not None, False
        except RedisError as error:
            self.ours = self.ours or not self._asked
            # Once for each trouble, not twice a second.
            if not self._silent:
                logger.warning("Redis cannot say who tells alerts: %s: %s", type(error).__name__, error)
            self._silent = True
        self._asked = True


@dataclass(frozen=True, slots=True)
class Teller:
    """What brings the alerts of a log to one target."""

    log: EventLog
    target: Target
    limits: Limits
    accounts: frozenset[str]
    turn: Turn

    def run(self, over: threading.Event) -> None:
        """Tell until `over`. While the log is away nothing is lost, and this waits."""
        while not over.is_set():
            if not self.turn.ours:
                over.wait(LOOK_SECONDS / 5)
                continue
            try:
                self._work(over)
            except LogUnavailable as error:
                logger.warning("alerts for %s wait: %s", self.target.name, error)
                over.wait(FIRST_PAUSE_SECONDS)

    def _work(self, over: threading.Event) -> None:
        progress = Progress(self.log, self.target.name)
        progress.begin(now())
        watch, told = Watch(self.log.identity, self.limits, self.accounts), progress.place()
        while self.turn.ours and not over.is_set():
            due = [alert for alert in self._due(watch, over) if (alert.position, alert.at) > told]
            if not self._told(due, progress, over):
                return
            # Cut short, the fold is not to be trusted with a place it has not reached.
            if watch.position > told[0] and not over.is_set():
                progress.save(watch.position)
                told = watch.position, told[1]
            if due:
                told = max(told, (due[-1].position, due[-1].at))
            over.wait(LOOK_SECONDS)

    def _due(self, watch: Watch, over: threading.Event) -> Iterator[Alert]:
        for recorded in self.log.read(after=watch.position):
            if over.is_set():
                return
            yield from watch.apply(recorded)
        yield from watch.tick(now() - GRACE)

    def _told(self, alerts: Sequence[Alert], progress: Progress, over: threading.Event) -> bool:
        """Send in order, and keep the place behind all alerts that share it; False when this is to end first."""
        for (position, at), together in groupby(alerts, key=lambda alert: (alert.position, alert.at)):
            if not all(self._sent(alert, over) for alert in together):
                return False
            progress.save(position, at)
        return True

    def _sent(self, alert: Alert, over: threading.Event) -> bool:
        """Send until it was taken: what is told late is told in order."""
        pause = FIRST_PAUSE_SECONDS
        while self.turn.ours and not over.is_set():
            if self.target.send(alert):
                return True
            logger.warning("target %s did not take alert %s; next try in %.0f s", self.target.name, alert.title, pause)
            over.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return False


def run(settings: Settings, over: threading.Event) -> None:
    """Tell every target of the settings until `over`; an error nobody foresaw in one ends all and is raised."""
    limits, targets = limits_of(settings), targets_of(settings)
    with (
        closing(open_log(settings)) as log,
        closing(open_redis(settings)) as redis,
        ThreadPoolExecutor(len(targets)) as threads,
    ):
        lease = Lease(redis, f"dustman:alerts:{log.identity}", str(uuid.uuid4()))
        turn = Turn(lease)
        accounts = frozenset(settings.accounts)
        tellers = [Teller(log, target, limits, accounts, turn) for target in targets.values()]
        try:
            running = [threads.submit(teller.run, over) for teller in tellers]
            while not over.is_set():
                turn.look()
                pulse.sign()
                for done in wait(running, min(LOOK_SECONDS, LIFE_SECONDS / 4), FIRST_COMPLETED).done:
                    done.result()
        finally:
            over.set()
            turn.ours = False
            lease.release()


if __name__ == "__main__":
    work(run)
