"""Events as rows of the SQLite log and back, and the rows of their tree."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from events.admission import EPOCH, TICK, ticks
from events.catalogue import EventType
from events.codec import decode
from events.log import CorruptLog, Recorded, Written

SELECT: Final = """
SELECT position, streams.name, version, event_id, type, type_version, data, occurred_at, recorded_at, correlation_id,
    causation_id
FROM events JOIN streams ON streams.id = events.stream
"""
INSERT: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_ROW: Final = "INSERT INTO tree VALUES (?, ?)"

FIRST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // TICK
LAST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // TICK


def recorded(row: tuple[Any, ...], path: object) -> Recorded:
    """Return the event of a row that `SELECT` found; `CorruptLog` names the file and the position."""
    position, stream, version, event_id, word, type_version, data, occurred_at, recorded_at, *ids = row
    try:
        fact = decode(EventType(word, type_version), data)
        occurred_at, recorded_at = EPOCH + TICK * occurred_at, EPOCH + TICK * recorded_at
    except (ValueError, OverflowError) as error:
        raise CorruptLog(f"{path}: position {position} cannot be read: {error}") from error
    return Recorded(position, stream, version, event_id, word, type_version, data, fact, occurred_at, recorded_at, *ids)


def written(row: tuple[Any, ...], path: object) -> Written:
    """Return the event of a row that `SELECT` found, its fact not read."""
    record = Written._make(row)
    for moment in (record.occurred_at, record.recorded_at):
        if not FIRST <= moment <= LAST:
            raise CorruptLog(f"{path}: position {record.position} cannot be read: {moment} is no time")
    return record


def row_of(record: Recorded, stream_id: int) -> tuple[object, ...]:
    """Return what `INSERT` takes for an event."""
    return (
        record.position,
        stream_id,
        record.version,
        record.event_id,
        record.type,
        record.type_version,
        record.data,
        ticks(record.occurred_at),
        ticks(record.recorded_at),
        record.correlation_id,
        record.causation_id,
    )


def tree_rows(link: sqlite3.Connection, positions: Collection[int]) -> Mapping[int, bytes]:
    """Return the rows of the tree that there are for positions."""
    query = "SELECT position, hashes FROM tree WHERE position IN (SELECT value FROM json_each(?))"
    return dict(link.execute(query, (json.dumps(list(positions)),)))
