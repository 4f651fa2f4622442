"""How many events a second one writer makes durable, one, a hundred and a thousand a commit, beside other ways.

The log checks versions and ids and grows its tree; the others do less. All take the same events in turn, and the median
of the rounds gives each its rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter_ns

from benchmarks.copies import STREAM, copies
from benchmarks.figure import Bound, Figure, quantile
from benchmarks.ground import Ground
from benchmarks.rivals import BareFile, Eventsourced, NaiveRows, Rival
from benchmarks.stopwatch import SECOND
from events.log import NewEvent
from events.sqlite import SQLiteLog

# Events a commit, and how many a second are enough: for one, what the orders of 125 keys make.
LIMITS = {1: 500.0, 100: 10_000.0, 1_000: 45_000.0}
# Of larger commits fewer do.
SHARE = {1: 1, 100: 40, 1_000: 100}
AGAINST = {
    "": "the same bytes appended to a bare file with fdatasync",
    "_naive": "a naive table in SQLite, without ids, versions and tree",
    "_eventsourcing": "the library eventsourcing 9.5 on SQLite",
}


class Ours:
    """The product's log as one more taker of events."""

    def __init__(self, log: SQLiteLog) -> None:
        self._log, self._version = log, 0

    def append(self, events: Sequence[NewEvent]) -> None:
        self._version = self._log.append(STREAM, self._version, events)[-1].version

    def close(self) -> None:
        self._log.close()


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Append `rounds` single events, and fewer larger batches, to each in turn."""
    figures: list[Figure] = []
    for batch in LIMITS:
        directory = ground.directory / f"appends-{batch}"
        directory.mkdir()
        figures += _measured(ground, directory, batch, max(rounds // SHARE[batch], 3))
    return figures


def _measured(ground: Ground, directory: Path, batch: int, rounds: int) -> Iterator[Figure]:
    events = copies(ground)
    bare = BareFile(directory / "bare")
    ours = Ours(SQLiteLog(directory / "ours.db", ground.desk.clock))
    facts = [record.fact for record in ground.written]
    rivals: dict[str, Rival] = {
        "": bare,
        "_naive": NaiveRows(directory / "naive.db"),
        "_eventsourcing": Eventsourced(directory / "eventsourcing.db", facts),
    }
    times: dict[str, list[int]] = {name: [] for name in rivals}
    own: list[int] = []
    for _ in range(rounds):
        some = list(islice(events, batch))
        bare.prepare(some)
        own.append(_taken(ours, some))
        for name, rival in rivals.items():
            times[name].append(_taken(rival, some))
    for taker in (ours, *rivals.values()):
        taker.close()
    for name, against in AGAINST.items():
        yield Figure(
            name=f"durable_append{'' if batch == 1 else f'_{batch}'}{name}",
            value=batch * SECOND / quantile(own, 0.5),
            unit="events/s",
            against=against,
            reference=batch * SECOND / quantile(times[name], 0.5),
            limit=LIMITS[batch],
            bound=Bound.AT_LEAST,
            benchmark="durable_append",
            samples=rounds,
        )


def _taken(rival: Rival, events: Sequence[NewEvent]) -> int:
    start = perf_counter_ns()
    rival.append(events)
    return perf_counter_ns() - start
