"""How late a subscriber is at worst: the publisher died after its commit, nobody was nudged, and beat just rang.

The relay, a real worker rung by a real beat, finds what is missing at the next ring.
"""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import islice

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import SECOND
from benchmarks.subscriber import entry_id, subscriber
from events.feed import stream_key
from workers.schedule import Every, next_due

# As in celeryconfig.py.
RING = Every(5)
# Enough for beat to have rung and for the relay to have found nothing.
SOON = timedelta(milliseconds=250)
LIMIT = 6.0


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Append without publishing, `rounds` times; the longest wait counts."""
    ground.start_workers()
    events = list(islice(copies(ground), rounds))
    log, clock, url = ground.desk.log, ground.desk.clock, ground.stage.settings.redis.feed_url
    key = stream_key(log.identity)
    waits = []
    with subscriber(url, key) as listener:
        for version, event in enumerate(events):
            time.sleep((next_due(RING, clock()) + SOON - clock()).total_seconds())
            (recorded,) = log.append(STREAM, version, [event])
            committed, ring = time.monotonic_ns(), next_due(RING, clock()) - clock()
            late = (listener.arrival(key, entry_id(recorded)) - committed) / SECOND
            waits.append((late, ring.total_seconds()))
    value, reference = max(waits)
    return [
        Figure(
            name="lost_publish",
            value=value,
            unit="s",
            against="the time that was left until beat rang the relay again",
            reference=reference,
            limit=LIMIT,
            benchmark="lost_publish",
            samples=rounds,
        )
    ]
