"""Real processes, SIGKILL and an emptied Redis, on both stores: every event in the log reaches who waits for it."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from events.feed import Feed
from events.inspection import inspect
from events.log import EventLog
from tests.events.writers import (
    append_and_publish,
    follow_into_ledger,
    handle_events,
    opened,
    relay,
    spawn,
)
from tests.postgres_server import Database
from tests.redis_server import RedisServer

SEED = 20260301
EVENTS = 2 * 400
WRITERS, BATCH = 8, 10
# `make delivery` asks for the size that the promise is made for.
EACH = int(os.environ.get("DELIVERY_EVENTS_EACH", "100"))
BOUND = 60.0 + WRITERS * EACH / 100


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a log is: a file or a URL."""
    if request.param == "sqlite":
        return tmp_path / "log.db"
    database: Database = request.getfixturevalue("database")
    return database.url


def wait_until(log: EventLog, head: int) -> None:
    deadline = time.monotonic() + BOUND
    while log.head() < head:
        assert time.monotonic() < deadline, f"the log has {log.head()} of {head} events"
        time.sleep(0.005)


def test_group__consumers_and_redis_killed_under_load__is_handed_every_event(
    redis_server: RedisServer, tmp_path: Path, place: Path | str
) -> None:
    chance = random.Random(SEED)
    handled = tmp_path / "handled"

    def start(name: str) -> BaseProcess:
        return spawn(handle_events, place, redis_server.port, name, handled)

    writers = [
        spawn(append_and_publish, place, redis_server.port, f"writer-{number}", EVENTS // 2) for number in range(2)
    ]
    consumers = {name: start(name) for name in ("one", "two")}
    for accident in range(8):
        time.sleep(chance.uniform(0.1, 0.5))
        if accident in (3, 6):
            redis_server.restart()
            continue
        name = chance.choice(sorted(consumers))
        consumers[name].kill()
        consumers[name].join()
        consumers[name] = start(name)
    for writer in writers:
        writer.join(30)
    log = opened(place)
    deadline = time.monotonic() + 30
    while log.checkpoint("group") < EVENTS and time.monotonic() < deadline:
        time.sleep(0.05)
    for consumer in consumers.values():
        consumer.kill()
        consumer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert (log.head(), log.checkpoint("group")) == (EVENTS, EVENTS)
    assert {int(line) for line in handled.read_text().split()} == set(range(1, EVENTS + 1))
    log.close()


@pytest.mark.timeout(2 * BOUND)
def test_follower__eight_writers_relay_itself_and_redis_killed__has_every_event_once(
    redis_server: RedisServer, tmp_path: Path, place: Path | str
) -> None:
    chance, total, port = random.Random(SEED), WRITERS * EACH, redis_server.port
    ledger = tmp_path / "ledger.db"
    start: dict[str, Callable[[], BaseProcess]] = {
        "relay": lambda: spawn(relay, place, port),
        "follower": lambda: spawn(follow_into_ledger, place, port, ledger, total),
        **{
            f"writer-{number}": lambda name=f"writer-{number}": spawn(  # type: ignore[misc]
                append_and_publish, place, port, name, EACH // BATCH, BATCH
            )
            for number in range(WRITERS)
        },
    }
    running = {name: begin() for name, begin in start.items()}
    accidents = 4 + EACH // 500
    with closing(opened(place)) as log:
        for accident in range(1, accidents + 1):
            wait_until(log, total * accident // (accidents + 2))
            name = ("follower", "relay", "redis", "writer")[accident % 4]
            if name == "redis":
                chance.choice((redis_server.restart, redis_server.wipe))()
                continue
            name = name if name in start else f"writer-{chance.randrange(WRITERS)}"
            running[name].kill()
            running[name].join()
            running[name] = start[name]()
        wait_until(log, total)
        running["follower"].join(BOUND)
        with redis_server.client() as client:
            while Feed(client, log.identity).last() < total:
                assert running["relay"].is_alive()
                time.sleep(0.05)
        running.pop("relay").kill()
        for process in running.values():
            process.join(BOUND)
        assert {name: process.exitcode for name, process in running.items()} == dict.fromkeys(running, 0)
        with closing(sqlite3.connect(ledger)) as book:
            entries = book.execute("SELECT position, event_id FROM entries ORDER BY rowid").fetchall()
        assert [position for position, _ in entries] == list(range(1, total + 1))
        assert {event_id for _, event_id in entries} == {f"writer-{w}-{n}" for w in range(WRITERS) for n in range(EACH)}
        assert inspect(log, ()).broken == []
