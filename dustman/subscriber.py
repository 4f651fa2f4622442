"""Subscribing from Python: the log's events, without a hole, for services that run beside Dustman and have its code.

Two ways, by who remembers how far a service is. A `Subscriber` belongs to a group that shares the work and whose
checkpoint Dustman keeps: at least once, in any order after a failure. A `Follower` is told where to begin and hands out
everything after it in order: a service that writes the position in the transaction of its own work has every event's
effect exactly once. Both are asked for events and never given more than they ask for.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TypeVar

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from events.catalogue import known_type
from events.feed import stream_key
from events.log import EventLog, Recorded
from events.subscription import Delivery, Subscription
from workers.intake import GROUP

logger = logging.getLogger("dustman")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Without a word from the feed the log is asked this often; a read of nothing new is one look-up.
POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 2.0

Answer = TypeVar("Answer")


class Subscriber:
    """The events of `types` (all when empty) for one consumer of the group `group`, at least once.

    A group that has no checkpoint yet begins after the position `from_`. `consumer` is a stable name that one process
    has at a time. What nobody answered for `idle` seconds is handed to whoever asks; after `most_deliveries` it is
    parked. Redis may be away for `patience` seconds, then its error is raised. Refuses unfit names with `ValueError`.
    """

    def __init__(
        self,
        redis: Redis,
        log: EventLog,
        group: str,
        types: Collection[str] = (),
        from_: int = 0,
        *,
        consumer: str,
        batch: int = 10,
        idle: float = 90.0,
        most_deliveries: int = 5,
        patience: float = 60.0,
    ) -> None:
        if not NAME.fullmatch(group) or group == GROUP:
            raise ValueError(
                f"group: {group!r} is not a name of 1 to 64 letters, digits, '_', '-' and '.', other than {GROUP}"
            )
        _check_position("from_", from_, log)
        self._subscription = Subscription(redis, log, group, consumer, types, batch, idle, most_deliveries)
        self._patience = patience
        if from_ and not log.checkpoint(group):
            log.save_checkpoint(group, from_)

    def __iter__(self) -> Iterator[Recorded]:
        """Yield events for ever, waiting for new ones. Asking for the next answers for the one before.

        An event whose turn ended otherwise, by an error, `break` or the end of the process, is handed out again.
        """
        while True:
            for delivery in self._take():
                yield delivery.recorded
                self._patiently(partial(self._subscription.done, delivery))

    def run(
        self,
        handle: Callable[[Recorded], object],
        retried: tuple[type[Exception], ...] = (),
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Call `handle` with each event until `until` says so, which is asked before each event and each second.

        An error of `retried` leaves its event to a later try while others go on; after the last try it is parked with
        the error. Any other error ends the run, and its event is handed out again.
        """
        while not until():
            for delivery in self._take():
                if until():
                    return
                self._handle(delivery, handle, retried)

    def _handle(
        self, delivery: Delivery, handle: Callable[[Recorded], object], retried: tuple[type[Exception], ...]
    ) -> None:
        try:
            handle(delivery.recorded)
        except retried as error:
            logger.warning("position %s, try %s: %r", delivery.recorded.position, delivery.deliveries, error)
            self._patiently(partial(self._subscription.failed, delivery, error))
        else:
            self._patiently(partial(self._subscription.done, delivery))

    def _take(self) -> Sequence[Delivery]:
        return self._patiently(partial(self._subscription.take, POLL_SECONDS))

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask again while Redis is away: nothing is lost meanwhile, and what is asked may be asked twice."""
        deadline, pause = time.monotonic() + self._patience, 0.1
        while True:
            try:
                return ask()
            except (RedisConnectionError, RedisTimeoutError) as error:
                if time.monotonic() + pause > deadline:
                    raise
                logger.warning("the feed is away, next try in %s s: %s", pause, error)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


class Follower:
    """The events of `types` (all when empty) after the position `after`, in order, to this process alone.

    They come from the log; Redis only shortens the wait and need not be there. `position` is how far the follower is,
    events of other types included.
    """

    def __init__(self, redis: Redis, log: EventLog, after: int, types: Collection[str] = ()) -> None:
        _check_position("after", after, log)
        self.position = after
        self._redis = redis
        self._log = log
        self._types = frozenset(known_type(word).word for word in types)
        self._stream = stream_key(log.identity)

    def __iter__(self) -> Iterator[Recorded]:
        """Yield events for ever, waiting for new ones."""
        while True:
            for recorded in self._log.read(after=self.position):
                if not self._types or recorded.type in self._types:
                    yield recorded
                self.position = recorded.position
            self._wait()

    def _wait(self) -> None:
        """Return when the feed names a newer event that the log has, or after a second."""
        began = time.monotonic()
        try:
            self._redis.xread({self._stream: f"{self.position}-0"}, count=1, block=round(POLL_SECONDS * 1000))
        except RedisError as error:
            logger.info("the feed is away, the log is asked each second: %s", error)
        if self._log.head() == self.position:
            time.sleep(max(0.0, began + POLL_SECONDS - time.monotonic()))


def _check_position(name: str, position: int, log: EventLog) -> None:
    head = log.head()
    if not 0 <= position <= head:
        raise ValueError(f"{name}: {position} is not a position from 0 to {head}, where the log ends")
