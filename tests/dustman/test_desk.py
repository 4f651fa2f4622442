"""The desks of workers and commands on a Redis that is down, comes back, or is not fit for the feed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import VenueUnavailable
from dustman.desk import command_desk, worker_desk
from dustman.settings import Settings, load
from dustman.wiring import now
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.dustman.test_doctor import configure
from tests.redis_server import RedisServer
from workers.scanning import scan


@pytest.fixture
def twin() -> Iterator[CoinbaseTwin]:
    with CoinbaseTwin(small()) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def settings(home: Path, twin: CoinbaseTwin, server: RedisServer) -> Settings:
    return load(configure(home, twin, server.port), os.environ)


def no_nudge(_queue: str, _account: str) -> None:
    """Nobody else works here."""


def test_worker__opened_while_redis_is_down__asks_nothing_until_the_shared_limit_is_back(
    settings: Settings, server: RedisServer, twin: CoinbaseTwin
) -> None:
    server.kill()
    venue = worker_desk(settings, no_nudge).venue("main")
    with pytest.raises(VenueUnavailable, match="Redis that keeps the rate limit"):
        venue.holdings()
    assert not any(twin.gate.counts().values())
    server.start()
    assert venue.holdings()
    with server.client() as client:
        assert client.keys("dustman:limit:*")


def test_command__redis_is_down__asks_within_a_limit_of_its_own(settings: Settings, server: RedisServer) -> None:
    server.kill()
    assert command_desk(settings, print).venue("main").holdings()


def test_publish__redis_is_away__says_so_once_until_it_was_back(settings: Settings, server: RedisServer) -> None:
    said: list[str] = []
    desk = command_desk(settings, said.append)
    server.kill()
    for _ in range(3):
        desk.publish()
    assert len(said) == 1
    assert "the feed is behind the log" in said[0]
    server.start()
    desk.publish()
    server.kill()
    desk.publish()
    assert len(said) == 2


def test_publish__redis_would_drop_entries__says_so_and_raises_nothing(
    home: Path, twin: CoinbaseTwin, tmp_path: Path
) -> None:
    """Raised between an intent and its order it would leave the leg to the reconciler, at every attempt."""
    said: list[str] = []
    with RedisServer(tmp_path / "evicting", maxmemory_policy="allkeys-lru") as server:
        desk = command_desk(load(configure(home, twin, server.port), os.environ), said.append)
        scan(desk, "main", now(), automatic=True)
    assert "scan_completed" in [recorded.type for recorded in desk.log.read()]
    assert "maxmemory-policy is allkeys-lru" in said[-1]
