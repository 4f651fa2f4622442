"""The relay's ear: where the log tells of commits, what other hosts wrote reaches the feed at once.

The relay's own look twice a second stays the safety net.
"""

from __future__ import annotations

import logging
import threading
from importlib import import_module
from typing import Any

from celery import bootsteps
from celery.worker.consumer.tasks import Tasks

from dustman.addresses import PostgresDatabase
from events.log import LogUnavailable
from events.postgres_notices import commits
from workers.app import desk

logger = logging.getLogger("dustman")
# Before a lost server is asked again, in seconds.
PAUSE = 1.0


class Listening(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread of the relay that publishes after each commit it hears of, as long as tasks are consumed."""

    requires = (Tasks,)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._end = threading.Event()
        super().__init__(consumer)

    def include_if(self, consumer: Any) -> bool:
        """Say whether this worker is a relay, and its log one that tells."""
        return "relay" in consumer.app.amqp.queues.consume_from and isinstance(_place(), PostgresDatabase)

    def start(self, _: Any) -> None:
        """Begin once tasks are consumed, and anew after each reconnection."""
        self._end = threading.Event()
        threading.Thread(target=_listen, args=(_place().text, self._end), name="listening", daemon=True).start()

    def stop(self, _: Any) -> None:
        """End when the connection to the broker is lost, and at the end."""
        self._end.set()

    shutdown = stop


def _place() -> Any:
    return import_module("celeryconfig").settings.log.url


def _listen(url: str, end: threading.Event) -> None:
    while not end.is_set():
        try:
            for _ in commits(url, lambda: not end.is_set()):
                desk().publish()
        except LogUnavailable as error:
            logger.warning("relay: %s; it looks by itself meanwhile", error)
            end.wait(PAUSE)
