"""What a long log costs: to fold it, to begin at a snapshot, to see any moment of it, and to keep its old part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter_ns

from benchmarks.figure import Figure
from benchmarks.ground import Ground
from benchmarks.history import history
from benchmarks.stopwatch import SECOND
from events.log import EventLog
from events.sealing import SEGMENT
from events.segments import write
from events.sqlite import SQLiteLog
from views.snapshots import EVERY, Snapshots
from views.state import State

PAGE = 1_000
MOMENTS = 50
SEALED = 100_000


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Measure over a log of `rounds` events; it and its snapshots are kept for later runs."""
    log = history(ground, rounds)
    read, folded = _fold(log)
    whole = read + folded
    beside = f"the same {rounds:,} events read, decoded and checked"
    full = "all of it read and folded"
    figures = [
        _seconds("fold", folded, beside, read, 4.0, rounds),
        _seconds("snapshot_and_tail", _tail(log, ground.directory, rounds), full, whole, 0.10, 3),
        _seconds("as_of_any_time", _any_time(log), full, whole, 0.5, MOMENTS),
        _size(log, ground.directory, min(SEALED, rounds)),
    ]
    log.close()
    return figures


def _fold(log: EventLog) -> tuple[float, float]:
    """Return the seconds that reading took, and those that folding took."""
    state, events, read, folded = State(), log.read(), 0, 0
    while True:
        start = perf_counter_ns()
        page = list(islice(events, PAGE))
        between = perf_counter_ns()
        for recorded in page:
            state.apply(recorded)
        read, folded = read + between - start, folded + perf_counter_ns() - between
        if not page:
            return read / SECOND, folded / SECOND


def _tail(log: SQLiteLog, scratch: Path, length: int) -> float:
    """Return the least of three times to come from a snapshot at 99 % to the end."""
    hundredth = length // 100
    with TemporaryDirectory(dir=scratch) as directory:
        taken = Snapshots(Path(directory), log, every=length - hundredth)
        taken.keep(length - hundredth, _kept(log).as_of(length - hundredth))
        return min(_timed(taken, length) for _ in range(3))


def _any_time(log: SQLiteLog) -> float:
    """Return the longest of many times to see the state as of a random moment, from its time on."""
    kept, random = _kept(log), Random(7)
    first, last = next(log.read()), next(log.read(after=log.head() - 1))
    longest = 0.0
    for _ in range(MOMENTS):
        moment = first.recorded_at + (last.recorded_at - first.recorded_at) * random.random()
        start = perf_counter_ns()
        kept.as_of(log.position_at(moment))
        longest = max(longest, (perf_counter_ns() - start) / SECOND)
    return longest


def _kept(log: SQLiteLog) -> Snapshots:
    return Snapshots(Path(f"{log.path}.snapshots"), log, EVERY)


def _timed(snapshots: Snapshots, position: int) -> float:
    start = perf_counter_ns()
    snapshots.as_of(position)
    return (perf_counter_ns() - start) / SECOND


def _size(log: SQLiteLog, scratch: Path, length: int) -> Figure:
    """Pack events as a sealing does, and count what that takes."""
    with TemporaryDirectory(dir=scratch) as directory:
        size = sum(segment for segment in _segments(log, Path(directory), length))
    return Figure(
        name="sealed_bytes",
        value=size / length,
        unit="bytes",
        against="the same events in the SQLite file, tree and indexes included",
        reference=log.path.stat().st_size / log.head(),
        limit=160,
        benchmark="long_log",
        samples=length,
    )


def _segments(log: SQLiteLog, directory: Path, length: int) -> Iterator[int]:
    for after in range(0, length, SEGMENT):
        records = log.read(after, min(after + SEGMENT, length))
        yield write(directory, log.identity, records).path.stat().st_size


def _seconds(name: str, value: float, against: str, reference: float, limit: float, samples: int) -> Figure:
    return Figure(
        name=name,
        value=value,
        unit="s",
        against=against,
        reference=reference,
        limit=limit,
        benchmark="long_log",
        samples=samples,
    )
