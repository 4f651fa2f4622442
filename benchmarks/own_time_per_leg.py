"""What a leg costs besides the venue: signing and sending, both durable appends, publication, the limiter, our rules.

Taken out is every wait for an answer, from a request's last byte to the head of its reply. Nothing else waits here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from time import perf_counter_ns

from coinbase.rest import RESTClient

from benchmarks.figure import Figure, quantile
from benchmarks.ground import Ground
from benchmarks.stopwatch import MILLISECOND, Stopwatch
from dustman.demo.stage import ACCOUNT
from events.facts import LegFilled, LegRequested
from events.feed import Feed
from events.sqlite import SQLiteLog
from venues.limits import Limiter
from workers.conducting import Ended, conduct
from workers.desk import Desk

# Shorter than any step, so that a call takes one.
AN_INSTANT = timedelta(milliseconds=1)
# A twentieth and a fifth of the half second that is kept between two orders by default, in milliseconds.
LIMITS = {"p50": 25.0, "p99": 100.0}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the own time: the methods it is spent in, and the most it may take, in milliseconds."""

    word: str
    owner: type
    methods: tuple[str, ...]
    limit: float


PARTS = (
    Part("sdk", RESTClient, ("prepare_and_send_request",), 10.0),
    Part("append", SQLiteLog, ("append",), 5.0),
    Part("publish", Feed, ("publish_pending",), 5.0),
    Part("limiter", Limiter, ("request", "conversion"), 5.0),
)


@dataclass(frozen=True, slots=True)
class Lap:
    """One leg in milliseconds: all of it, the venue's time, and each part of ours."""

    total: float
    venue: float
    parts: tuple[float, ...]

    @property
    def own(self) -> float:
        """Return what is not the venue's."""
        return self.total - self.venue


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Walk sweeps leg by leg until `rounds` legs or more are filled, after a first sweep that opens connections."""
    ground.sweep()
    laps: list[Lap] = []
    with ExitStack() as stack:
        watches = _watches(stack)
        while len(laps) < rounds:
            ground.refill()
            ground.find()
            laps += _legs(ground.desk, watches)
    return [_whole("p50", 0.5, laps), _whole("p99", 0.99, laps), *_parts(laps)]


def _watches(stack: ExitStack) -> list[Stopwatch]:
    """Set a watch on the venue's answers, then one on each part."""
    watched = [(HTTPConnection, ("getresponse",)), *((part.owner, part.methods) for part in PARTS)]
    watches = [Stopwatch() for _ in watched]
    for watch, (owner, methods) in zip(watches, watched, strict=True):
        stack.enter_context(watch.over(owner, *methods))
    return watches


def _legs(desk: Desk, watches: Sequence[Stopwatch]) -> Iterator[Lap]:
    """Walk the open sweep to its end and yield each call that made one whole leg."""
    ended = Ended.OUT_OF_TIME
    while ended is Ended.OUT_OF_TIME:
        head, before = desk.log.head(), [watch.total for watch in watches]
        start = perf_counter_ns()
        ended = conduct(desk, ACCOUNT, desk.clock() + AN_INSTANT)
        total = perf_counter_ns() - start
        spent = [(watch.total - earlier) / MILLISECOND for watch, earlier in zip(watches, before, strict=True)]
        if [type(recorded.fact) for recorded in desk.log.read(after=head)] == [LegRequested, LegFilled]:
            yield Lap(total / MILLISECOND, spent[0], tuple(spent[1:]))
    if ended is not Ended.RESTING:
        raise RuntimeError(f"a sweep without any fault ended {ended}")


def _whole(word: str, share: float, laps: Sequence[Lap]) -> Figure:
    return Figure(
        name=f"own_time_per_leg_{word}",
        value=quantile([lap.own for lap in laps], share),
        unit="ms",
        against=f"the venue's own time for the same legs, on loopback, {word}",
        reference=quantile([lap.venue for lap in laps], share),
        limit=LIMITS[word],
        benchmark="own_time_per_leg",
        samples=len(laps),
    )


def _parts(laps: Sequence[Lap]) -> Iterator[Figure]:
    for index, part in enumerate(PARTS):
        yield Figure(
            name=f"own_time_per_leg_{part.word}",
            value=quantile([lap.parts[index] for lap in laps], 0.5),
            unit="ms",
            against="all own time of a leg, p50",
            reference=quantile([lap.own for lap in laps], 0.5),
            limit=part.limit,
            benchmark="own_time_per_leg",
            samples=len(laps),
        )
