"""What every store keeps: one suite, run over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue import type_of
from events.codec import UnfitFact, encode
from events.envelope import cloud_event
from events.facts import Fact
from events.log import EventIdConflict, EventLog, LogConflict, NewEvent
from events.memory import MemoryLog
from events.postgres import PostgresLog
from events.sqlite import SQLiteLog
from tests.events.clocks import SetClock
from tests.events.samples import AT, SAMPLES, halt, new
from tests.events.sealing import SealingLog
from tests.postgres_server import Database

TICK = timedelta(microseconds=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["memory", "sqlite", "sealed", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock) -> Iterator[EventLog]:
    store: EventLog
    match request.param:
        case "memory":
            store = MemoryLog("memory-1", clock)
        case "sqlite":
            store = SQLiteLog(tmp_path / "log.db", clock)
        case "sealed":
            store = SealingLog(tmp_path / "log.db", clock)
        case _:
            store = PostgresLog(request.getfixturevalue("database").url, clock)
    yield store
    store.close()


def test_append__to_a_new_stream__gives_dense_positions_and_versions(log: EventLog) -> None:
    log.append("main", 0, [new("a"), new("b")])
    log.append("other", 0, [new("c")])
    log.append("main", 2, [new("d")])
    assert [(r.position, r.stream, r.version, r.event_id) for r in log.read()] == [
        (1, "main", 1, "a"),
        (2, "main", 2, "b"),
        (3, "other", 1, "c"),
        (4, "main", 3, "d"),
    ]


@pytest.mark.parametrize("fact", SAMPLES, ids=lambda fact: type_of(fact).word)
def test_append__every_type__reads_back_as_it_was_returned(log: EventLog, fact: Fact) -> None:
    [returned] = log.append("main", 0, [replace(new("a"), fact=fact)])
    [read] = log.read()
    assert read == returned
    assert (read.fact, read.data, read.type) == (fact, encode(read.fact), type_of(read.fact).word)
    assert (read.occurred_at, read.correlation_id, read.causation_id) == (AT, "correlation-1", "cause-1")


def test_append__without_a_cause__keeps_none(log: EventLog) -> None:
    log.append("main", 0, [replace(new("a"), causation_id=None)])
    assert [record.causation_id for record in log.read()] == [None]


def test_append__repeated__returns_the_old_records_whatever_is_expected(log: EventLog) -> None:
    first = log.append("main", 0, [new("a"), new("b")])
    log.append("main", 2, [new("c")])
    for expected in (0, 2, 3, 99):
        assert list(log.append("main", expected, [new("a"), new("b")])) == list(first)
    assert list(log.append("main", 0, [new("b")])) == [first[1]]
    assert log.head() == 3


def test_append__repeated_with_other_times_and_causes__is_still_the_old_record(log: EventLog) -> None:
    [first] = log.append("main", 0, [new("a")])
    [again] = log.append("main", 0, [replace(new("a"), occurred_at=AT + TICK, causation_id=None)])
    assert again == first


def test_append__stream_moved_on__conflicts_and_writes_nothing(log: EventLog) -> None:
    log.append("main", 0, [new("a")])
    for expected in (0, 2):
        with pytest.raises(LogConflict, match=f"stream main: version is 1, expected {expected}"):
            log.append("main", expected, [new("b"), new("c")])
    assert log.head() == 1


def test_append__id_with_other_content__is_an_id_conflict(log: EventLog) -> None:
    log.append("main", 0, [new("a")])
    with pytest.raises(EventIdConflict, match="event id a is taken by conversions_halted at position 1"):
        log.append("main", 1, [new("a", halt("something else"))])
    with pytest.raises(EventIdConflict):
        log.append("other", 0, [new("a")])
    assert (log.head(), list(log.streams())) == (1, ["main"])


def test_append__version_conflict__is_told_before_id_conflict(log: EventLog) -> None:
    log.append("main", 0, [new("a")])
    with pytest.raises(LogConflict):
        log.append("main", 0, [new("a", halt("something else"))])
    with pytest.raises(LogConflict):
        log.append("main", 0, [new("a"), new("b")])


def test_append__partly_repeated__is_refused_whole(log: EventLog) -> None:
    log.append("main", 0, [new("a")])
    with pytest.raises(EventIdConflict, match="event id a"):
        log.append("main", 1, [new("a"), new("b")])
    with pytest.raises(EventIdConflict, match="event id b comes twice"):
        log.append("main", 1, [new("b"), new("b")])
    assert log.head() == 1


def test_append__nothing__writes_nothing(log: EventLog) -> None:
    assert list(log.append("main", 0, [])) == []
    assert (log.head(), list(log.streams())) == (0, [])


def test_append__unfit_events__are_refused_by_name_and_nothing_is_written(log: EventLog) -> None:
    unfit = [
        (UnfitFact, "field reason", "main", 0, replace(new("a"), fact=halt(3))),  # type: ignore[arg-type]
        (ValueError, "occurred_at", "main", 0, replace(new("a"), occurred_at=datetime(2026, 1, 1))),  # noqa: DTZ001
        (ValueError, "event_id", "main", 0, new("", halt("x"))),
        (ValueError, "correlation_id", "main", 0, replace(new("a"), correlation_id="")),
        (ValueError, "event_id: 'a\\\\x00' holds", "main", 0, new("a\0", halt("x"))),
        (ValueError, "correlation_id: '\\\\x00'", "main", 0, replace(new("a"), correlation_id="\0")),
        (ValueError, "causation_id: '\\\\x00'", "main", 0, replace(new("a"), causation_id="\0")),
        (ValueError, "stream: 'm\\\\x00'", "m\0", 0, new("a")),
        (ValueError, "stream", "", 0, new("a")),
        (ValueError, "expected: -1", "main", -1, new("a")),
    ]
    for error, named, stream, expected, event in unfit:
        with pytest.raises(error, match=named):
            log.append(stream, expected, [new("good"), event])
    assert log.head() == 0


def test_recorded_at__clock_stands_or_goes_back__still_grows(log: EventLog, clock: SetClock) -> None:
    start = clock.now
    log.append("main", 0, [new("a"), new("b")])
    clock.move(-3600)
    log.append("main", 2, [new("c")])
    clock.move(7200)
    log.append("main", 3, [new("d")])
    times = [record.recorded_at for record in log.read()]
    assert times == [start, start + TICK, start + 2 * TICK, start + timedelta(seconds=3600)]


def test_position_at__any_moment__is_the_last_recorded_by_then(log: EventLog, clock: SetClock) -> None:
    start = clock.now
    assert log.position_at(start) == 0
    for version in range(5):
        log.append("main", version, [new(str(version))])
        clock.move(10)
    assert [log.position_at(start + timedelta(seconds=s)) for s in (-1, 0, 9, 10, 25, 40, 1000)] == [
        0,
        1,
        1,
        2,
        3,
        5,
        5,
    ]


def test_read__between_positions__yields_after_and_until(log: EventLog) -> None:
    log.append("main", 0, [new(str(i)) for i in range(1, 1201)])
    assert [r.position for r in log.read()] == list(range(1, 1201))
    assert [r.position for r in log.read(after=3, until=5)] == [4, 5]
    assert [r.position for r in log.read(after=1198)] == [1199, 1200]
    assert [list(log.read(after=1200)), list(log.read(until=0)), list(log.read(5, 5))] == [[], [], []]


def test_stream__after_a_version__yields_only_its_own_events(log: EventLog) -> None:
    log.append("main", 0, [new("m0"), new("m1"), new("m2")])
    log.append("other", 0, [new(f"o{i}") for i in range(700)])
    log.append("main", 3, [new("m3")])
    assert [r.event_id for r in log.stream("main")] == ["m0", "m1", "m2", "m3"]
    assert [r.event_id for r in log.stream("main", after=2)] == ["m2", "m3"]
    assert [r.version for r in log.stream("other", after=1)] == list(range(2, 701))
    assert list(log.stream("nobody")) == []


def test_streams__several__are_named_once_in_order_of_appearance(log: EventLog) -> None:
    for stream in ("b", "a", "c"):
        log.append(stream, 0, [new(stream)])
    log.append("a", 1, [new("a2")])
    assert list(log.streams()) == ["b", "a", "c"]


def test_checkpoint__saved__is_read_back_and_never_goes_back(log: EventLog) -> None:
    assert log.checkpoint("converter") == 0
    log.save_checkpoint("converter", 7)
    log.save_checkpoint("other", 2)
    log.save_checkpoint("converter", 5)
    assert (log.checkpoint("converter"), log.checkpoint("other")) == (7, 2)


def test_identity__asked_twice__is_the_same(log: EventLog) -> None:
    assert log.identity
    assert log.identity == log.identity


def test_append__many_threads_on_one_stream__one_wins_each_version(log: EventLog) -> None:
    def writes(thread: int) -> int:
        won = 0
        for number in range(20):
            try:
                log.append("main", log.head(), [new(f"{thread}-{number}")])
                won += 1
            except LogConflict:
                continue
        return won

    with ThreadPoolExecutor(8) as pool:
        won = sum(pool.map(writes, range(8)))
    assert won >= 1
    assert [record.version for record in log.stream("main")] == list(range(1, won + 1))


STEPS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 4), st.lists(st.sampled_from("pqrstu"), max_size=3)),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_stores__any_steps__agree_with_each_other(
    tmp_path_factory: pytest.TempPathFactory, database: Database, steps: list[tuple[str, int, list[str]]]
) -> None:
    database.install()
    memory = MemoryLog("one", SetClock())
    others: list[EventLog] = [
        SQLiteLog(tmp_path_factory.mktemp("log") / "log.db", SetClock()),
        PostgresLog(database.url, SetClock()),
    ]
    for stream, expected, ids in steps:
        events = [new(event_id, halt(stream if event_id < "s" else event_id)) for event_id in ids]
        outcome = _outcome(memory, stream, expected, events)
        assert [_outcome(log, stream, expected, events) for log in others] == [outcome, outcome]
    for log in others:
        assert list(log.read()) == list(memory.read())
        assert list(log.streams()) == list(memory.streams())
        log.close()


def _outcome(log: EventLog, stream: str, expected: int, events: list[NewEvent]) -> object:
    try:
        return list(log.append(stream, expected, events))
    except (LogConflict, EventIdConflict) as error:
        return type(error), str(error)


UUID = "0198c1a0-7d2b-5d6e-9c1e-0a1b2c3d4e5f"


@pytest.mark.parametrize("event_id", ["a", UUID, UUID.upper(), UUID.replace("-", "")])
def test_written__every_type_and_any_id__is_the_same_cloud_event_as_read(log: EventLog, event_id: str) -> None:
    for number, fact in enumerate(SAMPLES):
        cause = event_id if number % 2 else None
        event = replace(new(f"{event_id}{number or ''}"), fact=fact, correlation_id=event_id, causation_id=cause)
        log.append("main", number, [event])
    read = [cloud_event(recorded, log.identity) for recorded in log.read()]
    assert [cloud_event(written, log.identity) for written in log.written(0, len(SAMPLES))] == read
    assert [written.position for written in log.written(3, 6)] == [4, 5, 6]
    assert list(log.written(len(SAMPLES), len(SAMPLES))) == []


@pytest.mark.parametrize("year", [1, 1969, 1970, 9999])
def test_written__any_time__is_written_as_read(log: EventLog, year: int) -> None:
    log.append("main", 0, [replace(new("a"), occurred_at=datetime(year, 1, 1, 0, 0, 0, 1, UTC))])
    assert [cloud_event(each, "x") for each in log.written(0, 1)] == [cloud_event(each, "x") for each in log.read()]
