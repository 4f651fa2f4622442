"""What the relay's looking costs while nothing happens: processor time of a look, and of a second of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from redis import Redis

from benchmarks.figure import Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import MILLISECOND, SECOND
from dustman.wiring import open_redis
from events.feed import Feed
from workers.relaying import EVERY_SECONDS

# Of one processor.
LIMIT = 0.5


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Look `rounds` times at a feed that is whole; Redis's part of the time is counted too."""
    log = ground.desk.log
    ground.written  # noqa: B018 - so that there is something in the log
    with closing(open_redis(ground.stage.settings)) as redis:
        feed = Feed(redis, log.identity)
        feed.publish_pending(log)
        ours, bare = _cost(redis, lambda: feed.publish_pending(log), rounds), _cost(redis, redis.ping, rounds)
    return [
        Figure(
            name="idle_relay",
            value=ours / MILLISECOND / EVERY_SECONDS / 1000 * 100,
            unit="%",
            against="a PING in the same rhythm; both of one core",
            reference=bare / MILLISECOND / EVERY_SECONDS / 1000 * 100,
            limit=LIMIT,
            benchmark="idle_relay",
            samples=rounds,
        )
    ]


def _cost(redis: Redis, look: Callable[[], object], rounds: int) -> float:
    """Return nanoseconds of processor time that a look takes, here and in Redis."""
    there, here = _of_redis(redis), time.process_time_ns()
    for _ in range(rounds):
        look()
    return (time.process_time_ns() - here + (_of_redis(redis) - there) * SECOND) / rounds


def _of_redis(redis: Redis) -> float:
    told = redis.info("cpu")
    return float(told["used_cpu_sys"]) + float(told["used_cpu_user"])
