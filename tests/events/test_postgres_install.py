"""Logs that are made in PostgreSQL: from an earlier release's, from an export, and back."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from msgspec import structs
from psycopg import errors

from events import postgres_install, restore
from events.archive import lines, opened
from events.inspection import inspect
from events.log import CorruptLog, EventIdConflict, ProvableLog, StoreMisconfigured
from events.postgres import PostgresLog
from events.sqlite import SQLiteLog
from events.tree import root
from tests.events.clocks import utc_now
from tests.events.samples import SAMPLES, new
from tests.postgres_server import PASSWORD, Database

SCHEMA_1 = Path(__file__).with_name("postgres_log_of_schema_1.sql").read_text()
APPEND = "SELECT dustman.append(%s, %s, now(), %s, %s, %s::integer[], %s, %s::timestamptz[], %s, %s)"
EVENTS = len(SAMPLES)


@pytest.fixture
def empty(postgres_url: str) -> Iterator[Database]:
    with Database(postgres_url, installed=False) as database:
        yield database


@pytest.fixture
def old(empty: Database, tmp_path: Path) -> Database:
    """A log of schema 1 with an event of every type."""
    with closing(written(SQLiteLog(tmp_path / "as-now.db", utc_now))) as log, empty.owner() as link:
        link.execute(SCHEMA_1)
        for r in log.read():
            ids = [r.correlation_id], [r.causation_id]
            link.execute(
                APPEND,
                (r.stream, r.version - 1, [r.event_id], [r.type], [r.type_version], [r.data], [r.occurred_at], *ids),
            )
    return empty


def written(log: SQLiteLog | PostgresLog) -> SQLiteLog | PostgresLog:
    log.append('account-ä\n"', 0, [new(f"e{number}", fact) for number, fact in enumerate(SAMPLES[:3])])
    log.append("account-main", 0, [replace(new(f"m{n}", f), causation_id="e1") for n, f in enumerate(SAMPLES[3:])])
    return log


def installed(database: Database) -> PostgresLog:
    postgres_install.install(database.owner_url, {f"{database.name}_writes": PASSWORD})
    return PostgresLog(database.url, utc_now)


def exported(log: ProvableLog) -> io.BytesIO:
    return io.BytesIO(b"".join(lines(log.read(), log.identity)))


def restored(database: Database, archive: io.BytesIO) -> PostgresLog:
    identity, records = opened(archive)
    postgres_install.restore(database.owner_url, {f"{database.name}_writes": PASSWORD}, identity, records)
    return PostgresLog(database.url, utc_now)


def test_install__over_schema_1__gives_the_tree_of_its_events_and_keeps_everything(old: Database) -> None:
    with closing(installed(old)) as log:
        assert log.identity == "11111111-2222-4333-8444-555555555555"
        found = inspect(log, ())
        assert (found.events, found.root, found.broken) == (EVENTS, root(EVENTS, log.tree), [])
        log.append("account-main", EVENTS - 3, [new("after")])
        assert inspect(log, ()).broken == []
    with old.owner() as link:
        for statement in ("UPDATE dustman.events SET hashes = ''", "UPDATE dustman.meta SET value = '3'"):
            with pytest.raises(errors.RestrictViolation, match="append-only"):
                link.execute(statement)


def test_install__over_schema_1__ends_with_the_columns_and_functions_of_a_new_log(
    old: Database, database: Database
) -> None:
    installed(old).close()

    def made(of: Database) -> list[tuple[object, ...]]:
        with of.owner() as link:
            return link.execute(
                "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
                "WHERE table_schema = 'dustman' UNION ALL SELECT proname, prosrc, proconfig::text, prosecdef::text "
                "FROM pg_proc WHERE pronamespace = 'dustman'::regnamespace UNION ALL SELECT tgname, "
                "tgrelid::regclass::text, tgenabled::text, NULL FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
            ).fetchall()

    assert made(old) == made(database)


def test_install__over_schema_1_with_an_unreadable_event__leaves_it_as_it_was(old: Database) -> None:
    with old.owner() as link:
        link.execute("ALTER TABLE dustman.events DISABLE TRIGGER append_only")
        link.execute("UPDATE dustman.events SET data = '{}' WHERE position = 2")
    for _ in range(2):
        with pytest.raises(CorruptLog, match="position 2 cannot be read"):
            installed(old)
    with old.owner() as link:
        assert link.execute("SELECT value FROM dustman.meta WHERE name = 'schema'").fetchone() == ("1",)
        assert link.execute("SELECT to_regclass('dustman.signed_heads')").fetchone() == (None,)


def test_install__while_an_append_of_the_old_release_waits__refuses_that_one(old: Database) -> None:
    values = ("late", 0, ["x"], ["t"], [1], [b"{}"], ["2026-03-01Z"], ["c"], [None])
    refused: list[BaseException] = []

    def late() -> None:
        with old.owner() as link:
            try:
                link.execute(APPEND, values)
            except errors.NotNullViolation as error:
                refused.append(error)

    with old.owner() as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (0x44555354,))
        waiting = threading.Thread(target=late)
        installing = threading.Thread(target=lambda: installed(old).close())
        for number, thread in enumerate((installing, waiting), start=1):  # whoever asked first gets the lock first
            thread.start()
            query = "SELECT count(*) = %s FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while holder.execute(query, (number,)).fetchone() != (True,):
                pass
        holder.execute("SELECT pg_advisory_unlock(%s)", (0x44555354,))
        installing.join(30)
        waiting.join(30)
    assert len(refused) == 1
    with closing(PostgresLog(old.url, utc_now)) as log:
        assert (log.head(), inspect(log, ()).broken) == (EVENTS, [])


def test_log__of_schema_1__says_what_makes_it_one_of_this_release(old: Database) -> None:
    with closing(PostgresLog(old.owner_url, utc_now)) as log, pytest.raises(StoreMisconfigured, match="log create"):
        log.head()


def test_restore__of_a_file_s_export__is_the_same_log_with_the_same_root_and_so_is_the_way_back(
    empty: Database, tmp_path: Path
) -> None:
    with closing(written(SQLiteLog(tmp_path / "log.db", utc_now))) as there:
        with closing(restored(empty, exported(there))) as here:
            found = inspect(here, ())
            assert (here.identity, list(here.read())) == (there.identity, list(there.read()))
            assert (found.broken, found.root) == ([], root(EVENTS, there.tree))
            assert here.streams() == there.streams()
            restore.restore(tmp_path / "back.db", *opened(exported(here)), utc_now)
            here.append("account-main", EVENTS - 3, [new("after")])
            assert inspect(here, ()).broken == []
        with closing(SQLiteLog(tmp_path / "back.db", utc_now)) as back:
            assert (back.identity, list(back.read())) == (there.identity, list(there.read()))
            assert root(EVENTS, back.tree) == root(EVENTS, there.tree)


def test_restore__of_more_than_a_page__is_whole(database: Database, empty: Database) -> None:
    with closing(PostgresLog(database.url, utc_now)) as there:
        for number in range(3):
            there.append(f"s{number}", 0, [new(f"{number}-{each}") for each in range(401)])
        with closing(restored(empty, exported(there))) as here:
            assert (inspect(here, ()).broken, root(1203, here.tree)) == ([], root(1203, there.tree))


def test_restore__where_a_log_is__is_refused_even_when_it_is_empty(database: Database, tmp_path: Path) -> None:
    with closing(written(SQLiteLog(tmp_path / "log.db", utc_now))) as there:
        with pytest.raises(StoreMisconfigured, match="was begun, without events yet"):
            restored(database, exported(there))
        with closing(PostgresLog(database.url, utc_now)) as log:
            log.append("main", 0, [new("a")])
        with pytest.raises(StoreMisconfigured, match="has 1 events"):
            restored(database, exported(there))


@pytest.mark.parametrize("far", [1, 600])
def test_restore__an_id_twice_or_a_cut_file__leaves_no_log(empty: Database, tmp_path: Path, far: int) -> None:
    with closing(SQLiteLog(tmp_path / "log.db", utc_now)) as there:
        there.append("main", 0, [new(f"e{number}") for number in range(far + 1)])
        records = list(there.read())
        twice = [*records[:-1], structs.replace(records[-1], event_id="e0")]
        with pytest.raises(EventIdConflict, match=f"e0 is that of positions 1 and {far + 1}"):
            postgres_install.restore(empty.owner_url, {}, "x", twice)
        cut = io.BytesIO(exported(there).getvalue()[:-30])
        with pytest.raises(CorruptLog, match="the file was cut off"):
            restored(empty, cut)
    with psycopg.connect(empty.owner_url) as link:
        assert link.execute("SELECT to_regnamespace('dustman')").fetchone() == (None,)
