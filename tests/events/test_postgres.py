"""What only a server can suffer: many writers, kills, forks, silence, strange hands."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from dustman.redis_server import free_port
from events.facts import DryRunCompleted
from events.inspection import inspect
from events.log import CorruptLog, LogUnavailable, NewEvent, StoreMisconfigured
from events.postgres import PostgresLog
from events.postgres_install import install
from tests.events.clocks import utc_now
from tests.events.samples import halt, new
from tests.events.writers import (
    append_to_own_stream,
    append_whatever_happens,
    decide_whatever_happens,
    insert_naively,
    spawn,
)
from tests.postgres_server import PASSWORD, Database, PostgresServer

EIGHT = range(8)


@pytest.fixture
def log(database: Database) -> Iterator[PostgresLog]:
    with closing(PostgresLog(database.url, utc_now)) as opened:
        yield opened


def tailed(read: Callable[[int], list[int]], target: object, *arguments: object) -> list[int]:
    """What a reader sees that goes on after the last position it saw, while eight processes write."""
    writers, seen = [spawn(target, *(a(n) if callable(a) else a for a in arguments)) for n in EIGHT], [0]
    deadline = time.monotonic() + 60
    while any(writer.is_alive() for writer in writers) and time.monotonic() < deadline:
        seen += read(seen[-1])
    seen += read(seen[-1])
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    return seen[1:]


def test_eight_writers__at_once__a_tail_reader_sees_every_position(database: Database, log: PostgresLog) -> None:
    def read(after: int) -> list[int]:
        return [record.position for record in log.read(after)]

    seen = tailed(read, append_to_own_stream, database.url, lambda number: f"writer-{number}", 40, 3)
    assert seen == list(range(1, 8 * 40 * 3 + 1))
    times = [record.recorded_at for record in log.read()]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_eight_writers__to_a_table_with_a_sequence__a_tail_reader_loses_events(database: Database) -> None:
    with database.owner() as link:
        link.execute("CREATE TABLE naive (id bigserial PRIMARY KEY, data text NOT NULL)")

        def read(after: int) -> list[int]:
            rows = link.execute("SELECT id FROM naive WHERE id > %s ORDER BY id", (after,)).fetchall()
            return [position for (position,) in rows]

        seen = tailed(read, insert_naively, database.owner_url, 30, 3)
        [(written,)] = link.execute("SELECT count(*) FROM naive").fetchall()
    assert written == 8 * 30 * 3
    assert len(seen) < written, "the same harness must be able to lose"


def test_server__killed_under_load__keeps_what_it_acknowledged_and_writers_carry_on(tmp_path: Path) -> None:
    with PostgresServer() as server, Database(server.url) as database:
        notes = [tmp_path / f"writer-{number}" for number in range(4)]
        writers = [spawn(append_whatever_happens, database.url, note.name, 150, note) for note in notes]
        for kill in (1, 2, 3):
            wait_for(partial(acknowledged, notes, kill * 100))
            server.kill()
            time.sleep(0.2)
            server.start()
        for writer in writers:
            writer.join(60)
        assert [writer.exitcode for writer in writers] == [0] * 4
        with closing(PostgresLog(database.url, utc_now)) as log:
            kept = [f"{record.position} {record.event_id}" for record in log.read()]
    assert len(kept) == 4 * 150
    assert sorted(kept) == sorted(line for note in notes for line in note.read_text().splitlines())


def test_server__killed_under_workers__every_decision_is_recorded_once_and_they_carry_on(tmp_path: Path) -> None:
    with PostgresServer() as server, Database(server.url) as database:
        notes = [tmp_path / f"worker-{number}" for number in range(4)]
        workers = [spawn(decide_whatever_happens, database.url, note.name, 60, note) for note in notes]
        for kill in (1, 2, 3):
            wait_for(partial(acknowledged, notes, kill * 50))
            server.kill()
            server.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0] * 4
        with closing(PostgresLog(database.url, utc_now)) as log:
            marks = [record.fact.fingerprint for record in log.read() if isinstance(record.fact, DryRunCompleted)]
            assert inspect(log, ()).broken == []
    assert sorted(marks) == sorted(line for note in notes for line in note.read_text().splitlines())
    assert len(set(marks)) == len(marks) == 4 * 60


def acknowledged(notes: list[Path], so_many: int) -> bool:
    return sum(note.read_text().count("\n") for note in notes if note.exists()) >= so_many


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_append__disk_full__is_unavailable_and_nothing_is_half_written() -> None:
    def large(version: int) -> NewEvent:
        return new(str(version), halt(random.Random(version).randbytes(2**20).hex()))

    with (
        PostgresServer() as server,
        Database(server.url) as database,
        closing(PostgresLog(database.url, utc_now)) as log,
    ):
        log.append("main", 0, [large(0)])
        server.stop()
        server.start(full=True)
        with pytest.raises(LogUnavailable, match=r"(failed in itself|has no room)"):
            for version in range(1, 50):
                log.append("main", 2 * version - 1, [new(f"small-{version}"), large(version)])
        written = log.head()
        assert 1 < written < 99
        assert written % 2 == 1
        server.stop()
        server.start()
        log.append("main", written, [new("after")])
        found = inspect(log, ())
        assert (found.events, found.broken) == (written + 1, [])


def test_server__restarted__is_used_again_by_the_same_log() -> None:
    with (
        PostgresServer() as server,
        Database(server.url) as database,
        closing(PostgresLog(database.url, utc_now)) as log,
    ):
        log.append("main", 0, [new("a")])
        server.kill()
        server.start()
        log.append("main", 1, [new("b")])
        assert [record.event_id for record in log.read()] == ["a", "b"]


def test_server__answers_nothing__ends_an_append_at_its_deadline() -> None:
    with (
        PostgresServer() as server,
        Database(server.url) as database,
        closing(PostgresLog(database.url, utc_now, deadline=0.5)) as log,
    ):
        log.append("main", 0, [new("a")])
        with server.frozen():
            began = time.monotonic()
            with pytest.raises(LogUnavailable, match="does not answer"):
                log.append("main", 1, [new("b")])
            assert 0.5 <= time.monotonic() - began < 3
        log.append("main", 1, [new("b")])
        assert [record.event_id for record in log.read()] == ["a", "b"]


def test_append__another_holds_the_lock__ends_at_its_deadline_and_writes_nothing(database: Database) -> None:
    with closing(PostgresLog(database.url, utc_now, deadline=0.3)) as log:
        with database.owner() as holder, holder.transaction(force_rollback=True):
            holder.execute(
                "SELECT dustman.append('other', 0, now(), '{x}', '{t}', '{1}', '{d}', '{now}', '{c}', '{c}')"
            )
            began = time.monotonic()
            with pytest.raises(LogUnavailable, match="did not finish within the deadline"):
                log.append("main", 0, [new("a")])
            assert 0.3 <= time.monotonic() - began < 3
        assert log.head() == 0
        log.append("main", 0, [new("a")])


def test_append__several_megabytes_at_once__is_taken(log: PostgresLog) -> None:
    log.append("main", 0, [new(f"{number}-{'long' * 500}") for number in range(1000)])
    assert log.head() == 1000


def test_append__without_statistics__never_reads_the_whole_table(database: Database, log: PostgresLog) -> None:
    for version in range(0, 300, 10):
        log.append("main", version, [new(str(version + number)) for number in range(10)])
    list(log.read())
    log.close()  # then its counts are told
    with database.owner() as link:
        query = "SELECT idx_scan, seq_tup_read FROM pg_stat_user_tables WHERE relid = 'dustman.events'::regclass"
        wait_for(lambda: link.execute(f"SELECT idx_scan > 0 FROM ({query}) AS told").fetchone() == (True,))
        assert link.execute(f"SELECT seq_tup_read FROM ({query}) AS told").fetchone() == (0,)


def test_writer__without_the_functions__may_change_nothing(database: Database, log: PostgresLog) -> None:
    [record] = log.append("main", 0, [new("a")])
    for url in (database.url, database.reader_url):
        with psycopg.connect(url, autocommit=True) as link:
            for table in ("events", "streams", "meta", "checkpoints"):
                for statement in (
                    f"INSERT INTO dustman.{table} SELECT * FROM dustman.{table}",
                    f"DELETE FROM dustman.{table}",
                    f"TRUNCATE dustman.{table} CASCADE",
                    f"DROP TABLE dustman.{table}",
                    f"ALTER TABLE dustman.{table} DISABLE TRIGGER ALL",
                    f"CREATE TABLE dustman.my_{table} ()",
                ):
                    with pytest.raises(errors.InsufficientPrivilege):
                        link.execute(statement)
            with pytest.raises(errors.InsufficientPrivilege):
                link.execute("UPDATE dustman.events SET event_id = 'b'")
    assert list(log.read()) == [record]


def test_reader__of_the_log__reads_and_appends_nothing(database: Database, log: PostgresLog) -> None:
    log.append("main", 0, [new("a")])
    with closing(PostgresLog(database.reader_url, utc_now)) as reader:
        assert list(reader.read()) == list(log.read())
        with pytest.raises(StoreMisconfigured, match="may not be used so by this user"):
            reader.append("main", 1, [new("b")])
        with pytest.raises(StoreMisconfigured):
            reader.save_checkpoint("me", 1)


@pytest.mark.parametrize("table", ["events", "streams", "meta"])
def test_owner__changing_what_is_recorded__is_refused_by_the_table(
    database: Database, log: PostgresLog, table: str
) -> None:
    [record] = log.append("main", 0, [new("a")])
    column = {"events": "event_id", "streams": "name", "meta": "value"}[table]
    with database.owner() as link:
        link.execute("SET session_replication_role = replica")
        for statement in (
            f"UPDATE dustman.{table} SET {column} = 'b'",
            f"DELETE FROM dustman.{table}",
            f"TRUNCATE dustman.{table} CASCADE",
        ):
            with pytest.raises(errors.RestrictViolation, match="append-only"):
                link.execute(statement)
    assert list(log.read()) == [record]


def test_function__in_a_transaction_with_an_old_view__refuses(database: Database) -> None:
    with psycopg.connect(database.url) as link:
        link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(errors.InvalidTransactionState, match="read committed"):
            link.execute("SELECT dustman.append('main', 0, now(), '{x}', '{t}', '{1}', '{d}', '{now}', '{c}', '{c}')")


def test_append__where_transactions_have_an_old_view_by_default__is_taken(database: Database, log: PostgresLog) -> None:
    with database.owner() as link:
        link.execute(f"ALTER DATABASE {database.name} SET default_transaction_isolation = 'serializable'")
    log.append("main", 0, [new("a")])
    assert log.head() == 1


def test_commit__to_whoever_listens__tells_the_new_head(database: Database, log: PostgresLog) -> None:
    with psycopg.connect(database.reader_url, autocommit=True) as link:
        link.execute("LISTEN dustman")
        log.append("main", 0, [new("a"), new("b")])
        log.append("main", 0, [new("a"), new("b")])
        log.append("main", 2, [new("c")])
        assert [told.payload for told in link.notifies(timeout=10, stop_after=2)] == ["2", "3"]


def test_log__used_before_and_after_a_fork__is_opened_anew_in_the_child(log: PostgresLog) -> None:
    log.append("main", 0, [new("parent-1")])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            log.append("main", 1, [new("child")])
            status = 0 if len(list(log.read())) == 2 else 2
            log.close()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    log.append("main", 2, [new("parent-2")])
    assert [record.event_id for record in log.read()] == ["parent-1", "child", "parent-2"]


def test_log__used_by_short_lived_threads__keeps_no_connection_of_theirs(database: Database, log: PostgresLog) -> None:
    for number in range(20):
        thread = threading.Thread(target=log.append, args=("main", number, [new(str(number))]))
        thread.start()
        thread.join()
    assert log.head() == 20
    with database.owner() as link:
        query = "SELECT count(*) <= 2 FROM pg_stat_activity WHERE application_name = 'dustman'"
        wait_for(lambda: link.execute(query).fetchone() == (True,))


def test_log__closed__opens_again_by_itself(log: PostgresLog) -> None:
    identity, [record] = log.identity, log.append("main", 0, [new("a")])
    log.close()
    assert (log.identity, list(log.read())) == (identity, [record])


def test_read__while_it_pauses__keeps_no_transaction_open(database: Database, log: PostgresLog) -> None:
    log.append("main", 0, [new(str(number)) for number in range(600)])
    reading = log.read()
    next(reading)
    with database.owner() as link:
        query = "SELECT state FROM pg_stat_activity WHERE application_name = 'dustman'"
        assert link.execute(query).fetchall() == [("idle",)]
    log.append("main", 600, [new("later")])
    assert len(list(reading)) == 599


def test_read__a_position_was_taken_away__is_corrupt(database: Database, log: PostgresLog) -> None:
    log.append("main", 0, [new("a"), new("b"), new("c")])
    with database.owner() as link:
        link.execute("ALTER TABLE dustman.events DISABLE TRIGGER append_only")
        link.execute("DELETE FROM dustman.events WHERE position = 2")
    with pytest.raises(CorruptLog, match="position 2 is missing"):
        list(log.read())
    with pytest.raises(CorruptLog, match="version 2 of stream main is missing"):
        list(log.stream("main"))


def test_read__content_that_was_changed__is_corrupt(database: Database, log: PostgresLog) -> None:
    log.append("main", 0, [new("a")])
    with database.owner() as link:
        link.execute("ALTER TABLE dustman.events DISABLE TRIGGER append_only")
        link.execute("UPDATE dustman.events SET data = '{}'")
    with pytest.raises(CorruptLog, match="position 1 cannot be read"):
        list(log.read())


def test_append__to_a_function_that_refuses_all__is_corrupt(database: Database, log: PostgresLog) -> None:
    with database.owner() as link:
        [(body,)] = link.execute("SELECT pg_get_functiondef('dustman.append'::regproc)").fetchall()
        link.execute(body.replace("IF append.version <> expected", "IF true"))
    with pytest.raises(CorruptLog, match="refused what may be appended"):
        log.append("main", 0, [new("a")])


def test_install__repeated__leaves_the_log_and_sets_the_password(database: Database, log: PostgresLog) -> None:
    identity, [record] = log.identity, log.append("main", 0, [new("a")])
    log.close()
    user = psycopg.conninfo.conninfo_to_dict(database.url)["user"]
    roles = install(database.owner_url, {str(user): "another-one"})
    assert roles == (f"{database.name}_writer", f"{database.name}_reader")
    with pytest.raises(StoreMisconfigured, match="does not let this user in"):
        log.head()
    with closing(PostgresLog(database.url.replace(PASSWORD, "another-one"), utc_now)) as again:
        assert (again.identity, list(again.read())) == (identity, [record])


def test_install__for_the_owner_or_by_a_writer__is_refused(database: Database) -> None:
    with pytest.raises(StoreMisconfigured, match="may not be its writer"):
        install(database.owner_url, {"postgres": "x"})
    with pytest.raises(StoreMisconfigured, match="the log cannot be made"):
        install(database.url, {"somebody_else": "x"})


def test_logs__of_different_databases__have_different_identities(postgres_url: str, log: PostgresLog) -> None:
    with Database(postgres_url) as other, closing(PostgresLog(other.url, utc_now)) as another:
        assert another.identity != log.identity


def test_database__without_a_log__is_told_how_to_get_one(postgres_url: str) -> None:
    with (
        Database(postgres_url, installed=False) as empty,
        closing(PostgresLog(empty.owner_url, utc_now)) as log,
        pytest.raises(StoreMisconfigured, match="holds no log; `dustman log create` makes it"),
    ):
        log.head()


@pytest.mark.parametrize(
    ("setting", "error", "words"),
    [
        ("synchronous_commit = off", StoreMisconfigured, "synchronous_commit off"),
        ("default_transaction_read_only = on", LogUnavailable, "is read-only"),
    ],
)
def test_database__set_so_that_it_cannot_keep_events__is_refused(
    database: Database, setting: str, error: type[Exception], words: str
) -> None:
    with database.owner() as link:
        link.execute(f"ALTER DATABASE {database.name} SET {setting}")
    with closing(PostgresLog(database.url, utc_now)) as log, pytest.raises(error, match=words):
        log.append("main", 0, [new("a")])


def test_log__of_a_newer_release__is_not_touched(database: Database, log: PostgresLog) -> None:
    with database.owner() as link:
        link.execute("ALTER TABLE dustman.meta DISABLE TRIGGER append_only")
        link.execute("UPDATE dustman.meta SET value = '99' WHERE name = 'schema'")
    with pytest.raises(CorruptLog, match="has schema 99, of a newer release"):
        log.head()


def test_log__with_a_wrong_address__says_where_without_the_password() -> None:
    log = PostgresLog(f"postgresql://me:hush-hush@127.0.0.1:{free_port()}/d", utc_now, deadline=0.2)
    with pytest.raises(LogUnavailable, match=r"d at 127\.0\.0\.1:\d+ does not answer") as caught:
        log.head()
    assert "hush-hush" not in str(caught.value)
