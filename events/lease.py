"""A lease in Redis: of all processes that want to do a thing, one does it, and another soon after that one died.

It keeps order, not safety: a process that was stopped for longer than its lease may act once more when it wakes up.
What it guards must bear being done twice.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger("dustman")
LIFE_SECONDS: Final = 3.0
RENEWAL_SECONDS: Final = 0.5
# ARGV: holder, life in ms. Returns 1 when the holder has it now.
HOLD: Final = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Lease:
    """The lease `key`, wanted by `holder`, a name that no other process has; it ends `life` seconds after a renewal."""

    def __init__(self, redis: Redis, key: str, holder: str, life: float = LIFE_SECONDS) -> None:
        self._key = key
        self._holder = holder
        self._life = life
        self._hold = redis.register_script(HOLD)
        self._release = redis.register_script(RELEASE)
        self._until = 0.0
        self._term = 0

    def term(self) -> int | None:
        """Return which time in a row it is held for, None while it is not: work of another term began without us."""
        return self._term if time.monotonic() < self._until else None

    def renew(self) -> None:
        """Get the lease or keep it. Raises `redis.RedisError` when Redis cannot be used now."""
        asked = time.monotonic()
        held = bool(self._hold(keys=[self._key], args=[self._holder, round(self._life * 1000)]))
        if held and asked >= self._until:
            self._term += 1
        self._until = asked + self._life if held else 0.0

    def keep(self, ended: threading.Event) -> None:
        """Renew until `ended`, then let another have it at once."""
        while not ended.is_set():
            try:
                self.renew()
            except RedisError as error:
                logger.warning("the lease %s cannot be renewed: %s", self._key, error)
            ended.wait(RENEWAL_SECONDS)
        self.release()

    def release(self) -> None:
        """Let another have it at once, as far as Redis can be told."""
        self._until = 0.0
        try:
            self._release(keys=[self._key], args=[self._holder])
        except RedisError as error:
            logger.warning("the lease %s ends by itself in %s s: %s", self._key, self._life, error)
