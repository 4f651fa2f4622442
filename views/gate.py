"""May a strategy be rebalanced now? Not while its dust is being sold, since dust comes first; but never for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from events.facts import DustDetected, DustInstructed, ScanCompleted, SweepCompleted
from events.log import Recorded


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, why, and until when a no lasts at most; `until` is None with a yes."""

    may: bool
    reason: str
    until: datetime | None = None


@dataclass(slots=True)
class Selling:
    """What is being sold for each strategy, and since when, grown in place.

    An account is expected to announce its part from an instruction on until its next scan, and sells it from the
    announcement on until that sweep is completed.
    """

    expected: dict[tuple[str, str], datetime] = field(default_factory=dict)
    sweeps: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        fact, at = recorded.fact, recorded.recorded_at
        match fact:
            case DustInstructed(strategy=strategy, instructions=instructions):
                for each in instructions:
                    self.expected[strategy, each.account] = at
            case ScanCompleted(account=account):
                for key in [key for key in self.expected if key[1] == account]:
                    del self.expected[key]
            case DustDetected(strategy=strategy, account=account, sweep_id=sweep, live=True) if strategy:
                self.sweeps[strategy, account, sweep] = at
            case SweepCompleted(account=account, sweep_id=sweep):
                for whole in [each for each in self.sweeps if each[1:] == (account, sweep)]:
                    del self.sweeps[whole]

    def answer(self, strategy: str, now: datetime, limit: timedelta) -> Answer:
        """Say no while something that began less than `limit` ago is not over."""
        begun = _of(strategy, self.expected, now - limit)
        sold = _of(strategy, {key[:2]: at for key, at in self.sweeps.items()}, now - limit)
        if not begun and not sold:
            late = any(key[0] == strategy for key in (*self.expected, *self.sweeps))
            why = f"its dust has been for sale for {limit} or longer" if late else "none of its dust is being sold"
            return Answer(True, why)
        parts = [f"is sold in {', '.join(sorted(sold))}"] if sold else []
        parts += [f"is about to be sold in {', '.join(sorted(begun))}"] if begun else []
        return Answer(False, f"its dust {' and '.join(parts)}", max((*begun.values(), *sold.values())) + limit)


def _of(strategy: str, steps: Mapping[tuple[str, str], datetime], after: datetime) -> dict[str, datetime]:
    return {account: at for (of, account), at in steps.items() if of == strategy and at > after}
