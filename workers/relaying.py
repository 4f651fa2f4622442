"""The relay's own rhythm: it looks for what publishing missed, without anybody's nudge."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from redis.exceptions import RedisError

from events.log import LogUnavailable, StoreMisconfigured

logger = logging.getLogger("dustman")
# A look is one question to Redis and one to the log; an event whose publisher died waits for so long at most.
EVERY_SECONDS: Final = 0.5


def keep_up(publish: Callable[[], int], ended: threading.Event, every: float = EVERY_SECONDS) -> None:
    """Publish what is missing, again and again until `ended`; what is away now is asked again."""
    silent = ""
    while not ended.wait(every):
        try:
            publish()
            silent = ""
        except (RedisError, LogUnavailable, StoreMisconfigured) as error:
            # Once for each trouble, not twice a second.
            if silent != type(error).__name__:
                silent = type(error).__name__
                logger.warning("the feed is behind the log: %s: %s", silent, error)
