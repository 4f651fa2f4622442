"""The log of record in one SQLite file, written by many processes and read while it is written.

Position and time of record are assigned inside the writer's transaction, so the order of positions is the order of
commits and no reader ever sees a hole.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from events.admission import EPOCH, TICK, Candidate, admit, candidates, recorded_after
from events.catalogue import EventType
from events.codec import decode
from events.log import CorruptLog, EventIdConflict, LogConflict, NewEvent, Recorded
from events.sqlite_file import Link, LogFile

PAGE: Final = 500

SELECT: Final = """
SELECT position, streams.name, version, event_id, type, type_version, data, occurred_at, recorded_at, correlation_id,
    causation_id
FROM events JOIN streams ON streams.id = events.stream
"""
INSERT: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SQLiteLog:
    """An `EventLog` in the file at `path`; see `LogFile` for who may share it and how long a writer waits."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime],
        deadline: float = 5.0,
        new_identity: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.path = path
        self._clock = clock
        self._file = LogFile(path, new_identity, deadline)

    @property
    def identity(self) -> str:
        with self._file.reading() as link:
            return str(link.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()[0])

    def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]:
        wanted = candidates(stream, expected, events)
        if not wanted:
            return []
        with self._file.writing() as link:
            known = self._known(link, wanted)
            version = _version(link, stream)
            repeated = admit(wanted, expected, version, known)
            if repeated is not None:
                return repeated
            fresh = self._placed(link, wanted, version)
            stream_id = _stream_id(link, stream)
            link.executemany(INSERT, (_row(record, stream_id) for record in fresh))
            return fresh

    def restore(self, records: Iterable[Recorded]) -> int:
        """Write the records of an export as they stand, times and all, while this log is empty; all or none of them.

        Returns how many there were. The records' order is their reader's to check. Raises `LogConflict` when the log
        has events and `EventIdConflict` when an id comes twice.
        """
        with self._file.writing() as link:
            if head := _tail(link)[0]:
                raise LogConflict(f"{self.path} has {head} events; only an empty log takes those of another")
            count = 0
            for count, record in enumerate(records, start=1):
                query = "SELECT position FROM events WHERE event_id = ?"
                if taken := link.execute(query, (record.event_id,)).fetchone():
                    raise EventIdConflict(f"event id {record.event_id} is that of positions {taken[0]} and {count}")
                link.execute(INSERT, _row(record, _stream_id(link, record.stream)))
            return count

    def stream(self, stream: str, after: int = 0) -> Iterator[Recorded]:
        query = f"{SELECT} WHERE streams.name = ? AND version > ? ORDER BY version LIMIT {PAGE}"
        while page := self._page(query, stream, after):
            for record in page:
                after += 1
                if record.version != after:
                    raise CorruptLog(f"{self.path}: version {after} of stream {stream} is missing")
                yield record

    def read(self, after: int = 0, until: int | None = None) -> Iterator[Recorded]:
        query = f"{SELECT} WHERE position > ? AND position <= ? ORDER BY position LIMIT {PAGE}"
        last = self.head() if until is None else until
        while page := self._page(query, after, last):
            for record in page:
                after += 1
                if record.position != after:
                    raise CorruptLog(f"{self.path}: position {after} is missing")
                yield record

    def streams(self) -> Sequence[str]:
        with self._file.reading() as link:
            return [name for (name,) in link.execute("SELECT name FROM streams ORDER BY id")]

    def head(self) -> int:
        with self._file.reading() as link:
            return _tail(link)[0]

    def position_at(self, moment: datetime) -> int:
        wanted = _ticks(moment)
        low = 0
        with self._file.reading() as link:
            high, _ = _tail(link)
            while low < high:  # times grow with positions, so the primary key is index enough
                middle = (low + high + 1) // 2
                (at,) = link.execute("SELECT recorded_at FROM events WHERE position = ?", (middle,)).fetchone()
                low, high = (middle, high) if at <= wanted else (low, middle - 1)
        return low

    def checkpoint(self, subscriber: str) -> int:
        with self._file.reading() as link:
            row = link.execute("SELECT position FROM checkpoints WHERE subscriber = ?", (subscriber,)).fetchone()
        return int(row[0]) if row else 0

    def save_checkpoint(self, subscriber: str, position: int) -> None:
        with self._file.writing() as link:
            link.execute(
                "INSERT INTO checkpoints VALUES (?, ?) "
                "ON CONFLICT DO UPDATE SET position = max(position, excluded.position)",
                (subscriber, position),
            )

    def close(self) -> None:
        self._file.close()

    def _known(self, link: Link, wanted: Sequence[Candidate]) -> Mapping[str, Recorded]:
        ids = json.dumps([candidate.event.event_id for candidate in wanted])
        rows = link.execute(f"{SELECT} WHERE event_id IN (SELECT value FROM json_each(?))", (ids,))
        return {record.event_id: record for record in map(self._recorded, rows)}

    def _placed(self, link: Link, wanted: Sequence[Candidate], version: int) -> Sequence[Recorded]:
        position, last = _tail(link)
        placed = []
        for offset, candidate in enumerate(wanted, start=1):
            last = recorded_after(last, self._clock())
            placed.append(candidate.recorded(position + offset, version + offset, last))
        return placed

    def _page(self, query: str, *bounds: object) -> Sequence[Recorded]:
        """Fetch a page whole: a reader that pauses between events must not keep a transaction open."""
        with self._file.reading() as link:
            rows = link.execute(query, bounds).fetchall()
        return [self._recorded(row) for row in rows]

    def _recorded(self, row: tuple[Any, ...]) -> Recorded:
        position, stream, version, event_id, word, type_version, data, occurred_at, recorded_at, *ids = row
        try:
            fact = decode(EventType(word, type_version), data)
            occurred_at, recorded_at = EPOCH + TICK * occurred_at, EPOCH + TICK * recorded_at
        except (ValueError, OverflowError) as error:
            raise CorruptLog(f"{self.path}: position {position} cannot be read: {error}") from error
        return Recorded(
            position, stream, version, event_id, word, type_version, data, fact, occurred_at, recorded_at, *ids
        )


def _version(link: Link, stream: str) -> int:
    query = "SELECT max(version) FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?)"
    return int(link.execute(query, (stream,)).fetchone()[0] or 0)


def _stream_id(link: Link, stream: str) -> int:
    link.execute("INSERT INTO streams (name) VALUES (?) ON CONFLICT DO NOTHING", (stream,))
    return int(link.execute("SELECT id FROM streams WHERE name = ?", (stream,)).fetchone()[0])


def _tail(link: Link) -> tuple[int, datetime]:
    """Return the last position and its time of record."""
    row = link.execute("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1").fetchone()
    return (row[0], EPOCH + TICK * row[1]) if row else (0, EPOCH)


def _row(record: Recorded, stream_id: int) -> tuple[object, ...]:
    return (
        record.position,
        stream_id,
        record.version,
        record.event_id,
        record.type,
        record.type_version,
        record.data,
        _ticks(record.occurred_at),
        _ticks(record.recorded_at),
        record.correlation_id,
        record.causation_id,
    )


def _ticks(moment: datetime) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // TICK
