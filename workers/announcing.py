"""Announcing a strategy's dust in an account: its reading is recorded with what of it is to be sold."""

from __future__ import annotations

from collections.abc import Sequence

from domain.commands import RecordScan, Trigger
from domain.scan import Reading
from events.facts import DustDetected
from events.log import Recorded
from events.values import Policy
from workers.desk import Desk


def announce(
    desk: Desk,
    reading: Reading,
    policy: Policy,
    trigger: Trigger | None,
    correlation: str,
    version: int | None = None,
) -> Sequence[Recorded]:
    """Record a reading, and announce what the trigger names, where there is one; new dust nudges the converter.

    With the `version` that the account's stream had before the reading nothing comes of it once others have written.
    """
    command = RecordScan(reading, policy, announce=trigger is not None, trigger=trigger)
    recorded = desk.streams.handle(reading.account, command, correlation, version)
    if any(isinstance(each.fact, DustDetected) and each.fact.live for each in recorded):
        desk.nudge("convert", reading.account)
    return recorded
