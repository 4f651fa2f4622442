"""A part of the log, as its reader names it: by positions or by times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import ConfigurationError
from events.log import EventLog

Point = int | datetime
ACCEPTED = "neither a position nor a time such as 2026-03-01 or 2026-03-01T02:00:00Z"
TICK = timedelta(microseconds=1)
# No log gets longer, and a store's integers have 64 bits.
LONGEST_POSITION = 18


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, and up to position `until` or before the time `until`; None is open.

    So the times of one year are since its first day, until the first day of the next.
    """

    since: Point | None = None
    until: Point | None = None

    def bounds(self, log: EventLog) -> tuple[int, int]:
        """Return `after` and `until` of the events recorded in the period, as `EventLog.read` takes them."""
        after = 0 if self.since is None else _before(log, self.since)
        if self.until is None:
            return after, log.head()
        return after, self.until if isinstance(self.until, int) else _before(log, self.until)

    def holds(self, position: int, at: datetime) -> bool:
        """Tell whether something that happened at `at` and is on record at `position` belongs to the period."""
        match self.since:
            case int() as first if position < first:
                return False
            case datetime() as begin if at < begin:
                return False
        match self.until:
            case int() as last:
                return position <= last
            case datetime() as end:
                return at < end
        return True


def period(log: EventLog, since: str, until: str = "") -> Period:
    """Read the options --since and --until, empty where not given; `ConfigurationError` names what is accepted."""
    return Period(point("--since", since), position_within(log, "--until", point("--until", until)))


def position_as_of(log: EventLog, text: str) -> int:
    """Return the last position that counts as of a position or a time, the head when `text` is empty."""
    as_of = position_within(log, "--as-of", point("--as-of", text))
    if as_of is None:
        return log.head()
    return as_of if isinstance(as_of, int) else log.position_at(as_of)


def position_within(log: EventLog, option: str, named: Point | None) -> Point | None:
    """Return what was named, unless it is a position that the log has not reached."""
    if isinstance(named, int) and named > (head := log.head()):
        raise ConfigurationError(f"{option} {named}: the log ends at position {head}")
    return named


def point(option: str, text: str) -> Point | None:
    """Read a position or a time; a time without a zone is UTC."""
    if not text:
        return None
    if text.isdecimal() and text.isascii() and len(text) <= LONGEST_POSITION:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ConfigurationError(f"{option} {text!r}: {ACCEPTED}") from None


def _before(log: EventLog, named: Point) -> int:
    """Return the last position before a position or a time."""
    if isinstance(named, int):
        return max(named - 1, 0)
    return log.position_at(named - TICK) if named > datetime.min.replace(tzinfo=UTC) else 0
