"""Saying in the log that a venue could not be reached for a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from domain.commands import RecordOutage
from domain.errors import NOT_ASKED
from domain.sweep import Sweep
from workers.desk import Desk


@contextmanager
def outage_recorded(desk: Desk, account: str, sweep: Sweep) -> Iterator[None]:
    """Record that the venue could not be reached for this sweep, and let the error pass."""
    try:
        yield
    except NOT_ASKED as outage:
        opened = sweep.opened
        told = RecordOutage(opened.venue, "convert", opened.sweep_id, str(outage), desk.clock())
        desk.streams.handle(account, told, opened.sweep_id)
        raise
