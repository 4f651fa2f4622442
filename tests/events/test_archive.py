"""An archive is the log, line by line: what comes back is what was recorded, and nothing else comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.archive import BrokenArchive, lines, opened
from events.envelope import cloud_event
from events.facts import Fact
from events.log import EventIdConflict, EventLog, LogConflict, LogUnavailable, NewEvent, Recorded, StoreMisconfigured
from events.restore import restore
from events.sqlite import SQLiteLog
from tests.events.clocks import SetClock
from tests.events.samples import AT, SAMPLES, facts, new

STREAMS = st.sampled_from(["main", "other", "dritt-ü"])
Edit = Callable[[list[bytes]], object]


def grown(path: Path, events: Sequence[tuple[str, Fact]]) -> SQLiteLog:
    """A log with these facts in these streams, recorded at uneven times."""
    clock, random = SetClock(), Random(3)
    log = SQLiteLog(path, clock)
    versions: dict[str, int] = {}
    for number, (stream, fact) in enumerate(events):
        version = versions.get(stream, 0)
        cause = None if number % 2 else f"cause-{number}"
        log.append(stream, version, [NewEvent(f"id-{number}", fact, AT, f"correlation-{number}", cause)])
        versions[stream] = version + 1
        clock.move(random.choice([0, 0.25, 3600]))
    return log


def archived(log: EventLog) -> list[bytes]:
    return list(lines(log.read(), log.identity))


def sealed(events: list[bytes], source: bytes) -> bytes:
    """The seal that fits these lines, as somebody would write it who edits a file with care."""
    digest = sha256(b"".join(events)).hexdigest().encode()
    return b'{"sealed":%d,"source":%s,"sha256":"%s"}\n' % (len(events), source, digest)


def taken_in(archive: list[bytes]) -> list[Recorded]:
    return list(opened(BytesIO(b"".join(archive)))[1])


@pytest.fixture
def log(tmp_path: Path) -> SQLiteLog:
    return grown(
        tmp_path / "log.db", [("main" if number % 3 else "other", fact) for number, fact in enumerate(SAMPLES)]
    )


@settings(max_examples=40, deadline=None)
@given(events=st.lists(st.tuples(STREAMS, facts()), max_size=12))
def test_restore__of_any_log__gives_the_same_log(events: list[tuple[str, Fact]]) -> None:
    with TemporaryDirectory() as directory:
        log = grown(Path(directory, "log.db"), events)
        identity, records = opened(BytesIO(b"".join(archived(log))))
        assert restore(Path(directory, "again.db"), identity, records, SetClock()) == len(events)
        again = SQLiteLog(Path(directory, "again.db"), SetClock())
        assert again.identity == log.identity
        assert list(again.read()) == list(log.read())
        assert again.streams() == log.streams()
        assert archived(again) == archived(log)
        again.close()
        log.close()


def test_restore__then_append__goes_on_where_the_log_was(log: SQLiteLog, tmp_path: Path) -> None:
    identity, records = opened(BytesIO(b"".join(archived(log))))
    path = tmp_path / "again.db"
    restore(path, identity, records, SetClock())
    assert [each.name for each in tmp_path.iterdir() if not each.name.startswith("log.db")] == [path.name]
    again = SQLiteLog(path, SetClock())
    head, last = log.head(), list(log.read())[-1]
    (record,) = again.append("main", len(list(log.stream("main"))), [new("next")])
    assert (record.position, record.recorded_at > last.recorded_at) == (head + 1, True)
    assert again.append(last.stream, 0, [_new_again(last)]) == [last]
    again.close()


def _new_again(record: Recorded) -> NewEvent:
    return NewEvent(record.event_id, record.fact, record.occurred_at, record.correlation_id, record.causation_id)


def test_archive__each_line__is_the_cloud_event_of_the_feed(log: SQLiteLog) -> None:
    *events, seal = archived(log)
    assert events == [cloud_event(recorded, log.identity) + b"\n" for recorded in log.read()]
    assert json.loads(seal) == {
        "sealed": len(SAMPLES),
        "source": f"urn:dustman:{log.identity}",
        "sha256": sha256(b"".join(events)).hexdigest(),
    }


def test_archive__of_a_log_of_any_length__is_written_and_read_event_by_event(log: SQLiteLog) -> None:
    records = list(log.read())
    waiting = iter(records)
    assert next(lines(waiting, log.identity)) == cloud_event(records[0], log.identity) + b"\n"
    assert next(waiting) == records[1]
    file = BytesIO(b"".join(archived(log)))
    _, again = opened(file)
    assert next(again) == records[0]
    assert file.tell() == len(archived(log)[0])


def swap(archive: list[bytes]) -> None:
    archive[3], archive[4] = archive[4], archive[3]


def cut(archive: list[bytes]) -> None:
    archive[6:] = [archive[6][:-1]]


def edit(number: int, old: bytes, into: bytes) -> Edit:
    def edited(archive: list[bytes]) -> None:
        assert old in archive[number - 1]
        archive[number - 1] = archive[number - 1].replace(old, into)

    return edited


COUNT = len(SAMPLES)
SEAL = COUNT + 1
EDITS: dict[str, tuple[Edit, str]] = {
    "gap": (lambda archive: archive.pop(4), "line 5: position '6' is not 5"),
    "order": (swap, "line 4: position '5' is not 4"),
    "twice": (lambda archive: archive.insert(4, archive[3]), "line 5: position '4' is not 5"),
    "type": (
        edit(4, b"schema:dust_detected:2", b"schema:dust_found:1"),
        "line 4: dust_found v1 is not in the catalogue",
    ),
    "version": (edit(4, b"schema:dust_detected:2", b"schema:dust_detected:9"), "line 4: dust_detected v9 is not in"),
    "word": (edit(4, b'"type":"dust_detected"', b'"type":"dust_unroutable"'), "line 4: an export of the log"),
    "field": (edit(4, b'"live":true', b'"live":true,"more":1'), "line 4: dust_detected v2: field more: unknown"),
    "float": (edit(4, b'"total":"0.45"', b'"total":0.45'), "line 4: dust_detected v2: .*0.45"),
    "spaces": (edit(4, b'"live":true', b'"live": true'), "line 4: dust_detected v2: .* spaces"),
    "attribute": (edit(4, b'{"specversion"', b'{"extra":1,"specversion"'), "line 4: an export of the log .* not write"),
    "stream version": (edit(4, b'"streamversion":"2"', b'"streamversion":"3"'), "line 4: streamversion 3 is not"),
    "time": (
        edit(4, b'"recordedtime":"2026-03', b'"recordedtime":"2025-03'),
        "line 4: recordedtime 2025-03.* not after",
    ),
    "id": (edit(4, b'"id":"id-3"', b'"id":""'), "line 4: id: '' is not text"),
    "long": (edit(4, b'"id":"id-3"', b'"id":"' + b"x" * 201 + b'"'), "line 4: id: 'xxxxxxxxxxxxxxxxxxxx'… has 201"),
    "junk": (edit(4, b'{"specversion"', b'"specversion"'), "line 4: is neither an event nor the seal"),
    "other log": (edit(4, b'"source":"urn:dustman:', b'"source":"urn:dustman:x'), "line 4: an export of the log"),
    "no log": (edit(1, b'"source":"urn:dustman:', b'"source":"urn:other:'), "line 1: source .* is not that of a log"),
    "data": (edit(4, b'"total":"0.45"', b'"total":"0.46"'), f"line {SEAL}: the digest is not that of the seal"),
    "no seal": (lambda archive: archive.pop(), f"line {SEAL}: the seal is missing"),
    "no end": (cut, "line 7: does not end"),
    "more": (lambda archive: archive.append(archive[0]), f"line {SEAL + 1}: comes after the seal"),
    "count": (
        edit(SEAL, b'{"sealed":%d' % COUNT, b'{"sealed":17'),
        f"line {SEAL}: the seal counts 17 events, the file has {COUNT}",
    ),
    "seal": (edit(SEAL, b'"source":"urn', b'"source":"xrn'), f"line {SEAL}: the seal is of 'xrn"),
    "nothing": (lambda archive: archive.clear(), "line 1: is missing"),
}


@pytest.mark.parametrize("name", EDITS)
def test_restore__of_a_changed_file__names_the_line_and_makes_nothing(
    log: SQLiteLog, tmp_path: Path, name: str
) -> None:
    change, words = EDITS[name]
    archive = archived(log)
    change(archive)
    (tmp_path / "new").mkdir()
    with pytest.raises(BrokenArchive, match=words):
        identity, records = opened(BytesIO(b"".join(archive)))
        restore(tmp_path / "new" / "log.db", identity, records, SetClock())
    assert list((tmp_path / "new").iterdir()) == []


def test_restore__with_an_id_twice_under_a_fitting_seal__makes_nothing(log: SQLiteLog, tmp_path: Path) -> None:
    *events, _ = archived(log)
    edit(4, b'"id":"id-3"', b'"id":"id-1"')(events)
    archive = [*events, sealed(events, json.dumps(f"urn:dustman:{log.identity}").encode())]
    assert len(taken_in(archive)) == len(SAMPLES)
    identity, records = opened(BytesIO(b"".join(archive)))
    with pytest.raises(EventIdConflict, match="event id id-1 is that of positions 2 and 4"):
        restore(tmp_path / "again.db", identity, records, SetClock())
    assert not (tmp_path / "again.db").exists()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_archive__with_any_byte_changed__is_refused(data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        log = grown(Path(directory, "log.db"), [("main", fact) for fact in SAMPLES[:4]])
        whole = bytearray(b"".join(archived(log)))
        log.close()
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BrokenArchive, match="line "):
        list(opened(BytesIO(bytes(whole)))[1])


@pytest.mark.parametrize(("grow", "words"), [([("main", SAMPLES[0])], "has 1 events"), ([], "was begun")])
def test_restore__where_a_log_is__is_refused_and_leaves_it(
    log: SQLiteLog, tmp_path: Path, grow: list[tuple[str, Fact]], words: str
) -> None:
    there = grown(tmp_path / "there.db", grow)
    before = there.identity, archived(there)
    identity, records = opened(BytesIO(b"".join(archived(log))))
    with pytest.raises(StoreMisconfigured, match=words):
        restore(there.path, identity, records, SetClock())
    assert (there.identity, archived(there)) == before


def test_restore__where_a_log_is_begun_meanwhile__leaves_that_one(log: SQLiteLog, tmp_path: Path) -> None:
    def begun_meanwhile() -> object:
        yield from log.read()
        grown(tmp_path / "again.db", [("main", SAMPLES[0])]).close()

    with pytest.raises(StoreMisconfigured, match="has 1 events"):
        restore(tmp_path / "again.db", "identity", begun_meanwhile(), SetClock())  # type: ignore[arg-type]


def test_restore__where_nothing_can_be_written__is_unavailable(log: SQLiteLog, tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="cannot be written"):
        restore(tmp_path / "no" / "log.db", "identity", log.read(), SetClock())


def test_restore__into_a_log_with_events__is_a_conflict(log: SQLiteLog) -> None:
    with pytest.raises(LogConflict, match=f"has {COUNT} events"):
        log.restore(log.read())
