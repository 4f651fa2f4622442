"""A log that an earlier schema's code wrote becomes one of this, whoever opens it and how many at once."""

from __future__ import annotations

import resource
import signal
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
from tests.events.test_inspection import IDENTITY, KEY
from tests.events.writers import SPAWN, open_each_together, spawn

# What a release with that schema wrote, and the root of its events: the second as that release had it.
FACTS = 18  # one of each type that there was then
EVENTS = {1: FACTS + 3, 2: FACTS + 6}
ROOT_OF_SCHEMA_2 = "e3c50db81c826bd3edeb0cf5a5ca46cde407d4635bbae5a753178ef4cd88e894"
EVERY = pytest.mark.parametrize("schema", EVENTS)


def old_log(path: Path, schema: int) -> Path:
    link = sqlite3.connect(path)
    link.execute("PRAGMA journal_mode = WAL")
    written = Path(__file__).with_name(f"log_of_schema_{schema}.sql").read_text()
    link.executescript(written + f"PRAGMA application_id = {APPLICATION_ID};")
    link.close()
    return path


@EVERY
def test_open__an_old_log__keeps_everything_and_has_the_tree_of_its_events(tmp_path: Path, schema: int) -> None:
    log = SQLiteLog(old_log(tmp_path / "log.db", schema), utc_now)
    assert (log.identity, log.checkpoint("reader")) == (IDENTITY, 4)
    tree = Frontier(0, [])
    for record in log.read():
        tree.add(leaf(record))
    assert (tree.size, tree.root()) == (EVENTS[schema], root(EVENTS[schema], log.tree))
    log.append("account-other", 3, [new("after")])
    found = inspect(log, [KEY.verifier])
    assert (found.events, found.broken, found.doubtful) == (EVENTS[schema] + 1, [], [])
    log.close()


def test_open__schema_2__its_root_its_signed_head_and_its_ids_are_as_they_were(tmp_path: Path) -> None:
    log = SQLiteLog(old_log(tmp_path / "log.db", 2), utc_now)
    assert root(EVENTS[2], log.tree).hex() == ROOT_OF_SCHEMA_2
    assert inspect(log, [KEY.verifier]).vouched == EVENTS[2] - 3
    before = list(log.read())
    assert [record.event_id for record in before[FACTS : FACTS + 2]] == [
        "plain id",
        "56D0D8F3-BB08-57EE-BE77-06E48B3008CD",
    ]
    log.close()


@EVERY
def test_open__an_old_log__ends_with_the_schema_of_a_new_file(tmp_path: Path, schema: int) -> None:
    log = SQLiteLog(old_log(tmp_path / "log.db", schema), utc_now)
    log.head()
    log.close()
    link = sqlite3.connect(tmp_path / "log.db")
    made = {sql for (sql,) in link.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    assert link.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (str(SCHEMA_VERSION),)
    assert link.execute("PRAGMA foreign_key_check").fetchall() == []
    link.close()
    assert made == {statement for statement in SCHEMA if statement.startswith("CREATE")}


@EVERY
def test_open__an_old_log_met_by_all_at_the_same_moment__is_brought_up_once(tmp_path: Path, schema: int) -> None:
    paths = [old_log(tmp_path / f"{number}.db", schema) for number in range(8)]
    together = SPAWN.Barrier(4)
    openers = [spawn(open_each_together, paths, together) for _ in range(4)]
    for opener in openers:
        opener.join(30)
    assert [opener.exitcode for opener in openers] == [0] * 4
    for path in paths:
        log = SQLiteLog(path, utc_now)
        assert inspect(log, [KEY.verifier]).broken == []
        log.close()


@EVERY
def test_open__an_old_log_with_an_unreadable_event__is_left_as_it_was(tmp_path: Path, schema: int) -> None:
    path = old_log(tmp_path / "log.db", schema)
    link = sqlite3.connect(path)
    link.execute("DROP TRIGGER events_UPDATE")
    link.execute("UPDATE events SET data = x'00' WHERE position = 2")
    link.commit()
    for _ in range(2):
        with pytest.raises(CorruptLog, match="position 2 cannot be read"):
            SQLiteLog(path, utc_now).head()
    assert link.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'types'").fetchone() == (0,)
    link.close()


def _open_with_little_room(path: Path, room: int) -> None:
    """Open a log and die of the signal that the system sends to whoever lets a file outgrow its limit."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    SQLiteLog(path, utc_now).head()


@EVERY
def test_open__a_process_that_dies_while_it_migrates__leaves_the_old_log_to_the_next(
    tmp_path: Path, schema: int
) -> None:
    path = old_log(tmp_path / "log.db", schema)
    before = path.read_bytes()
    for room in (34_000, 50_000):
        opener = spawn(_open_with_little_room, path, room)
        opener.join(30)
        assert opener.exitcode == -signal.SIGXFSZ
        assert path.read_bytes() == before
    log = SQLiteLog(path, utc_now)
    assert inspect(log, [KEY.verifier]).broken == []
    log.close()


@EVERY
def test_append__by_a_process_of_the_old_release__is_refused(tmp_path: Path, schema: int) -> None:
    path = old_log(tmp_path / "log.db", schema)
    old = sqlite3.connect(path)
    last = old.execute("SELECT max(position) FROM events").fetchone()[0]
    log = SQLiteLog(path, utc_now)
    assert log.head() == last
    with pytest.raises(sqlite3.OperationalError, match="10 columns"):
        old.execute(
            "INSERT INTO events VALUES (?, 1, 99, 'late', 'conversions_resumed', 1, x'7b7d', 0, 0, 'c', NULL)",
            [last + 1],
        )
    old.close()
    log.close()
