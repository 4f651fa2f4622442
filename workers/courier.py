"""The courier of one webhook: takes its events from the feed and brings them to the receiver, in order, one at a time.

At least once: an event is answered for after the receiver had it, so a courier that dies brings it again, under the
same id. An event that the receiver refuses holds up those behind it until it had all its tries; then it is parked.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from redis.exceptions import RedisError

from events.envelope import cloud_event
from events.lease import Lease
from events.log import LogUnavailable
from events.obstacle import Obstacle, Obstacles
from events.subscription import Delivery, Subscription
from events.webhook import Answer, Delivered, GivenUp, Later, Secret, Unwanted, headers, verdict
from workers.receiver import Receiver

logger = logging.getLogger("dustman")
# How often a courier that waits looks whether the owner said something, or it is to end.
LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Courier:
    """What a courier has: the receiver with its `address` (a fingerprint), the secret, and how many tries an event has.

    `open_feed` begins its part of the feed; it works while this process holds the `lease`.
    """

    webhook: str
    identity: str
    open_feed: Callable[[], Subscription]
    receiver: Receiver
    address: str
    secret: Secret
    tries: int
    obstacles: Obstacles
    lease: Lease

    def run(self, ended: threading.Event) -> None:
        """Bring events until `ended`. While Redis or the log is away nothing is lost, and this waits."""
        while not ended.is_set():
            try:
                self._work(ended)
            except (RedisError, LogUnavailable) as error:
                logger.warning("webhook %s waits: %s: %s", self.webhook, type(error).__name__, error)
                ended.wait(LOOK_SECONDS)
        self.receiver.close()

    def _work(self, ended: threading.Event) -> None:
        term = self.lease.term()
        if term is None:
            ended.wait(LOOK_SECONDS / 5)
            return
        feed = self.open_feed()
        feed.reopen()

        def ours() -> bool:
            return not ended.is_set() and self.lease.term() == term

        while ours():
            deliveries = feed.take(LOOK_SECONDS)
            if not deliveries:
                self.receiver.close()
            for delivery in deliveries:
                if not self._bring(feed, delivery, ours, ended):
                    break

    def _bring(self, feed: Subscription, delivery: Delivery, ours: Callable[[], bool], ended: threading.Event) -> bool:
        """Try until the event is delivered or parked; False when it is to stay where it is."""
        position = delivery.recorded.position
        while ours():
            known = self.obstacles.get(self.address)
            if pause := _pause(known, position):
                self.receiver.close()
                ended.wait(pause)
                continue
            if self._tried(feed, delivery, known.tries if known and known.position == position else 0):
                return True
        return False

    def _tried(self, feed: Subscription, delivery: Delivery, before: int) -> bool:
        """Try once; say whether the event needs no other try."""
        recorded, tries = delivery.recorded, before + 1
        body = cloud_event(recorded, self.identity)
        answer = self.receiver.post(body, headers(self.secret, recorded.event_id, int(time.time()), body))
        match verdict(answer, tries, self.tries, random.random()):
            case Delivered():
                feed.done(delivery)
            case GivenUp():
                feed.give_up(replace(delivery, deliveries=tries), answer.words)
            case Unwanted():
                self._hold(recorded.position, tries, answer, 0.0, stopped=True)
                return False
            case Later(seconds):
                self._hold(recorded.position, tries, answer, seconds, stopped=False)
                return False
            case never:
                assert_never(never)
        if before:
            self.obstacles.clear()
        return True

    def _hold(self, position: int, tries: int, answer: Answer, seconds: float, *, stopped: bool) -> None:
        until = time.time() + seconds
        self.obstacles.put(Obstacle(self.address, position, tries, answer.words, until, stopped))
        then = (
            f"stopped; `dustman webhooks resume {self.webhook}` goes on" if stopped else f"next try in {seconds:.0f} s"
        )
        logger.warning("webhook %s, position %s, try %s: %s; %s", self.webhook, position, tries, answer.words, then)


def _pause(known: Obstacle | None, position: int) -> float:
    """Return for how long to wait before looking again, 0 when a try is due."""
    if known is None or (known.position != position and not known.stopped):
        return 0.0
    return LOOK_SECONDS if known.stopped else max(0.0, min(known.until - time.time(), LOOK_SECONDS))
