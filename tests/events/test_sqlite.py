"""What only a file can suffer: many writers, kills, forks, full disks, strange files."""

from __future__ import annotations

import fcntl
import itertools
import os
import resource
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from events.log import CorruptLog, LogConflict, LogUnavailable, StoreMisconfigured
from events.sqlite import SQLiteLog
from events.sqlite_schema import SCHEMA_VERSION
from tests.events.clocks import SetClock, utc_now
from tests.events.samples import new
from tests.events.writers import SPAWN, append_to_own_stream, open_each_together, spawn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def make(path: Path, deadline: float = 5.0) -> SQLiteLog:
    return SQLiteLog(path, utc_now, deadline=deadline)


def test_eight_writers__at_once__no_error_and_a_tail_reader_sees_every_event(path: Path) -> None:
    writers = [spawn(append_to_own_stream, path, f"writer-{number}", 60, 3) for number in range(8)]
    log, seen = make(path), list[int]()
    deadline = time.monotonic() + 60
    while any(writer.is_alive() for writer in writers) and time.monotonic() < deadline:
        seen += [record.position for record in log.read(after=seen[-1] if seen else 0)]
    seen += [record.position for record in log.read(after=seen[-1])]
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    assert seen == list(range(1, 8 * 60 * 3 + 1))
    times = [record.recorded_at for record in log.read()]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
    log.close()


def test_writer__killed_at_any_moment__leaves_whole_batches_and_others_go_on(path: Path) -> None:
    log = make(path)
    for number in range(5):
        writer = spawn(append_to_own_stream, path, "main", 10_000, 5)
        before = log.head()
        deadline = time.monotonic() + 20
        while log.head() < before + 20 * (number + 1) and time.monotonic() < deadline:
            time.sleep(0.001)
        writer.kill()
        writer.join()
        assert log.head() >= before + 20 * (number + 1)
        assert log.head() % 5 == 0
    assert [record.event_id for record in log.read()] == [f"main-{number}" for number in range(log.head())]
    log.append("other", 0, [new("x")])
    log.close()


def test_log__closed_and_opened_anew__is_the_same_log(path: Path) -> None:
    log = make(path)
    identity, [record] = log.identity, log.append("main", 0, [new("a")])
    log.close()
    reopened = make(path)
    assert (reopened.identity, list(reopened.read())) == (identity, [record])
    assert list(log.read()) == [record], "a closed log opens again by itself"
    log.close()
    reopened.close()


def test_logs__different_files__have_different_identities(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one.db"), make(tmp_path / "two.db")
    assert one.identity != two.identity
    one.close()
    two.close()


def test_log__used_before_and_after_a_fork__is_opened_anew_in_the_child(path: Path) -> None:
    log = make(path)
    log.append("main", 0, [new("parent-1")])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            log.append("main", 1, [new("child")])
            status = 0 if len(list(log.read())) == 2 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    log.append("main", 2, [new("parent-2")])
    assert [record.event_id for record in log.read()] == ["parent-1", "child", "parent-2"]
    log.close()


def test_log__used_by_short_lived_threads__keeps_no_connection_of_theirs(path: Path) -> None:
    log = make(path)
    for number in range(20):
        thread = threading.Thread(target=log.append, args=("main", number, [new(str(number))]))
        thread.start()
        thread.join()
    assert log.head() == 20
    open_files = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert open_files.count(path) <= 2
    log.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = x'00' WHERE position = 1",
        "DELETE FROM events WHERE position = 1",
        "DELETE FROM events",
        "UPDATE streams SET name = 'x'",
        "DELETE FROM streams",
        "UPDATE meta SET value = 'x'",
        "DELETE FROM meta",
        "REPLACE INTO events SELECT * FROM events WHERE position = 1",
        "REPLACE INTO events SELECT 3, stream, 3, type, 0, 0, event_id, 'c', 'c', data FROM events LIMIT 1",
        "REPLACE INTO events SELECT 3, stream, version, type, 0, 0, 'new', 'c', 'c', data FROM events LIMIT 1",
        "INSERT INTO events SELECT 9, stream, 3, type, 0, 0, 'new', 'c', 'c', data FROM events LIMIT 1",
        "UPDATE types SET word = 'x'",
        "DELETE FROM types",
    ],
)
def test_file__edited_by_another_client__refuses_and_changes_nothing(path: Path, statement: str) -> None:
    log = make(path)
    before = log.append("main", 0, [new("a"), new("b")])
    stranger = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        stranger.execute(statement)
    stranger.close()
    assert list(log.read()) == list(before)
    log.close()


def _tampered(path: Path, statement: str) -> SQLiteLog:
    """Make a log of three events, then change it as somebody who drops the triggers can."""
    log = make(path)
    log.append("main", 0, [new("a"), new("b"), new("c")])
    log.close()
    stranger = sqlite3.connect(path)
    for (trigger,) in stranger.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        stranger.execute(f"DROP TRIGGER {trigger}")
    stranger.execute(statement)
    stranger.commit()
    stranger.close()
    return log


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE events SET data = CAST('{}' AS BLOB) WHERE position = 2", "position 2 cannot be read: .* field"),
        ("UPDATE events SET data = x'ff' WHERE position = 2", "position 2 cannot be read"),
        ("UPDATE types SET word = 'dust_eaten'", "position 1 .* dust_eaten v1 is not in the cat"),
        ("UPDATE types SET version = 2", "position 1 .* conversions_halted v2"),
        ("UPDATE events SET type = 2 WHERE position = 2", "position 2 is missing"),
        ("UPDATE events SET event_id = x'00' WHERE position = 2", "position 2 .* an id has 1 bytes, not the 16"),
        (
            "UPDATE events SET causation_id = '23cd2345-9815-55d1-ab5c-7a330afd30cd' WHERE position = 2",
            "position 2 cannot be read: the id 23cd2345-.* is kept as text",
        ),
        ("UPDATE events SET occurred_at = 9223372036854775807 WHERE position = 2", "position 2 cannot be read"),
        ("DELETE FROM events WHERE position = 2", "position 2 is missing"),
    ],
)
def test_read__tampered_file__is_a_corrupt_log_with_the_position(path: Path, statement: str, named: str) -> None:
    log = _tampered(path, statement)
    with pytest.raises(CorruptLog, match=named):
        list(log.read())
    log.close()


def test_stream__an_event_gone__is_a_corrupt_log_with_the_version(path: Path) -> None:
    log = _tampered(path, "DELETE FROM events WHERE position = 2")
    with pytest.raises(CorruptLog, match="version 2 of stream main is missing"):
        list(log.stream("main"))
    log.close()


def test_open__not_a_database__is_a_corrupt_log(path: Path) -> None:
    path.write_bytes(b"account: main\n" * 100)
    with pytest.raises(CorruptLog, match=r"log\.db is not a SQLite file"):
        make(path).head()
    assert path.read_bytes() == b"account: main\n" * 100


def test_open__a_database_of_something_else__is_a_corrupt_log(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE meta (x)")
    other.close()
    with pytest.raises(CorruptLog, match="of something else"):
        make(path).append("main", 0, [new("a")])


def test_open__a_newer_schema__is_a_corrupt_log_that_says_so(path: Path) -> None:
    log = _tampered(path, f"UPDATE meta SET value = '{SCHEMA_VERSION + 1}' WHERE name = 'schema'")
    with pytest.raises(CorruptLog, match=f"has schema {SCHEMA_VERSION + 1}, of a newer release"):
        log.head()


def test_open__no_directory_or_a_directory__names_the_path(tmp_path: Path) -> None:
    with pytest.raises(StoreMisconfigured, match=f"there is no directory {tmp_path}/no"):
        make(tmp_path / "no" / "log.db").head()
    with pytest.raises(StoreMisconfigured, match="is a directory"):
        make(tmp_path).head()


def test_append__another_client_holds_the_lock__gives_up_at_its_deadline(path: Path) -> None:
    log = make(path, deadline=0.3)
    log.append("main", 0, [new("a")])
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(LogUnavailable, match=r"log\.db is locked by another writer"):
        log.append("main", 1, [new("b")])
    assert 0.2 < time.monotonic() - started < 2
    stranger.execute("ROLLBACK")
    stranger.close()
    log.append("main", 1, [new("b")])
    log.close()


def test_append__a_frozen_writer_holds_the_gate__gives_up_at_its_deadline(path: Path) -> None:
    log = make(path, deadline=0.3)
    log.append("main", 0, [new("a")])
    with path.with_name("log.db.gate").open("wb") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        with pytest.raises(LogUnavailable, match="is locked by another writer"):
            log.append("main", 1, [new("b")])
        assert log.head() == 1, "readers do not queue"
    log.append("main", 1, [new("b")])
    log.close()


def _append_with_little_room(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    log = make(path)
    with pytest.raises(LogUnavailable, match=r"log\.db (has no room|cannot be read or written)"):
        for version in range(100):
            log.append("main", version * 50, [new(f"{version}-{number}") for number in range(50)])


def test_append__disk_full__is_unavailable_and_nothing_is_half_written(path: Path) -> None:
    child = spawn(_append_with_little_room, path)
    child.join(30)
    assert child.exitcode == 0
    log = make(path)
    written = [record.event_id for record in log.read()]
    assert 0 < len(written) < 5000
    assert len(written) % 50 == 0
    assert written == [f"{version}-{number}" for version in range(len(written) // 50) for number in range(50)]
    log.append("main", len(written), [new("after")])
    log.close()


def _append_as_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    log = make(path)
    with pytest.raises(LogUnavailable, match=r"log\.db .*(read-only|cannot be opened)"):
        log.append("main", 1, [new("b")])


def test_append__read_only_file__is_unavailable_with_the_path(path: Path) -> None:
    for directory in (path.parent, *path.parent.parents[:3]):
        if directory.stat().st_uid == os.geteuid() and directory != Path("/tmp"):
            directory.chmod(0o755)
    log = make(path)
    log.append("main", 0, [new("a")])
    log.close()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    child = spawn(_append_as_nobody, path)
    child.join(30)
    path.parent.chmod(0o755)
    assert child.exitcode == 0
    assert make(path).head() == 1


def test_open__many_processes_on_a_new_file__make_one_log(path: Path) -> None:
    openers = [spawn(append_to_own_stream, path, f"s{number}", 1, 1) for number in range(4)]
    for opener in openers:
        opener.join(30)
    assert [opener.exitcode for opener in openers] == [0] * 4
    log = make(path)
    assert log.head() == 4
    log.close()


def test_open__new_files_met_by_all_at_the_same_moment__are_never_taken_for_something_else(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.db" for number in range(60)]
    together = SPAWN.Barrier(4)
    openers = [spawn(open_each_together, paths, together) for _ in range(4)]
    for opener in openers:
        opener.join(30)
    assert [opener.exitcode for opener in openers] == [0] * 4


def test_append__clock_behind_the_log__conflict_leaves_the_time_alone(path: Path) -> None:
    clock = SetClock()
    log = SQLiteLog(path, clock)
    [first] = log.append("main", 0, [new("a")])
    with pytest.raises(LogConflict):
        log.append("main", 5, [new("b")])
    assert log.position_at(first.recorded_at) == 1
    log.close()
