"""What the converter takes from the feed: announcements of dust, each answered once its sweep is in the log's hands."""

from __future__ import annotations

import logging
from datetime import datetime

from domain.errors import NOT_ASKED
from events.facts import DustDetected
from events.log import Recorded
from events.subscription import Subscription
from workers.conducting import Ended, conduct
from workers.desk import Desk

GROUP = "converter"
TYPES = ("dust_detected",)
logger = logging.getLogger("dustman")


def drain(desk: Desk, subscription: Subscription, until: datetime) -> None:
    """Convert what was announced, until nothing is left or the time is up.

    An announcement is answered when its sweep is as far as this worker can take it; from there the log knows what is
    open, and a nudge or the reconciler goes on. What fails is tried again, and parked in the end.
    """
    while deliveries := subscription.take():
        for delivery in deliveries:
            if desk.clock() >= until:
                return
            with subscription.handling(delivery) as recorded:
                _convert(desk, recorded, until)


def _convert(desk: Desk, recorded: Recorded, until: datetime) -> None:
    fact = recorded.fact
    if not isinstance(fact, DustDetected) or not fact.live:
        return
    try:
        ended = conduct(desk, fact.account, until)
    except NOT_ASKED as outage:
        logger.warning("%s waits for the reconciler: %s", fact.account, outage)
        return
    if ended is Ended.OUT_OF_TIME:
        desk.nudge("convert", fact.account)
