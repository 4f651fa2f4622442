"""May a strategy be rebalanced now? Not while its dust is being sold, since dust comes first; but never for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from events.facts import (
    DustDetected,
    DustInstructed,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    ScanCompleted,
    SweepCompleted,
)
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
    announcement on until that sweep is completed. What needs approval waits from its instruction on, until its time is
    up; its accounts are expected to announce from the approval on.
    """

    waiting: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    expected: dict[tuple[str, str], datetime] = field(default_factory=dict)
    sweeps: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        fact, at = recorded.fact, recorded.recorded_at
        match fact:
            case DustInstructed(strategy=strategy, approval_until=datetime() as until):
                self.waiting[strategy] = (at, until)
            case DustInstructed(strategy=strategy, instructions=instructions):
                self._expect(strategy, (each.account for each in instructions), at)
            case InstructionsApproved(strategy=strategy, accounts=accounts):
                self.waiting.pop(strategy, None)
                self._expect(strategy, accounts, at)
            case InstructionsCancelled(strategy=strategy) | InstructionsExpired(strategy=strategy):
                self.waiting.pop(strategy, None)
            case InstructionsReleased(strategy=strategy):
                for key in [key for key in self.expected if key[0] == strategy]:
                    del self.expected[key]
            case ScanCompleted(account=account):
                for key in [key for key in self.expected if key[1] == account]:
                    del self.expected[key]
            case DustDetected(strategy=strategy, account=account, sweep_id=sweep, live=True) if strategy:
                self.sweeps[strategy, account, sweep] = at
            case SweepCompleted(account=account, sweep_id=sweep):
                for whole in [each for each in self.sweeps if each[1:] == (account, sweep)]:
                    del self.sweeps[whole]

    def _expect(self, strategy: str, accounts: Iterable[str], at: datetime) -> None:
        for account in accounts:
            self.expected[strategy, account] = at

    def _awaited(self, strategy: str, now: datetime, limit: timedelta) -> datetime | None:
        """Return until when an approval is waited for at most, None when it is not or no longer."""
        if strategy not in self.waiting:
            return None
        at, until = self.waiting[strategy]
        most = min(at + limit, until)
        return most if now < most else None

    def answer(self, strategy: str, now: datetime, limit: timedelta) -> Answer:
        """Say no while something that began less than `limit` ago is not over."""
        begun = _of(strategy, self.expected, now - limit)
        sold = _of(strategy, {key[:2]: at for key, at in self.sweeps.items()}, now - limit)
        awaited = self._awaited(strategy, now, limit)
        if not begun and not sold and awaited is None:
            late = strategy in self.waiting or any(key[0] == strategy for key in (*self.expected, *self.sweeps))
            why = f"its dust has been for sale for {limit} or longer" if late else "none of its dust is being sold"
            return Answer(True, why)
        parts = [f"is sold in {', '.join(sorted(sold))}"] if sold else []
        parts += [f"is about to be sold in {', '.join(sorted(begun))}"] if begun else []
        parts += ["waits for approval to be sold"] if awaited else []
        ends = [at + limit for at in (*begun.values(), *sold.values())]
        return Answer(False, f"its dust {' and '.join(parts)}", max([*ends, *([awaited] if awaited else [])]))


def _of(strategy: str, steps: Mapping[tuple[str, str], datetime], after: datetime) -> dict[str, datetime]:
    return {account: at for (of, account), at in steps.items() if of == strategy and at > after}
