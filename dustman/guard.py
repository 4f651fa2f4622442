"""Ends what a crew leaves behind: the crew's process may be killed at any moment, this one outlives it by seconds.

Run as a process of its own. Standard input is a pipe that the crew holds open and that each child writes its process
group to before it runs, so the pipe ends when the crew is gone, however that happened and on every Unix. Linux alone
could send a signal at a parent's death (prctl(2), PR_SET_PDEATHSIG), and that would not reach a child's own children.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

ROUND_SECONDS = 0.05


def main() -> None:
    """Note `+group` and `-group`, one a line, until the pipe ends; then end the groups that are left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    end(groups, float(sys.argv[1]))


def end(groups: Iterable[int], grace: float) -> None:
    """Ask the leader of each group to end, and kill what is left of the group after it, or after `grace` seconds."""
    led = {group for group in groups if told(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace
    while led and time.monotonic() < deadline:
        time.sleep(ROUND_SECONDS)
        led = {group for group in led if told(group, 0)}
    for group in groups:
        told(-group, signal.SIGKILL)


def told(process: int, number: int) -> bool:
    """Send a signal to a process, or to a group by its negative number; False when nobody was there to hear it.

    macOS answers EPERM for a group of which only zombies are left.
    """
    try:
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
