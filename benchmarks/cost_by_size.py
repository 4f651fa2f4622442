"""What an event costs in a log of ten thousand, and in larger ones: appended in thousands, appended alone, read back.

Counted is processor time, the system's included, because the machine is shared; waiting for the disk is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from time import process_time_ns

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Figure, quantile
from benchmarks.ground import Ground
from events.sqlite import SQLiteLog

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
BATCH, BATCHES, SINGLES, READS = 1_000, 10, 200, 5
FLAT = 1.1
MICROSECOND = 1_000
AGAINST = "the same in a log of ten thousand"


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Fill one log up to `rounds` events and measure at each size that it passes."""
    log, events = SQLiteLog(ground.directory / "sizes.db", ground.desk.clock), copies(ground)
    measured: dict[str, float] = {}
    figures: list[Figure] = []
    for size in SIZES:
        if size > rounds:
            break
        while (head := log.head()) < size - BATCH * BATCHES:
            log.append(STREAM, head, list(islice(events, BATCH)))
        for word, cost in _costs(log, lambda count: list(islice(events, count))):
            first = measured.setdefault(word, cost)
            figures.append(
                Figure(
                    name=f"{word}_cost_at_{size}",
                    value=cost,
                    unit="us",
                    against=AGAINST,
                    reference=first,
                    limit=FLAT * first,
                    benchmark="cost_by_size" if rounds < SIZES[-1] else "cost_by_size_10m",
                    samples=BATCH * BATCHES,
                )
            )
    log.close()
    return figures


def _costs(log: SQLiteLog, some: Callable[[int], list[object]]) -> Iterator[tuple[str, float]]:
    """Yield the processor time an event, in microseconds; the medians of a few rounds."""
    for word, batch, count in (("append_1000", BATCH, BATCHES), ("append", 1, SINGLES)):
        taken = []
        for _ in range(count):
            new, head = some(batch), log.head()
            start = process_time_ns()
            log.append(STREAM, head, new)  # type: ignore[arg-type]
            taken.append(process_time_ns() - start)
        yield word, quantile(taken, 0.5) / batch / MICROSECOND
    taken, head = [], log.head()
    for _ in range(READS):
        start = process_time_ns()
        for _ in log.read(after=head - BATCH * BATCHES):
            pass
        taken.append(process_time_ns() - start)
    yield "replay", min(taken) / (BATCH * BATCHES) / MICROSECOND
