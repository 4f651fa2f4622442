"""What an event costs in a large log, beside the same in one of ten thousand: appended in thousands, alone, read back.

Counted is processor time, the system's included, because the machine is shared; waiting for the disk is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from time import process_time_ns

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Figure, quantile
from benchmarks.ground import Ground
from events.log import NewEvent
from events.sqlite import SQLiteLog

SMALL = 10_000
BATCH, BATCHES, SINGLES, READS = 1_000, 10, 200, 5
MICROSECOND = 1_000
# In microseconds: what 45,000 and 500 appended and 140,000 read events a second leave for each.
LIMITS = {"append_1000_cost": 22.0, "append_cost": 2_000.0, "replay_cost": 7.1}


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Fill a log up to `rounds` events; measure when it is small, and then."""
    return list(_figures(ground, rounds, "", "cost_by_size"))


def measure_largest(ground: Ground, rounds: int) -> list[Figure]:
    """Do the same under names of its own: this takes minutes and eight gigabytes."""
    return list(_figures(ground, rounds, "_10m", "cost_by_size_10m"))


def _figures(ground: Ground, rounds: int, suffix: str, benchmark: str) -> Iterator[Figure]:
    log, events = SQLiteLog(ground.directory / f"{benchmark}.db", ground.desk.clock), copies(ground)
    batch = min(BATCH, rounds)
    _fill(log, events, min(SMALL, rounds), batch)
    small = _costs(log, events, batch)
    _fill(log, events, rounds, batch)
    large = _costs(log, events, batch)
    log.close()
    for word, limit in LIMITS.items():
        yield Figure(
            name=f"{word}{suffix}",
            value=large[word],
            unit="us",
            against="the same in a log of ten thousand events",
            reference=small[word],
            limit=limit,
            benchmark=benchmark,
            samples=rounds,
        )


def _fill(log: SQLiteLog, events: Iterator[NewEvent], size: int, batch: int) -> None:
    while (head := log.head()) < size:
        log.append(STREAM, head, list(islice(events, batch)))


def _costs(log: SQLiteLog, events: Iterator[NewEvent], batch: int) -> Mapping[str, float]:
    """Return the processor time an event, in microseconds, by the figure's name."""
    costs = {}
    for word, size, count in (("append_1000_cost", batch, BATCHES), ("append_cost", 1, min(SINGLES, batch))):
        taken = []
        for _ in range(count):
            new, head = list(islice(events, size)), log.head()
            start = process_time_ns()
            log.append(STREAM, head, new)
            taken.append(process_time_ns() - start)
        costs[word] = quantile(taken, 0.5) / size / MICROSECOND
    taken = []
    for _ in range(READS):
        start = process_time_ns()
        count = sum(1 for _ in log.read(after=log.head() - batch * BATCHES))
        taken.append((process_time_ns() - start) // count)
    costs["replay_cost"] = min(taken) / MICROSECOND
    return costs
