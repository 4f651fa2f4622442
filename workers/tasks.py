"""The tasks: commands by stable names, usable from any Celery app's schedule. Each is a few lines around one loop."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import wraps
from typing import Any

import msgspec
from redis.exceptions import RedisError

from domain.errors import NOT_ASKED, ConfigurationError, RefusedByPolicy
from domain.treasury import eth
from events.log import LogConflict, LogUnavailable
from events.money import plain
from events.values import Release
from workers import conducting, funding, gathering, intake, reconciling, treasury
from workers.app import app, desk
from workers.measuring import measure_latest
from workers.schedule import latest_due

logger = logging.getLogger("dustman")
# Well below the soft time limit: a task hands back what it did not get to.
BUDGET = timedelta(seconds=25)
# How whoever asked for ETH may end its reservation.
ENDS = (Release.USED, Release.RELEASED)
# The longest that a task may have somebody wait: it has to end by itself before the soft time limit.
LONGEST = timedelta(seconds=30)


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


def asked(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Register a task whose return value somebody waits for; what goes wrong is theirs to see.

    It is taken off the queue when it begins. Else a worker that loses the broker for a moment would end it half way,
    and whoever gets it again would answer when nobody waits any more; who hears nothing asks again under its name.
    A mistake of theirs, or an outage, is raised where they wait, and is no failure of ours to be shown with a trace.
    """
    theirs = (*NOT_ASKED, RefusedByPolicy, LogConflict, LogUnavailable)
    registered: Callable[[Callable[..., Any]], Any] = app.task(
        name=name, ignore_result=False, acks_late=False, throws=theirs
    )
    return registered


def form_of(answer: Any) -> dict[str, Any]:
    """Write an answer in JSON's forms: numbers as exact text, times in UTC as RFC 3339."""
    plainly = msgspec.to_builtins(answer, builtin_types=(Decimal,))
    found: dict[str, Any] = json.loads(json.dumps(plainly, default=plain))
    return found


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


@asked("dustman.ensure_eth")
def ensure_eth(account: str, required_eth_amount: str, trade: str, deadline: float = 30.0) -> dict[str, Any]:
    """Promise a trade its ETH within `deadline` seconds, converting what is short, and return the answer."""
    at = desk()
    with understood():
        amount, name, wait = eth(required_eth_amount), funding.named(trade), waited(deadline)
    return form_of(funding.ensure(at, account, name, amount, at.clock() + wait))


@contextmanager
def understood() -> Iterator[None]:
    """Tell who sent a value that is none of ours what is wrong with it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise ConfigurationError(str(error)) from None


def waited(deadline: float) -> timedelta:
    """Read how long somebody waits, cut to the longest that a task may take; `ValueError` for no number of seconds."""
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not deadline >= 0:
        raise ValueError(f"deadline: {deadline!r} is not a number of seconds, such as 20")
    return timedelta(seconds=min(deadline, LONGEST.total_seconds()))


@asked("dustman.balance_status")
def balance_status(account: str) -> dict[str, Any]:
    """Return what a wallet could do for a trade now."""
    return form_of(treasury.balance(desk(), account))


@asked("dustman.release_eth")
def release_eth(account: str, reservation_id: str, why: str = "used") -> bool:
    """End a trade's reservation, `used` or `released`; return whether it was there."""
    if why not in ENDS:
        raise ConfigurationError(f"why: {why!r} is neither {' nor '.join(ENDS)}")
    return funding.release(desk(), account, reservation_id, Release(why))


@task("dustman.relay")
def relay() -> None:
    """Bring to the feed what publishing after the append did not."""
    desk().publish()
