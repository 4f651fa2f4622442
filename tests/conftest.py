"""One PostgreSQL for all tests, and a fresh database in it for every test that asks for one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.postgres_server import Database, PostgresServer


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a server, without a database."""
    if given := os.environ.get("DUSTMAN_TEST_POSTGRES_URL"):
        yield given.rstrip("/")
    else:
        with PostgresServer() as server:
            yield server.url


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with Database(postgres_url) as made:
        yield made
