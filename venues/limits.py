"""How often a key may ask: one allowance for all workers that use the key, kept in Redis.

Requests are evenly spaced, so no second ever holds more than the rate; orders and conversions keep a gap of their own.
The count is pyrate-limiter's generic cell rate algorithm: one number in Redis, moved by one script, so neither a
worker's stale clock nor a restart of Redis admits too much. Without Redis the same rules hold within one process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256

from pyrate_limiter.abstracts import Rate
from pyrate_limiter.abstracts.algorithm import GCRA, Decision
from pyrate_limiter.abstracts.store import StateStore
from pyrate_limiter.buckets.redis_state import RedisStateStore
from pyrate_limiter.buckets.state_bucket import InMemoryStateStore
from redis import Redis
from redis.exceptions import RedisError

from domain.errors import VenueUnavailable

A_SECOND = 1000  # in milliseconds, the unit of pyrate-limiter


class Limiter:
    """Makes its callers wait until the key may ask again; raises `VenueUnavailable` when that takes too long.

    `requests_per_second` and `seconds_between_conversions` are the rules, the second may be zero; `longest_wait` is in
    seconds. Redis that does not answer is `VenueUnavailable` too: nothing is asked without its limit. In Redis the key
    is known by its hash only.
    """

    def __init__(
        self,
        key_name: str,
        redis: Redis | None = None,
        *,
        requests_per_second: Decimal = Decimal(10),
        seconds_between_conversions: Decimal = Decimal("0.5"),
        longest_wait: Decimal = Decimal(10),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        requests, seconds = requests_per_second.as_integer_ratio()
        self._redis = redis
        self._sleep = sleep
        self._longest_wait = longest_wait
        self._mark = sha256(key_name.encode()).hexdigest()[:32]
        self._requests = _Allowance(self._store("requests"), Rate(requests, seconds * A_SECOND, burst=1))
        self._gaps: dict[str, _Allowance] = {}
        self._gap = seconds_between_conversions

    def request(self) -> None:
        """Wait until one more request may be sent."""
        self._wait_for(self._requests, "requests")

    def conversion(self) -> None:
        """Wait until one more order or conversion may be made."""
        self.apart("conversions", self._gap)

    def apart(self, what: str, seconds: Decimal) -> None:
        """Wait until one more of these may be asked, of which the venue wants two to be so far apart; 0 is no gap."""
        if not (gap := int(seconds * A_SECOND)):
            return
        if what not in self._gaps:
            self._gaps[what] = _Allowance(self._store(what), Rate(1, gap))
        self._wait_for(self._gaps[what], what)

    def _store(self, what: str) -> StateStore:
        return (
            InMemoryStateStore()
            if self._redis is None
            else RedisStateStore(self._redis, f"dustman:limit:{self._mark}:{what}")
        )

    def _wait_for(self, allowance: _Allowance, what: str) -> None:
        waited = Decimal(0)
        while (wait := self._try(allowance)) > 0:
            waited += wait
            if waited > self._longest_wait:
                raise VenueUnavailable(f"too many {what} are waiting for this key: more than {self._longest_wait} s")
            self._sleep(float(wait))

    def _try(self, allowance: _Allowance) -> Decimal:
        try:
            return allowance.wait(self._now())
        except RedisError as error:
            sentence = f"the Redis that keeps the rate limit does not answer ({type(error).__name__})"
            raise VenueUnavailable(f"{sentence}; without it nothing is asked") from None

    def _now(self) -> int:
        """Milliseconds of one clock for all: that of Redis, or of this process."""
        if self._redis is None:
            return time.monotonic_ns() // 1_000_000
        seconds, microseconds = self._redis.time()
        return int(seconds) * A_SECOND + int(microseconds) // 1000


class _Allowance:
    """One rule and where its state is kept."""

    def __init__(self, store: StateStore, rate: Rate) -> None:
        self._store, self._rates, self._rule = store, [rate], GCRA()

    def wait(self, now: int) -> Decimal:
        """Take one turn and return 0, or take none and return the seconds until there is one."""
        verdict = self._store.check(self._rule, self._rates, now, 1)
        assert isinstance(verdict, Decision)  # awaitable for asynchronous clients only
        return Decimal(0) if verdict.allowed else Decimal(max(verdict.retry_after_ms or 0, 1)) / A_SECOND
