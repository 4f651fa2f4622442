"""What holds a webhook up: the event whose delivery fails, how often it was tried, and when it is tried again.

It is kept in Redis, so that a sender that is started anew neither forgets the tries nor hurries. Without it, after a
wipe, the event has all its tries again.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from redis import Redis


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The event at `position` failed `tries` times, the last time for the reason in `words`.

    `address` is a fingerprint of the receiver's: what another receiver said counts for nothing. The next try is at
    `until`, in seconds since 1970; `stopped` means that there is none until the owner says so.
    """

    address: str
    position: int
    tries: int
    words: str
    until: float
    stopped: bool = False


class Obstacles:
    """The one obstacle that the webhook `name` may have. Every method raises `redis.RedisError` without Redis."""

    def __init__(self, redis: Redis, identity: str, name: str) -> None:
        self._redis = redis
        self._key = f"dustman:webhook:{identity}:{name}"

    def get(self, address: str) -> Obstacle | None:
        """Return what holds deliveries to this address up."""
        kept = self._redis.get(self._key)
        if not isinstance(kept, bytes):
            return None
        found = msgspec.json.decode(kept, type=Obstacle)
        return found if found.address == address else None

    def put(self, obstacle: Obstacle) -> None:
        """Keep it in the place of the one before."""
        self._redis.set(self._key, msgspec.json.encode(obstacle))

    def clear(self) -> bool:
        """Have the next try at once, with all its tries; False when nothing held the webhook up."""
        return bool(self._redis.delete(self._key))
