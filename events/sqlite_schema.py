"""What a SQLite log's file is made of, and how a file of an earlier release becomes one of this."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from events import sealed
from events.leaf import leaf
from events.sqlite_rows import INSERT_ROW, SELECT, recorded
from events.tree import Frontier

SCHEMA_VERSION: Final = 3
# "DUST" in the file's header, so that `file` and we can tell a log from any other database.
APPLICATION_ID: Final = 0x44555354

_EVENTS: Final = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream INTEGER NOT NULL REFERENCES streams (id),
        version INTEGER NOT NULL,
        event_id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        type_version INTEGER NOT NULL,
        data BLOB NOT NULL,
        occurred_at INTEGER NOT NULL, -- microseconds since 1970 UTC
        recorded_at INTEGER NOT NULL, -- the same
        correlation_id TEXT NOT NULL,
        causation_id TEXT,
        UNIQUE (stream, version)
    ) STRICT""",
    "CREATE TABLE checkpoints (subscriber TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
_TREE: Final = (
    "CREATE TABLE tree (position INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT",
    "CREATE TABLE signed_heads (number INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT",
)


def _frozen(*tables: str, actions: Sequence[str] = ("UPDATE", "DELETE")) -> tuple[str, ...]:
    return tuple(
        f"""CREATE TRIGGER {table}_{action} BEFORE {action} ON {table}
            BEGIN SELECT raise(ABORT, 'the log is append-only'); END"""
        for table in tables
        for action in actions
    )


# `INSERT OR REPLACE` deletes without asking the delete trigger. An event comes after its row of the tree: a process of
# an earlier release, which writes no such rows, is refused.
_DENSE: Final = (
    """CREATE TRIGGER events_replace BEFORE INSERT ON events
        WHEN NEW.position <> (SELECT ifnull(max(position), 0) + 1 FROM events)
            OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
            OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
            OR NOT EXISTS (SELECT 1 FROM tree WHERE position = NEW.position)
        BEGIN SELECT raise(ABORT, 'the log is append-only, its positions are dense and in its tree'); END""",
    *(
        f"""CREATE TRIGGER {table}_replace BEFORE INSERT ON {table}
            WHEN NEW.{key} <> (SELECT ifnull(max({key}), 0) + 1 FROM {table})
            BEGIN SELECT raise(ABORT, 'the log is append-only and its {table} is dense'); END"""
        for table, key in (("tree", "position"), ("signed_heads", "number"))
    ),
)

SCHEMA: Final = (
    *_EVENTS,
    *_TREE,
    *_DENSE,
    *sealed.TABLES,
    *sealed.TRIGGERS,
    *_frozen("events", actions=("UPDATE",)),
    *_frozen("streams", "meta", "tree", "signed_heads", *sealed.FROZEN),
    f"PRAGMA application_id = {APPLICATION_ID}",
)


def schema_of(link: sqlite3.Connection) -> int:
    """Return the version of the schema that a log's file has."""
    return int(link.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()[0])


def migrate(link: sqlite3.Connection, path: object) -> None:
    """Bring version 1, without a tree, and 2, which sealed nothing, to this one in the caller's transaction."""
    for trigger in ("events_DELETE", "meta_UPDATE", "meta_DELETE"):
        link.execute(f"DROP TRIGGER {trigger}")
    if schema_of(link) < 2:
        for statement in _TREE:
            link.execute(statement)
        link.executemany(INSERT_ROW, _rows(link, path))
        link.execute("DROP TRIGGER events_replace")
        for statement in (*_DENSE, *_frozen("tree", "signed_heads")):
            link.execute(statement)
    link.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (str(SCHEMA_VERSION),))
    for statement in (*sealed.TABLES, *sealed.TRIGGERS, *_frozen("meta", *sealed.FROZEN)):
        link.execute(statement)


def _rows(link: sqlite3.Connection, path: object) -> Iterator[tuple[int, bytes]]:
    tree = Frontier(0, [])
    for row in link.execute(f"{SELECT} ORDER BY position"):
        record = recorded(row, path)
        yield record.position, tree.add(leaf(record))
