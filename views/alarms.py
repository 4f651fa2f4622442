"""What is worth an alert: the words, what each is by default, and the limits that the owner sets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Level(StrEnum):
    """What becomes of an alarm: sent at once, sent without a sound, kept for the digest, or dropped."""

    ON = "on"
    SILENT = "silent"
    DIGEST = "digest"
    OFF = "off"


class Severity(StrEnum):
    """How bad it is, in apprise's words."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


class Alarm(StrEnum):
    """What is told of, how bad it is, what it means, and its level unless the owner says otherwise."""

    severity: Severity
    meaning: str
    level: Level

    def __new__(cls, word: str, severity: Severity, meaning: str, level: Level = Level.ON) -> Alarm:
        """Attach what the word stands for."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.severity, member.meaning, member.level = severity, meaning, level
        return member

    ACCOUNT_HALTED = "account_halted", Severity.WARNING, "An account was halted."
    ACCOUNT_RESUMED = "account_resumed", Severity.SUCCESS, "The halt is over.", Level.SILENT
    ACCOUNT_WENT_LIVE = "account_went_live", Severity.INFO, "Somebody allowed conversions."
    VENUE_UNREACHABLE = "venue_unreachable", Severity.FAILURE, "A venue could not be reached for `unreachable_after`."
    VENUE_RECOVERED = "venue_recovered", Severity.SUCCESS, "It answers again."
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        Severity.FAILURE,
        "A request to a venue had no final answer for `unknown_after`.",
    )
    OUTCOME_SETTLED = "outcome_settled", Severity.SUCCESS, "It has one."
    SWEEP_FAILED = "sweep_failed", Severity.WARNING, "A sweep ended with lots that were not converted."
    SWEEP_COMPLETED = "sweep_completed", Severity.SUCCESS, "A sweep ended, and no lot failed.", Level.DIGEST
    PROCEEDS_CARRIED = (
        "proceeds_carried",
        Severity.INFO,
        "Proceeds were not enough to buy the target for `carried_after`.",
    )
    DUST_UNROUTABLE = "dust_unroutable", Severity.INFO, "A piece of dust has no way out.", Level.DIGEST
    UNROUTABLE_GREW = (
        "unroutable_grew",
        Severity.INFO,
        "Dust without a way out is worth `unroutable_growth` more than when it was last told of.",
    )
    NONCE_DISPLACED = (
        "nonce_displaced",
        Severity.FAILURE,
        "Somebody else used a wallet's nonce: the key is in other hands too.",
    )
    FUNDING_DECLINED = "funding_declined", Severity.WARNING, "A trade got no ETH and goes on with what is there."
    SCAN_OVERDUE = "scan_overdue", Severity.WARNING, "An account was not read for `scan_overdue_after`."
    DUST_INSTRUCTED = "dust_instructed", Severity.INFO, "A strategy's dust is to be sold.", Level.DIGEST
    APPROVAL_AWAITED = "approval_awaited", Severity.INFO, "What a strategy instructed waits for somebody's approval."
    INSTRUCTIONS_EXPIRED = (
        "instructions_expired",
        Severity.WARNING,
        "Nobody approved in time what a strategy instructed.",
    )
    STRATEGY_OVER = (
        "strategy_over",
        Severity.WARNING,
        "A strategy's dust was over its threshold at `over_intervals` measurements in a row.",
    )
    STRATEGY_BELOW = "strategy_below", Severity.SUCCESS, "It is below again.", Level.SILENT
    STRATEGY_UNMEASURED = (
        "strategy_unmeasured",
        Severity.WARNING,
        "A strategy could not be measured `over_intervals` times in a row.",
    )
    STRATEGY_MEASURED = "strategy_measured_again", Severity.SUCCESS, "It was measured again.", Level.SILENT


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a condition is worth an alarm, what each alarm's level is, and what makes many alerts few.

    Alike alarms within `collapse` are one alert and a count. `next_digest` gives the first time of a digest after one.
    """

    next_digest: Callable[[datetime], datetime]
    levels: Mapping[Alarm, Level] = field(default_factory=dict)
    collapse: timedelta = timedelta(hours=1)
    unreachable_after: timedelta = timedelta(minutes=15)
    unknown_after: timedelta = timedelta(minutes=15)
    carried_after: timedelta = timedelta(days=14)
    scan_overdue_after: timedelta = timedelta(days=8)
    over_intervals: int = 3
    unroutable_growth: Decimal = Decimal(5)

    def level(self, alarm: Alarm) -> Level:
        """Return what becomes of an alarm."""
        return self.levels.get(alarm, alarm.level)
