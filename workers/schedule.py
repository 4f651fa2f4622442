"""When an account is scanned: a crontab in UTC, or an interval counted from the epoch.

Both give the same due times to whoever asks, so two beats, or a beat and a cron job, ask for the same scan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from workers.due_times import DueTimes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = 366 * 24 * 3600
DURATION = 'a whole number of s, min, h or d up to a year, such as "30 s" or "5 min"'
ACCEPTED = 'a crontab of five fields in UTC, such as "0 2 * * sun", or an interval, such as "every 300 s"'
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Crontab:
    """Due at the minutes of a crontab expression in UTC; day of month and day of week as Debian's cron reads them."""

    expression: str

    def __str__(self) -> str:
        return self.expression


@dataclass(frozen=True, slots=True)
class Every:
    """Due at the multiples of `seconds` since 1970-01-01T00:00:00Z."""

    seconds: int

    def __str__(self) -> str:
        return f"every {self.seconds} s"


Schedule = Crontab | Every


def schedule_of(text: str) -> Schedule:
    """Read a schedule as an owner writes it; `ValueError` says the accepted form."""
    words = text.split()
    if words[:1] == ["every"]:
        return Every(seconds_of(" ".join(words[1:])))
    expression = " ".join(words)
    # CronSim would also take a sixth field for seconds, which no crontab has.
    if len(words) != 5 or not expression.isascii() or len(expression) > 200:
        raise ValueError(f"accepted: {ACCEPTED}")
    try:
        next(CronSim(expression, EPOCH))
    except (CronSimError, StopIteration):
        raise ValueError(f"accepted: {ACCEPTED}") from None
    return Crontab(expression)


def seconds_of(text: str) -> int:
    """Read a duration such as `30 s`, `5 min`, `6 h` or `1 d`, in seconds; `ValueError` says the accepted form."""
    match = re.fullmatch(r"([1-9][0-9]{0,8}) ?(s|min|h|d)", text, re.ASCII)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"accepted: {DURATION}")
    return seconds


def latest_due(schedule: Schedule, now: datetime) -> datetime:
    """Return the last due time at or before `now` (aware)."""
    match schedule:
        case Crontab(expression):
            # CronSim walks strictly into the past, so it starts one second ahead to see `now` itself.
            start = now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
            return next(CronSim(expression, start, reverse=True))
        case Every(seconds):
            return EPOCH + _whole_seconds(now) // seconds * timedelta(seconds=seconds)
        case _:
            assert_never(schedule)


def next_due(schedule: Schedule, now: datetime) -> datetime:
    """Return the first due time after `now` (aware)."""
    match schedule:
        case Crontab(expression):
            return next(CronSim(expression, now.astimezone(UTC)))
        case Every(seconds):
            return latest_due(schedule, now) + timedelta(seconds=seconds)
        case _:
            assert_never(schedule)


def celery_schedule(schedule: Schedule) -> DueTimes:
    """Return the schedule in the form that a Celery beat entry takes."""
    # Celery takes a tenth of a second to import, and the command line reads schedules without it.
    from workers.due_times import DueTimes

    return DueTimes(schedule)


def _whole_seconds(now: datetime) -> int:
    return (now - EPOCH) // timedelta(seconds=1)
