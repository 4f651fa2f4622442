"""Clocks that tests can read and set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SetClock:
    """A clock that stands still until it is set or moved."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def utc_now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)
