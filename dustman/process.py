"""A long-lived process that is no worker of Celery: it runs until it is told to end, and says what went wrong."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable

from dustman.exits import ended
from dustman.secret import Redacting
from dustman.settings import Settings
from dustman.wiring import found_settings


def work(run: Callable[[Settings, threading.Event], None]) -> None:
    """Run until SIGTERM or SIGINT, and exit with a documented number; no line it logs shows a secret."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    handler = logging.StreamHandler()
    handler.setFormatter(Redacting("[%(asctime)s: %(levelname)s/%(threadName)s] %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.exit(ended(lambda: run(found_settings(), over), lambda: False))
