"""Given what a strategy instructed and that needs approval, when it is answered, then this is recorded once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.strategy import (
    Approve,
    Cancel,
    Expire,
    RecordMeasurement,
    RecordRelease,
    Strategy,
    StrategyCommand,
    decide,
    evolve,
    refusal,
)
from events.facts import (
    DustInstructed,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    StrategyFact,
    StrategyMeasured,
    StrategyNotMeasured,
)
from events.records import replace
from tests.domain.controls import NOON
from tests.events.samples import SAMPLES

MINUTE = timedelta(minutes=1)
UNTIL = NOON + 10 * MINUTE
[DOUBT] = [fact for fact in SAMPLES if isinstance(fact, StrategyNotMeasured)]
[SAMPLE] = [fact for fact in SAMPLES if isinstance(fact, StrategyMeasured)]
[TOLD] = [fact for fact in SAMPLES if isinstance(fact, DustInstructed)]
APPROVED = InstructionsApproved("loop", "1", ("main",), "desk", "go", NOON)
RELEASED = InstructionsReleased("loop", "1", (), "USD", "", NOON)


def measurement(number: str, at: datetime, until: datetime | None = None) -> RecordMeasurement:
    outcome = replace(SAMPLE, strategy="loop", measure_id=number, due=at, measured_at=at, triggered=True, sentence="")
    return RecordMeasurement(outcome, replace(TOLD, strategy="loop", measure_id=number, approval_until=until))


def after(*commands: StrategyCommand) -> Strategy:
    strategy = Strategy("loop")
    for command in commands:
        for fact in decide(command, strategy):
            strategy = evolve(strategy, fact)
    return strategy


def approve(at: datetime = NOON, number: str = "1") -> Approve:
    return Approve(number, "desk", "go", at, "w")


def cancel(at: datetime = NOON, number: str = "1") -> Cancel:
    return Cancel(number, "desk", "no", at, "w")


FIRST = measurement("1", NOON, UNTIL)


def test_approve__what_waits__is_recorded_with_its_accounts_once() -> None:
    waiting = after(FIRST)
    assert waiting.waiting is FIRST.instructed
    assert decide(approve(), waiting) == [APPROVED]
    approved = after(FIRST, approve())
    assert approved.waiting is None and approved.unreleased == (FIRST.instructed, APPROVED)
    assert decide(approve(), approved) == decide(cancel(), approved) == []
    assert "1 was approved by desk at 2026" in refusal(approved, "1")
    assert "what came of it is not known yet" in refusal(approved, "1")


def test_approve__when_time_is_up__is_an_expiry_and_no_approval() -> None:
    waiting = after(FIRST)
    assert decide(approve(UNTIL - timedelta(microseconds=1)), waiting)[0].__class__ is InstructionsApproved
    for command in (approve(UNTIL), cancel(UNTIL), Expire("1", UNTIL)):
        assert decide(command, waiting) == [InstructionsExpired("loop", "1", UNTIL)]
    expired = after(FIRST, Expire("1", UNTIL))
    assert decide(approve(UNTIL), expired) == decide(Expire("1", UNTIL), expired) == []
    assert "1 expired at" in refusal(expired, "1")
    assert "nothing waits for approval; 1, the last, expired at" in refusal(expired, "")


def test_expire__before_time_is_up__makes_nothing_happen() -> None:
    assert decide(Expire("1", NOON), after(FIRST)) == []


def test_cancel__what_waits__ends_it() -> None:
    assert decide(cancel(), after(FIRST)) == [InstructionsCancelled("loop", "1", "desk", "no", NOON)]
    cancelled = after(FIRST, cancel())
    assert cancelled.waiting is None and decide(approve(), cancelled) == []
    assert "1 was cancelled by desk at" in refusal(cancelled, "1")


@pytest.mark.parametrize("command", [approve, cancel])
def test_answer__to_what_does_not_wait__makes_nothing_happen(command: type) -> None:
    assert decide(approve(number="0"), after(FIRST)) == []
    assert refusal(after(FIRST), "0") == "loop: 0 is not what was instructed last; that is 1"
    assert decide(command(), Strategy("loop")) == []
    assert refusal(Strategy("loop"), "") == "loop: nothing waits for approval"
    assert decide(command(), after(measurement("1", NOON))) == []
    assert "needs no approval" in refusal(after(measurement("1", NOON)), "1")


def test_measurement__while_something_waits__is_a_snapshot_that_says_so() -> None:
    [told] = decide(measurement("2", NOON + MINUTE, UNTIL), after(FIRST))
    assert isinstance(told, StrategyMeasured) and not told.triggered
    assert "what 1 instructed waits for approval until" in told.sentence
    later = after(FIRST, measurement("2", NOON + MINUTE, UNTIL))
    assert later.waiting is FIRST.instructed and decide(approve(), later) == [APPROVED]


def test_measurement__between_approval_and_release__instructs_nothing() -> None:
    [told] = decide(measurement("2", NOON + MINUTE, UNTIL), after(FIRST, approve()))
    assert isinstance(told, StrategyMeasured) and not told.triggered
    assert "what 1 instructed is approved and about to be announced" in told.sentence
    done = after(FIRST, approve(), RecordRelease(RELEASED))
    assert len(decide(measurement("2", NOON + MINUTE, UNTIL), done)) == 2


@pytest.mark.parametrize("outcome", ["measured", "doubt"])
def test_measurement__after_time_is_up__says_so_first_and_may_instruct_anew(outcome: str) -> None:
    late = measurement("2", UNTIL, UNTIL + 10 * MINUTE)
    if outcome == "doubt":
        late = RecordMeasurement(replace(DOUBT, strategy="loop", measure_id="2", due=UNTIL, measured_at=UNTIL))
    facts: list[StrategyFact] = decide(late, after(FIRST))
    assert facts[0] == InstructionsExpired("loop", "1", UNTIL)
    assert facts[1:] == [each for each in (late.outcome, late.instructed) if each]
    waiting = after(FIRST, late).waiting
    assert (waiting and waiting.measure_id) == ("2" if late.instructed else None)


def test_measurement__after_a_cancellation__may_instruct_anew() -> None:
    assert after(FIRST, cancel(), measurement("2", NOON + MINUTE, UNTIL)).waiting


def test_release__of_an_approval__is_recorded_once_and_of_nothing_else() -> None:
    command = RecordRelease(RELEASED)
    assert decide(command, after(FIRST)) == []
    assert decide(command, after(FIRST, approve())) == [RELEASED]
    done = after(FIRST, approve(), command)
    assert done.unreleased is None and decide(command, done) == []
    assert decide(RecordRelease(replace(RELEASED, measure_id="0")), after(FIRST, approve())) == []
