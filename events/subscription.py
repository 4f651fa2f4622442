"""A subscription: events from the feed at least once, shared by a group of workers, with the log as the authority.

Redis says which positions are to be handled; what they hold is read from the log, so a trimmed, wiped or forged stream
can delay an event but neither lose nor change it. The group's checkpoint lives in the log: the position up to which
everything was answered for and nothing is parked. A group that Redis has forgotten begins again there, so handlers see
some events twice and must decide by the log that nothing is left to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis

from events.catalogue import known_type
from events.envelope import cloud_event
from events.group import Group, Taken
from events.log import CorruptLog, EventLog, Recorded

logger = logging.getLogger("dustman")
MOST_ERROR_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event handed to this consumer, and how many times it was handed out by now."""

    recorded: Recorded
    deliveries: int


class Subscription:
    """The events of `types` (all when empty) for one consumer of a group.

    `consumer` is a stable name that one process or thread has at a time. A delivery that failed, or whose consumer
    died, is handed out again after `idle` seconds, to anyone; after `most_deliveries` it is parked in the Redis stream
    `dustman:parked:<group>` with its error. Every method raises `redis.RedisError` when Redis cannot be used now.
    """

    def __init__(
        self,
        redis: Redis,
        log: EventLog,
        group: str,
        consumer: str,
        types: Collection[str] = (),
        batch: int = 100,
        idle: float = 90.0,
        most_deliveries: int = 5,
    ) -> None:
        self._log = log
        self._identity = log.identity
        self._group = Group(redis, self._identity, group, consumer, idle)
        self._types = frozenset(known_type(word).word for word in types)
        self._batch = batch
        self._most = most_deliveries
        self._open: dict[int, Delivery] = {}
        self._saved = 0

    def reopen(self) -> None:
        """Take what was taken before and never answered again, in order: for a group that is one consumer at a time."""
        self._open.clear()
        self._group.reopen()

    def take(self, wait: float = 0.0) -> Sequence[Delivery]:
        """Return the next deliveries in order of position, at most a batch; wait up to `wait` seconds for the first.

        What was taken before and not answered yet comes first. Raises `CorruptLog` when the feed names an event that
        the log has not.
        """
        deadline = time.monotonic() + wait
        while not self._open:
            self._save_checkpoint()
            taken = self._taken()
            self._hold(taken)
            left = deadline - time.monotonic()
            if not taken and left <= 0:
                break
            if not taken:
                self._group.wait(left)
        return list(self._open.values())

    @contextmanager
    def handling(self, delivery: Delivery) -> Iterator[Recorded]:
        """Answer by how the block ends: done, or failed when it raises; the error passes on."""
        try:
            yield delivery.recorded
        except Exception as error:
            self.failed(delivery, error)
            raise
        self.done(delivery)

    def done(self, delivery: Delivery) -> None:
        """Acknowledge; called after whatever the event made necessary is on record."""
        self._group.answer([delivery.recorded.position])
        self._open.pop(delivery.recorded.position, None)

    def failed(self, delivery: Delivery, error: Exception) -> None:
        """Leave the event to a later try, or park it when it had all its tries."""
        if delivery.deliveries >= self._most:
            self._park(delivery, f"{type(error).__name__}: {error}")
        self._open.pop(delivery.recorded.position, None)

    def give_up(self, delivery: Delivery, error: str) -> None:
        """Park the event, however often it was handed out."""
        self._park(delivery, error)
        self._open.pop(delivery.recorded.position, None)

    def _taken(self) -> Sequence[Taken]:
        taken = self._group.take(self._batch)
        if taken is None:  # the first time, or Redis was wiped
            self._group.create(self._log.checkpoint(self._group.name))
            taken = self._group.take(self._batch)
        return taken or ()

    def _hold(self, taken: Sequence[Taken]) -> None:
        """Open what is ours to handle, and answer at once for the rest."""
        others = []
        records = self._records([each.position for each in taken])
        for each in sorted(taken, key=lambda each: each.position):
            delivery = Delivery(records[each.position], each.deliveries)
            if self._types and delivery.recorded.type not in self._types:
                others.append(each.position)
            elif each.deliveries > self._most:
                self._park(delivery, f"was handed out {self._most} times and never answered for")
            else:
                self._open[each.position] = delivery
        self._group.answer(others)

    def _records(self, positions: Sequence[int]) -> Mapping[int, Recorded]:
        """Read the positions from the log, each unbroken run of them at once."""
        found: dict[int, Recorded] = {}
        for first, last in _runs(sorted(positions)):
            found |= {recorded.position: recorded for recorded in self._log.read(after=first - 1, until=last)}
        if missing := set(positions) - found.keys():
            raise CorruptLog(f"position {min(missing)} is in the feed of {self._identity} but not in its log")
        return found

    def _park(self, delivery: Delivery, error: str) -> None:
        recorded = delivery.recorded
        taken = Taken(recorded.position, delivery.deliveries)
        event = cloud_event(recorded, self._identity)
        self._group.park(taken, error[:MOST_ERROR_CHARACTERS], recorded.type, event)
        logger.error(
            "%s parked position %s (%s) after %s tries: %s; see `dustman parked list %s`",
            self._group.name, taken.position, recorded.type, taken.deliveries, error, self._group.name,
        )  # fmt: skip

    def _save_checkpoint(self) -> None:
        floor = self._group.floor()
        if floor is not None and floor > self._saved:
            self._log.save_checkpoint(self._group.name, floor)
            self._saved = floor


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each run of neighbours in ascending positions."""
    first = None
    for index, position in enumerate(positions):
        first = position if first is None else first
        if index + 1 == len(positions) or positions[index + 1] != position + 1:
            yield first, position
            first = None
