"""What a strategy has come to, and what its measurements make happen: the fold and the rules of its stream.

A strategy owns no money: its dust lies in accounts, and each account's own stream says what becomes of it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, assert_never

from events.facts import DustInstructed, StrategyFact, StrategyMeasured, StrategyNotMeasured


class Strategy(NamedTuple):
    """What a strategy has come to; `doubt` is why it was not measured since `measured`, None when it was."""

    name: str
    due_until: datetime | None = None
    measured: StrategyMeasured | None = None
    doubt: StrategyNotMeasured | None = None
    instructed: DustInstructed | None = None


@dataclass(frozen=True, slots=True)
class RecordMeasurement:
    """Record what came of a measurement, and what it instructs."""

    outcome: StrategyMeasured | StrategyNotMeasured
    instructed: DustInstructed | None = None

    @property
    def cause(self) -> str:
        return f"measure/{self.outcome.measure_id}"


StrategyCommand = RecordMeasurement


def evolve(strategy: Strategy, fact: StrategyFact) -> Strategy:
    """Apply a fact."""
    match fact:
        case StrategyMeasured(due=due):
            return strategy._replace(due_until=due, measured=fact, doubt=None)
        case StrategyNotMeasured(due=due):
            return strategy._replace(due_until=due, doubt=fact)
        case DustInstructed():
            return strategy._replace(instructed=fact)
        case _:
            assert_never(fact)


def decide(command: StrategyCommand, strategy: Strategy) -> list[StrategyFact]:
    """Decide what a command makes happen; a due time is answered for once."""
    if strategy.due_until is not None and command.outcome.due <= strategy.due_until:
        return []
    return [command.outcome, command.instructed] if command.instructed else [command.outcome]
