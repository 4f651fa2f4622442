"""The venue's clock: real time shifted by what it was started at and advanced by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from simulators.exchange.state import ExchangeState


def real_time() -> datetime:
    """Return the time on this machine's clock."""
    return datetime.now(UTC)


class VirtualClock:
    """Tells the venue's time. Tokens are checked by real time, everything else by this."""

    def __init__(self, state: ExchangeState, frozen: bool) -> None:
        self._state = state
        self._stopped_at = real_time() if frozen else None

    def now(self) -> datetime:
        """Return the venue's time."""
        return (self._stopped_at or real_time()) + self._state.clock

    def advance(self, step: timedelta) -> None:
        """Move the venue's time forward; raises ValueError for a step backward."""
        if step < timedelta(0):
            raise ValueError(f"seconds: {step.total_seconds()} is below zero; the clock only moves forward")
        self._state.clock += step


def rfc3339(moment: datetime) -> str:
    """Write a time as the venue does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
