"""How long eight processes wait that append one by one to one SQLite log, beside the same on SQLite's own waiting.

SQLite asks for its lock again after ever longer pauses (https://sqlite.org/c3ref/busy_timeout.html): among eight, one
can come too late again and again. The log's own gate is asked at short and random intervals.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count, islice
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from benchmarks.copies import copies
from benchmarks.figure import Figure, quantile
from benchmarks.ground import Ground
from benchmarks.stopwatch import MILLISECOND
from dustman.wiring import now
from events.log import NewEvent
from events.sqlite import SQLiteLog
from events.sqlite_file import LogFile

WRITERS, DEADLINE = 8, 60.0
# In milliseconds.
LONGEST, P99 = 500, 250
SPAWN: Final = multiprocessing.get_context("spawn")
AGAINST: Final = "the same writers without the log's gate, on SQLite's busy handler alone"


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Let eight writers append `rounds` events each on average, all of them until the last one is written."""
    [template] = islice(copies(ground), 1)
    own, rival = (_waits(ground.directory / f"wait-{gated}.db", template, rounds, gated) for gated in (True, False))
    return [
        Figure(
            name=name,
            value=quantile(own, share) / MILLISECOND,
            unit="ms",
            against=AGAINST if share == 1 else "the same, p99",
            reference=quantile(rival, share) / MILLISECOND,
            limit=limit,
            benchmark="writer_wait",
            samples=len(own),
        )
        for name, share, limit in (("writer_wait_longest", 1, LONGEST), ("writer_wait_p99", 0.99, P99))
    ]


def _waits(path: Path, template: NewEvent, rounds: int, gated: bool) -> list[int]:
    """Return how long each append took, in nanoseconds."""
    start, turn, waits = SPAWN.Barrier(WRITERS), SPAWN.Value("q", 0), SPAWN.Queue()
    total = WRITERS * rounds
    writers = [
        SPAWN.Process(target=_write, args=(path, number, template, total, gated, start, turn, waits), daemon=True)
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    taken = [wait for _ in writers for wait in waits.get(timeout=600)]
    for writer in writers:
        writer.join(60)
    with closing(SQLiteLog(path, now)) as log:
        if not len(taken) == log.head() == total:
            raise RuntimeError(f"{log.head()} events are in the log, {len(taken)} of {total} were appended")
    return taken


def _write(
    path: Path,
    number: int,
    template: NewEvent,
    total: int,
    gated: bool,
    start: Barrier,
    turn: Synchronized[int],
    waits: Queue[list[int]],
) -> None:
    if not gated:
        LogFile._gate = _no_gate  # type: ignore[assignment, method-assign]  # in this process alone
    taken: list[int] = []
    with closing(SQLiteLog(path, now, deadline=DEADLINE)) as log:
        log.head()  # opened and made before anything is measured
        start.wait(60)
        for version in count():
            with turn.get_lock():
                if turn.value == total:
                    break
                turn.value += 1
            event = replace(template, event_id=f"{number}-{version}")
            began = perf_counter_ns()
            log.append(f"writer-{number}", version, [event])
            taken.append(perf_counter_ns() - began)
    waits.put(taken)


@contextmanager
def _no_gate(file: LogFile, deadline: float) -> Iterator[None]:  # noqa: ARG001 - it stands in for one
    yield
