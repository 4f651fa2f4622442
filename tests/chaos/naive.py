"""A converter as it must not be, run by Celery as the real one is: it answers doubt with another order."""

from __future__ import annotations

import dustman.service  # noqa: F401 - which registers the tasks
from tests.crash.victim import send_again
from workers import conducting
from workers.app import app

__all__ = ["app"]

conducting._settle = send_again
