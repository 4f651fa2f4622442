"""The same of the log in PostgreSQL: any bit that its owner, or its disk, changes is found, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from hypothesis import example, given, reject, settings
from psycopg import errors

from events.inspection import Findings, inspect
from events.log import CorruptLog
from events.postgres import PostgresLog
from events.postgres_install import restore
from events.tree import root
from tests.events.clocks import SetClock
from tests.events.samples import new
from tests.events.test_inspection import COLUMNS, IDENTITY, KEY, Flip, fill, flips, says_where
from tests.postgres_server import Database

# The row of the tree stands in the event's own.
OURS = {
    "events": (*COLUMNS["events"], "hashes"),
    "streams": COLUMNS["streams"],
    "signed_heads": COLUMNS["signed_heads"],
}
# How a value is read as a number or as bytes, and written back, whatever the type makes of it.
WIDTHS = {"bigint": 64, "integer": 32, "timestamp with time zone": 64}
# Casts that change no bit: text that is not UTF-8, times that no calendar has.
CASTS = "CREATE CAST (bytea AS text) WITHOUT FUNCTION; CREATE CAST (bigint AS timestamptz) WITHOUT FUNCTION"


# A time is kept as microseconds since 2000.
MICROSECONDS = "(extract(epoch FROM {} - '2000-01-01Z'::timestamptz) * 1000000)::bigint"


@pytest.fixture(scope="module")
def whole(postgres_url: str) -> Iterator[Database]:
    """A log without its guards, and a copy of each of its tables."""
    with Database(postgres_url, installed=False) as database:
        restore(database.owner_url, {}, IDENTITY, [])
        with closing(PostgresLog(database.owner_url, SetClock())) as log:
            fill(log)
        with database.owner() as link:
            link.execute(CASTS)
            for table in OURS:
                link.execute(f"CREATE TABLE {table} AS SELECT * FROM dustman.{table}")
                link.execute(f"DROP TRIGGER append_only ON dustman.{table}")
        yield database


@pytest.fixture(scope="module")
def link(whole: Database) -> Iterator[psycopg.Connection]:
    with whole.owner() as opened:
        # Without foreign keys, and without waiting for the disk twice an example.
        opened.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        yield opened


@pytest.fixture(scope="module")
def log(whole: Database) -> Iterator[PostgresLog]:
    with closing(PostgresLog(whole.owner_url, SetClock())) as opened:
        yield opened


@contextmanager
def changed(link: psycopg.Connection, table: str, statement: str, *values: object) -> Iterator[None]:
    link.execute(statement, values)
    try:
        yield
    finally:
        with link.transaction():
            link.execute(f"DELETE FROM dustman.{table}")
            link.execute(f"INSERT INTO dustman.{table} SELECT * FROM {table}")


def statement(flip: Flip, link: psycopg.Connection) -> tuple[str, object, int]:
    """What flips the bit, whatever the column's type makes of it."""
    key, column = OURS[flip.table][0], f'"{flip.column}"'
    kind = str(link.execute(f"SELECT pg_typeof({column})::text FROM dustman.{flip.table}").fetchall()[0][0])
    bits = {"text": f"convert_to({column}, 'UTF8')", "timestamp with time zone": MICROSECONDS.format(column)}
    query = f"SELECT {bits.get(kind, column)} FROM dustman.{flip.table} WHERE {key} = %s"
    [(raw,)] = link.execute(query, (flip.row,)).fetchall()
    value = flip.of_integer(int(raw), WIDTHS[kind]) if kind in WIDTHS else flip.of_bytes(raw)
    form = {"text": "%s::bytea::text", "timestamp with time zone": "%s::bigint::timestamptz"}.get(kind, f"%s::{kind}")
    return f"UPDATE dustman.{flip.table} SET {column} = {form} WHERE {key} = %s", value, flip.row


@settings(max_examples=150, deadline=None)
@given(flip=flips(OURS))
@example(flip=Flip("events", "recorded_at", 11, 62))
@example(flip=Flip("events", "occurred_at", 4, 63))
@example(flip=Flip("events", "position", 11, 63))
@example(flip=Flip("events", "correlation_id", 5, 7))
@example(flip=Flip("streams", "name", 2, 7))
@example(flip=Flip("signed_heads", "number", 2, 1))
def test_inspect__any_bit_of_any_stored_value_flipped__is_found_and_says_where(
    link: psycopg.Connection, log: PostgresLog, flip: Flip
) -> None:
    try:
        with changed(link, flip.table, *statement(flip, link)):
            broken = inspect(log, [KEY.verifier]).broken
    except errors.UniqueViolation:  # the database's own keys do not allow this one
        reject()
    assert any(says_where(flip, sentence) for sentence in broken), (flip, broken)


def test_inspect__a_whole_log__is_intact_and_vouched_for(log: PostgresLog) -> None:
    assert inspect(log, [KEY.verifier]) == Findings(11, root(11, log.tree), 11, [], [])


@pytest.mark.parametrize(
    ("table", "condition", "sentence"),
    [
        ("events", "position = 11", "signed head 2 covers 11 events, of which 10 are there"),
        ("events", "position = 5", "position 5 is missing: there are 10 events, from position 1 to 11"),
        ("streams", "id = 2", "position 3 is missing"),
        ("signed_heads", "number = 1", "signed head 1 is missing"),
    ],
)
def test_inspect__something_gone__says_what(
    link: psycopg.Connection, log: PostgresLog, table: str, condition: str, sentence: str
) -> None:
    with changed(link, table, f"DELETE FROM dustman.{table} WHERE {condition}"):
        assert any(sentence in each for each in inspect(log, [KEY.verifier]).broken)


def test_append__where_a_node_of_the_tree_is_gone__is_a_corrupt_log_and_writes_nothing(
    link: psycopg.Connection, log: PostgresLog
) -> None:
    with changed(link, "events", "UPDATE dustman.events SET hashes = substr(hashes, 1, 32) WHERE position = 10"):
        with pytest.raises(CorruptLog, match="the tree's node of level 1 at position 10 is missing"):
            log.append("account-other", 2, [new("x")])
        assert log.head() == 11


def test_read__text_that_is_not_utf_8__is_a_corrupt_log_with_the_position(
    link: psycopg.Connection, log: PostgresLog
) -> None:
    with changed(link, "events", r"UPDATE dustman.events SET event_id = '\xff'::bytea::text WHERE position = 5"):
        seen: list[int] = []
        with pytest.raises(CorruptLog, match="position 5 cannot be read"):
            seen.extend(record.position for record in log.read())
        with pytest.raises(CorruptLog, match="version 3 of stream account-main cannot be read"):
            list(log.stream("account-main"))
