"""How late a subscriber is at worst: the publisher died after its commit, and nobody was nudged.

The relay, a real worker, just looked and finds what is missing when it looks again.
"""

from __future__ import annotations

import time
from itertools import islice

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import SECOND
from benchmarks.subscriber import entry_id, subscriber
from events.feed import stream_key
from workers.relaying import EVERY_SECONDS

LIMIT = 1.1


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Append without publishing, `rounds` times, each as soon as the one before arrived; the longest wait counts."""
    ground.start_workers()
    events = list(islice(copies(ground), rounds + 1))
    log, url = ground.desk.log, ground.stage.settings.redis.feed_url
    key = stream_key(log.identity)
    waits = []
    with subscriber(url, key) as listener:
        for version, event in enumerate(events):
            (recorded,) = log.append(STREAM, version, [event])
            committed = time.monotonic_ns()
            waits.append((listener.arrival(key, entry_id(recorded)) - committed) / SECOND)
    return [
        Figure(
            name="lost_publish",
            value=max(waits[1:]),
            unit="s",
            against="the time between two looks of the relay",
            reference=EVERY_SECONDS,
            limit=LIMIT,
            benchmark="lost_publish",
            samples=rounds,
        )
    ]
