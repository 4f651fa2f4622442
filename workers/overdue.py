"""Scans that should have been made and were not: the machine slept, the broker was down, the venue did not answer."""

from __future__ import annotations

from datetime import timedelta

from workers import scanning
from workers.desk import Desk
from workers.schedule import latest_due

# The beat's own task comes first; only when it had its time is a scan made up for.
GRACE = timedelta(seconds=30)


def missed(desk: Desk, account: str) -> bool:
    """Say whether an account that was scanned before has missed its latest due time.

    An account that nobody ever tried to scan waits for its first due time: setting it up is no reason to scan. A scan
    that began with a claim of rewards was tried. One that belongs to strategies is read when they are measured.
    """
    if desk.mandates[account].strategies:
        return False
    known = desk.streams.load(account).state
    due = latest_due(desk.mandates[account].schedule, desk.clock())
    if desk.clock() - due <= GRACE:
        return False
    if known.scanned_until is None:
        return known.outage[0] == scanning.SCAN or bool(known.claims)
    return known.scanned_until < due


def unmeasured(desk: Desk, strategy: str) -> bool:
    """Say the same of a strategy."""
    known, now = desk.strategies.load(strategy).state, desk.clock()
    due = latest_due(desk.intervals[strategy], now)
    if now - due <= GRACE:
        return False
    if known.due_until is None:
        return any(desk.streams.load(account).state.claims for account in desk.charter(strategy).accounts)
    return known.due_until < due
