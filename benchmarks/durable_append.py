"""How many events a second one writer makes durable, one a commit, beside the disk's own limit: `fdatasync`."""

from __future__ import annotations

import os
from itertools import islice
from time import perf_counter_ns

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Bound, Figure, quantile
from benchmarks.ground import Ground
from benchmarks.stopwatch import SECOND
from events.sqlite import SQLiteLog

LIMIT = 500.0


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Append events in turn to a log and, as bare bytes, to a file beside it; the medians give the rates."""
    log = SQLiteLog(ground.directory / "appends.db", ground.desk.clock)
    bare = os.open(ground.directory / "appends.raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    ours, theirs = [], []
    try:
        for version, event in enumerate(islice(copies(ground), rounds)):
            start = perf_counter_ns()
            (recorded,) = log.append(STREAM, version, [event])
            between = perf_counter_ns()
            os.write(bare, recorded.data)
            os.fdatasync(bare)
            ours.append(between - start)
            theirs.append(perf_counter_ns() - between)
    finally:
        os.close(bare)
        log.close()
    return [
        Figure(
            name="durable_append",
            value=SECOND / quantile(ours, 0.5),
            unit="events/s",
            against="the same bytes appended to a bare file with fdatasync",
            reference=SECOND / quantile(theirs, 0.5),
            limit=LIMIT,
            bound=Bound.AT_LEAST,
            benchmark="durable_append",
            samples=rounds,
        )
    ]
