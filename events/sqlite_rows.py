"""Events as rows of the SQLite log and back, and the rows of their tree."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from events.admission import EPOCH, TICK
from events.catalogue import EventType
from events.codec import decode
from events.log import CorruptLog, Recorded

SELECT: Final = """
SELECT position, streams.name, version, event_id, type, type_version, data, occurred_at, recorded_at, correlation_id,
    causation_id
FROM events JOIN streams ON streams.id = events.stream
"""
INSERT: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_ROW: Final = "INSERT INTO tree VALUES (?, ?)"


def recorded(row: tuple[Any, ...], path: object) -> Recorded:
    """Return the event of a row that `SELECT` found; `CorruptLog` names the file and the position."""
    position, stream, version, event_id, word, type_version, data, occurred_at, recorded_at, *ids = row
    try:
        fact = decode(EventType(word, type_version), data)
        occurred_at, recorded_at = EPOCH + TICK * occurred_at, EPOCH + TICK * recorded_at
    except (ValueError, OverflowError) as error:
        raise CorruptLog(f"{path}: position {position} cannot be read: {error}") from error
    return Recorded(position, stream, version, event_id, word, type_version, data, fact, occurred_at, recorded_at, *ids)


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


def ticks(moment: datetime) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // TICK


def tree_rows(link: sqlite3.Connection, positions: Collection[int]) -> Mapping[int, bytes]:
    """Return the rows of the tree that there are for positions."""
    query = "SELECT position, hashes FROM tree WHERE position IN (SELECT value FROM json_each(?))"
    return dict(link.execute(query, (json.dumps(list(positions)),)))
