"""The feed is the log's newest part, in its order, whoever writes it and whatever happens to Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
import redis

from events.envelope import cloud_event
from events.feed import POINTER, Feed
from events.log import StoreMisconfigured, Written
from events.memory import MemoryLog
from events.sqlite import SQLiteLog
from tests.events.clocks import SetClock, utc_now
from tests.events.samples import new
from tests.events.writers import append_and_publish, spawn
from tests.redis_server import RedisServer


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog("6f1c", SetClock())


@pytest.fixture
def feed(client: redis.Redis, log: MemoryLog) -> Feed:
    return Feed(client, log.identity)


def grow(log: MemoryLog, count: int) -> None:
    head = log.head()
    log.append("main", head, [new(str(head + number)) for number in range(1, count + 1)])


def entries_of(client: redis.Redis, key: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    return cast(list[tuple[bytes, dict[bytes, bytes]]], client.xrange(key))


def positions(client: redis.Redis, key: str) -> list[int]:
    entries = [entry.split(b"-") for entry, _ in entries_of(client, key)]
    assert {second for _, second in entries} <= {b"0"}
    return [int(first) for first, _ in entries]


def test_publish__pending_events__are_copied_in_order_with_type_and_envelope(
    client: redis.Redis, log: MemoryLog, feed: Feed
) -> None:
    grow(log, 1203)
    assert feed.publish_pending(log) == 1203
    assert client.get(POINTER) == b"dustman:feed:6f1c" == feed.key.encode()
    entries = entries_of(client, feed.key)
    assert [entry for entry, _ in entries] == [f"{number}-0".encode() for number in range(1, 1204)]
    for record, (_, fields) in zip(log.read(), entries, strict=True):
        assert fields == {b"type": b"conversions_halted", b"event": cloud_event(record, "6f1c")}
    assert json.loads(entries[0][1][b"event"])["data"] == {"account": "main", "reason": "1"}


def test_publish__repeated__adds_nothing(client: redis.Redis, log: MemoryLog, feed: Feed) -> None:
    assert feed.publish_pending(log) == 0
    assert not client.exists(feed.key)
    grow(log, 3)
    assert [feed.publish_pending(log) for _ in range(3)] == [3, 0, 0]
    grow(log, 2)
    assert feed.publish_pending(log) == 2
    assert positions(client, feed.key) == [1, 2, 3, 4, 5]
    assert feed.last() == 5


def test_publish__more_than_the_window__keeps_the_newest_by_position(client: redis.Redis, log: MemoryLog) -> None:
    feed = Feed(client, log.identity, window=10)
    grow(log, 8)
    feed.publish_pending(log)
    grow(log, 8)
    feed.publish_pending(log)
    assert positions(client, feed.key) == list(range(7, 17))


def test_publish__a_few_at_a_time__goes_on_where_it_was_and_never_leaves_a_gap(
    client: redis.Redis, log: MemoryLog
) -> None:
    feed = Feed(client, log.identity, window=1500)
    grow(log, 2000)
    assert [feed.publish_pending(log, most=700) for _ in range(4)] == [700, 700, 100, 0]
    assert positions(client, feed.key) == list(range(501, 2001))
    client.delete(feed.key)
    assert feed.publish_pending(log, most=1) == 1
    assert positions(client, feed.key) == [501]
    assert feed.publish_pending(log) == 1499


def test_publish__stream_wiped_between_two_batches__begins_again(client: redis.Redis, log: MemoryLog) -> None:
    feed, grown = Feed(client, log.identity), 1700
    grow(log, grown)
    wiped: list[bool] = []

    class Wiping(MemoryLog):
        def written(self, after: int, until: int) -> Iterator[Written]:
            for written in log.written(after, until):
                if written.position == 1100 and not wiped:
                    wiped.append(bool(client.delete(feed.key)))
                yield written

    wiping = Wiping(log.identity, SetClock())
    wiping._events = log._events
    feed.publish_pending(wiping)
    assert wiped
    assert positions(client, feed.key) == list(range(1, grown + 1))


def test_publish__wiped__begins_again_with_the_newest_window(
    redis_server: RedisServer, client: redis.Redis, log: MemoryLog
) -> None:
    feed = Feed(client, log.identity, window=10)
    grow(log, 25)
    feed.publish_pending(log)
    redis_server.wipe()
    assert feed.publish_pending(log) == 10
    assert positions(client, feed.key) == list(range(16, 26))
    assert client.get(POINTER) == feed.key.encode()


def test_publish__redis_killed_and_empty__goes_on_with_the_same_client(
    redis_server: RedisServer, client: redis.Redis, log: MemoryLog, feed: Feed
) -> None:
    grow(log, 5)
    feed.publish_pending(log)
    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        feed.publish_pending(log)
    redis_server.start()
    assert feed.publish_pending(log) == 5
    assert positions(client, feed.key) == [1, 2, 3, 4, 5]


def test_publish__half_open_redis__gives_up_in_time(
    redis_server: RedisServer, client: redis.Redis, log: MemoryLog, feed: Feed
) -> None:
    grow(log, 1)
    started = time.monotonic()
    with redis_server.frozen(), pytest.raises(redis.TimeoutError):
        feed.publish_pending(log)
    assert time.monotonic() - started < 5
    assert feed.publish_pending(log) == 1


def test_publish__stray_entry_ahead_of_the_log__is_thrown_away_with_its_stream(
    client: redis.Redis, log: MemoryLog, feed: Feed
) -> None:
    grow(log, 3)
    feed.publish_pending(log)
    client.xadd(feed.key, {"type": "stray", "event": "{}"})
    grow(log, 1)
    assert feed.publish_pending(log) == 4
    assert positions(client, feed.key) == [1, 2, 3, 4]


def test_publish__stray_entry_between_positions__is_thrown_away_with_its_stream(
    client: redis.Redis, log: MemoryLog, feed: Feed
) -> None:
    grow(log, 3)
    feed.publish_pending(log)
    client.xadd(feed.key, {"type": "stray", "event": "{}"}, id="3-1")
    grow(log, 1)
    assert feed.publish_pending(log) == 4
    assert positions(client, feed.key) == [1, 2, 3, 4]


def test_publish__empty_stream_made_by_a_group__is_filled_from_the_window(client: redis.Redis, log: MemoryLog) -> None:
    feed = Feed(client, log.identity, window=10)
    grow(log, 25)
    client.xgroup_create(feed.key, "listener", id="3-0", mkstream=True)
    assert feed.publish_pending(log) == 10
    assert positions(client, feed.key) == list(range(16, 26))


def test_guard__a_gap_or_a_wiped_stream__is_refused(client: redis.Redis, log: MemoryLog, feed: Feed) -> None:
    grow(log, 9)
    feed.publish_pending(log)
    events = list(log.written(0, 9))

    def write(batch: list[Written], after: int, fresh: bool) -> int:
        return feed._write(feed._words(batch, after, fresh))

    client.delete(feed.key)
    assert write(events[5:7], after=5, fresh=False) == -1, "wiped since the caller looked"
    assert not client.exists(feed.key)
    assert write(events[:3], after=0, fresh=True) == 3
    assert write(events[5:7], after=5, fresh=True) == -1, "4 and 5 would be missing"
    assert write(events[1:5], after=1, fresh=False) == 2, "2 and 3 are there"
    assert positions(client, feed.key) == [1, 2, 3, 4, 5]


def test_publish__another_log__has_a_stream_of_its_own(client: redis.Redis, log: MemoryLog, feed: Feed) -> None:
    other = MemoryLog("77aa", SetClock())
    grow(log, 3)
    grow(other, 2)
    feed.publish_pending(log)
    Feed(client, other.identity).publish_pending(other)
    assert (positions(client, feed.key), positions(client, "dustman:feed:77aa")) == ([1, 2, 3], [1, 2])
    assert client.get(POINTER) == b"dustman:feed:77aa"


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-ttl", "volatile-lru"])
def test_publish__redis_that_evicts__is_refused_by_name(tmp_path: Path, log: MemoryLog, policy: str) -> None:
    grow(log, 1)
    with RedisServer(tmp_path, maxmemory_policy=policy) as server, server.client() as client:
        with pytest.raises(StoreMisconfigured, match=f"maxmemory-policy is {policy}.*noeviction"):
            Feed(client, log.identity).publish_pending(log)
        assert client.dbsize() == 0


def test_publish__memory_full__is_an_error_and_made_up_for_later(tmp_path: Path, log: MemoryLog) -> None:
    grow(log, 30_000)
    with RedisServer(tmp_path, maxmemory="6mb") as server, server.client() as client:
        feed = Feed(client, log.identity, window=30_000)
        with pytest.raises(redis.RedisError, match="maxmemory"):
            feed.publish_pending(log)
        kept = positions(client, feed.key)
        assert kept == list(range(1, len(kept) + 1))
        client.config_set("maxmemory", "0")
        assert feed.publish_pending(log) == 30_000 - len(kept)
        assert positions(client, feed.key) == list(range(1, 30_001))


def test_publish__window_of_nothing__is_refused(client: redis.Redis) -> None:
    with pytest.raises(ValueError, match="window: 0"):
        Feed(client, "x", window=0)


def test_publish__many_processes_and_wipes__never_leaves_a_gap(redis_server: RedisServer, tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    writers = [spawn(append_and_publish, path, redis_server.port, f"writer-{number}", 150) for number in range(4)]
    log = SQLiteLog(path, utc_now)
    with redis_server.client() as client:
        feed = Feed(client, log.identity)
        deadline = time.monotonic() + 60
        while any(writer.is_alive() for writer in writers) and time.monotonic() < deadline:
            assert contiguous(positions(client, feed.key))
            if feed.last() > 50:
                client.flushall()
            time.sleep(0.02)
        for writer in writers:
            writer.join()
        feed.publish_pending(log)
        assert [writer.exitcode for writer in writers] == [0] * 4
        assert (log.head(), feed.last()) == (600, 600)
        assert contiguous(positions(client, feed.key))
    log.close()


def contiguous(seen: list[int]) -> bool:
    return not seen or seen == list(range(seen[0], seen[-1] + 1))


def test_publish__many_threads_at_once__adds_each_event_once(
    redis_server: RedisServer, log: MemoryLog, clients: Iterator[redis.Redis]
) -> None:
    grow(log, 2000)
    feeds = [Feed(next(clients), log.identity) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda feed: feed.publish_pending(log), feeds)) == 2000
    with redis_server.client() as client:
        assert positions(client, feeds[0].key) == list(range(1, 2001))
