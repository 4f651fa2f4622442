"""Ids as pure functions of their cause: whoever repeats a step makes the same id, so a repetition is recognised.

UUID version 5 (RFC 9562, section 5.5) in one namespace of our own.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid5

NAMESPACE = UUID("5d6f1c1e-2f0a-5c53-9a55-6a1d0c7f3b10")


def _id(*parts: str) -> str:
    return str(uuid5(NAMESPACE, "\x1f".join(parts)))


def stream_of(account: str) -> str:
    """Name the stream that holds everything that happened to an account."""
    return f"account-{account}"


def strategy_stream(strategy: str) -> str:
    """Name the stream that holds everything that happened to a strategy."""
    return f"strategy-{strategy}"


def measure_id(strategy: str, due: datetime) -> str:
    """Two beats that ask for the measurement due at the same moment ask for the same one."""
    return _id("measure", strategy, due.isoformat())


def scan_id(account: str, due: datetime) -> str:
    """Two beats that ask for the scan due at the same moment ask for the same scan."""
    return _id("scan", account, due.isoformat())


def sweep_id(scan: str) -> str:
    """A scan opens at most one sweep."""
    return _id("sweep", scan)


def reservation_id(account: str, trade: str) -> str:
    """A trade has at most one reservation on an account."""
    return _id("reservation", account, trade)


def funding_id(reservation: str, cause: str) -> str:
    """Name the sweep that a request opens to make ETH for a reservation."""
    return _id("funding", reservation, cause)


def claim_id(account: str, source: str, due: datetime) -> str:
    """A source is claimed at most once for one due time."""
    return _id("claim", account, source, due.isoformat())


def lot_id(sweep: str, asset: str) -> str:
    """A sweep has at most one lot of an asset."""
    return _id("lot", sweep, asset)


def leg_id(sweep: str, kind: str, asset: str) -> str:
    """A sweep makes at most one leg of a kind out of an asset."""
    return _id("leg", sweep, kind, asset)


def idempotency_key(leg: str) -> str:
    """The key given to the venue: of the leg alone, never of the attempt."""
    return _id("key", leg)


def batch_key(legs: Collection[str]) -> str:
    """The key given to the venue for legs that travel in one request: of the legs alone, in no order."""
    return _id("batch", *sorted(legs))


def event_id(stream: str, cause: str, index: int) -> str:
    """The id of the nth event that a cause puts into a stream."""
    return _id("event", stream, cause, str(index))


def alert_id(log: str, *cause: str) -> str:
    """An alert that is told again, after a crash, has the id it had."""
    return _id("alert", log, *cause)
