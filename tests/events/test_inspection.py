"""Whatever is changed in the file is found, and where: single bits anywhere, and whole histories written anew."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from domain.identity import event_id
from events.checkpoint import Checkpoint, SignerKey, origin
from events.inspection import Findings, inspect
from events.log import CorruptLog, ProvableLog
from events.memory import MemoryLog
from events.sqlite import SQLiteLog
from events.tree import root
from tests.events.clocks import SetClock
from tests.events.samples import SAMPLES, halt, new

IDENTITY = "11111111-2222-4333-8444-555555555555"
KEY = SignerKey(origin(IDENTITY), bytes(range(32)))
COLUMNS = {
    "events": (
        "position", "stream", "version", "type", "occurred_at", "recorded_at", "event_id", "correlation_id",
        "causation_id", "data",
    ),
    "streams": ("id", "name"),
    "types": ("id", "word", "version"),
    "tree": ("position", "hashes"),
    "signed_heads": ("number", "note"),
}  # fmt: skip


def head_of(log: ProvableLog) -> bytes:
    return Checkpoint(origin(IDENTITY), log.head(), root(log.head(), log.tree)).signed(KEY)


def written(path: Path, *, third: str = "third") -> SQLiteLog:
    log = SQLiteLog(path, SetClock(), new_identity=lambda: IDENTITY)
    fill(log, third)
    return log


def fill(log: ProvableLog, third: str = "third") -> None:
    """Give a log eleven events in two streams, signed after six; the last five have UUIDs for ids."""
    log.append("account-main", 0, [new(f"m{number}", fact) for number, fact in enumerate(SAMPLES[:2])])
    log.append("account-other", 0, [new("o1", halt(third)), new("o2")])
    log.append("account-main", 2, [new("m3"), new("m4")])
    log.keep_signed_head(head_of(log))
    log.append("account-main", 4, [new(event_id("account-main", "m", nth), SAMPLES[nth]) for nth in range(3, 8)])
    log.keep_signed_head(head_of(log))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "log.db"
    written(path).close()
    return path


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteLog]:
    made = written(tmp_path / "log.db")
    yield made
    made.close()


def edited(path: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Change a log's file as somebody who drops the triggers can."""
    link = sqlite3.connect(path)
    try:
        for (trigger,) in link.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            link.execute(f"DROP TRIGGER {trigger}")
        for statement, parameters in statements:
            link.execute(statement, parameters)
        link.commit()
    finally:
        link.close()


@dataclass(frozen=True)
class Flip:
    """One bit of one stored value, counted around it; `row` is the key, which counts from 1."""

    table: str
    column: str
    row: int
    bit: int

    def apply(self, path: Path) -> None:
        key = COLUMNS[self.table][0]
        link = sqlite3.connect(path)
        kind, raw = link.execute(
            f"SELECT typeof({self.column}), CASE typeof({self.column}) WHEN 'text' THEN CAST({self.column} AS BLOB) "
            f"ELSE {self.column} END FROM {self.table} WHERE {key} = ?",
            (self.row,),
        ).fetchone()
        link.close()
        changed, form = (self.of_integer(raw), "?") if kind == "integer" else (self.of_bytes(raw), "?")
        if kind == "text":
            form = "CAST(? AS TEXT)"
        edited(path, (f"UPDATE {self.table} SET {self.column} = {form} WHERE {key} = ?", (changed, self.row)))

    def of_integer(self, value: int, bits: int = 64) -> int:
        flipped = value % (1 << bits) ^ 1 << self.bit % bits
        return flipped - (1 << bits) if flipped >> (bits - 1) else flipped

    def of_bytes(self, value: bytes) -> bytes:
        return (int.from_bytes(value) ^ 1 << self.bit % (len(value) * 8)).to_bytes(len(value))


ROWS = {"events": 11, "streams": 2, "types": 8, "tree": 11, "signed_heads": 2}


def flips(columns: Mapping[str, Sequence[str]]) -> st.SearchStrategy[Flip]:
    places = st.sampled_from([(table, column) for table in columns for column in columns[table]])
    return places.flatmap(
        lambda place: st.builds(
            Flip, st.just(place[0]), st.just(place[1]), st.integers(1, ROWS[place[0]]), st.integers(0, 2**32)
        )
    )


FIRST_OF_STREAM = {1: 1, 2: 3}
FIRST_OF_TYPE = {1: 1, 2: 2, 3: 3, 4: 7, 5: 8, 6: 9, 7: 10, 8: 11}


def says_where(flip: Flip, sentence: str) -> bool:
    where = {
        "events": f"position {flip.row}",
        "tree": f"position {flip.row}",
        "streams": f"position {FIRST_OF_STREAM.get(flip.row)}",
        "types": f"position {FIRST_OF_TYPE.get(flip.row)}",
        "signed_heads": f"signed head {flip.row}",
    }[flip.table]
    return f"{where} " in sentence or f"{where}:" in sentence


@settings(max_examples=250, deadline=None)
@given(flip=flips(COLUMNS))
@example(flip=Flip("events", "recorded_at", 11, 58))
@example(flip=Flip("events", "position", 11, 63))
@example(flip=Flip("signed_heads", "number", 2, 1))
def test_inspect__any_bit_of_any_stored_value_flipped__is_found_and_says_where(whole: Path, flip: Flip) -> None:
    path = whole.with_name("changed.db")
    shutil.copy(whole, path)
    try:
        flip.apply(path)
    except sqlite3.IntegrityError:  # the file's own keys do not allow this one
        reject()
    with closing(SQLiteLog(path, SetClock())) as log:
        broken = inspect(log, [KEY.verifier]).broken
    assert any(says_where(flip, sentence) for sentence in broken), (flip, broken)


def test_inspect__a_whole_log__is_intact_and_vouched_for(log: SQLiteLog) -> None:
    assert inspect(log, [KEY.verifier]) == Findings(11, root(11, log.tree), 11, [], [])


def test_inspect__the_log_in_memory__is_judged_alike() -> None:
    log = MemoryLog(IDENTITY, SetClock())
    log.append("account-main", 0, [new("a"), new("b"), new("c")])
    log.keep_signed_head(head_of(log))
    log.append("account-main", 3, [new("d")])
    assert inspect(log, [KEY.verifier]) == Findings(4, root(4, log.tree), 3, [], [])


def test_inspect__an_empty_log__is_intact() -> None:
    log = MemoryLog(IDENTITY, SetClock())
    assert inspect(log, [KEY.verifier]) == Findings()


def test_inspect__heads_but_no_key__cannot_tell(log: SQLiteLog) -> None:
    found = inspect(log, [])
    assert (found.broken, found.doubtful) == ([], ["2 signed heads cannot be judged without a key"])


def test_inspect__one_event_changed__tells_that_position_and_no_node_above_it(log: SQLiteLog) -> None:
    log.close()
    edited(log.path, ("UPDATE events SET causation_id = NULL WHERE position = 3", ()))
    found = inspect(log, [])
    assert found.broken == ["position 3: the event is not what the tree has of it"]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM events WHERE position = 11", "position 11 is missing"),
        ("DELETE FROM events WHERE position = 5", "position 5 is missing"),
        ("DELETE FROM tree WHERE position = 5", "position 5: the event is not what the tree has of it"),
        ("DELETE FROM signed_heads WHERE number = 1", "signed head 1 is missing"),
        ("UPDATE events SET recorded_at = 0 WHERE position = 5", "position 5: was recorded no later"),
        ("INSERT INTO tree VALUES (12, x'00')", "position 12 is missing"),
    ],
)
def test_inspect__something_gone_or_moved__says_what(log: SQLiteLog, statement: str, sentence: str) -> None:
    log.close()
    edited(log.path, (statement, ()))
    assert any(sentence in each for each in inspect(log, [KEY.verifier]).broken)


def test_inspect__rewritten_with_its_tree_and_without_its_heads__is_caught_by_a_witness(
    log: SQLiteLog, tmp_path: Path
) -> None:
    witnessed = [("witness, line 1", log.signed_heads()[0])]
    forged = written(tmp_path / "forged.db", third="another")
    forged.close()
    edited(forged.path, ("DELETE FROM signed_heads", ()))
    assert inspect(forged, [KEY.verifier]).broken == []
    assert inspect(forged, [KEY.verifier], witnessed).broken == [
        "witness, line 1 was signed over 6 events that are not these; what follows position 0 was rewritten"
    ]
    forged.close()


def test_inspect__cut_short_with_its_tree_and_its_heads__is_caught_by_a_witness(log: SQLiteLog) -> None:
    witnessed = [("witness", log.signed_heads()[1])]
    log.close()
    edited(
        log.path,
        ("DELETE FROM events WHERE position > 8", ()),
        ("DELETE FROM tree WHERE position > 8", ()),
        ("DELETE FROM signed_heads WHERE number = 2", ()),
    )
    assert inspect(log, [KEY.verifier]).broken == []
    assert inspect(log, [KEY.verifier], witnessed).broken == ["witness covers 11 events, of which 8 are there"]


def test_inspect__a_witness_by_an_unknown_key__cannot_tell(log: SQLiteLog) -> None:
    stranger = Checkpoint(origin(IDENTITY), 6, bytes(32)).signed(SignerKey(origin(IDENTITY), bytes(32)))
    found = inspect(log, [KEY.verifier], [("witness", stranger)])
    assert (found.broken, found.doubtful) == ([], ["witness: none of its signatures is by a known key"])


def test_inspect__a_witness_of_other_logs_too__is_asked_for_this_one_alone(log: SQLiteLog) -> None:
    other = Checkpoint(origin("other"), 3, bytes(32)).signed(SignerKey(origin("other"), bytes(32)))
    ours = log.signed_heads()[0]
    assert inspect(log, [KEY.verifier], [("witness, 1", other), ("witness, 2", ours)]).doubtful == []
    for remembered in ([], [("witness, 1", other)]):
        found = inspect(log, [KEY.verifier], remembered)
        nothing = f"the witness remembers no checkpoint of {origin(IDENTITY)}"
        assert (found.broken, found.doubtful) == ([], [nothing])


def test_inspect__a_head_of_another_log__is_broken(log: SQLiteLog) -> None:
    other = replace(KEY, name=origin("other"))
    log.keep_signed_head(Checkpoint(origin("other"), 11, root(11, log.tree)).signed(other))
    assert inspect(log, [KEY.verifier, other.verifier]).broken == [
        f"signed head 3 is of dustman/other; this log is dustman/{IDENTITY}"
    ]


def test_append__its_events_and_their_rows__are_written_together_or_not_at_all(log: SQLiteLog) -> None:
    link = sqlite3.connect(log.path)
    link.execute(
        "CREATE TRIGGER choosy BEFORE INSERT ON events WHEN NEW.event_id = 'y' BEGIN SELECT raise(ABORT, 'not y'); END"
    )
    link.close()
    with pytest.raises(sqlite3.IntegrityError, match="not y"):
        log.append("account-main", 9, [new("x"), new("y")])
    assert (log.head(), log.tree([12])) == (11, {})
    log.append("account-main", 9, [new("x")])
    assert inspect(log, [KEY.verifier]).broken == []


def test_read__text_that_is_not_utf_8__is_a_corrupt_log_with_the_position(log: SQLiteLog) -> None:
    log.close()
    edited(log.path, ("UPDATE events SET correlation_id = CAST(x'ff' AS TEXT) WHERE position = 5", ()))
    seen: list[int] = []
    with pytest.raises(CorruptLog, match=r"position 5 cannot be read: .*UTF-8"):
        for record in log.read():
            seen.append(record.position)
    with pytest.raises(CorruptLog, match="version 3 of stream account-main cannot be read"):
        list(log.stream("account-main"))
    assert seen == [1, 2, 3, 4]
    log.close()


@settings(max_examples=60, deadline=None)
@given(bit=st.integers(0, len(IDENTITY) * 8 - 1))
def test_inspect__any_bit_of_the_identity_flipped__is_told_by_what_it_signed(whole: Path, bit: int) -> None:
    path = whole.with_name("renamed.db")
    shutil.copy(whole, path)
    renamed = (int.from_bytes(IDENTITY.encode()) ^ 1 << bit).to_bytes(len(IDENTITY))
    edited(path, ("UPDATE meta SET value = CAST(? AS TEXT) WHERE name = 'identity'", (renamed,)))
    with closing(SQLiteLog(path, SetClock())) as log:
        try:
            broken = inspect(log, [KEY.verifier]).broken
        except CorruptLog as corrupt:
            broken = [str(corrupt)]
    assert any(f"is of {origin(IDENTITY)}; this log is" in each or "UTF-8" in each for each in broken)
