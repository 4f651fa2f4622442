"""How fast a log is read back: each event typed, its bytes proved canonical, positions proved dense.

And what it takes on the disk, with its tree and its indexes, beside the JSON of the facts alone.
"""

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
from benchmarks.rivals import Eventsourced
from benchmarks.stopwatch import SECOND
from events.sqlite import PAGE, SQLiteLog
from events.sqlite_rows import SELECT

BATCH = 1_000
# The machine is shared: the best of a few passes says what the code can do.
PASSES = 3
ENOUGH, BYTES = 140_000.0, 700.0


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Fill a log with `rounds` events and read it whole: as the product does, as bare rows, as another library."""
    path = ground.directory / "replay.db"
    log = SQLiteLog(path, ground.desk.clock)
    rival = Eventsourced(ground.directory / "replay-eventsourcing.db", [record.fact for record in ground.written])
    events, version, plain = copies(ground), 0, 0
    while version < rounds:
        batch = list(islice(events, min(BATCH, rounds - version)))
        plain += sum(len(record.data) for record in log.append(STREAM, version, batch))
        rival.append(batch)
        version += len(batch)
    ours, rows, theirs = [], [], []
    for _ in range(PASSES):
        ours.append(_rate(log.read, rounds))
        rows.append(_rate(lambda: _rows(path), rounds))
        theirs.append(_rate(lambda: rival.read(PAGE), rounds))
    log.close()
    rival.close()
    return [
        _figure("replay", max(ours), "the same rows read from SQLite, nothing decoded or checked", max(rows), rounds),
        _figure("replay_eventsourcing", max(ours), "the library eventsourcing 9.5 on SQLite", max(theirs), rounds),
        Figure(
            name="bytes_an_event",
            value=path.stat().st_size / rounds,
            unit="bytes",
            against="the JSON of the facts alone",
            reference=plain / rounds,
            limit=BYTES,
            benchmark="replay",
            samples=rounds,
        ),
    ]


def _figure(name: str, value: float, against: str, reference: float, rounds: int) -> Figure:
    return Figure(
        name=name,
        value=value,
        unit="events/s",
        against=against,
        reference=reference,
        limit=ENOUGH,
        bound=Bound.AT_LEAST,
        benchmark="replay",
        samples=rounds,
    )


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
