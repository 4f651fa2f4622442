"""The sealed part of a SQLite log: which segments there are, and how an id, a stream or a time is found in them.

Segments cover the log from position 1 on, without a hole, and never its last event, so that what is appended next
needs none of them. Their rows say which file may stand for which events; only then may those events leave the table.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from events.admission import ticks
from events.log import CorruptLog, LogConflict, Recorded
from events.segments import Segment

# `sealed_ids` has the first eight bytes of an event id's SHA-256: enough to find it, the event itself decides.
TABLES: Final = (
    """CREATE TABLE segments (
        first INTEGER PRIMARY KEY,
        last INTEGER NOT NULL,
        last_at INTEGER NOT NULL, -- microseconds since 1970 UTC
        file TEXT NOT NULL,
        digest BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE sealed_streams (
        stream TEXT NOT NULL, segment INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (stream, segment)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE sealed_ids (
        hash INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (hash, position)
    ) STRICT, WITHOUT ROWID""",
)
# Segments are dense and end before the log does; what leaves the table of events is in one of them.
TRIGGERS: Final = (
    """CREATE TRIGGER segments_dense BEFORE INSERT ON segments
        WHEN NEW.first <> (SELECT ifnull(max(last), 0) + 1 FROM segments) OR NEW.last < NEW.first
            OR NEW.last >= (SELECT max(position) FROM events)
        BEGIN SELECT raise(ABORT, 'segments are dense and end before the last event'); END""",
    """CREATE TRIGGER events_DELETE BEFORE DELETE ON events
        WHEN NOT EXISTS (SELECT 1 FROM segments WHERE OLD.position BETWEEN first AND last)
        BEGIN SELECT raise(ABORT, 'the log is append-only'); END""",
)
FROZEN: Final = ("segments", "sealed_streams", "sealed_ids")
PAGE: Final = 500


class Sealed:
    """The sealed part of the log whose segments lie in `directory`; `reading` lends a connection."""

    def __init__(self, directory: Path, reading: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        self.directory = directory
        self._reading = reading
        self._known: dict[int, Segment] = {}

    def end(self) -> int:
        """Return the last sealed position, 0 when none is."""
        with self._reading() as link:
            return end(link)

    def read(self, after: int, until: int) -> Iterator[Recorded]:
        """Yield the sealed events with `after < position <= until`."""
        if after >= until:
            return
        for first, segment in self._segments("last > ? AND first <= ?", after, until):
            expected = max(first, after + 1)
            for recorded in segment.read(after, until):
                if recorded.position != expected:
                    raise CorruptLog(f"segment {segment.path}: position {expected} is missing")
                expected += 1
                yield recorded

    def stream(self, stream: str, after: int, before: int | None = None) -> Iterator[Recorded]:
        """Yield the sealed events of a stream with `after < version < before`."""
        if before is not None and before <= after + 1:
            return
        holding = "first IN (SELECT segment FROM sealed_streams WHERE stream = ? AND version > ?)"
        for _, segment in self._segments(holding, stream, after):
            for recorded in segment.read(0, segment.index.last):
                if recorded.stream != stream or recorded.version <= after:
                    continue
                if before is not None and recorded.version >= before:
                    return
                yield recorded

    def position_at(self, moment: datetime) -> int | None:
        """Return the last position recorded at or before a moment, None when it is not among the sealed."""
        for first, segment in self._segments("last_at > ?", ticks(moment)):
            position = segment.position_at(moment)
            return position if position >= first else first - 1
        return None

    def with_ids(self, link: sqlite3.Connection, ids: Collection[str]) -> Sequence[Recorded]:
        """Return the sealed events that have one of these ids."""
        if not end(link):  # most logs seal nothing, and each append asks
            return []
        query = "SELECT position FROM sealed_ids WHERE hash IN (SELECT value FROM json_each(?))"
        positions = link.execute(query, (json.dumps([hashed(event_id) for event_id in ids]),)).fetchall()
        found = [recorded for (position,) in positions for recorded in self.read(position - 1, position)]
        return [recorded for recorded in found if recorded.event_id in ids]

    def put_away(self, link: sqlite3.Connection, segment: Segment) -> None:
        """Let a segment stand for its events, which leave the table; a part of the caller's transaction."""
        index = segment.index
        if index.first != end(link) + 1:
            raise LogConflict(f"position {index.first} was sealed by somebody else meanwhile")
        row = (index.first, index.last, ticks(index.last_at), segment.path.name, segment.digest)
        link.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?)", row)
        link.executemany(
            "INSERT INTO sealed_streams VALUES (?, ?, ?)",
            [(stream, index.first, version) for stream, version in index.streams.items()],
        )
        ids = [(hashed(record.event_id), record.position) for record in segment.read(0, index.last)]
        link.executemany("INSERT INTO sealed_ids VALUES (?, ?)", sorted(ids))
        link.execute("DELETE FROM events WHERE position BETWEEN ? AND ?", (index.first, index.last))

    def damage(self, identity: str) -> Iterator[str]:
        """Say where segments, and what the log keeps of them, disagree."""
        last = ids = streams = 0
        for first, segment in self._segments("1"):
            try:
                wrong = list(self._damage_of(segment, first, last, identity))
                ids += segment.index.last - first + 1
                streams += len(segment.index.streams)
                last = segment.index.last
            except CorruptLog as corrupt:
                yield str(corrupt)
                return
            yield from wrong
        with self._reading() as link:
            for table, expected in (("sealed_ids", ids), ("sealed_streams", streams)):
                (count,) = link.execute(f"SELECT count(*) FROM {table}").fetchone()
                if count != expected:
                    yield f"{self.directory}: {table} has {count} rows, the segments have {expected}"

    def _damage_of(self, segment: Segment, first: int, last: int, identity: str) -> Iterator[str]:
        index, name = segment.index, f"segment {segment.path}"
        if index.identity != identity:
            yield f"{name}: is of the log {index.identity}, not of {identity}"
        if (index.first, first) != (last + 1, last + 1):
            yield f"{name}: begins at position {index.first}, registered for {first}, expected at {last + 1}"
        with self._reading() as link:
            query = "SELECT last, last_at FROM segments WHERE first = ?"
            if link.execute(query, (first,)).fetchone() != (index.last, ticks(index.last_at)):
                yield f"{name}: is registered with another end than it has"
            query = "SELECT stream, version FROM sealed_streams WHERE segment = ?"
            if dict(link.execute(query, (first,))) != index.streams:
                yield f"{name}: is registered with other streams than it has"
        events = segment.read(0, index.last)
        while page := list(islice(events, PAGE)):
            pairs = json.dumps([[hashed(record.event_id), record.position] for record in page])
            query = (
                "SELECT count(*) FROM json_each(?) AS pair JOIN sealed_ids ON hash = json_extract(pair.value, '$[0]') "
                "AND position = json_extract(pair.value, '$[1]')"
            )
            with self._reading() as link:
                (found,) = link.execute(query, (pairs,)).fetchone()
            if found != len(page):
                yield f"{name}: {len(page) - found} ids from position {page[0].position} on are not registered"

    def _segments(self, condition: str, *values: object) -> Iterator[tuple[int, Segment]]:
        query = f"SELECT first, file, digest FROM segments WHERE {condition} ORDER BY first"
        with self._reading() as link:
            rows = link.execute(query, values).fetchall()
        for first, file, digest in rows:
            known = self._known.get(first)
            if known is None or (known.path.name, known.digest) != (file, digest):
                known = self._known[first] = Segment(self.directory / Path(file).name, digest)
            yield first, known


def end(link: sqlite3.Connection) -> int:
    """Return the last sealed position, 0 when none is."""
    return int(link.execute("SELECT ifnull(max(last), 0) FROM segments").fetchone()[0])


def version(link: sqlite3.Connection, stream: str) -> int:
    """Return the last sealed version of a stream, 0 when none is."""
    query = "SELECT ifnull(max(version), 0) FROM sealed_streams WHERE stream = ?"
    return int(link.execute(query, (stream,)).fetchone()[0])


def hashed(event_id: str) -> int:
    """Return what an id is found by."""
    return int.from_bytes(sha256(event_id.encode()).digest()[:8], signed=True)
