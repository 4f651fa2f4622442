"""The relay looks by itself, and goes on when what was away is there again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from events.feed import Feed
from events.memory import MemoryLog
from tests.events.clocks import SetClock
from tests.events.samples import new
from tests.redis_server import RedisServer
from workers.relaying import keep_up


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.client() as connection:
        yield connection


def test_keep_up__nobody_publishes_and_redis_comes_and_goes__brings_every_event(
    redis_server: RedisServer, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    log, over = MemoryLog("6f1c", SetClock()), threading.Event()
    feed = Feed(client, log.identity)
    relay = threading.Thread(target=keep_up, args=(lambda: feed.publish_pending(log), over, 0.01))
    relay.start()
    try:
        log.append("main", 0, [new("1")])
        until(lambda: Feed(client, log.identity).last() == 1)
        with caplog.at_level(logging.WARNING, "dustman"):
            redis_server.kill()
            log.append("main", 1, [new("2")])
            until(lambda: len(caplog.records) > 0)
            time.sleep(0.1)
            assert len(caplog.records) == 1, "said once, not at each look"
        redis_server.start()
        with redis_server.client() as other:
            until(lambda: Feed(other, log.identity).last() == 2)
    finally:
        over.set()
        relay.join()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
