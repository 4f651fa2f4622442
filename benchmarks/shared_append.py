"""How many events a second eight writers append to one PostgreSQL, ten a commit, beside what keeps no order: an INSERT.

The INSERT writes the same bytes into the same columns, under a sequence: a reader of that table loses events.
"""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from statistics import median
from time import perf_counter_ns
from typing import Final

import psycopg

from benchmarks.copies import copies
from benchmarks.figure import Bound, Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import SECOND
from dustman.wiring import now
from events.admission import candidates
from events.log import NewEvent
from events.postgres import PostgresLog, columns
from tests.postgres_server import Database, PostgresServer

WRITERS, BATCH, ROUNDS, LIMIT = 8, 10, 5, 1_000
SPAWN: Final = multiprocessing.get_context("spawn")

NAIVE: Final = """
CREATE TABLE naive (
    position bigserial PRIMARY KEY, stream text NOT NULL, version bigint NOT NULL, event_id text NOT NULL UNIQUE,
    type text NOT NULL, type_version integer NOT NULL, data bytea NOT NULL, occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(), correlation_id text NOT NULL, causation_id text,
    UNIQUE (stream, version)
)
"""
INSERT: Final = """
INSERT INTO naive (stream, version, event_id, type, type_version, data, occurred_at, correlation_id, causation_id)
SELECT %s, %s + n, id, type, type_version, content, occurred_at, correlation_id, causation_id
FROM unnest(%s::text[], %s::text[], %s::integer[], %s::bytea[], %s::timestamptz[], %s::text[], %s::text[])
    WITH ORDINALITY AS new (id, type, type_version, content, occurred_at, correlation_id, causation_id, n)
"""


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Let writers append `rounds` commits each to the log, then to the table, in turns; the medians give the rates."""
    templates = [event for event, _ in zip(copies(ground), range(BATCH), strict=False)]
    start = SPAWN.Barrier(WRITERS + 1)
    turns: list[int] = []
    with PostgresServer() as server, Database(server.url) as database:
        with database.owner() as link:
            link.execute(NAIVE)
        writers = [
            SPAWN.Process(target=_write, args=(database.owner_url, number, templates, rounds, start), daemon=True)
            for number in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        for _ in range(2 * ROUNDS):
            start.wait(60)
            began = perf_counter_ns()
            start.wait(600)
            turns.append(perf_counter_ns() - began)
        for writer in writers:
            writer.join(60)
        events = WRITERS * BATCH * rounds
        with closing(PostgresLog(database.reader_url, now)) as log:
            kept = sum(1 for _ in log.read())
    if kept != events * ROUNDS:
        raise RuntimeError(f"{kept} events are in the log, {events * ROUNDS} were appended")
    return [
        Figure(
            name="shared_append",
            value=events * SECOND / median(turns[::2]),
            unit="events/s",
            against="the same rows by a plain INSERT of eight writers, without order, tree or notice",
            reference=events * SECOND / median(turns[1::2]),
            limit=LIMIT,
            bound=Bound.AT_LEAST,
            benchmark="shared_append",
            samples=ROUNDS,
        )
    ]


def _write(url: str, number: int, templates: list[NewEvent], rounds: int, start: Barrier) -> None:
    with closing(PostgresLog(url, now, deadline=60)) as log, psycopg.connect(url, autocommit=True) as link:
        stream = f"writer-{number}"
        for turn in range(ROUNDS):
            for insert in (False, True):
                batches = [
                    [replace(event, event_id=f"{number}-{turn}-{batch}-{event.event_id}") for event in templates]
                    for batch in range(rounds)
                ]
                start.wait(60)
                for version, batch in enumerate(batches, start=turn * rounds):
                    if insert:
                        wanted = candidates(stream, version * BATCH, batch)
                        link.execute(INSERT, (stream, version * BATCH, *columns(wanted)), binary=True)
                    else:
                        log.append(stream, version * BATCH, batch)
                start.wait(600)
