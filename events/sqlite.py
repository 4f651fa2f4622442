"""The log of record in one SQLite file, written by many processes and read while it is written.

Position and time of record are assigned inside the writer's transaction, so the order of positions is the order of
commits and no reader ever sees a hole.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final

from events import sealed
from events.admission import EPOCH, TICK, Candidate, admit, candidates, recorded_after, ticks, unread
from events.log import CorruptLog, EventIdConflict, LogConflict, NewEvent, Recorded, Written
from events.sealed import Sealed
from events.segments import Segment
from events.sqlite_file import Link, LogFile
from events.sqlite_rows import SELECT, Row, recorded, stored_id, tree_rows, write, written

PAGE: Final = 500
# Where these stand in a row that `SELECT` found.
_POSITION: Final = 0
_VERSION: Final = 2


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
        self._sealed = Sealed(Path(f"{path}.segments"), self._file.reading)

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
            write(link, fresh)
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
                if taken := link.execute(query, (stored_id(record.event_id),)).fetchone():
                    raise EventIdConflict(f"event id {record.event_id} is that of positions {taken[0]} and {count}")
                write(link, [record])
            return count

    def stream(self, stream: str, after: int = 0) -> Iterator[Recorded]:
        query = f"{SELECT} WHERE streams.name = ? AND events.version > ? ORDER BY events.version LIMIT {PAGE}"
        while page := self._page(f"version {after + 1} of stream {stream}", query, stream, after):
            for record in chain(self._sealed.stream(stream, after, page[0][_VERSION]), self._recorded(page)):
                after += 1
                if record.version != after:
                    raise CorruptLog(f"{self.path}: version {after} of stream {stream} is missing")
                yield record
        for record in self._sealed.stream(stream, after):
            after += 1
            if record.version != after:
                raise CorruptLog(f"{self.path}: version {after} of stream {stream} is missing")
            yield record

    def read(self, after: int = 0, until: int | None = None) -> Iterator[Recorded]:
        query = f"{SELECT} WHERE position > ? AND position <= ? ORDER BY position LIMIT {PAGE}"
        last = self.head() if until is None else until
        while page := self._page(f"position {after + 1}", query, after, last):
            for record in chain(self._sealed.read(after, page[0][_POSITION] - 1), self._recorded(page)):
                after += 1
                if record.position != after:
                    raise CorruptLog(f"{self.path}: position {after} is missing")
                yield record
        yield from self._sealed.read(after, last)

    def written(self, after: int, until: int) -> Iterator[Written]:
        query = f"{SELECT} WHERE position > ? AND position <= ? ORDER BY position LIMIT {PAGE}"
        while page := self._page(f"position {after + 1}", query, after, until):
            before = map(unread, self._sealed.read(after, page[0][_POSITION] - 1))
            for each in chain(before, (written(row, self.path) for row in page)):
                after += 1
                if each.position != after:
                    raise CorruptLog(f"{self.path}: position {after} is missing")
                yield each
        yield from map(unread, self._sealed.read(after, until))

    def streams(self) -> Sequence[str]:
        with self._file.reading() as link:
            return [name for (name,) in link.execute("SELECT name FROM streams ORDER BY id")]

    def head(self) -> int:
        with self._file.reading() as link:
            return _head(link)

    def position_at(self, moment: datetime) -> int:
        position = self._sealed.position_at(moment)
        if position is not None:
            return position
        wanted = ticks(moment)
        with self._file.reading() as link:
            low, high = sealed.end(link), _head(link)
            while low < high:  # times grow with positions, so the primary key is index enough
                middle = (low + high + 1) // 2
                row = link.execute("SELECT recorded_at FROM events WHERE position = ?", (middle,)).fetchone()
                if row is None:  # it was sealed meanwhile, or is missing
                    return self._sealed_meanwhile(middle, moment)
                low, high = (middle, high) if row[0] <= wanted else (low, middle - 1)
        return low

    def sealed_until(self) -> int:
        """Return the last position that lies in a segment, 0 when none does."""
        return self._sealed.end()

    @property
    def segments_directory(self) -> Path:
        """Where this log's segments lie: beside its file."""
        return self._sealed.directory

    def put_away(self, segment: Segment) -> None:
        """Let a segment, which is on disk and was checked, stand for its events; see `events.sealing`."""
        with self._file.writing() as link:
            self._sealed.put_away(link, segment)

    def compact(self) -> None:
        """Give the room that sealed events left back to the disk; nobody writes meanwhile."""
        with self._file.reading() as link:
            link.execute("VACUUM")
            link.execute("PRAGMA wal_checkpoint(TRUNCATE)")

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

    def tree(self, positions: Collection[int]) -> Mapping[int, bytes]:
        with self._file.reading() as link:
            return tree_rows(link, positions)

    def signed_heads(self) -> Sequence[bytes]:
        with self._file.reading() as link:
            rows = link.execute("SELECT number, note FROM signed_heads ORDER BY number").fetchall()
        if missing := set(range(1, len(rows) + 1)).difference(number for number, _ in rows):
            raise CorruptLog(f"{self.path}: signed head {min(missing)} is missing")
        return [note for _, note in rows]

    def keep_signed_head(self, note: bytes) -> None:
        with self._file.writing() as link:
            link.execute("INSERT INTO signed_heads SELECT ifnull(max(number), 0) + 1, ? FROM signed_heads", (note,))

    def damage(self) -> Iterator[str]:
        with self._file.reading() as link:
            for (sentence,) in link.execute("PRAGMA integrity_check"):
                if sentence != "ok":
                    yield f"{self.path}: {sentence}"
            # One statement is one moment: others append meanwhile.
            count, last, old, rows, first_row, last_row = link.execute(
                "SELECT events.*, (SELECT ifnull(max(last), 0) FROM segments), tree.* FROM "
                "(SELECT count(*), ifnull(max(position), 0) FROM events) AS events, "
                "(SELECT count(*), ifnull(min(position), 1), ifnull(max(position), 0) FROM tree) AS tree"
            ).fetchone()
        if old + count != last:
            yield f"{self.path}: there are {count} events and {old} in segments, and the last has position {last}"
        if last_row > last:
            yield f"{self.path}: position {last + 1} is missing: the tree has rows up to {last_row}"
        if first_row < 1 or rows != last_row:
            yield f"{self.path}: the tree has {rows} rows, from position {first_row} to {last_row}"
        yield from self._sealed.damage(self.identity)

    def close(self) -> None:
        self._file.close()

    def _known(self, link: Link, wanted: Sequence[Candidate]) -> Mapping[str, Recorded]:
        ids = [candidate.event.event_id for candidate in wanted]
        stored = [stored_id(event_id) for event_id in ids]
        rows: list[Row] = []
        for start in range(0, len(stored), PAGE):
            some = stored[start : start + PAGE]
            rows += link.execute(f"{SELECT} WHERE event_id IN ({', '.join('?' * len(some))})", some)
        return {record.event_id: record for record in (*self._recorded(rows), *self._sealed.with_ids(link, ids))}

    def _recorded(self, rows: Iterable[Row]) -> Iterator[Recorded]:
        return (recorded(row, self.path) for row in rows)

    def _sealed_meanwhile(self, position: int, moment: datetime) -> int:
        if position > self._sealed.end():
            raise CorruptLog(f"{self.path}: position {position} is missing")
        return self.position_at(moment)

    def _placed(self, link: Link, wanted: Sequence[Candidate], version: int) -> Sequence[Recorded]:
        position, last = _tail(link)
        placed = []
        for offset, candidate in enumerate(wanted, start=1):
            last = recorded_after(last, self._clock())
            placed.append(candidate.recorded(position + offset, version + offset, last))
        return placed

    def _page(self, place: str, query: str, *bounds: object) -> Sequence[Row]:
        """Fetch a page whole: a reader that pauses between events must not keep a transaction open.

        A page ends before text that is not UTF-8; the next one begins with it, at the `place` that the error names.
        """
        rows: list[Row] = []
        with self._file.reading() as link:
            try:
                rows.extend(link.execute(query, bounds))
            except sqlite3.OperationalError as error:
                if "UTF-8" not in str(error):
                    raise
                if not rows:
                    raise CorruptLog(f"{self.path}: {place} cannot be read: {error}") from error
        return rows


def _version(link: Link, stream: str) -> int:
    query = "SELECT max(version) FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?)"
    return int(link.execute(query, (stream,)).fetchone()[0] or sealed.version(link, stream))


def _head(link: Link) -> int:
    return int(link.execute("SELECT ifnull(max(position), 0) FROM events").fetchone()[0])


def _tail(link: Link) -> tuple[int, datetime]:
    """Return the last position and its time of record."""
    row = link.execute("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1").fetchone()
    try:
        return (row[0], EPOCH + TICK * row[1]) if row else (0, EPOCH)
    except OverflowError as error:
        raise CorruptLog(f"position {row[0]} cannot be read: its time of record is none") from error
