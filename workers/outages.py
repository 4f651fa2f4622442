"""Saying in the log that a venue could not be reached for a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from domain.commands import RecordOutage
from domain.errors import NOT_ASKED
from workers.desk import Desk


@contextmanager
def outage_recorded(desk: Desk, account: str, about: str) -> Iterator[None]:
    """Record that the venue could not be reached for a sweep or a claim, named by its id, and let the error pass."""
    try:
        yield
    except NOT_ASKED as outage:
        told = RecordOutage(desk.mandates[account].venue, "convert", about, str(outage), desk.clock())
        desk.streams.handle(account, told, about)
        raise
