"""A Python service misses nothing, whatever happens to it, to the stream and to Redis."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import redis

import dustman
from dustman.subscriber import Follower, Subscriber
from events.catalogue import UnknownType
from events.facts import ConversionsResumed
from events.feed import Feed
from events.log import Recorded
from events.parked import Parked
from events.sqlite import SQLiteLog
from tests.events.samples import SAMPLES, new
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
GROUP = "accounting"


class Stage:
    """A log and its feed with a window of ten, found through a settings file."""

    def __init__(self, home: Path, server: RedisServer) -> None:
        settings = f"accounts: {{main: {{venue: coinbase}}}}\nredis: {{url: 'redis://127.0.0.1:{server.port}'}}\n"
        self.config = home / "dustman.yaml"
        self.config.write_text(settings)
        (home / "var").mkdir(mode=0o700)
        self.server = server
        self.log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))

    def append(self, count: int, fact: Any = None) -> None:
        head = self.log.head()
        self.log.append("account-main", head, [new(str(head + number), fact) for number in range(1, count + 1)])

    def publish(self) -> None:
        with self.server.client() as client:
            Feed(client, self.log.identity, window=10).publish_pending(self.log)

    def grow(self, count: int, fact: Any = None) -> None:
        self.append(count, fact)
        self.publish()

    def subscribe(self, **options: Any) -> Subscriber:
        return dustman.subscribe(GROUP, consumer="one", config=self.config, **options)

    def follow(self, after: int, **options: Any) -> Follower:
        return dustman.follow(after, config=self.config, **options)

    def parked(self) -> list[tuple[int, str]]:
        with self.server.client() as client:
            return [(event.position, event.error) for event in Parked(client, self.log.identity, GROUP)]


@pytest.fixture
def stage(home: Path) -> Iterator[Stage]:
    with RedisServer(home / "redis") as server:
        stage = Stage(home, server)
        yield stage
        stage.log.close()


def positions(events: Iterator[Recorded], count: int) -> list[int]:
    """Take so many events; the last is not answered for yet."""
    return [event.position for event in islice(events, count)]


def seen_until(events: Iterator[Recorded], last: int) -> list[int]:
    """Take events until every position up to the last was seen."""
    seen: list[int] = []
    while not set(seen) >= set(range(min(seen, default=1), last + 1)):
        seen.append(next(events).position)
        assert len(seen) < 3 * last
    return seen


def handled(subscriber: Subscriber, count: int, **options: Any) -> list[int]:
    """Run until so many events were handled."""
    found: list[int] = []
    subscriber.run(lambda event: found.append(event.position), until=lambda: len(found) == count, **options)
    return found


def test_subscribe__new_group__gets_every_event_in_order_with_its_fact(stage: Stage) -> None:
    stage.grow(25)
    events = list(islice(stage.subscribe(), 25))
    assert events == list(stage.log.read())


def test_subscribe__again_later__goes_on_where_it_was(stage: Stage) -> None:
    stage.grow(25)
    assert handled(stage.subscribe(idle=0.2), 12) == list(range(1, 13))
    assert sorted(handled(stage.subscribe(idle=0.2), 13)) == list(range(13, 26))


def test_subscribe__some_types__gets_these_only(stage: Stage) -> None:
    stage.grow(3)
    stage.grow(1, ConversionsResumed("main"))
    stage.grow(3)
    stage.grow(1, ConversionsResumed("main"))
    assert positions(iter(stage.subscribe(types=["conversions_resumed"])), 2) == [4, 8]


def test_subscribe__from_a_position__begins_after_it_the_first_time_only(stage: Stage) -> None:
    stage.grow(25)
    assert handled(stage.subscribe(from_=20), 2) == [21, 22]
    assert handled(stage.subscribe(from_=5), 3) == [23, 24, 25]
    assert stage.log.checkpoint(GROUP) == 22


def test_subscribe__loop_left_early__the_event_in_hand_comes_again(stage: Stage) -> None:
    stage.grow(4)
    for event in stage.subscribe():
        if event.position == 2:
            break
    assert handled(stage.subscribe(), 3) == [2, 3, 4]


def test_subscribe__redis_wiped_far_behind__is_filled_in_from_the_log(stage: Stage) -> None:
    stage.grow(5)
    events = iter(stage.subscribe())
    assert positions(events, 5) == [1, 2, 3, 4, 5]
    stage.server.wipe()
    stage.grow(40)
    assert set(range(6, 46)) <= set(seen_until(events, 45)), "the first may come again, none may be missing"


def test_subscribe__redis_restarted_empty_while_waiting__goes_on(stage: Stage) -> None:
    stage.grow(3)
    events = iter(stage.subscribe())
    assert positions(events, 3) == [1, 2, 3]
    stage.append(3)
    stage.server.kill()

    def restart() -> None:
        stage.server.start()
        stage.publish()

    later = threading.Timer(0.5, restart)
    later.start()
    seen = seen_until(events, 6)
    later.join()
    assert {4, 5, 6} <= set(seen)


def test_subscribe__redis_away_for_longer_than_its_patience__says_so(stage: Stage) -> None:
    stage.grow(3)
    subscriber = stage.subscribe(patience=0.5)
    stage.server.kill()
    began = time.monotonic()
    with pytest.raises(redis.ConnectionError):
        next(iter(subscriber))
    assert time.monotonic() - began < 3


def test_run__an_error_to_retry__others_go_on_and_it_is_parked_in_the_end(stage: Stage) -> None:
    stage.grow(4)
    seen: list[int] = []

    def handle(event: Recorded) -> None:
        seen.append(event.position)
        if event.position == 2:
            raise TimeoutError("the bank sleeps")

    subscriber = stage.subscribe(idle=0.1, most_deliveries=3)
    subscriber.run(handle, retried=(TimeoutError,), until=lambda: bool(stage.parked()))
    assert seen[:4] == [1, 2, 3, 4]
    assert seen[4:] == [2, 2]
    assert stage.parked() == [(2, "TimeoutError: the bank sleeps")]


def test_run__another_error__ends_it_and_its_event_comes_again(stage: Stage) -> None:
    stage.grow(3)

    def handle(event: Recorded) -> None:
        if event.position == 2:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        stage.subscribe().run(handle, retried=(TimeoutError,))
    assert handled(stage.subscribe(), 2) == [2, 3]


@pytest.mark.parametrize("group", ["", "converter", "two words", "a:b", "x" * 65])
def test_subscribe__a_group_that_is_none_of_its_own__is_refused(stage: Stage, group: str) -> None:
    with pytest.raises(ValueError, match=f"group: {group!r} is not a name of 1 to 64"):
        dustman.subscribe(group, config=stage.config)


def test_subscribe__unfit_words__are_refused_by_name(stage: Stage) -> None:
    stage.grow(3)
    with pytest.raises(UnknownType, match="'dust_detekted' is not in the catalogue"):
        stage.subscribe(types=["dust_detekted"])
    with pytest.raises(UnknownType, match="'dust_detekted' is not in the catalogue"):
        stage.follow(0, types=["dust_detekted"])
    for position in (-1, 4):
        with pytest.raises(ValueError, match=f"from_: {position} is not a position from 0 to 3"):
            stage.subscribe(from_=position)
        with pytest.raises(ValueError, match=f"after: {position} is not a position from 0 to 3"):
            stage.follow(position)


def test_follow__after_a_position__gets_the_rest_in_order(stage: Stage) -> None:
    stage.grow(30)
    stage.grow(1, ConversionsResumed("main"))
    follower = stage.follow(7)
    assert positions(iter(follower), 24) == list(range(8, 32))
    assert positions(iter(stage.follow(7, types=["conversions_resumed"])), 1) == [31]


@pytest.mark.parametrize("fate", ["published", "wiped", "killed", "never published"])
def test_follow__whatever_becomes_of_redis__gets_the_next_event_in_time(stage: Stage, fate: str) -> None:
    stage.grow(2)
    events = iter(stage.follow(0))
    assert positions(events, 2) == [1, 2]
    if fate == "wiped":
        stage.server.wipe()
    if fate == "killed":
        stage.server.kill()
    appended: list[float] = []

    def append() -> None:
        appended.append(time.monotonic())
        (stage.grow if fate == "published" else stage.append)(1)

    later = threading.Timer(0.3, append)
    later.start()
    assert next(events).position == 3
    waited = time.monotonic() - appended[0]
    later.join()
    assert waited < (0.25 if fate == "published" else 2.0)


def test_follow__stray_entry_in_the_stream__neither_misleads_it_nor_keeps_it_busy(stage: Stage) -> None:
    stage.grow(2)
    follower = stage.follow(0)
    events = iter(follower)
    assert positions(events, 2) == [1, 2]
    with stage.server.client() as client:
        client.xadd(f"dustman:feed:{stage.log.identity}", {"type": "dust_detected", "event": "{}"}, id="9-0")
    later = threading.Timer(1.5, stage.append, args=(1,))
    busy = time.process_time()
    later.start()
    assert next(events).position == 3
    later.join()
    assert time.process_time() - busy < 0.5


def spawned(stage: Stage, books: Path) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DUSTMAN_CONFIG": str(stage.config)}
    return subprocess.Popen([sys.executable, ROOT / "examples/python/ledger.py", str(books)], env=environment)


def entered(books: Path) -> list[int]:
    if not books.exists():
        return []
    with closing(sqlite3.connect(books)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone():
            return []
        return [position for (position,) in connection.execute("SELECT position FROM entries ORDER BY position")]


def test_ledger_example__killed_again_and_again__enters_every_event_once(stage: Stage, tmp_path: Path) -> None:
    books = tmp_path / "books.db"
    converted = next(fact for fact in SAMPLES if type(fact).__name__ == "DustConverted")
    for round_ in range(1, 4):
        stage.grow(20)
        stage.grow(200, converted)
        wanted = len(entered(books)) + (60 if round_ < 3 else 600 - len(entered(books)))
        process = spawned(stage, books)
        deadline = time.monotonic() + 20
        while len(entered(books)) < wanted and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert entered(books) == [event.position for event in stage.log.read() if event.type == "dust_converted"]
