"""From `dust_detected` on record to the first `leg_requested` on record, through a real broker and a real converter.

In between lie publication, the nudge, the task, two requests to the venue and two appends. The reference is the same
without broker and task: this process goes on by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from celery import Celery

from benchmarks.figure import Figure, quantile
from benchmarks.ground import A_MINUTE, Ground
from dustman.demo.stage import ACCOUNT
from events.facts import DustDetected, LegRequested, SweepCompleted
from events.log import Recorded
from workers.conducting import conduct

COINS = ("ADA",)
# So many that each of the converter's processes has opened its connections.
WARMING = 10
LOOK_EVERY_SECONDS = 0.01
PATIENCE_SECONDS = 20.0
LIMITS = {"p50": 50.0, "p99": 200.0}


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Convert one crumb a round, each time both ways; times are those that the log has."""
    ground.start_workers()
    ours, theirs = [], []
    with Celery("benchmarks", broker=ground.stage.settings.redis.broker_url, set_as_current=False) as sender:
        for _ in range(rounds + WARMING):
            ours.append(_round(ground, lambda: _nudge(sender)))
            theirs.append(_round(ground, lambda: conduct(ground.desk, ACCOUNT, ground.desk.clock() + A_MINUTE)))
    return [_figure(word, share, ours[WARMING:], theirs[WARMING:]) for word, share in (("p50", 0.5), ("p99", 0.99))]


def _nudge(sender: Celery) -> None:
    """Tell the converter that there is work, as any other Celery app would."""
    sender.send_task("dustman.convert", kwargs={"account": ACCOUNT}, queue="converter", expires=60)


def _round(ground: Ground, go_on: Callable[[], object]) -> float:
    """Have a crumb found and converted; return how many milliseconds lie between the two records."""
    ground.refill(COINS)
    start = ground.desk.log.head()
    ground.find()
    go_on()
    recorded = _completed(ground, start)
    return (_when(recorded, LegRequested) - _when(recorded, DustDetected)).total_seconds() * 1000


def _completed(ground: Ground, start: int) -> Sequence[Recorded]:
    """Wait for the end of the sweep and return what was recorded since."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        recorded = list(ground.desk.log.read(after=start))
        if any(isinstance(each.fact, SweepCompleted) for each in recorded):
            return recorded
        time.sleep(LOOK_EVERY_SECONDS)
    raise RuntimeError(f"a sweep was not completed within {PATIENCE_SECONDS:g} s")


def _when(recorded: Sequence[Recorded], kind: type) -> datetime:
    return next(each.recorded_at for each in recorded if isinstance(each.fact, kind))


def _figure(word: str, share: float, ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    return Figure(
        name=f"detected_to_requested_{word}",
        value=quantile(ours, share),
        unit="ms",
        against=f"the same in one process, without broker and task, {word}",
        reference=quantile(theirs, share),
        limit=LIMITS[word],
        benchmark="detected_to_requested",
        samples=len(ours),
    )
