"""The loop of load, decide and append: what a faster worker, a repetition or a restart makes of a command."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.account import Account
from domain.commands import Command, Declare
from domain.errors import ImpossibleHistory
from domain.identity import strategy_stream, stream_of
from domain.strategy import RecordMeasurement
from events.facts import ConversionsHalted, ConversionsResumed, DryRunCompleted, StrategyNotMeasured
from events.log import LogConflict, NewEvent
from events.money import Amount
from events.sqlite import SQLiteLog
from events.values import Unmeasured
from workers.handling import ACCOUNTS, ROUNDS, STRATEGIES, Streams

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HALT = Declare(ConversionsHalted("main", "holiday"), "halt")
RESUME = Declare(ConversionsResumed("main"), "resume")


def noon() -> datetime:
    return NOON


def nobody() -> None:
    """Take a publication for a feed that nobody reads."""


def rehearsed(number: int) -> Declare:
    """A command that always makes something happen."""
    fact = DryRunCompleted("main", f"policy {number}", 0, 0, Amount(Decimal(0), "coinbase:BTC"), NOON)
    return Declare(fact, f"dry run {number}")


def streams(
    path: Path, clock: Callable[[], datetime] = noon, publish: Callable[[], None] = nobody
) -> tuple[Streams[Account, Command], SQLiteLog]:
    log = SQLiteLog(path, noon)
    return Streams(ACCOUNTS, log, clock, publish), log


def overtaken(path: Path, by: Callable[[int], Declare], times: int) -> Streams[Account, Command]:
    """A worker whose rival writes between its loading and its appending: when it asks for the time."""
    rival, _ = streams(path)
    done: list[int] = []

    def clock() -> datetime:
        if len(done) < times:
            done.append(1)
            rival.handle("main", by(len(done)), "rival")
        return NOON

    return streams(path, clock)[0]


def words(path: Path) -> list[str]:
    return [recorded.type for recorded in SQLiteLog(path, noon).read()]


def test_handle__a_command__is_recorded_with_its_cause_and_published_once(tmp_path: Path) -> None:
    published: list[str] = []
    at, log = streams(tmp_path / "log", publish=lambda: published.append("once"))
    (halted,) = at.handle("main", HALT, "why")
    (resumed,) = at.handle("main", RESUME, "why")
    assert (halted.stream, halted.version, halted.causation_id) == (stream_of("main"), 1, None)
    assert (resumed.version, resumed.causation_id, resumed.correlation_id) == (2, halted.event_id, "why")
    assert published == ["once", "once"]
    assert list(log.read()) == [halted, resumed]


def test_handle__the_same_command_again__makes_nothing_happen_and_publishes_nothing(tmp_path: Path) -> None:
    published: list[str] = []
    first, _ = streams(tmp_path / "log")
    first.handle("main", HALT, "test")
    again, _ = streams(tmp_path / "log", publish=lambda: published.append("too often"))
    assert first.handle("main", HALT, "test") == []
    assert again.handle("main", HALT, "test") == []
    assert published == []
    assert words(tmp_path / "log") == ["conversions_halted"]


def test_handle__the_same_cause_in_two_logs__makes_the_same_ids(tmp_path: Path) -> None:
    ids = [[e.event_id for e in streams(tmp_path / name)[0].handle("main", HALT, "test")] for name in ("one", "two")]
    assert ids[0] == ids[1]


def test_handle__overtaken_by_the_same_command__is_written_once_and_told_to_both(tmp_path: Path) -> None:
    slower = overtaken(tmp_path / "log", lambda _: HALT, times=1)
    (told,) = slower.handle("main", HALT, "slower")
    assert list(SQLiteLog(tmp_path / "log", noon).read()) == [told]
    assert told.correlation_id == "rival"


def test_handle__overtaken_by_the_same_with_other_words__leaves_it_to_the_faster_one(tmp_path: Path) -> None:
    slower = overtaken(tmp_path / "log", lambda _: Declare(ConversionsHalted("main", "fire"), "fire"), times=1)
    assert slower.handle("main", HALT, "slower") == []
    assert slower.load("main").state.halted == "fire"


def test_handle__overtaken_by_something_else__decides_on_what_was_written(tmp_path: Path) -> None:
    slower = overtaken(tmp_path / "log", rehearsed, times=3)
    (halted,) = slower.handle("main", HALT, "slower")
    *_, last = (e for e in SQLiteLog(tmp_path / "log", noon).read() if e.correlation_id == "rival")
    assert (halted.version, halted.causation_id) == (4, last.event_id)
    assert slower.load("main").state.dry_run == "policy 3"


def test_handle__overtaken_as_often_as_it_tries__gives_up_and_has_written_nothing(tmp_path: Path) -> None:
    slower = overtaken(tmp_path / "log", rehearsed, times=ROUNDS)
    with pytest.raises(LogConflict, match=f"account-main: overtaken {ROUNDS} times"):
        slower.handle("main", HALT, "slower")
    assert words(tmp_path / "log") == ["dry_run_completed"] * ROUNDS
    assert len(slower.handle("main", HALT, "slower")) == 1


def test_handle__four_workers_at_once__record_every_command_exactly_once(tmp_path: Path) -> None:
    each, failures = 25, []

    def work(worker: int) -> None:
        at, log = streams(tmp_path / "log")
        try:
            for nth in range(each):
                mine, shared = rehearsed(1000 * (worker + 1) + nth), rehearsed(nth)
                for command in (mine, shared):
                    at.handle("main", command, "test")
        except LogConflict as overtaken:
            failures.append(overtaken)
        finally:
            log.close()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    log = SQLiteLog(tmp_path / "log", noon)
    marks = [e.fact.fingerprint for e in log.read() if isinstance(e.fact, DryRunCompleted)]
    assert len(marks) == len(set(marks)) == 5 * each
    assert [e.version for e in log.stream(stream_of("main"))] == list(range(1, 5 * each + 1))


def test_handle__a_measurement__is_recorded_once_for_its_due_time_in_its_own_stream(tmp_path: Path) -> None:
    log = SQLiteLog(tmp_path / "log", noon)
    at = Streams(STRATEGIES, log, noon, nobody)
    (told,) = at.handle("loop", RecordMeasurement(unmeasured("loop", NOON, "one")), "one")
    assert (told.stream, told.version) == (strategy_stream("loop"), 1)
    assert at.handle("loop", RecordMeasurement(unmeasured("loop", NOON, "two")), "two") == []
    assert at.handle("loop", RecordMeasurement(unmeasured("loop", NOON - timedelta(1), "three")), "three") == []
    assert len(at.handle("loop", RecordMeasurement(unmeasured("loop", NOON + timedelta(1), "four")), "four")) == 1
    assert Streams(STRATEGIES, log, noon, nobody).load("loop") == at.load("loop")


def test_load__a_fact_in_a_stream_of_another_kind__is_an_impossible_history(tmp_path: Path) -> None:
    at, log = streams(tmp_path / "log")
    log.append(stream_of("main"), 0, [NewEvent("s", unmeasured("loop", NOON, "one"), NOON, "test", None)])
    log.append(strategy_stream("loop"), 0, [NewEvent("a", HALT.fact, NOON, "test", None)])
    with pytest.raises(ImpossibleHistory, match="account-main: StrategyNotMeasured of the strategy loop"):
        at.load("main")
    with pytest.raises(ImpossibleHistory, match="strategy-loop: ConversionsHalted of the account main"):
        Streams(STRATEGIES, log, noon, nobody).load("loop")


def unmeasured(strategy: str, due: datetime, measure: str) -> StrategyNotMeasured:
    return StrategyNotMeasured(strategy, measure, due, NOON, "usdt", Unmeasured.EQUITY_ZERO, "equity is 0 USD")


def test_load__what_others_wrote__is_read_up_and_equals_a_fold_from_nothing(tmp_path: Path) -> None:
    one, _ = streams(tmp_path / "log")
    other, _ = streams(tmp_path / "log")
    for number in range(5):
        writer, reader = (one, other) if number % 2 else (other, one)
        writer.handle("main", rehearsed(number), "test")
        assert reader.load("main") == streams(tmp_path / "log")[0].load("main")
    assert one.load("another").version == 0
