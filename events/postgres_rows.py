"""Events as rows of the log in PostgreSQL, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from events.catalogue import EventType
from events.codec import decode
from events.log import CorruptLog, Recorded

SELECT: Final = """
SELECT position, name, version, event_id, type, type_version, data, occurred_at, recorded_at, correlation_id,
    causation_id
FROM dustman.events JOIN dustman.streams ON id = stream
"""


def fetched(cursor: psycopg.Cursor[tuple[Any, ...]], database: str, place: str) -> Sequence[Recorded]:
    """Return the events that `SELECT` found, up to one with a text or a time that cannot be read.

    `CorruptLog` names the database, and the `place` when the first is such a one.
    """
    rows: list[tuple[Any, ...]] = []
    try:
        rows.extend(cursor)
    except (UnicodeDecodeError, psycopg.DataError) as error:
        if not rows:
            raise CorruptLog(f"{database}: {place} cannot be read: {error}") from error
    return [recorded(row, database) for row in rows]


def recorded(row: tuple[Any, ...], database: str) -> Recorded:
    """Return the event of a row that `SELECT` found; `CorruptLog` names the database and the position."""
    position, stream, version, event_id, word, type_version, data, *rest = row
    try:
        fact = decode(EventType(word, type_version), data)
    except (ValueError, OverflowError) as error:
        raise CorruptLog(f"{database}: position {position} cannot be read: {error}") from error
    return Recorded(position, stream, version, event_id, word, type_version, data, fact, *rest)
