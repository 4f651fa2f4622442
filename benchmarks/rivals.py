"""Other ways to keep the same events durably, for comparison: a bare file, naive rows, the library `eventsourcing`."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Transcoding

from events.codec import encode, rfc3339
from events.facts import Fact
from events.log import NewEvent


class Rival(Protocol):
    """Takes events durably, all of a call or none."""

    def append(self, events: Sequence[NewEvent]) -> None: ...

    def close(self) -> None: ...


class BareFile:
    """The facts' bytes at the end of a file, then `fdatasync`: the limit of what a disk can do."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._bytes: dict[int, bytes] = {}

    def prepare(self, events: Sequence[NewEvent]) -> None:
        """Encode outside what is measured: the disk alone is the limit."""
        self._bytes = {id(event): encode(event.fact) for event in events}

    def append(self, events: Sequence[NewEvent]) -> None:
        os.write(self._file, b"".join(self._bytes[id(event)] for event in events))
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)


class NaiveRows:
    """A table with an automatic key and text in each column: no tree, no versions, no idempotency, nothing refused."""

    def __init__(self, path: Path) -> None:
        self._link = sqlite3.connect(path, isolation_level=None)
        self._link.execute("PRAGMA journal_mode = WAL")
        self._link.execute("PRAGMA synchronous = FULL")
        self._link.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, event_id TEXT, type TEXT, at TEXT, data BLOB)")

    def append(self, events: Sequence[NewEvent]) -> None:
        self._link.execute("BEGIN")
        self._link.executemany(
            "INSERT INTO events (event_id, type, at, data) VALUES (?, ?, ?, ?)",
            [
                (event.event_id, type(event.fact).__name__, rfc3339(event.occurred_at), encode(event.fact))
                for event in events
            ],
        )
        self._link.execute("COMMIT")

    def close(self) -> None:
        self._link.close()


class Account(Aggregate):
    """A stream as that library's manual shows it: an aggregate triggers events and an application saves it."""

    class Happened(Aggregate.Event):
        """A fact."""

        fact: Fact
        correlation_id: str
        causation_id: str | None


class Eventsourced:
    """The library's own store in SQLite: unique by stream and version, with its JSON transcoder and typed values.

    Like a user of it would, it registers one transcoding for each of our types; tuples come back as lists.
    """

    def __init__(self, path: Path, facts: Sequence[Fact]) -> None:
        self._app: Application[UUID] = Application(
            {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}
        )
        for form in {form for fact in facts for form in _dataclasses(fact)}:
            self._app.mapper.transcoder.register(_transcoding(form))  # type: ignore[attr-defined]
        self._account = Account()
        self._app.save(self._account)

    def append(self, events: Sequence[NewEvent]) -> None:
        for event in events:
            self._account.trigger_event(
                Account.Happened,
                fact=event.fact,
                correlation_id=event.correlation_id,
                causation_id=event.causation_id,
            )
        self._app.save(self._account)

    def read(self, page: int) -> Iterator[object]:
        """Yield all events in pages, after the one that made the aggregate."""
        last = 1
        while found := list(self._app.events.get(self._account.id, gt=last, limit=page)):
            yield from found
            last = found[-1].originator_version

    def close(self) -> None:
        self._app.close()


def _dataclasses(value: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(type(value)):
        yield type(value)
        for field in dataclasses.fields(value):
            yield from _dataclasses(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _dataclasses(item)


def _transcoding(form: type) -> Transcoding:
    names = [field.name for field in dataclasses.fields(form)]

    class AsFields(Transcoding):
        """A value by the names of its fields."""

        type = form
        name = form.__name__

        def encode(self, obj: Any) -> Any:
            return {name: getattr(obj, name) for name in names}

        def decode(self, data: Any) -> Any:
            return form(**data)

    return AsFields()
