"""The composition root: a worker's or a command's desk, put together from the settings."""

from __future__ import annotations

import logging
import platform
import threading
import time
import uuid
from collections.abc import Callable
from functools import cache

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from domain.venue import Venue
from dustman.settings import Settings
from dustman.wallet_settings import read_together
from dustman.wiring import now, open_feed, open_log, open_redis, open_venue
from events.feed import BATCH
from events.log import EventLog, StoreMisconfigured
from events.subscription import Subscription
from workers.desk import Desk, Mandate
from workers.intake import GROUP, TYPES

logger = logging.getLogger("dustman")


def mandates(settings: Settings) -> dict[str, Mandate]:
    """Return every account as its owner set it up."""
    together = read_together(settings.accounts)
    return {
        name: Mandate(name, account.venue, account.policy(), account.schedule, together[name])
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


def nudge(queue: str, account: str) -> None:
    """Tell a role that there may be work. Lost, it costs time: beat asks again within seconds."""
    from workers.app import app

    try:
        app.send_task(f"dustman.{queue}", kwargs={"account": account}, expires=60)
    except OperationalError as error:
        logger.warning("nudge %s %s was lost: %s", queue, account, error)


def _desk(
    settings: Settings,
    nudge: Callable[[str, str], None],
    say: Callable[[str], None],
    venue: Callable[[str], Venue],
    most: int | None = None,
) -> Desk:
    log = open_log(settings)
    feed = open_feed(settings)

    def publish() -> None:
        try:
            feed.publish_pending(log, most)
        except (RedisError, StoreMisconfigured) as error:
            # Never raised: the intent of an order may just have been recorded, and the order must follow at once.
            say(f"the feed is behind the log, the relay brings it up: {error}")

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
    )


def _announcements(settings: Settings, log: EventLog) -> Subscription:
    """Subscribe under a stable name: what a process had taken when it died is first for the one in its place."""
    from billiard.process import current_process

    place = getattr(current_process(), "index", 0)
    name = f"{platform.node()}-{place}-{threading.current_thread().name}"
    return Subscription(open_redis(settings), log, GROUP, name, TYPES)
