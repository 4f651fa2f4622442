"""Writers, relay and subscriber killed at random moments, Redis wiped and restarted: on both stores of many processes.

`FEED_EVENTS` and `FEED_ACCIDENTS` make it as large as wanted: `make feed-campaign` has 8 writers append 12,500 events.
"""

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
from tests.events.writers import append_on_and_publish, keep_books, opened, relay, spawn
from tests.postgres_server import Database
from tests.redis_server import RedisServer

WRITERS = 8
EVENTS = int(os.environ.get("FEED_EVENTS", "100"))
ACCIDENTS = int(os.environ.get("FEED_ACCIDENTS", "8"))
BATCH = 10
SEED = 20260302
BOUND = 60.0 + EVENTS * WRITERS / 200


@pytest.mark.timeout(BOUND * 2)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_feed__everybody_killed_and_redis_wiped__nothing_is_lost_or_entered_twice(
    store: str, redis_server: RedisServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database: Database | None = request.getfixturevalue("database") if store == "postgres" else None
    place: Path | str = database.url if database else tmp_path / "log.db"
    books, port, chance = tmp_path / "books.db", redis_server.port, random.Random(SEED)
    opened(place).close()
    starts: dict[str, Callable[[], BaseProcess]] = {
        f"writer-{number}": lambda number=number: spawn(  # type: ignore[misc]
            append_on_and_publish, place, port, f"writer-{number}", EVENTS, BATCH
        )
        for number in range(WRITERS)
    }
    starts["relay"] = lambda: spawn(relay, place, port)
    starts["books"] = lambda: spawn(keep_books, place, port, books)
    running = {name: start() for name, start in starts.items()}
    for accident in range(ACCIDENTS):
        time.sleep(chance.uniform(0.05, 0.4))
        if accident % 4 == 3:
            chance.choice((redis_server.wipe, redis_server.restart))()
            continue
        # Each kind in turn, so that even few accidents meet them all.
        name = (f"writer-{chance.randrange(WRITERS)}", "relay", "books")[accident % 4]
        running[name].kill()
        running[name].join()
        running[name] = starts[name]()
    total, deadline = WRITERS * EVENTS, time.monotonic() + BOUND
    while len(entered(books)) < total and time.monotonic() < deadline:
        time.sleep(0.05)
    log = opened(place)
    with redis_server.client() as client:
        feed = Feed(client, log.identity)
        while feed.last() < total and time.monotonic() < deadline:
            time.sleep(0.05)
        first, *_ = client.xrange(feed.key, count=1)
        copied = client.xlen(feed.key)
    for process in running.values():
        process.kill()
        process.join()
    recorded = [(each.position, each.event_id) for each in log.read()]
    log.close()
    assert [position for position, _ in recorded] == list(range(1, total + 1))
    assert {event_id for _, event_id in recorded} == {
        f"writer-{number}-{version}" for number in range(WRITERS) for version in range(EVENTS)
    }
    assert entered(books) == recorded, "each once, in order"
    assert copied == total - int(first[0].split(b"-")[0]) + 1, "the feed has no hole"


def entered(books: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(books)) as ledger:
        try:
            return ledger.execute("SELECT position, event_id FROM entries ORDER BY rowid").fetchall()
        except sqlite3.OperationalError as error:
            assert "no such table" in str(error)
            return []
