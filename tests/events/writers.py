"""What runs in processes of its own while a test writes, reads or kills."""

from __future__ import annotations

import multiprocessing
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from events.feed import Feed
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from tests.events.clocks import utc_now
from tests.events.samples import new

# Spawned, not forked: a test process has threads.
SPAWN = multiprocessing.get_context("spawn")


def spawn(target: object, *arguments: object) -> BaseProcess:
    """Start `target(*arguments)` in a new process; the caller joins or kills it."""
    process = SPAWN.Process(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
    process.start()
    return process


def append_to_own_stream(path: Path, name: str, appends: int, batch: int) -> None:
    """Append `appends` batches to the stream `name`, going on where an earlier run of it ended."""
    log = SQLiteLog(path, utc_now)
    version = sum(1 for _ in log.stream(name))
    for _ in range(appends):
        log.append(name, version, [new(f"{name}-{version + offset}") for offset in range(batch)])
        version += batch
    log.close()


def append_and_publish(path: Path, port: int, name: str, appends: int) -> None:
    """Append to the stream `name` and publish each time, as a worker does; a Redis that is away is left to others."""
    log = SQLiteLog(path, utc_now)
    with Redis(port=port, protocol=2, retry=Retry(NoBackoff(), 0)) as client:
        feed = Feed(client, log.identity)
        for version in range(appends):
            log.append(name, version, [new(f"{name}-{version}")])
            with suppress(RedisError):
                feed.publish_pending(log)
    log.close()


def handle_events(path: Path, port: int, name: str, handled: Path) -> None:
    """Take events for ever and note each position in the file `handled`, as a worker does that may be killed."""
    log = SQLiteLog(path, utc_now)
    with (
        Redis(port=port, protocol=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client,
        handled.open("ab") as notes,
    ):
        feed = Feed(client, log.identity, window=20)
        subscription = Subscription(client, log, "group", name, batch=7, idle=0.5, most_deliveries=1000)
        while True:
            try:
                feed.publish_pending(log)
                for delivery in subscription.take(wait=0.1):
                    with subscription.handling(delivery) as recorded:
                        notes.write(b"%d\n" % recorded.position)
                        notes.flush()
            except RedisError:
                time.sleep(0.02)


def open_each_together(paths: list[Path], together: Barrier) -> None:
    """Open one log after the other, each at the same moment as the other processes do."""
    for path in paths:
        together.wait(30)
        log = SQLiteLog(path, utc_now)
        log.head()
        log.close()
