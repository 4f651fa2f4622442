"""How long it takes to prove that an event is in a log of a million, and to verify it."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from itertools import pairwise
from random import Random
from time import perf_counter_ns

from benchmarks.figure import Figure, quantile
from benchmarks.ground import Ground
from events.sqlite import SQLiteLog
from events.tree import BadProof, Frontier, inclusion, leaf_hash, root_of_inclusion

PROOFS = 2_000
LIMIT = 50.0
MICROSECOND = 1_000


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Fill the tree alone with `rounds` leaves that are their own position, and prove some of them by chance."""
    path = ground.directory / "proofs.db"
    log = SQLiteLog(path, ground.desk.clock)
    log.head()
    tree = Frontier(0, [])
    with closing(sqlite3.connect(path)) as link:
        link.executemany("INSERT INTO tree VALUES (?, ?)", ((nth + 1, tree.add(b"%d" % nth)) for nth in range(rounds)))
        link.commit()
    root, chance = tree.root(), Random(1)
    taken: tuple[list[int], ...] = ([], [], [], [])
    for _ in range(min(PROOFS, rounds)):
        index = chance.randrange(rounds)
        times = [perf_counter_ns()]
        proof = inclusion(index, rounds, log.tree)
        times.append(perf_counter_ns())
        log.tree([index + 1])
        times.append(perf_counter_ns())
        if root_of_inclusion(leaf_hash(b"%d" % index), index, rounds, proof) != root:
            raise BadProof(f"leaf {index} is not in the tree")
        times.append(perf_counter_ns())
        for sibling in (b"", *proof):
            hashlib.sha256(sibling + root).digest()
        times.append(perf_counter_ns())
        for each, (start, end) in zip(taken, pairwise(times), strict=True):
            each.append(end - start)
    log.close()
    proving, one_row, verifying, hashing = taken
    return [
        _figure("proof", proving, "one row of the tree looked up", one_row),
        _figure("verification", verifying, "as many bare SHA-256", hashing),
    ]


def _figure(name: str, ours: list[int], against: str, reference: list[int]) -> Figure:
    return Figure(
        name=name,
        value=quantile(ours, 0.5) / MICROSECOND,
        unit="us",
        against=against,
        reference=quantile(reference, 0.5) / MICROSECOND,
        limit=LIMIT,
        benchmark="proofs",
        samples=len(ours),
    )
