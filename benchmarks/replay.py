"""How fast a log is read back: each event typed, its bytes proved canonical, positions proved dense."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from time import perf_counter_ns

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Bound, Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import SECOND
from events.sqlite import SQLiteLog
from events.sqlite_rows import SELECT

BATCH = 500
# The machine is shared: the best of a few passes says what the code can do.
PASSES = 3
LIMIT = 5_000.0


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Fill a log with `rounds` events and read it whole, as the product does and as bare rows."""
    path = ground.directory / "replay.db"
    log = SQLiteLog(path, ground.desk.clock)
    events, version = copies(ground), 0
    while version < rounds:
        batch = list(islice(events, min(BATCH, rounds - version)))
        log.append(STREAM, version, batch)
        version += len(batch)
    ours, theirs = [], []
    for _ in range(PASSES):
        ours.append(_rate(log.read, rounds))
        theirs.append(_rate(lambda: _rows(path), rounds))
    log.close()
    return [
        Figure(
            name="replay",
            value=max(ours),
            unit="events/s",
            against="the same rows read from SQLite, nothing decoded or checked",
            reference=max(theirs),
            limit=LIMIT,
            bound=Bound.AT_LEAST,
            benchmark="replay",
            samples=rounds,
        )
    ]


def _rate(read: Callable[[], Iterable[object]], expected: int) -> float:
    start = perf_counter_ns()
    found = sum(1 for _ in read())
    taken = perf_counter_ns() - start
    if found != expected:
        raise RuntimeError(f"{found} events were read, {expected} were written")
    return expected * SECOND / taken


def _rows(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as link:
        return link.execute(f"{SELECT} ORDER BY position").fetchall()
