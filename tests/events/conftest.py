"""A fresh Redis for every test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import pytest
import redis

from tests.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.client() as connection:
        yield connection


@pytest.fixture
def clients(redis_server: RedisServer) -> Iterator[Iterator[redis.Redis]]:
    """As many clients as a test wants."""
    with ExitStack() as stack:
        yield (stack.enter_context(redis_server.client()) for _ in repeat(None))
