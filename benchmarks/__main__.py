"""`make bench`: every figure in one run, drawn as a table and written as one JSON file each into var/bench.

`python -m benchmarks NAME...` measures some of them. Times depend on the machine and decide nothing; a count over its
limit makes the exit code 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import (
    append_to_subscriber,
    cost_by_size,
    detected_to_requested,
    durable_append,
    idle_relay,
    long_log,
    lost_publish,
    own_time_per_leg,
    proofs,
    rebuild,
    replay,
    requests_per_scan,
    shared_append,
    trade_funding,
    wallet_reading,
    wallet_sweep,
    writer_wait,
)
from benchmarks.figure import Figure, drawn
from benchmarks.ground import Ground, ground
from dustman.exits import ended
from dustman.screen import UNSEEN_WIDTH
from dustman.settings import OVERRIDES

DIRECTORY = Path("var/bench")
Benchmarks = Mapping[str, tuple[Callable[[Ground, int], list[Figure]], int]]
# What measures some figures, and in how many rounds. Those that need workers come last: even idle ones take turns.
BENCHMARKS: Benchmarks = {
    "requests_per_scan": (requests_per_scan.measure, 3),
    "own_time_per_leg": (own_time_per_leg.measure, 500),
    "append_to_subscriber": (append_to_subscriber.measure, 1_000),
    "durable_append": (durable_append.measure, 2_000),
    "writer_wait": (writer_wait.measure, 500),
    "replay": (replay.measure, 50_000),
    "shared_append": (shared_append.measure, 100),
    "proofs": (proofs.measure, 1_000_000),
    "cost_by_size": (cost_by_size.measure, 1_000_000),
    "long_log": (long_log.measure, 1_000_000),
    "rebuild": (rebuild.measure, 100_000),
    "wallet_reading": (wallet_reading.measure, 20),
    "wallet_sweep": (wallet_sweep.measure, 3),
    "trade_funding": (trade_funding.measure, 9),
    "idle_relay": (idle_relay.measure, 2_000),
    "lost_publish": (lost_publish.measure, 10),
    "detected_to_requested": (detected_to_requested.measure, 100),
    "cost_by_size_10m": (cost_by_size.measure_largest, 10_000_000),
}
# Takes minutes and eight gigabytes: measured only by name.
ON_REQUEST = frozenset({"cost_by_size_10m"})


def main() -> None:
    """Measure what is named, everything without names, and exit."""
    figures: list[Figure] = []
    number = ended(lambda: figures.extend(run(sys.argv[1:])), lambda: True)
    sys.exit(number or verdict(figures))


def verdict(figures: Iterable[Figure]) -> int:
    """Return the exit code: a time over its limit is shown, a count over its limit is a defect."""
    return int(any(figure.exact and not figure.within for figure in figures))


def run(words: Sequence[str], benchmarks: Benchmarks = BENCHMARKS) -> list[Figure]:
    """Measure, write and draw the figures of a command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure figures of the running product.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"any of {', '.join(benchmarks)}; without one all but {', '.join(ON_REQUEST)}",
    )
    parser.add_argument("--into", type=Path, default=DIRECTORY, metavar="DIR", help="where the JSON files go")
    given = parser.parse_args(words)
    names, directory = given.names or [name for name in benchmarks if name not in ON_REQUEST], given.into
    for name in names:
        if name not in benchmarks:
            parser.error(f"{name!r} is none of {', '.join(benchmarks)}")
    # What is measured has a log and a Redis of its own, whatever else this shell works with.
    for variable in OVERRIDES:
        os.environ.pop(variable, None)
    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else UNSEEN_WIDTH)
    figures: list[Figure] = []
    with console.status("setting up") as status, ground(directory) as running:
        for name in names:
            status.update(f"measuring {name}")
            measure, rounds = benchmarks[name]
            figures += measure(running, rounds)
    for figure in figures:
        figure.write(directory)
    console.print(drawn(figures))
    console.print(f"Each is a file in {directory}; docs/reference/performance.md says what bounds it.")
    return figures


if __name__ == "__main__":
    main()
