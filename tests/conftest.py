"""One PostgreSQL and one local chain for all tests, each as new for every test; and Ctrl-C as in a terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from simulators.chain.chain import LocalChain
from tests.postgres_server import Database, PostgresServer

# A shell that starts the tests in the background has them ignore Ctrl-C, and whoever ignores it bequeaths that to the
# programs that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def shared_chain() -> Iterator[LocalChain]:
    """A node with everything deployed; `make chain` installs what it needs."""
    with LocalChain() as chain:
        yield chain


@pytest.fixture
def chain(shared_chain: LocalChain) -> Iterator[LocalChain]:
    """The shared node; whatever the test does to it is undone."""
    with shared_chain.undone():
        yield shared_chain
