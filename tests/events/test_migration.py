"""A log that the first schema's code wrote becomes one with a tree, whoever opens it and how many at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from events.inspection import inspect
from events.leaf import leaf
from events.log import CorruptLog
from events.sqlite import SQLiteLog
from events.sqlite_schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION
from events.tree import Frontier, root
from tests.events.clocks import utc_now
from tests.events.samples import new
from tests.events.writers import SPAWN, open_each_together, spawn

WRITTEN = Path(__file__).with_name("log_of_schema_1.sql")
EVENTS = 21  # as many as that file has


def old_log(path: Path) -> Path:
    link = sqlite3.connect(path)
    link.execute("PRAGMA journal_mode = WAL")
    link.executescript(WRITTEN.read_text() + f"PRAGMA application_id = {APPLICATION_ID};")
    link.close()
    return path


def test_open__schema_1__gets_the_tree_of_its_events_and_keeps_everything(tmp_path: Path) -> None:
    log = SQLiteLog(old_log(tmp_path / "log.db"), utc_now)
    assert (log.identity, log.checkpoint("reader")) == ("11111111-2222-4333-8444-555555555555", 4)
    tree = Frontier(0, [])
    for record in log.read():
        tree.add(leaf(record))
    assert (tree.size, tree.root()) == (EVENTS, root(EVENTS, log.tree))
    log.append("account-other", 3, [new("after")])
    found = inspect(log, ())
    assert (found.events, found.broken, found.doubtful) == (EVENTS + 1, [], [])
    log.close()


def test_open__schema_1__ends_with_the_schema_of_a_new_file(tmp_path: Path) -> None:
    log = SQLiteLog(old_log(tmp_path / "log.db"), utc_now)
    log.head()
    log.close()
    link = sqlite3.connect(tmp_path / "log.db")
    made = {sql for (sql,) in link.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    assert link.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (str(SCHEMA_VERSION),)
    link.close()
    assert made == {statement for statement in SCHEMA if statement.startswith("CREATE")}


def test_open__schema_1_met_by_all_at_the_same_moment__is_brought_up_once(tmp_path: Path) -> None:
    paths = [old_log(tmp_path / f"{number}.db") for number in range(8)]
    together = SPAWN.Barrier(4)
    openers = [spawn(open_each_together, paths, together) for _ in range(4)]
    for opener in openers:
        opener.join(30)
    assert [opener.exitcode for opener in openers] == [0] * 4
    for path in paths:
        log = SQLiteLog(path, utc_now)
        assert inspect(log, ()).broken == []
        log.close()


def test_open__schema_1_with_an_unreadable_event__is_left_as_it_was(tmp_path: Path) -> None:
    path = old_log(tmp_path / "log.db")
    link = sqlite3.connect(path)
    link.execute("DROP TRIGGER events_UPDATE")
    link.execute("UPDATE events SET data = x'00' WHERE position = 2")
    link.commit()
    for _ in range(2):
        with pytest.raises(CorruptLog, match="position 2 cannot be read"):
            SQLiteLog(path, utc_now).head()
    assert link.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'tree'").fetchone() == (0,)
    link.close()


def test_append__by_a_process_of_the_old_release__is_refused(tmp_path: Path) -> None:
    path = old_log(tmp_path / "log.db")
    old = sqlite3.connect(path)
    last = old.execute("SELECT max(position) FROM events").fetchone()[0]
    log = SQLiteLog(path, utc_now)
    assert log.head() == last
    with pytest.raises(sqlite3.IntegrityError, match="in its tree"):
        old.execute(
            "INSERT INTO events SELECT position + 1, stream, version + 1, 'late', type, type_version, data, 0, "
            "recorded_at + 1, 'c', NULL FROM events WHERE position = ?",
            (last,),
        )
    old.close()
    log.close()
