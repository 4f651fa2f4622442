"""Events as rows of the SQLite log and back, and the rows of their tree."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Final

from events.admission import EPOCH, TICK, ticks
from events.catalogue import EventType
from events.codec import decode
from events.leaf import grown
from events.log import CorruptLog, Recorded, Written

SELECT: Final = """
SELECT position, streams.name, events.version, event_id, types.word, types.version, data, occurred_at, recorded_at,
    correlation_id, causation_id
FROM events JOIN streams ON streams.id = events.stream JOIN types ON types.id = events.type
"""
INSERT: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_ROW: Final = "INSERT INTO tree VALUES (?, ?)"
_UUID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID_BYTES: Final = 16
FIRST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // TICK
LAST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // TICK

Row = tuple[Any, ...]


def recorded(row: Row, path: object) -> Recorded:
    """Return the event of a row that `SELECT` found; `CorruptLog` names the file and the position."""
    position, stream, version, event_id, word, type_version, data, occurred_at, recorded_at, correlation, cause = row
    try:
        return Recorded(
            position,
            stream,
            version,
            id_of(event_id),
            word,
            type_version,
            data,
            decode(_type(word, type_version), data),
            EPOCH + TICK * occurred_at,
            EPOCH + TICK * recorded_at,
            _shared_id(correlation),
            None if cause is None else _shared_id(cause),
        )
    except (ValueError, OverflowError) as error:
        raise CorruptLog(f"{path}: position {position} cannot be read: {error}") from error


def written(row: Row, path: object) -> Written:
    """Return the event of a row that `SELECT` found, its fact not read."""
    position, stream, version, event_id, word, type_version, data, occurred_at, recorded_at, correlation, cause = row
    for moment in (occurred_at, recorded_at):
        if not FIRST <= moment <= LAST:
            raise CorruptLog(f"{path}: position {position} cannot be read: {moment} is no time")
    try:
        ids = id_of(event_id), _shared_id(correlation), None if cause is None else _shared_id(cause)
    except ValueError as error:
        raise CorruptLog(f"{path}: position {position} cannot be read: {error}") from error
    return Written(position, stream, version, ids[0], word, type_version, data, occurred_at, recorded_at, *ids[1:])


def write(link: sqlite3.Connection, records: Sequence[Recorded]) -> None:
    """Write events at the end of the log, and before them the rows of the tree that they add."""
    link.executemany(INSERT_ROW, grown(records, partial(tree_rows, link)))
    write_events(link, records)


def write_events(link: sqlite3.Connection, records: Sequence[Recorded]) -> None:
    """Write events whose rows of the tree are there."""
    names = dict.fromkeys(record.stream for record in records)
    kinds = dict.fromkeys((record.type, record.type_version) for record in records)
    streams = {name: _key(link, "streams", name=name) for name in names}
    types = {(word, version): _key(link, "types", word=word, version=version) for word, version in kinds}
    link.executemany(
        INSERT,
        (_row(record, streams[record.stream], types[record.type, record.type_version]) for record in records),
    )


def _key(link: sqlite3.Connection, table: str, **content: object) -> int:
    """Return the key of a row of a table of names; the row is made when it is missing."""
    names, values = tuple(content), tuple(content.values())
    found = link.execute(f"SELECT id FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in names)}", values)
    if row := found.fetchone():
        return int(row[0])
    made = link.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)
    return int(made.lastrowid or 0)


def _row(record: Recorded, stream: int, event_type: int) -> Row:
    """Return what `INSERT` takes for an event."""
    return (
        record.position,
        stream,
        record.version,
        event_type,
        ticks(record.occurred_at),
        ticks(record.recorded_at),
        stored_id(record.event_id),
        stored_id(record.correlation_id),
        None if record.causation_id is None else stored_id(record.causation_id),
        record.data,
    )


# The events of one append have their correlation and their cause in common, and each id is asked for and then written.
@lru_cache(maxsize=2048)
def stored_id(text: str) -> str | bytes:
    """Return what is kept of an id: 16 bytes of a UUID in its usual spelling (RFC 9562, section 4), else the text."""
    return bytes.fromhex(text.replace("-", "")) if _UUID.fullmatch(text) else text


def id_of(stored: str | bytes) -> str:
    """Return the id that was stored; `ValueError` for what `stored_id` never makes."""
    if isinstance(stored, bytes):
        if len(stored) != _UUID_BYTES:
            raise ValueError(f"an id has {len(stored)} bytes, not the {_UUID_BYTES} of a UUID")
        digits = stored.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    if _UUID.fullmatch(stored):
        raise ValueError(f"the id {stored} is kept as text, and a UUID is kept as bytes")
    return stored


_type = lru_cache(maxsize=128)(EventType)
_shared_id = lru_cache(maxsize=1024)(id_of)


def tree_rows(link: sqlite3.Connection, positions: Collection[int]) -> Mapping[int, bytes]:
    """Return the rows of the tree that there are for positions."""
    query = "SELECT position, hashes FROM tree WHERE position IN (SELECT value FROM json_each(?))"
    return dict(link.execute(query, (json.dumps(list(positions)),)))
