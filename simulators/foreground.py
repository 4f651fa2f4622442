"""A simulator as a process of its own: one line of JSON when it is ready, a clean end on SIGTERM or Ctrl-C."""

from __future__ import annotations

import json
import signal
import sys
import threading


def end_signals() -> threading.Event:
    """Return what is set once the process is asked to end."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    return ended


def announce(ready: object) -> None:
    """Write one line of JSON to stdout, at once."""
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
