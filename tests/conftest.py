"""What tests share: where they write, one PostgreSQL, one local chain put back after each, Ctrl-C as in a terminal."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dustman import secret
from simulators.chain.chain import LocalChain
from tests.postgres_server import Database, PostgresServer

# A shell that starts the tests in the background has them ignore Ctrl-C, `nohup` a hangup, and whoever ignores a signal
# bequeaths that to the programs that the tests start and signal. Who handles it does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 2 * 1024**3


def pytest_configure() -> None:
    """Have files lie in memory where they may; processes that tests start do the same."""
    if "TMPDIR" not in os.environ and _usable(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def _usable(memory: Path) -> bool:
    """Whether files may lie in memory: then each append waits for no disk, which no test could tell from one that does.

    What a killed process wrote outlives it there too. Containers often allow too little, or no programs to run there.
    """
    if not (memory.is_dir() and os.access(memory, os.W_OK | os.X_OK)):
        return False
    found = os.statvfs(memory)
    return found.f_bavail * found.f_frsize >= MEMORY_NEEDED and not found.f_flag & os.ST_NOEXEC


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test conceals must not blot out what the next one reads."""
    monkeypatch.setattr(secret, "_concealed", set[str]())


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
def only_chain() -> Iterator[LocalChain]:
    """A node with everything deployed; `make chain` installs what it needs."""
    with LocalChain() as chain:
        yield chain


@pytest.fixture
def shared_chain(only_chain: LocalChain) -> LocalChain:
    """The one node, renewed when it is worn; a test undoes what it does to it."""
    only_chain.renew()
    return only_chain


@pytest.fixture
def chain(shared_chain: LocalChain) -> Iterator[LocalChain]:
    """The shared node; whatever the test does to it is undone."""
    with shared_chain.undone():
        yield shared_chain
