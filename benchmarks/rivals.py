"""Other ways to keep the same events durably, for comparison: a bare file, naive rows, the library `eventsourcing`."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, EventStore, JSONTranscoder, Mapper, Transcoding
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

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


@dataclasses.dataclass(frozen=True)
class Happened(DomainEvent):
    """A fact as an event of that library."""

    fact: Fact
    correlation_id: str
    causation_id: str | None


class Eventsourced:
    """The library's own store in SQLite: unique by stream and version, with its JSON transcoder and typed values.

    Like a user of it would, it registers one transcoding for each of our types; tuples come back as lists.
    """

    ORIGINATOR = UUID(int=1)

    def __init__(self, path: Path, facts: Sequence[Fact]) -> None:
        transcoder = JSONTranscoder()
        transcoder.register(DecimalAsStr())
        transcoder.register(DatetimeAsISO())
        for form in {form for fact in facts for form in _dataclasses(fact)}:
            transcoder.register(_transcoding(form))
        self._datastore = SQLiteDatastore(str(path))
        recorder = SQLiteApplicationRecorder(self._datastore)
        recorder.create_table()
        self._store: EventStore[UUID] = EventStore(Mapper(transcoder), recorder)
        self._version = 0

    def append(self, events: Sequence[NewEvent]) -> None:
        self._store.put(
            [
                Happened(
                    self.ORIGINATOR,
                    self._version + nth,
                    event.occurred_at,
                    event.fact,
                    event.correlation_id,
                    event.causation_id,
                )
                for nth, event in enumerate(events, start=1)
            ]
        )
        self._version += len(events)

    def read(self, page: int) -> Iterator[object]:
        """Yield all events in pages, as its users read long streams."""
        last = 0
        while found := list(self._store.get(self.ORIGINATOR, gt=last, limit=page)):
            yield from found
            last = found[-1].originator_version

    def close(self) -> None:
        self._datastore.close()


def _dataclasses(value: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(value):
        yield value.__class__
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


