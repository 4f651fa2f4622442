"""The composition root: a worker's or a command's desk, put together from the settings."""

from __future__ import annotations

import logging
import platform
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import cache

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from domain.venue import Venue
from dustman.settings import Settings
from dustman.wiring import now, open_equity, open_feed, open_log, open_redis, open_venue
from events.feed import BATCH
from events.log import EventLog, StoreMisconfigured
from events.subscription import Subscription
from workers.desk import Desk, Mandate
from workers.intake import GROUP, TYPES

logger = logging.getLogger("dustman")


def mandates(settings: Settings) -> dict[str, Mandate]:
    """Return every account as its owner set it up."""
    together = settings.together()
    return {
        name: Mandate(
            name,
            account.venue,
            settings.policy(name),
            account.schedule,
            together=together[name],
            strategies=settings.strategies_with(name),
        )
        for name, account in settings.accounts.items()
    }


def worker_desk(settings: Settings, nudge: Callable[[str, str], None]) -> Desk:
    """Open the desk of a worker: what it appends is published at once, and work is nudged through the broker.

    After a wipe it publishes a batch at a time and the relay the rest: an order waits for no one else's events.
    The rate limit is the one all workers share, from the first request on: while Redis is down nothing is asked.
    """
    shared = open_redis(settings)
    return _desk(settings, nudge, logger.warning, lambda account: open_venue(settings, account, shared), most=BATCH)


def command_desk(settings: Settings, note: Callable[[str], None]) -> Desk:
    """Open the desk of a command: it does its own work and nudges nobody; a feed that is down is only noted."""
    return _desk(settings, lambda _queue, _account: None, note, lambda account: open_venue(settings, account))


def nudge(task: str, name: str) -> None:
    """Tell a role that there may be work for an account, or a strategy that is to be measured.

    Lost, it costs time: beat asks again.
    """
    from workers.app import app

    whose = "strategy" if task == "measure" else "account"
    try:
        app.send_task(f"dustman.{task}", kwargs={whose: name}, expires=60)
    except OperationalError as error:
        logger.warning("nudge %s %s was lost: %s", task, name, error)


def _desk(
    settings: Settings,
    nudge: Callable[[str, str], None],
    say: Callable[[str], None],
    venue: Callable[[str], Venue],
    most: int | None = None,
) -> Desk:
    log = open_log(settings)
    feed = open_feed(settings)

    behind = False

    def publish() -> None:
        nonlocal behind
        try:
            feed.publish_pending(log, most)
            behind = False
        except (RedisError, StoreMisconfigured) as error:
            # Never raised: the intent of an order may just have been recorded, and the order must follow at once.
            if not behind:
                say(f"the feed is behind the log until the relay brings it up, nothing else waits for that: {error}")
            behind = True

    return Desk(
        worker=str(uuid.uuid4()),
        log=log,
        mandates=mandates(settings),
        open_venue=venue,
        clock=now,
        sleep=time.sleep,
        publish=publish,
        nudge=nudge,
        announcements=cache(lambda: _announcements(settings, log)),
        charters=settings.charters,
        intervals=settings.intervals,
        approvals={name: timedelta(seconds=each.expires_after) for name, each in settings.approval.items()},
        equity=cache(lambda strategy: open_equity(settings, strategy)),
    )


def _announcements(settings: Settings, log: EventLog) -> Subscription:
    """Subscribe under a stable name: what a process had taken when it died is first for the one in its place."""
    from billiard.process import current_process

    place = getattr(current_process(), "index", 0)
    name = f"{platform.node()}-{place}-{threading.current_thread().name}"
    return Subscription(open_redis(settings), log, GROUP, name, TYPES)
