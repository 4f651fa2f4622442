"""A token bucket: so many requests a second, and so many at once."""

from __future__ import annotations

import time


class Bucket:
    """Holds up to `burst` tokens and gains `rate` a second of real time; a request takes one."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._counted_at = time.monotonic()

    def take(self) -> bool:
        """Take a token; False when none is left."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
