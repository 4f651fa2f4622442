"""Redis was wiped: how long until the feed's whole window is there again, by the log's owner alone.

The reference is what the wire and Redis take: the same entries, rendered before, by pipelined XADD in the same batches.
"""

from __future__ import annotations

import time
from contextlib import closing
from itertools import islice
from typing import Any

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Figure
from benchmarks.ground import Ground
from dustman.wiring import open_redis
from events.envelope import cloud_event
from events.feed import BATCH, Feed
from events.sqlite import SQLiteLog

BARE = "benchmarks:window"
APPENDED_AT_ONCE = 1_000
REPEATS = 3
LIMIT = 1.0
# For each entry of the window; a copy of 1,050 bytes, Redis's own share, and what a page of them leaves free.
MOST_BYTES = 1_300


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Fill a log with `rounds` events and rebuild its feed, the best of three: a neighbour can only make it slower."""
    with (
        closing(open_redis(ground.stage.settings)) as redis,
        closing(SQLiteLog(ground.directory / "window.db", ground.desk.clock)) as log,
    ):
        events = copies(ground)
        while (head := log.head()) < rounds:
            log.append(STREAM, head, list(islice(events, min(APPENDED_AT_ONCE, rounds - head))))
        feed = Feed(redis, log.identity, window=rounds)
        entries: list[Any] = [
            {"type": each.type, "event": cloud_event(each, log.identity)} for each in log.written(0, rounds)
        ]
        ours, theirs, size = [], [], 0.0
        for _ in range(REPEATS):
            redis.delete(feed.key)
            before = int(redis.info("memory")["used_memory"])
            began = time.monotonic()
            if feed.publish_pending(log) != rounds:
                raise RuntimeError(f"the feed was not rebuilt with {rounds} events")
            ours.append(time.monotonic() - began)
            size = (int(redis.info("memory")["used_memory"]) - before) / rounds
            theirs.append(_bare(redis, entries))
        redis.delete(feed.key)
    size_of_event = sum(len(entry["event"]) for entry in entries) / rounds
    return [
        Figure(
            name="rebuild",
            value=min(ours),
            unit="s",
            against="pipelined XADD of the same entries, rendered before",
            reference=min(theirs),
            limit=LIMIT,
            benchmark="rebuild",
            samples=rounds,
        ),
        Figure(
            name="rebuild_bytes_per_entry",
            value=size,
            unit="bytes",
            against="the length of an event as JSON",
            reference=size_of_event,
            limit=MOST_BYTES,
            benchmark="rebuild",
            samples=rounds,
        ),
    ]


def _bare(redis: Any, entries: list[Any]) -> float:
    began, rest = time.monotonic(), iter(entries)
    while batch := list(islice(rest, BATCH)):
        with redis.pipeline(transaction=False) as pipeline:
            for entry in batch:
                pipeline.xadd(BARE, entry)
            pipeline.execute()
    took = time.monotonic() - began
    redis.delete(BARE)
    return took
