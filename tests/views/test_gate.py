"""May a strategy be rebalanced: given what was instructed, announced and completed, this answer."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TypeVar

import pytest

from domain.identity import strategy_stream, stream_of
from dustman.gate import DustGate
from events.facts import (
    DustDetected,
    DustInstructed,
    Fact,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    ScanCompleted,
    StrategyFact,
    SweepCompleted,
)
from events.log import NewEvent
from events.memory import MemoryLog
from events.records import replace
from tests.events.clocks import SetClock
from tests.events.samples import AT, SAMPLES

F = TypeVar("F")
MINUTE, LIMIT = timedelta(minutes=1), timedelta(minutes=15)


def sample(kind: type[F]) -> F:
    return next(fact for fact in SAMPLES if isinstance(fact, kind))


INSTRUCTED = sample(DustInstructed)
NAME, ACCOUNT = INSTRUCTED.strategy, INSTRUCTED.instructions[0].account
ANNOUNCED = replace(sample(DustDetected), account=ACCOUNT, strategy=NAME, live=True)
SCANNED = replace(sample(ScanCompleted), account=ACCOUNT)
DONE = replace(sample(SweepCompleted), account=ACCOUNT, sweep_id=ANNOUNCED.sweep_id)

APPROVED = replace(sample(InstructionsApproved), strategy=NAME, accounts=(ACCOUNT,))
RELEASED = replace(sample(InstructionsReleased), strategy=NAME)


class Story:
    """A log, and a gate that was there from the beginning beside one that is opened for each question."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.log = MemoryLog("gate", self.clock)
        self.gate = DustGate(self.log, LIMIT, self.clock)
        self.numbers = count()

    def happens(self, *facts: Fact) -> None:
        for fact in facts:
            stream = strategy_stream(fact.strategy) if isinstance(fact, StrategyFact) else stream_of(fact.account)
            version = sum(1 for _ in self.log.stream(stream))
            self.log.append(stream, version, [NewEvent(str(next(self.numbers)), fact, AT, "test")])

    def may(self, strategy: str = NAME) -> bool:
        """Ask both, which answer alike."""
        answers = [gate.ask(strategy) for gate in (self.gate, DustGate(self.log, LIMIT, self.clock))]
        assert (answers[0].may, answers[0].until) == (answers[1].may, answers[1].until)
        assert (answers[0].until is None) == answers[0].may
        return answers[0].may


def test_gate__of_a_strategy_that_nothing_is_known_of__is_open() -> None:
    at = Story()
    assert at.may()
    assert at.gate.ask(NAME).reason == "none of its dust is being sold"


def test_gate__from_the_instruction_until_the_sweep_is_completed__is_shut() -> None:
    at = Story()
    at.happens(INSTRUCTED)
    assert not at.may()
    assert at.gate.ask(NAME).reason == f"its dust is about to be sold in {ACCOUNT}"
    at.happens(SCANNED, ANNOUNCED)
    assert not at.may()
    assert at.gate.ask(NAME).reason == f"its dust is sold in {ACCOUNT}"
    at.happens(DONE)
    assert at.may()


def test_gate__of_another_strategy__is_open_meanwhile() -> None:
    at = Story()
    at.happens(INSTRUCTED, SCANNED, ANNOUNCED)
    assert at.may("other") and not at.may(NAME)


def test_gate__when_the_account_announces_nothing__opens_with_its_scan() -> None:
    at = Story()
    at.happens(INSTRUCTED, SCANNED)
    assert at.may()


def test_gate__when_the_account_only_watches__is_open() -> None:
    at = Story()
    at.happens(INSTRUCTED, SCANNED, replace(ANNOUNCED, live=False))
    assert at.may()


def test_gate__of_dust_that_belongs_to_no_strategy__stays_open() -> None:
    at = Story()
    at.happens(replace(ANNOUNCED, strategy=""))
    assert at.may() and at.may("")


def test_gate__with_two_accounts__opens_when_both_are_done() -> None:
    first, second = (replace(each, account=ACCOUNT + "2") for each in (ANNOUNCED, DONE))
    at = Story()
    at.happens(ANNOUNCED, first, DONE)
    assert not at.may()
    at.happens(second)
    assert at.may()


def test_gate__after_the_limit__is_open_whatever_became_of_it() -> None:
    at = Story()
    at.happens(INSTRUCTED, SCANNED, ANNOUNCED)
    at.clock.move((LIMIT - MINUTE).total_seconds())
    assert not at.may()
    at.clock.move((2 * MINUTE).total_seconds())
    assert at.may()
    assert at.gate.ask(NAME).reason == "its dust has been for sale for 0:15:00 or longer"


def test_gate__shut_for_long_and_then_again__counts_from_the_latest() -> None:
    at = Story()
    at.happens(ANNOUNCED)
    at.clock.move(LIMIT.total_seconds() + 1)
    assert at.may()
    at.happens(INSTRUCTED)
    assert not at.may()


@pytest.mark.parametrize("limit", [timedelta(0), -MINUTE])
def test_gate__without_a_limit__is_refused(limit: timedelta) -> None:
    with pytest.raises(ValueError, match="is not above zero"):
        DustGate(Story().log, limit)


def waiting(at: Story, minutes: int) -> DustInstructed:
    return replace(INSTRUCTED, approval_until=at.clock() + minutes * MINUTE)


def test_gate__while_an_approval_is_waited_for__is_shut_whatever_is_scanned() -> None:
    at = Story()
    at.happens(waiting(at, 10), SCANNED)
    assert not at.may()
    assert at.gate.ask(NAME).reason == "its dust waits for approval to be sold"
    assert at.gate.ask(NAME).until == at.clock() + 10 * MINUTE


@pytest.mark.parametrize("end", [InstructionsCancelled, InstructionsExpired])
def test_gate__when_nobody_wants_it__is_open(end: type[Fact]) -> None:
    at = Story()
    at.happens(waiting(at, 10), replace(sample(end), strategy=NAME))
    assert at.may()


def test_gate__when_time_is_up_and_nobody_said_so__is_open() -> None:
    at = Story()
    at.happens(waiting(at, 10))
    at.clock.move(10 * 60)
    assert at.may()


def test_gate__when_an_approval_is_waited_for_longer_than_the_limit__is_open() -> None:
    at = Story()
    at.happens(waiting(at, 60))
    at.clock.move((LIMIT - MINUTE).total_seconds())
    assert not at.may()
    at.clock.move((2 * MINUTE).total_seconds())
    assert at.may()


def test_gate__from_an_approval_until_the_sweep_is_completed__is_shut() -> None:
    at = Story()
    at.happens(waiting(at, 60))
    at.clock.move((LIMIT + MINUTE).total_seconds())
    at.happens(APPROVED)
    assert not at.may()
    assert at.gate.ask(NAME).reason == f"its dust is about to be sold in {ACCOUNT}"
    at.happens(ANNOUNCED, SCANNED, RELEASED)
    assert not at.may()
    at.happens(DONE)
    assert at.may()


def test_gate__when_an_approval_came_to_nothing__is_open() -> None:
    at = Story()
    at.happens(waiting(at, 10), APPROVED, RELEASED)
    assert at.may()
