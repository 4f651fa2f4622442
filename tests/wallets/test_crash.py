"""Every step of a wallet's sweep, with the process killed just before or just after it, then started again."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from events.facts import DustConverted, TransactionSigned
from simulators.chain.chain import LocalChain
from tests.campaign import CAMPAIGN
from tests.crash.process import Victim, started
from tests.redis_server import RedisServer
from tests.wallets.owner import Owner, owner
from tests.wallets.stand import dust

DUE = datetime(2026, 3, 1, 2, tzinfo=UTC)
LOTS = 2


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with started("tests.wallets.victim") as process:
        yield process


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@contextmanager
def scene(shared: LocalChain, redis: RedisServer) -> Iterator[tuple[Owner, dict[str, Any]]]:
    """A fresh wallet with two crumbs, and the job that sweeps them."""
    with (
        shared.undone() as chain,
        tempfile.TemporaryDirectory() as directory,
        owner(chain, Path(directory), redis.url().removesuffix("/0")) as at,
    ):
        at.books.add(dust(LOTS))
        yield at, {"config": str(at.config), "due": DUE.isoformat()}


def assert_swept(at: Owner, where: str) -> None:
    """One delegation, one sale of both crumbs, and what the harness demands."""
    at.assert_settled(where)
    assert len(at.books.facts(DustConverted)) == LOTS, where
    assert len(at.books.facts(TransactionSigned)) == 2, where


@pytest.mark.timeout(600)
def test_crash__just_before_or_after_every_step__loses_nothing_and_pays_nothing_twice(
    shared_chain: LocalChain, victim: Victim, redis_server: RedisServer
) -> None:
    """A campaign has each step both ways; otherwise every other step is cut before, the next one after it."""
    with scene(shared_chain, redis_server) as (at, job):
        steps = victim.run(job)["done"]
        assert_swept(at, "without a crash")
    assert steps > 25
    cuts = itertools.product(range(1, steps + 1), (False, True))
    for step, after in [cut for cut in cuts if CAMPAIGN or cut[1] == (cut[0] % 2 == 0)]:
        with scene(shared_chain, redis_server) as (at, job):
            died = victim.run(job, at=step, after=after)["died"]
            assert "done" in victim.run(job), died
            assert_swept(at, f"step {step}: died {died}")
