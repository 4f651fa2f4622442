"""A service that listens to the feed with plain redis, as docs/how-to/subscribe.md tells it to."""

from __future__ import annotations

import threading
import time
from typing import Any

import redis


class Subscriber(threading.Thread):
    """Reads on from the last entry it saw, whatever happens to Redis meanwhile; keeps every event as it came.

    `last` is the entry to begin after, or `$` for the newest.
    """

    def __init__(self, url: str, last: str = "0-0") -> None:
        super().__init__(daemon=True)
        self.seen: list[tuple[int, str]] = []
        self._redis: Any = redis.Redis.from_url(url, decode_responses=True, socket_timeout=5)
        self._last = last
        self._ended = threading.Event()

    @property
    def position(self) -> int:
        return int(self._last.split("-")[0])

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self._read()
            except (redis.ConnectionError, redis.TimeoutError):
                time.sleep(0.05)

    def end(self) -> None:
        self._ended.set()
        self.join(10)
        self._redis.close()

    def _read(self) -> None:
        stream = self._redis.get("dustman:feed")
        if stream is None:
            time.sleep(0.05)
            return
        for _, entries in self._redis.xread({stream: self._last}, count=100, block=500) or []:
            for entry_id, entry in entries:
                self.seen.append((int(entry_id.split("-")[0]), entry["event"]))
                self._last = entry_id
