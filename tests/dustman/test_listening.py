"""A relay on its own host: what another commits to PostgreSQL reaches the feed without beat and without a nudge."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from dustman.child import Child
from dustman.crew import Crew
from dustman.roles import ROLES
from events.feed import stream_key
from events.postgres import PostgresLog
from tests.events.clocks import utc_now
from tests.events.samples import new
from tests.postgres_server import Database, PostgresServer
from tests.redis_server import RedisServer


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def relay(own_server: PostgresServer, tmp_path: Path) -> Iterator[tuple[Child, PostgresLog, redis.Redis]]:
    """A relay alone: no beat rings it and nobody nudges it."""
    (tmp_path / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    (tmp_path / "redis").mkdir()
    with (
        RedisServer(tmp_path / "redis") as server,
        server.client() as client,
        Database(own_server.url) as database,
        closing(PostgresLog(database.url, utc_now)) as log,
        Crew(tmp_path / "log") as crew,
    ):
        environment = {
            "PATH": os.environ["PATH"],
            "DUSTMAN_LOG_URL": database.url,
            "DUSTMAN_REDIS_URL": f"redis://127.0.0.1:{server.port}",
        }
        child = crew.start(ROLES["relay"].job(tmp_path / "dustman.yaml", tmp_path / "var", environment))
        crew.settle(30)
        yield child, log, client


def awaited(client: redis.Redis, log: PostgresLog, position: int) -> list[bytes]:
    after = f"{position - 1}-0"
    replies: Any = client.xread({stream_key(log.identity): after}, count=1, block=20_000)
    return [entry for _, entries in replies for entry, _ in entries]


def test_relay__a_commit_elsewhere__is_published_without_beat_also_after_the_server_was_killed(
    relay: tuple[Child, PostgresLog, redis.Redis], own_server: PostgresServer
) -> None:
    child, log, client = relay
    log.append("main", 0, [new("a"), new("b")])
    assert awaited(client, log, 2) == [b"2-0"]
    log.append("main", 2, [new("c")])
    assert awaited(client, log, 3) == [b"3-0"]
    own_server.kill()
    own_server.start()
    log.append("main", 3, [new("d")])
    assert awaited(client, log, 4) == [b"4-0"]
    assert child.running
