"""What a SQLite log's file is made of, and how a file of an earlier release becomes one of this."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import islice
from typing import Final

from events import sealed
from events.sqlite_rows import Row, recorded, stored_id, write, write_events

SCHEMA_VERSION: Final = 3
# "DUST" in the file's header, so that `file` and we can tell a log from any other database.
APPLICATION_ID: Final = 0x44555354

_EVENT_TABLES: Final = (
    """CREATE TABLE types (
        id INTEGER PRIMARY KEY,
        word TEXT NOT NULL,
        version INTEGER NOT NULL,
        UNIQUE (word, version)
    ) STRICT""",
    # An id that is a UUID is kept as its 16 bytes, any other as text. What is large comes last.
    """CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream INTEGER NOT NULL REFERENCES streams (id),
        version INTEGER NOT NULL,
        type INTEGER NOT NULL REFERENCES types (id),
        occurred_at INTEGER NOT NULL, -- microseconds since 1970 UTC
        recorded_at INTEGER NOT NULL, -- the same
        event_id ANY NOT NULL UNIQUE,
        correlation_id ANY NOT NULL,
        causation_id ANY,
        data BLOB NOT NULL,
        UNIQUE (stream, version)
    ) STRICT""",
)
_ACTIONS: Final = ("UPDATE", "DELETE")
_OTHERS: Final = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE checkpoints (subscriber TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
_TREE: Final = (
    "CREATE TABLE tree (position INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT",
    "CREATE TABLE signed_heads (number INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT",
)


def _frozen(*tables: str, actions: Sequence[str] = _ACTIONS) -> tuple[str, ...]:
    return tuple(
        f"""CREATE TRIGGER {table}_{action} BEFORE {action} ON {table}
            BEGIN SELECT raise(ABORT, 'the log is append-only'); END"""
        for table in tables
        for action in actions
    )


# `INSERT OR REPLACE` deletes without asking the delete trigger. An event comes after its row of the tree: a process of
# an earlier release, which writes no such rows, is refused.
# `INSERT OR REPLACE` deletes without asking the delete trigger. An event comes after its row of the tree.
_DENSE_EVENTS: Final = """CREATE TRIGGER events_replace BEFORE INSERT ON events
        WHEN NEW.position <> (SELECT ifnull(max(position), 0) + 1 FROM events)
            OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
            OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
            OR NOT EXISTS (SELECT 1 FROM tree WHERE position = NEW.position)
        BEGIN SELECT raise(ABORT, 'the log is append-only, its positions are dense and in its tree'); END"""
_DENSE_TREE: Final = tuple(
    f"""CREATE TRIGGER {table}_replace BEFORE INSERT ON {table}
            WHEN NEW.{key} <> (SELECT ifnull(max({key}), 0) + 1 FROM {table})
            BEGIN SELECT raise(ABORT, 'the log is append-only and its {table} is dense'); END"""
    for table, key in (("tree", "position"), ("signed_heads", "number"))
)

SCHEMA: Final = (
    *_OTHERS,
    *_EVENT_TABLES,
    *_TREE,
    _DENSE_EVENTS,
    *_DENSE_TREE,
    *sealed.TABLES,
    *sealed.TRIGGERS,
    *_frozen("events", actions=("UPDATE",)),
    *_frozen("streams", "types", "meta", "tree", "signed_heads", *sealed.FROZEN),
    f"PRAGMA application_id = {APPLICATION_ID}",
)

# Events as schemas 1 and 2 kept them: ids and types as text.
_OLD_EVENTS: Final = """
SELECT position, streams.name, version, event_id, type, type_version, data, occurred_at, recorded_at, correlation_id,
    causation_id
FROM old_events JOIN streams ON streams.id = old_events.stream ORDER BY position
"""
_EVENT_ID: Final = 3
_PAGE: Final = 500


def schema_of(link: sqlite3.Connection) -> int:
    """Return the version of the schema that a log's file has."""
    return int(link.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()[0])


def migrate(link: sqlite3.Connection, path: object) -> None:
    """Bring version 1, without a tree, and 2, with ids as text, to this one in the caller's transaction."""
    link.execute("ALTER TABLE events RENAME TO old_events")
    for statement in _EVENT_TABLES:
        link.execute(statement)
    if schema_of(link) == 1:
        for statement in (*_TREE, *_DENSE_TREE, *_frozen("tree", "signed_heads")):
            link.execute(statement)
        rewrite = write
    else:
        rewrite = write_events
    records = (recorded(_in_bytes(row), path) for row in link.execute(_OLD_EVENTS))
    while page := list(islice(records, _PAGE)):
        rewrite(link, page)
    link.execute("DROP TABLE old_events")  # and its triggers, whose names the next ones take
    for action in _ACTIONS:
        link.execute(f"DROP TRIGGER meta_{action}")
    link.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (str(SCHEMA_VERSION),))
    for statement in (
        _DENSE_EVENTS,
        *sealed.TABLES,
        *sealed.TRIGGERS,
        *_frozen("events", actions=("UPDATE",)),
        *_frozen("types", "meta", *sealed.FROZEN),
    ):
        link.execute(statement)


def _in_bytes(row: Row) -> Row:
    """Return an old row with its ids as they are kept."""
    *content, correlation, cause = row
    content[_EVENT_ID] = stored_id(content[_EVENT_ID])
    return *content, stored_id(correlation), None if cause is None else stored_id(cause)
