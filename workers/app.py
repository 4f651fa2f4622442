"""The Celery app, and the desk that its tasks work at: one for each process and thread, opened after the fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from celery import Celery

from workers.desk import Desk

app = Celery("dustman")
app.config_from_object("celeryconfig")

_desks = threading.local()
_open: list[Callable[[], Desk]] = []


def install(open_desk: Callable[[], Desk]) -> None:
    """Say how a desk is opened; the composition root does, once, before any task runs."""
    _open[:] = [open_desk]


def desk() -> Desk:
    """Return this thread's desk. Connections are never carried over a fork, so another process opens its own."""
    if getattr(_desks, "pid", None) != os.getpid():
        _desks.desk, _desks.pid = _open[0](), os.getpid()
    opened: Desk = _desks.desk
    return opened
