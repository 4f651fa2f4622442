"""From an append's commit until a plain subscriber in another process has the event: publication inline.

The reference is the way's bare minimum: an entry of the same size by XADD, to the same subscriber, in turn.
"""

from __future__ import annotations

import time
from contextlib import closing
from itertools import islice
from typing import Any

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Figure, quantile
from benchmarks.ground import Ground
from benchmarks.stopwatch import MILLISECOND
from benchmarks.subscriber import entry_id, subscriber
from dustman.wiring import open_redis
from events.envelope import cloud_event
from events.feed import Feed
from events.sqlite import SQLiteLog

BARE = "benchmarks:bare"
WARMING = 20
# Long enough for the subscriber to be blocked in its read again.
PAUSE_SECONDS = 0.003
LIMITS = {"p50": 1.0, "p99": 10.0}


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Send events one at a time, each both ways, each after the one before has arrived."""
    settings = ground.stage.settings
    ours, theirs = [], []
    with (
        closing(open_redis(settings)) as redis,
        closing(SQLiteLog(ground.directory / "latency.db", ground.desk.clock)) as log,
        subscriber(settings.redis.feed_url, Feed(redis, log.identity).key, BARE) as listener,
    ):
        feed = Feed(redis, log.identity)
        for version, event in enumerate(islice(copies(ground), rounds + WARMING)):
            time.sleep(PAUSE_SECONDS)
            (recorded,) = log.append(STREAM, version, [event])
            committed = time.monotonic_ns()
            feed.publish_pending(log)
            ours.append(listener.arrival(feed.key, entry_id(recorded)) - committed)
            entry: dict[Any, Any] = {"type": recorded.type, "event": cloud_event(recorded, log.identity)}
            time.sleep(PAUSE_SECONDS)
            begun = time.monotonic_ns()
            added: Any = redis.xadd(BARE, entry)
            theirs.append(listener.arrival(BARE, added.decode()) - begun)
    return [_figure(word, share, ours[WARMING:], theirs[WARMING:]) for word, share in (("p50", 0.5), ("p99", 0.99))]


def _figure(word: str, share: float, ours: list[int], theirs: list[int]) -> Figure:
    return Figure(
        name=f"append_to_subscriber_{word}",
        value=quantile(ours, share) / MILLISECOND,
        unit="ms",
        against=f"a bare XADD of the same entry to the same blocked XREAD, {word}",
        reference=quantile(theirs, share) / MILLISECOND,
        limit=LIMITS[word],
        benchmark="append_to_subscriber",
        samples=len(ours),
    )
