"""What `celery -A dustman.service worker` and `beat` run: the app, its tasks, a desk for each process and thread."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import closing
from functools import partial
from importlib import import_module
from typing import Any

from celery import beat, bootsteps
from celery.worker import state
from celery.worker.consumer.tasks import Tasks
from celery.worker.state import active_requests

from dustman import pulse
from dustman.desk import nudge, worker_desk
from dustman.exits import ended
from dustman.listening import Listening
from dustman.settings import Settings
from dustman.wiring import open_feed, open_log
from workers.app import app, install
from workers.relaying import keep_up

logger = logging.getLogger("dustman")


class Pulse(bootsteps.StartStopStep):  # type: ignore[misc]
    """Signs of life from the worker's own loop, while it consumes.

    They stop with the loop, with the broker, and when a worker that has nothing to do takes no task.
    """

    requires = (Tasks,)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._timer: Any = None
        super().__init__(consumer)

    def start(self, consumer: Any) -> None:
        """Begin once tasks are consumed, and anew after each reconnection."""
        pulse.sign()
        self._timer = consumer.timer.call_repeatedly(pulse.EVERY, _sign_if_alive, (consumer,))

    def stop(self, _: Any) -> None:
        """End when the connection to the broker is lost, and at the end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    shutdown = stop


class Relay(bootsteps.StartStopStep):  # type: ignore[misc]
    """In the worker of the queue `relay`: a thread that brings the feed up to the log, twice a second.

    A thread and not a task, since a message through the broker for each look would cost more than the look.
    """

    requires = (Tasks,)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        super().__init__(consumer)

    def include_if(self, consumer: Any) -> bool:
        """Say whether this worker is the relay."""
        return "relay" in consumer.app.amqp.queues.consume_from

    def start(self, _: Any) -> None:
        """Begin once tasks are consumed, and anew after each reconnection."""
        settings = import_module("celeryconfig").settings
        self._ended = threading.Event()
        self._thread = threading.Thread(target=_relay, args=(settings, self._ended), name="relay", daemon=True)
        self._thread.start()

    def stop(self, _: Any) -> None:
        """End when the connection to the broker is lost, and at the end."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    shutdown = stop


def _relay(settings: Settings, over: threading.Event) -> None:
    """Keep the feed up; what nobody foresaw, or a damaged log, ends the worker with its number."""

    def keep() -> None:
        with closing(open_log(settings)) as log:
            feed = open_feed(settings)
            keep_up(lambda: feed.publish_pending(log), over)

    if number := ended(keep, lambda: False):
        state.should_stop = number


class Scheduler(beat.Scheduler):  # type: ignore[misc]
    """Celery's plain scheduler, with a sign of life at its start and for each task that the broker took."""

    _refused = False

    def setup_schedule(self) -> None:
        """Read the schedule."""
        super().setup_schedule()
        pulse.sign()

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Send a task that is due; raises `SchedulingError` when the broker did not take it."""
        sent = super().apply_async(*args, **kwargs)
        pulse.sign()
        return sent

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send what is due; a broker that takes nothing is told once, and once that it does again."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except beat.SchedulingError as error:
            if not self._refused:
                logger.warning("%s; beat goes on trying, and what is missed meanwhile is made up for", error)
            self._refused = True
        else:
            if self._refused:
                logger.warning("the broker takes tasks again")
            self._refused = False


def _sign_if_alive(consumer: Any) -> None:
    if active_requests or consumer.task_consumer.channel.qos.can_consume():
        pulse.sign()


def _assemble() -> None:
    """Read the settings, register the tasks, and say how a desk is opened: later, after the fork."""
    settings = import_module("celeryconfig").settings
    import_module("workers.tasks")
    install(partial(worker_desk, settings, nudge))
    app.steps["consumer"].update((Pulse, Listening, Relay))


# A mistake in the settings ends the worker with a sentence and its exit code, not with a trace.
if _number := ended(_assemble, lambda: False):
    sys.exit(_number)
