"""Every step of a two-crumb sweep, with the process killed just before and just after it, then started again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from events.facts import DustConverted, LegRequested
from events.sqlite import SQLiteLog
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.crash.process import Victim, started
from tests.redis_server import RedisServer
from tests.workers.stand import POLICY, Stand

DUE = datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with started("tests.crash.victim") as process:
        yield process


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@contextmanager
def scene(directory: Path, redis: RedisServer) -> Iterator[tuple[Stand, dict[str, Any]]]:
    """A fresh venue and log, and the job that sweeps them."""
    directory.mkdir()
    with CoinbaseTwin(small()) as twin:
        at = Stand(twin, directory / "dustman.db", POLICY)
        at.go_live()
        yield (
            at,
            {
                "db": str(at.path),
                "redis": redis.port,
                "base_url": twin.base_url,
                "ca_file": str(twin.ca_file),
                "key": json.loads(twin.key_file().read_text()),
                "due": DUE.isoformat(),
            },
        )


def assert_settled(at: Stand, where: str) -> None:
    """Both ledgers agree to the last unit, no leg has two orders, and every lot has its answer."""
    assert at.recorded() == at.moved(), where
    orders = Counter(order.client_order_id for order in at.twin.exchange.state.orders.values() if order.filled_size)
    assert set(orders.values()) <= {1}, where
    facts = [recorded.fact for recorded in SQLiteLog(at.path, at.clock).read()]
    assert sum(isinstance(fact, DustConverted) for fact in facts) == 2, where
    assert {fact.key for fact in facts if isinstance(fact, LegRequested)} == set(orders), where


@pytest.mark.parametrize("moment", ["before", "after"])
def test_crash__just_before_or_after_every_step__loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, victim: Victim, redis_server: RedisServer, moment: str
) -> None:
    with scene(tmp_path / "whole", redis_server) as (at, job):
        steps = victim.run(job)["done"]
        assert_settled(at, "without a crash")
    assert steps > 30
    for step in range(1, steps + 1):
        with scene(tmp_path / str(step), redis_server) as (at, job):
            died = victim.run(job, at=step, after=moment == "after")["died"]
            assert "done" in victim.run(job), died
            assert_settled(at, f"step {step}: died {died}")


def test_crash__a_converter_that_sends_again__is_caught_by_the_same_harness(
    tmp_path: Path, victim: Victim, redis_server: RedisServer
) -> None:
    """The harness can lose: a converter that answers doubt with another order pays twice at some step."""
    caught = []
    with scene(tmp_path / "whole", redis_server) as (_, job):
        steps = victim.run(job)["done"]
    for step in range(1, steps + 1):
        with scene(tmp_path / str(step), redis_server) as (at, job):
            victim.run(job, at=step, after=True)
            victim.run({**job, "naive": True})
            if at.recorded() != at.moved():
                caught.append(step)
    assert caught
