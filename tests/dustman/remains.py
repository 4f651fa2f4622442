"""Which processes are there, as `ps` tells it on every Unix: a zombie is none, it only waits to be counted."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable


def living(group: int) -> set[int]:
    """The processes of a group that still run."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", "pgid=", "-o", "stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return {int(pid) for pid, pgid, state in rows if int(pgid) == group and not state.startswith("Z")}


def gone(groups: Iterable[int], within: float) -> bool:
    """Whether nothing of the groups is left, now or after a while."""
    deadline, left = time.monotonic() + within, set(groups)
    while left := {group for group in left if living(group)}:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
