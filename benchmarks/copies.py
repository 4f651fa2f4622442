"""Events to measure a log with: what a real sweep recorded, again and again under new ids."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, cycle

from benchmarks.ground import Ground
from events.log import NewEvent

STREAM = "benchmarks"


def copies(ground: Ground) -> Iterator[NewEvent]:
    """Yield the events of a sweep for ever, each with an id of its own."""
    for number, recorded in zip(count(1), cycle(ground.written), strict=False):
        yield NewEvent(f"copy-{number}", recorded.fact, recorded.occurred_at, recorded.correlation_id)
