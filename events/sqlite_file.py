"""The file under the log: connections and locks. What is in it is the log's concern.

A transaction that writes stands under two locks: a file lock, because SQLite's own waiting sleeps ever longer and
starves a writer among eight (https://sqlite.org/c3ref/busy_timeout.html), then `BEGIN IMMEDIATE`.
"""

from __future__ import annotations

import fcntl
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from events.log import CorruptLog, LogUnavailable, StoreMisconfigured
from events.sqlite_schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, migrate, stored_schema

# A page takes whole events only: of half a kilobyte each, twice the default wastes half as much and costs no more.
PAGE_SIZE: Final = 8192
# Ids come in random order: with room for many pages of their index, and checkpoints seldom, a page is written once for
# several of them. In KiB, and in pages.
CACHE: Final = 32_768
CHECKPOINT: Final = 4_000
# A time-out is set anew when it changes by more than this, in milliseconds: to set it costs as much as an INSERT.
NEGLIGIBLE: Final = 10
UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another writer",
    sqlite3.SQLITE_LOCKED: "is locked by another writer",
    sqlite3.SQLITE_FULL: "has no room left on its disk",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_PERM: "may not be used by this user",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened by this user",
    sqlite3.SQLITE_IOERR: "cannot be read or written: disk full, failing or gone",
}
# Said by the driver, which has no code for it, and under a code that means much else.
CORRUPT_BY_WORD: Final = {"UTF-8": "cannot be read", "no such table": "lacks a table that every log has"}
CORRUPT: Final = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite file, so it is no log",
    sqlite3.SQLITE_CORRUPT: "is damaged",
}


class Link(sqlite3.Connection):
    """A connection, and who may use it: SQLite forbids carrying one over a fork."""

    pid: int
    thread: threading.Thread
    patience: int  # how long SQLite waits for others, in milliseconds


class LogFile:
    """The SQLite file at `path`, made on first use in a directory that exists.

    One instance serves any number of threads and forked children: each opens its own connection when it first needs
    one. `deadline` is how many seconds a writer waits for others before `LogUnavailable`.
    """

    def __init__(self, path: Path, new_identity: Callable[[], str], deadline: float) -> None:
        self.path = path
        self._new_identity = new_identity
        self._deadline = deadline
        self._local = threading.local()
        self._links: list[Link] = []  # also those of a parent process: closing them here could disturb it

    @contextmanager
    def reading(self) -> Iterator[Link]:
        with self._translated():
            yield self._link(time.monotonic() + self._deadline)

    @contextmanager
    def writing(self) -> Iterator[Link]:
        """Hold both locks and one transaction, committed when the block ends without an error."""
        deadline = time.monotonic() + self._deadline
        with self._translated():
            link = self._link(deadline)
            with self._gate(deadline):
                _begin(link, deadline)
                try:
                    yield link
                    link.execute("COMMIT")
                finally:
                    if link.in_transaction:
                        link.execute("ROLLBACK")

    def close(self) -> None:
        """Close this process's connections; the next use opens new ones."""
        for link in [link for link in self._links if link.pid == os.getpid()]:
            self._links.remove(link)
            link.close()
        self._local = threading.local()

    def _link(self, deadline: float) -> Link:
        link: Link | None = getattr(self._local, "link", None)
        if link is None or link.pid != os.getpid():
            self._drop_links_of_ended_threads()
            link = self._local.link = self._open(deadline)
            self._links.append(link)
        return link

    def _drop_links_of_ended_threads(self) -> None:
        for link in [link for link in self._links if link.pid == os.getpid() and not link.thread.is_alive()]:
            self._links.remove(link)
            link.close()

    def _open(self, deadline: float) -> Link:
        if not self.path.parent.is_dir():
            raise StoreMisconfigured(f"{self.path}: there is no directory {self.path.parent}; make it, or name another")
        if self.path.is_dir():
            raise StoreMisconfigured(f"{self.path} is a directory; name a file in it")
        link = sqlite3.connect(
            self.path,
            timeout=max(0.0, deadline - time.monotonic()),
            isolation_level=None,  # transactions are begun and ended by us alone
            check_same_thread=False,  # only so that `close` may end what another thread opened
            factory=Link,
        )
        try:
            link.pid, link.thread, link.patience = os.getpid(), threading.current_thread(), -1_000
            if self._is_new(link):
                self._found(link, deadline)
            if stored_schema(link, self.path) < SCHEMA_VERSION:
                self._migrate(link, deadline)
            link.execute("PRAGMA synchronous = FULL")
            link.execute(f"PRAGMA cache_size = {-CACHE}")
            link.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
        except BaseException:
            link.close()
            raise
        return link

    def _is_new(self, link: Link) -> bool:
        # Tables first: another process makes them and the mark in one transaction, which may end between our two reads.
        if not link.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return True
        if link.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise CorruptLog(f"{self.path} is a SQLite database of something else, not a log")
        return False

    def _found(self, link: Link, deadline: float) -> None:
        with self._gate(deadline):
            link.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            link.execute("PRAGMA journal_mode = WAL")
            _begin(link, deadline)
            if self._is_new(link):
                for statement in SCHEMA:
                    link.execute(statement)
                meta = {"identity": self._new_identity(), "schema": str(SCHEMA_VERSION)}
                link.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            link.execute("COMMIT")

    def _migrate(self, link: Link, deadline: float) -> None:
        """Bring the file up to this release, once, whoever opens it first; all of it or nothing."""
        with self._gate(deadline):
            _begin(link, deadline)
            try:
                if stored_schema(link, self.path) < SCHEMA_VERSION:
                    migrate(link, self.path)
                link.execute("COMMIT")
            finally:
                if link.in_transaction:
                    link.execute("ROLLBACK")

    @contextmanager
    def _gate(self, deadline: float) -> Iterator[None]:
        """Let one writer at a time through to SQLite, by a lock on an empty file beside the log."""
        descriptor = os.open(f"{self.path}.gate", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise LogUnavailable(f"{self.path} is locked by another writer") from None
                    time.sleep(random.uniform(0.0001, 0.001))
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough if a fork has copied the descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say what SQLite's or the system's refusal means for the log."""
        try:
            yield
        except PermissionError as error:
            raise LogUnavailable(f"{self.path} is read-only for this user ({error})") from error
        except OSError as error:
            raise LogUnavailable(f"{self.path} cannot be used: {error}") from error
        except sqlite3.Error as error:
            for word, meaning in CORRUPT_BY_WORD.items():
                if word in str(error):
                    raise CorruptLog(f"{self.path} {meaning}: {error}") from error
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest is detail
            if sentence := UNAVAILABLE.get(code):
                raise LogUnavailable(f"{self.path} {sentence} ({error})") from error
            if sentence := CORRUPT.get(code):
                raise CorruptLog(f"{self.path} {sentence} ({error})") from error
            raise


def _begin(link: Link, deadline: float) -> None:
    left = max(0, round((deadline - time.monotonic()) * 1000))
    if abs(left - link.patience) > NEGLIGIBLE:
        link.execute(f"PRAGMA busy_timeout = {left}")
        link.patience = left
    link.execute("BEGIN IMMEDIATE")
