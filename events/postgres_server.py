"""The server under the log: connections, deadlines, and what its refusals mean. What is in it is the log's concern."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from events.log import CorruptLog, LogUnavailable, StoreMisconfigured
from events.postgres_schema import SCHEMA_VERSION

T = TypeVar("T")

# A server that answers does so within its own deadline; one that does not is given up this many seconds later.
GRACE: Final = 1.0
PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.4)

# By how a code begins in https://www.postgresql.org/docs/current/errcodes-appendix.html.
UNAVAILABLE: Final = {
    "57014": "did not finish within the deadline: another writer holds the log, or the server is too busy",
    "55P03": "is locked by another writer",
    "25006": "is read-only, perhaps a standby",
    "53": "has no room left: disk, memory or connections",
    "58": "cannot be read or written: disk failing or gone",
    "XX000": "failed in itself, as it does when a file may not grow",
}
MISCONFIGURED: Final = {
    "42501": "may not be used so by this user; let it be a member of the log's role for writers",
    "3F000": "holds no log; `dustman log create` makes it",
    "42P01": "holds no log; `dustman log create` makes it",
    "42883": "holds a log without its functions; `dustman log create` makes it whole in an empty database",
}
CORRUPT: Final = {"XX001": "is damaged", "XX002": "is damaged"}
MEANINGS: Final[Mapping[type[Exception], Mapping[str, str]]] = {
    LogUnavailable: UNAVAILABLE,
    StoreMisconfigured: MISCONFIGURED,
    CorruptLog: CORRUPT,
}
# A connection that never came to be has no code, only the server's sentence.
TO_MEND: Final = ("authentication failed", "does not exist", "pg_hba.conf", "permission denied", "no password supplied")


class Lost(Exception):
    """The connection is gone, or the server does not take one now: whether it did what was asked is not known."""


class Link(psycopg.Connection[tuple[Any, ...]]):
    """A connection, who may use it, and until when the server's answer is waited for."""

    pid: int = 0
    thread: threading.Thread
    patience: float = math.inf

    def __del__(self, *_: Any) -> None:
        """End with whoever used it, in its own process alone; psycopg would warn, as of a mistake."""
        if self.pid == os.getpid():
            self.close()

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server up to the moment `patience`; psycopg alone would wait for ever."""
        left = max(0.0, self.patience - time.monotonic())
        return super().wait(gen, interval, left if timeout is None else min(left, timeout))


class Server:
    """The database at `url`. One instance serves any number of threads and forked children, a connection for each.

    `deadline` is how many seconds a request may take; the server itself ends one that takes longer, undone.
    """

    def __init__(self, url: str, deadline: float) -> None:
        told = psycopg.conninfo.conninfo_to_dict(url)
        self.name = f"{told.get('dbname', '')} at {told.get('host', 'localhost')}:{told.get('port', 5432)}"
        self._url = url
        self._deadline = deadline
        self._local = threading.local()
        self._links: list[Link] = []  # also those of a parent process: closing them here would end them there

    def asked(self, request: Callable[[Link], T]) -> T:
        """Make a request that may be repeated. When its connection is lost it is, on a new one, until the deadline."""
        deadline = time.monotonic() + self._deadline
        pauses = iter(PAUSES)
        while True:
            try:
                return self._once(request, deadline)
            except Lost as lost:
                pause = next(pauses, PAUSES[-1])
                if time.monotonic() + pause >= deadline:
                    raise LogUnavailable(f"{self.name} does not answer: {lost}") from lost
            time.sleep(pause)

    def close(self) -> None:
        """Close this process's connections; the next use opens new ones."""
        self._drop(lambda _: True)
        self._local = threading.local()

    def _once(self, request: Callable[[Link], T], deadline: float) -> T:
        link: Link | None = None
        try:
            link = self._link(deadline)
            link.patience = deadline + GRACE
            return request(link)
        except psycopg.Error as error:
            raise self._meaning(error, link) from error
        finally:
            # Interrupted in the middle of an answer, it would take the rest of it for the answer to the next request.
            if link is not None and link.info.transaction_status is not TransactionStatus.IDLE:
                link.close()

    def _link(self, deadline: float) -> Link:
        link: Link | None = getattr(self._local, "link", None)
        if link is None or link.pid != os.getpid() or link.closed:
            self._drop(lambda link: link.closed or not link.thread.is_alive())
            link = self._local.link = self._open(deadline)
            self._links.append(link)
        return link

    def _drop(self, which: Callable[[Link], bool]) -> None:
        for link in [link for link in self._links if link.pid == os.getpid() and which(link)]:
            self._links.remove(link)
            link.close()

    def _open(self, deadline: float) -> Link:
        # Every look-up has its index. A plan made while the log was small would else read all of it at each append.
        options = (
            f"-c timezone=UTC -c statement_timeout={round(self._deadline * 1000)} -c enable_seqscan=off "
            r"-c default_transaction_isolation=read\ committed"
        )
        left = max(1, math.ceil(deadline - time.monotonic()))
        link = Link.connect(
            self._url, autocommit=True, connect_timeout=left, options=options, application_name="dustman"
        )
        try:
            link.pid, link.thread, link.patience = os.getpid(), threading.current_thread(), deadline + GRACE
            self._refuse_unfit(link)
        except BaseException:
            link.close()
            raise
        return link

    def _refuse_unfit(self, link: Link) -> None:
        """Refuse a server that may forget what it acknowledged, and a log of another release."""
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            if link.execute("SELECT current_setting(%s)", (setting,)).fetchone() == ("off",):
                raise StoreMisconfigured(f"{self.name} has {setting} off and may lose events; set it on")
        [(version,)] = link.execute("SELECT value FROM dustman.meta WHERE name = 'schema'").fetchall()
        if int(version) > SCHEMA_VERSION:
            raise CorruptLog(f"{self.name} has schema {version}, of a newer release; this one reads {SCHEMA_VERSION}")
        if int(version) < SCHEMA_VERSION:
            raise StoreMisconfigured(
                f"{self.name} has schema {version}; `dustman log create` makes it {SCHEMA_VERSION}"
            )

    def _meaning(self, error: psycopg.Error, link: Link | None) -> Exception:
        """Say what a refusal means for the log: `Lost` when the connection is gone or never was."""
        said = " ".join(str(error).split())
        code = error.sqlstate or ""
        for meaning, sentences in MEANINGS.items():
            for prefix, sentence in sentences.items():
                if code.startswith(prefix):
                    return meaning(f"{self.name} {sentence} ({said})")
        if link is None and any(words in said for words in TO_MEND):
            return StoreMisconfigured(f"{self.name} does not let this user in ({said})")
        if code.startswith("57P") or link is None or link.info.transaction_status is not TransactionStatus.IDLE:
            return Lost(said)
        return error
