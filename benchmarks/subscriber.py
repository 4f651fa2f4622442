"""A subscriber as any other service would write one: plain redis-py, a blocking XREAD, nothing of ours.

`python -m benchmarks.subscriber URL KEY...` writes a line for each entry of these streams the moment it has it:
key, entry id, and the machine's monotonic clock in nanoseconds, which all its processes share.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from events.log import Recorded

READY = "ready"
BLOCK_MS = 2000
# Without anything to tell for this long nobody listens any more.
PATIENCE_SECONDS = 60.0


def subscribe(url: str, keys: list[str]) -> None:
    """Tell of each entry until nothing has come for a minute."""
    client = redis.Redis.from_url(url, protocol=2, decode_responses=True, socket_timeout=5)
    last: dict[Any, Any] = {key: _end(client, key) for key in keys}
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    heard = time.monotonic()
    while time.monotonic() - heard < PATIENCE_SECONDS:
        reply: Any = client.xread(last, block=BLOCK_MS)
        at = time.monotonic_ns()
        for key, entries in reply or []:
            heard = time.monotonic()
            for last[key], _ in entries:
                sys.stdout.write(f"{key} {last[key]} {at}\n")
        sys.stdout.flush()


def _end(client: redis.Redis, key: str) -> str:
    """Return the id of the newest entry; `$` would lose what comes between two reads."""
    newest: Any = client.xrevrange(key, count=1)
    return str(newest[0][0]) if newest else "0-0"


def entry_id(recorded: Recorded) -> str:
    """Return the id of an event's entry in the feed."""
    return f"{recorded.position}-0"


class Subscriber:
    """The other side of such a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def arrival(self, key: str, entry: str) -> int:
        """Wait for an entry and return when the subscriber had it; `RuntimeError` when it told of another one."""
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        if words[:2] != [key, entry]:
            raise RuntimeError(
                f"entry {entry} of {key} was due, and the subscriber said {' '.join(words) or 'nothing'}"
            )
        return int(words[2])


@contextmanager
def subscriber(url: str, *keys: str) -> Iterator[Subscriber]:
    """Run one in a process of its own until the block ends; what it tells is of entries that come from now on."""
    command = (sys.executable, "-m", "benchmarks.subscriber", url, *keys)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            if process.stdout is None or process.stdout.readline().strip() != READY:
                raise RuntimeError("the subscriber did not start")
            yield Subscriber(process)
        finally:
            process.kill()


if __name__ == "__main__":
    subscribe(sys.argv[1], sys.argv[2:])
