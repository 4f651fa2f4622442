"""What an earlier release wrote stays as it is and means what it meant; here with a history made up for the purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from events.archive import lines, opened
from events.catalogue import FACT_OF, EventType, UnknownType, type_of
from events.catalogue import UPCASTERS as RELEASED
from events.codec import UnfitFact, decode
from events.facts import account_of
from events.inspection import inspect
from events.leaf import leaf
from events.log import CorruptLog, EventIdConflict, NewEvent, Recorded
from events.replay import fold
from events.restore import restore
from events.sqlite import SQLiteLog
from events.upcasting import Fields, Upcasting
from tests.events.clocks import SetClock
from tests.events.samples import AT, halt, new

WORD = "conversions_halted"
IDENTITY = "11111111-2222-4333-8444-555555555555"


def reason_from_sentence(fields: Fields) -> Fields:
    """-1 to 0: the sentence got its name."""
    return {"account": fields["account"], "reason": fields["sentence"]}


def account_from_owner(fields: Fields) -> Fields:
    """0 to 1: the account was named by its owner before."""
    return {"account": fields["account"].removeprefix("owner-"), "reason": fields["reason"]}


# Versions before the first, so that they end at the catalogue that production has.
UPCASTERS = {**RELEASED, EventType(WORD, -1): reason_from_sentence, EventType(WORD, 0): account_from_owner}
EARLIEST = b'{"account":"owner-main","sentence":"moving"}'
EARLIER = b'{"account":"owner-main","reason":"moving"}'
NEWEST = b'{"account":"main","reason":"moving"}'
V1, V2, V3 = (EventType("crumb_found", version) for version in (1, 2, 3))


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.codec._newest", Upcasting(FACT_OF, UPCASTERS))


def test_upcasting__each_version__is_brought_to_the_newest_step_by_step() -> None:
    upcasting = Upcasting({V3}, {V1: lambda fields: {"b": fields["a"]}, V2: lambda fields: fields | {"c": "0"}})
    assert upcasting(V1, b'{"a":"x"}') == (V3, b'{"b":"x","c":"0"}')
    assert upcasting(V2, b'{"b":"x"}') == (V3, b'{"b":"x","c":"0"}')


@pytest.mark.parametrize(
    ("current", "upcasters", "words"),
    [
        ({V3}, {V1}, "the upcaster of crumb_found v1 leads to no version"),
        ({V3}, {V1, V2, V3}, "the upcaster of crumb_found v3 leads to no version"),
        ({V3}, {}, "crumb_found v2 was released, and has no upcaster to crumb_found v3"),
        ({V1}, {V2}, "the upcaster of crumb_found v2 leads to no version"),
    ],
)
def test_upcasting__a_way_with_a_gap__is_refused_where_it_is_made(
    current: set[EventType], upcasters: set[EventType], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Upcasting(current, dict.fromkeys(upcasters, dict))


@pytest.mark.parametrize("event_type", [EventType("crumb_found", 4), EventType("crumb_found", 0)], ids=str)
def test_upcasting__a_version_that_is_not_there__is_unknown_and_says_what_to_do(event_type: EventType) -> None:
    upcasting = Upcasting({V3}, {V1: dict, V2: dict})
    with pytest.raises(
        UnknownType, match=r"crumb_found v\d is not in the catalogue, whose newest is v3: a newer release"
    ):
        upcasting(event_type, b"{}")
    with pytest.raises(UnknownType, match=r"dust_eaten v1 is not in the catalogue: .*read this log with the release"):
        upcasting(EventType("dust_eaten", 1), b"{}")


def test_decode__an_earlier_version__is_the_newest_fact(history: None) -> None:
    for version, data in ((-1, EARLIEST), (0, EARLIER), (1, NEWEST)):
        assert decode(EventType(WORD, version), data) == halt("moving")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (EARLIER + b" ", "not canonical"),
        (b'{"reason":"moving","account":"owner-main"}', "not canonical"),
        (b'{"account":"a","account":"b","reason":"moving"}', "not canonical"),
        (b'{"account":"owner-main","reason":0.5}', "0.5 is not an integer"),
        (b'{"account":"owner-main","reason":NaN}', "malformed"),
        (b'{"account":"owner-main","reason":null}', "v1: .*`str`, got `null`"),
        (b'{"account":"owner-main"}', "KeyError 'reason'"),
        (b'{"account":7,"reason":"moving"}', "AttributeError"),
        (b"[]", "Expected `object`"),
        (b"", "truncated"),
        (b"\xff", "malformed"),
        (b'{"account":' * 100_000, "recursion|depth|truncated"),
    ],
)
def test_decode__other_bytes_of_an_earlier_version__are_refused_by_its_name(
    history: None, data: bytes, words: str
) -> None:
    with pytest.raises(UnfitFact, match=f"(?s)^{WORD} v0: .*{words}"):
        decode(EventType(WORD, 0), data)


def test_decode__a_field_too_many_after_the_way__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "events.codec._newest", Upcasting(FACT_OF, {**RELEASED, EventType(WORD, 0): lambda old: old | {"x": "1"}})
    )
    with pytest.raises(UnfitFact, match=f"^{WORD} v0: {WORD} v1: field x: unknown"):
        decode(EventType(WORD, 0), NEWEST)


def recorded(version: int, data: bytes) -> Recorded:
    """The first event of a log, as the release of that version wrote it."""
    return Recorded(
        1, "account-main", 1, "old", WORD, version, data, halt("moving"), AT, AT, "correlation-1", "cause-1"
    )


@pytest.fixture
def old(tmp_path: Path, history: None) -> Iterator[SQLiteLog]:
    """A log whose first event is of an earlier version, and the next of this one."""
    path = tmp_path / "log.db"
    restore(path, IDENTITY, [recorded(-1, EARLIEST)], SetClock())
    with closing(SQLiteLog(path, SetClock())) as log:
        log.append("account-main", 1, [new("new")])
        yield log


def test_log__with_an_earlier_version__keeps_its_bytes_and_proves_them(old: SQLiteLog) -> None:
    first, second = old.read()
    assert (first.type_version, first.data, first.fact) == (-1, EARLIEST, halt("moving"))
    assert second.type_version == type_of(second.fact).version
    assert fold(old, "", lambda told, event: f"{told} {account_of(event.fact)}") == " main main"
    found = inspect(old, ())
    assert (found.events, found.broken) == (2, [])
    assert json.loads(leaf(first))["type_version"] == -1


def test_log__with_an_earlier_version__leaves_as_it_is_and_comes_back(old: SQLiteLog, tmp_path: Path) -> None:
    archive = b"".join(lines(old.read(), old.identity))
    assert EARLIEST in archive
    identity, records = opened(BytesIO(archive))
    restore(tmp_path / "again.db", identity, records, SetClock())
    with closing(SQLiteLog(tmp_path / "again.db", SetClock())) as again:
        assert list(again.read()) == list(old.read())
        assert inspect(again, ()).root == inspect(old, ()).root


def test_append__repeated_after_a_version_was_left_behind__is_recognised(old: SQLiteLog) -> None:
    again = NewEvent("old", halt("moving"), AT, "correlation-1", "cause-1")
    assert [record.position for record in old.append("account-main", 0, [again])] == [1]
    with pytest.raises(EventIdConflict):
        old.append("account-main", 2, [NewEvent("old", halt("staying"), AT, "correlation-1", "cause-1")])


def test_fold__at_a_type_of_a_newer_release__stops_with_position_type_and_what_to_do(
    old: SQLiteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.codec._newest", Upcasting(FACT_OF, RELEASED))
    with pytest.raises(
        CorruptLog, match=rf"position 1 .*{WORD} v-1 is not in the catalogue, .* read this log with the"
    ):
        fold(old, 0, lambda count, _: count + 1)
