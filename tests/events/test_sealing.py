"""A log of which a part is sealed is the same log, wherever a sealing stopped; a touched segment never goes unseen."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random
from types import FrameType

import pytest
import zstandard

from events.archive import lines
from events.checkpoint import Checkpoint, SignerKey, origin
from events.inspection import inspect
from events.leaf import leaf
from events.log import CorruptLog, EventIdConflict, LogConflict, Recorded
from events.proof import proof
from events.sealing import seal
from events.sqlite import SQLiteLog
from events.tree import root
from tests.events.clocks import SetClock, utc_now
from tests.events.samples import SAMPLES, halt, new

TICK = timedelta(microseconds=1)
STREAMS = ("account-main", "account-other", "account-third")
LENGTH = 60


def written(path: Path, clock: Callable[..., object] = SetClock()) -> SQLiteLog:  # noqa: B008 - it is never moved
    """A log of three streams, one of which ends early."""
    log, random = SQLiteLog(path, clock), Random(1)  # type: ignore[arg-type]
    versions = dict.fromkeys(STREAMS, 0)
    for number in range(LENGTH):
        stream = random.choice(STREAMS[: 3 if number < LENGTH // 3 else 2])
        log.append(stream, versions[stream], [new(f"e{number}", SAMPLES[number % len(SAMPLES)])])
        versions[stream] += 1
    return log


def sealed(log: SQLiteLog, size: int = 7, until: int = LENGTH) -> int:
    return sum(1 for _ in seal(log, until, size))


@pytest.fixture
def log(tmp_path: Path) -> SQLiteLog:
    return written(tmp_path / "log.db")


def test_seal__any_part__leaves_the_log_as_it_was(log: SQLiteLog) -> None:
    before = list(log.read())
    times = [record.recorded_at + shift for record in before for shift in (-TICK, timedelta(0), TICK)]
    at = [log.position_at(time) for time in times]
    key = SignerKey(origin(log.identity), bytes(range(32)))
    note = Checkpoint(origin(log.identity), LENGTH, root(LENGTH, log.tree)).signed(key)
    evidence = proof(log, 3, note, [key.verifier])
    names = log.streams()
    roots, archive = root(LENGTH, log.tree), list(lines(before, log.identity))
    streams = {stream: list(log.stream(stream)) for stream in STREAMS}
    for until, size in ((5, 7), (20, 7), (45, 3), (LENGTH, 1)):
        sealed(log, size, until)
        assert log.sealed_until() <= min(until, LENGTH - 1)
        assert list(log.read()) == before
        for after in range(0, LENGTH, 9):
            assert list(log.read(after, after + 13)) == before[after : after + 13]
            assert list(log.read(after)) == before[after:]
        assert {stream: list(log.stream(stream)) for stream in STREAMS} == streams
        assert all(list(log.stream(stream, 3)) == found[3:] for stream, found in streams.items())
        assert [log.position_at(time) for time in times] == at
        assert (log.head(), log.streams(), root(LENGTH, log.tree)) == (LENGTH, names, roots)
        assert list(lines(log.read(), log.identity)) == archive
        found = inspect(log, ())
        assert (found.events, found.root, found.broken) == (LENGTH, roots, [])
        assert proof(log, 3, note, [key.verifier]) == evidence
    assert log.sealed_until() == LENGTH - 1


def test_append__of_what_is_sealed__is_recognised(log: SQLiteLog) -> None:
    old = list(log.read())
    sealed(log, 1)
    first = old[0]
    assert list(log.append(first.stream, 99, [new("e0", SAMPLES[0])])) == [first]
    other = next(stream for stream in STREAMS if stream != first.stream)
    versions = {stream: sum(record.stream == stream for record in old) for stream in STREAMS}
    with pytest.raises(EventIdConflict, match="position 1, version 1"):
        log.append(other, versions[other], [new("e0", SAMPLES[0])])
    with pytest.raises(EventIdConflict, match="e0"):
        log.append(first.stream, versions[first.stream], [new("e0", halt("otherwise"))])
    with pytest.raises(LogConflict, match=f"version is {versions['account-third']}"):
        log.append("account-third", 0, [new("fresh")])
    [fresh] = log.append("account-third", versions["account-third"], [new("fresh")])
    assert (fresh.position, fresh.version) == (LENGTH + 1, versions["account-third"] + 1)


@pytest.mark.parametrize("after", [0, 30])
def test_read__while_somebody_seals__misses_and_doubles_nothing(log: SQLiteLog, after: int) -> None:
    before = list(log.read())
    for stream in (None, *STREAMS):
        reading = log.read(after) if stream is None else log.stream(stream, 2)
        found = [next(reading)]
        sealed(log, 4, log.sealed_until() + 12)
        found += reading
        expected = before[after:] if stream is None else [each for each in before if each.stream == stream][2:]
        assert found == expected


def test_segment__is_lines_that_anybody_can_unpack(log: SQLiteLog) -> None:
    before = list(log.read())
    [segment] = seal(log, 50, 50)
    with segment.path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    assert text == b"".join(leaf(record) + b"\n" for record in before[:50])


def test_events__outside_a_segment__cannot_be_deleted(log: SQLiteLog) -> None:
    sealed(log, 7, 10)
    with closing(sqlite3.connect(log.path)) as link:
        for statement in (
            "DELETE FROM events WHERE position = 8",
            "DELETE FROM segments",
            "UPDATE segments SET last = 20",
            "DELETE FROM sealed_ids",
            "UPDATE sealed_streams SET version = 1",
            "INSERT OR REPLACE INTO segments VALUES (1, 20, 1, 'x', x'00')",
            "INSERT INTO segments VALUES (9, 20, 1, 'x', x'00')",
            f"INSERT INTO segments VALUES (8, {LENGTH}, 1, 'x', x'00')",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                link.execute(statement)


def test_seal__an_event_that_is_not_what_the_tree_has__stops(log: SQLiteLog) -> None:
    with closing(sqlite3.connect(log.path)) as link:
        link.execute("DROP TRIGGER events_UPDATE")
        link.execute("UPDATE events SET occurred_at = occurred_at + 1 WHERE position = 9")
        link.commit()
    with pytest.raises(CorruptLog, match="position 9"):
        sealed(log)
    assert log.sealed_until() == 7
    assert [record.position for record in log.read()] == list(range(1, LENGTH + 1))


def test_seal__twice_at_once__one_of_them_is_told(log: SQLiteLog) -> None:
    slow = seal(log, 30, 7)
    next(slow)
    segment = next(seal(log, 14, 7))
    with pytest.raises(LogConflict, match="somebody else"):
        log.put_away(segment)
    assert len(list(slow)) == 2
    assert [record.position for record in log.read()] == list(range(1, LENGTH + 1))


def damages(content: bytes) -> Sequence[bytes | None]:
    random = Random(2)
    flipped = []
    for place in [0, len(content) - 1, *random.sample(range(len(content)), 120)]:
        changed = bytearray(content)
        changed[place] ^= 1 << random.randrange(8)
        flipped.append(bytes(changed))
    return [None, b"", content[:3], content[:-1], content + b"x", content[1:], *flipped]


def test_segment__missing_or_changed_in_any_bit__stops_readers_and_is_named_by_the_audit(log: SQLiteLog) -> None:
    segments = list(seal(log, 40, 20))
    path = segments[0].path
    whole = path.read_bytes()
    for changed in damages(whole):
        path.unlink() if changed is None else path.write_bytes(changed)
        again = SQLiteLog(log.path, utc_now)
        with pytest.raises(CorruptLog, match=path.name):
            list(again.read())
        assert any(path.name in sentence for sentence in inspect(again, ()).broken)
        again.close()
        path.write_bytes(whole)
    other = segments[1].path.read_bytes()
    path.write_bytes(other)
    with pytest.raises(CorruptLog, match=path.name):
        list(SQLiteLog(log.path, utc_now).read())


def test_register__changed_in_any_value__is_found_by_the_audit(log: SQLiteLog) -> None:
    sealed(log, 20, 40)
    triggers = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
    for statement in (
        "UPDATE segments SET last = last + 1 WHERE first = 1",
        "UPDATE segments SET last = last - 1 WHERE first = 21",
        "UPDATE segments SET first = 2 WHERE first = 1",
        "UPDATE segments SET last_at = last_at + 1 WHERE first = 21",
        "UPDATE segments SET file = 'other.zst' WHERE first = 1",
        "UPDATE segments SET digest = x'00' WHERE first = 1",
        "UPDATE sealed_streams SET version = version + 1 WHERE segment = 1",
        "UPDATE sealed_streams SET stream = 'x' WHERE segment = 21 AND stream = 'account-main'",
        "UPDATE sealed_streams SET segment = 9 WHERE segment = 1",
        "UPDATE sealed_ids SET hash = hash + 1 WHERE position = 5",
        "UPDATE sealed_ids SET position = 39 WHERE position = 5",
        "DELETE FROM sealed_ids WHERE position = 5",
        "DELETE FROM segments WHERE first = 1",
        "DELETE FROM segments WHERE first = 21",
    ):
        copy = log.path.with_name("copy.db")
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(log.path)) as link:
            link.execute("VACUUM INTO ?", (str(copy),))
        copied = copy.with_name("copy.db.segments")
        if not copied.exists():
            copied.symlink_to(log.segments_directory)
        with closing(sqlite3.connect(copy)) as link:
            kept = link.execute(triggers).fetchall()
            for name, _ in kept:
                link.execute(f"DROP TRIGGER {name}")
            link.execute(statement)
            for _, sql in kept:
                link.execute(sql)
            link.commit()
        changed = SQLiteLog(copy, utc_now)
        assert inspect(changed, ()).broken, statement
        changed.close()
        for beside in ("copy.db-wal", "copy.db-shm"):
            copy.with_name(beside).unlink(missing_ok=True)


def test_seal__killed_at_any_line__leaves_a_whole_log(tmp_path: Path) -> None:
    log, random = written(tmp_path / "log.db"), Random(4)
    before = list(log.read())
    log.close()
    steps = _steps(tmp_path / "count.db")
    assert steps > 200
    for place in sorted(random.sample(range(steps), 25)):
        path = tmp_path / f"killed-{place}.db"
        shutil.copy(log.path, path)
        child = os.fork()
        if not child:
            _die_after(place, path)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        again = SQLiteLog(path, utc_now)
        assert list(again.read()) == before
        assert inspect(again, ()).broken == []
        last = again.sealed_until()
        assert sealed(again, 20) == (59 - last) // 20
        assert list(again.read()) == before
        again.close()


def _steps(path: Path) -> int:
    """Count the lines that a sealing runs."""
    log, lines_run = written(path), 0

    def count(frame: FrameType, event: str, _: object) -> object:
        nonlocal lines_run
        if "/events/" not in frame.f_code.co_filename:
            return None
        lines_run += event == "line"
        return count

    old = sys.gettrace()
    sys.settrace(count)  # type: ignore[arg-type]
    try:
        sealed(log, 20)
    finally:
        sys.settrace(old)
    log.close()
    return lines_run


def _die_after(place: int, path: Path) -> None:
    """Seal in this process, and end without any farewell at a line."""
    lines_run = 0

    def die(frame: FrameType, event: str, _: object) -> object:
        nonlocal lines_run
        if "/events/" not in frame.f_code.co_filename:
            return None
        lines_run += event == "line"
        if lines_run > place:
            os._exit(9)
        return die

    log = SQLiteLog(path, utc_now)
    sys.settrace(die)  # type: ignore[arg-type]
    sealed(log, 20)
    os._exit(0)


def test_compact__after_sealing__makes_the_file_smaller(log: SQLiteLog) -> None:
    before: list[Recorded] = list(log.read())
    for number in range(400):
        log.append("account-many", number, [new(f"many-{number}")])
    log.compact()
    size = log.path.stat().st_size
    sealed(log, 100, 400)
    log.compact()
    assert log.path.stat().st_size < size
    assert list(log.read(until=LENGTH)) == before
    assert inspect(log, ()).broken == []
