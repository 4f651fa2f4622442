"""The tasks: commands by stable names, usable from any Celery app's schedule. Each is a few lines around one loop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from redis.exceptions import RedisError

from domain.errors import NOT_ASKED
from events.log import LogConflict, LogUnavailable
from workers import conducting, gathering, intake, reconciling
from workers.app import app, desk
from workers.measuring import measure_latest
from workers.schedule import latest_due

logger = logging.getLogger("dustman")
# Well below the soft time limit: a task hands back what it did not get to.
BUDGET = timedelta(seconds=25)


def task(name: str) -> Callable[[Callable[..., None]], Any]:
    """Register a task. What a later task or the owner mends is a warning; anything else is a bug and shown as one."""

    def register(function: Callable[..., None]) -> Any:
        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                function(*args, **kwargs)
            except (*NOT_ASKED, LogConflict, LogUnavailable, RedisError) as error:
                logger.warning("%s %s: %s: %s", name, kwargs or "", type(error).__name__, error)

        return app.task(name=name)(guarded)

    return register


@task("dustman.scan")
def scan(account: str) -> None:
    """Scan an account, and all that are read with it, for their latest due time, or measure the strategies it is of."""
    at = desk()
    mandate = at.mandate(account)
    for strategy in mandate.strategies:
        measure_latest(at, strategy)
    if not mandate.strategies:
        gathering.scan(at, account, latest_due(mandate.schedule, at.clock()), automatic=True)


@task("dustman.measure")
def measure(strategy: str) -> None:
    """Measure a strategy for its latest due time."""
    measure_latest(desk(), strategy)


@task("dustman.convert")
def convert(account: str = "") -> None:
    """Take what the feed announced, and the named account's open sweep, as far as they go."""
    at = desk()
    until = at.clock() + BUDGET
    if account:
        conducting.conduct(at, at.mandate(account).account, until)
    intake.drain(at, at.announcements(), until)


@task("dustman.reconcile")
def reconcile() -> None:
    """Settle open legs, go on with interrupted sweeps, make up for scans that were missed."""
    reconciling.reconcile_all(desk())


@task("dustman.relay")
def relay() -> None:
    """Bring to the feed what publishing after the append did not."""
    desk().publish()
