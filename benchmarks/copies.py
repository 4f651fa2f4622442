"""Events to measure a log with: what the legs of a real sweep recorded, again and again under new ids.

Three types, nine of ten events in a log: some 590 bytes of JSON each.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, cycle

from benchmarks.ground import Ground
from domain.identity import event_id
from events.facts import DustConverted, LegFilled, LegRequested
from events.log import NewEvent

STREAM = "benchmarks"
# How many events one decision makes at most, and thus have their cause in common.
DECISION = 3


def copies(ground: Ground) -> Iterator[NewEvent]:
    """Yield events for ever, with ids as the product makes them."""
    legs = [record for record in ground.written if isinstance(record.fact, (LegRequested, LegFilled, DustConverted))]
    cause = None
    for number, record in zip(count(1), cycle(legs), strict=False):
        own = event_id(STREAM, "copy", number)
        yield NewEvent(own, record.fact, record.occurred_at, record.correlation_id, cause)
        if number % DECISION == 0:
            cause = own
