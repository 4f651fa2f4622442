"""Strategy dust in the form of calls and callbacks, for services that run beside Dustman and have its code.

A thin layer: what is answered is read from the log, what is asked for is recorded there by the rules of the workers,
and nothing is remembered here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from domain.identity import strategy_stream
from dustman.desk import command_desk
from dustman.settings import Settings
from dustman.wiring import open_log
from events.facts import StrategyMeasured, StrategyNotMeasured
from events.log import Recorded
from workers.approving import approve, expire
from workers.measuring import measure

logger = logging.getLogger("dustman")
LOOK_SECONDS: Final = 0.5
# Who approves, in the words of the log.
CALLER: Final = "execute_dust_conversion"
Callback = Callable[[StrategyMeasured], object]


class DustCallbacks:
    """What strategies of the settings say about their dust, and what they are told to do about it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = open_log(settings)
        self._callbacks: list[Callback] = []
        self.position = self._log.head()

    def check_dust_threshold(self, strategy: str) -> StrategyMeasured | StrategyNotMeasured | None:
        """Return what the last measurement came to, None when there was none yet."""
        self._settings.charter(strategy)
        last = None
        for recorded in self._log.stream(strategy_stream(strategy)):
            if isinstance(recorded.fact, StrategyMeasured | StrategyNotMeasured):
                last = recorded.fact
        return last

    def add_dust_callback(self, callback: Callback) -> None:
        """Have `callback` called with each measurement in which dust exceeds its threshold, from now on."""
        self._callbacks.append(callback)

    def execute_dust_conversion(self, strategy: str) -> Sequence[Recorded]:
        """Measure a strategy now and announce what is to be sold; return what was recorded, which may be a no.

        Where instructions need approval this approves what waits, or else what was measured now.
        """
        desk = command_desk(self._settings, logger.warning)
        name = self._settings.charter(strategy).name
        expire(desk, name)
        recorded = [] if desk.strategies.load(name).state.waiting else measure(desk, name, desk.clock())
        waiting = desk.strategies.load(name).state.waiting
        return [*recorded, *(approve(desk, name, CALLER, measure_id=waiting.measure_id) if waiting else [])]

    def run(self, over: threading.Event) -> None:
        """Call the callbacks until `over`, in the order of the log.

        One that raises is logged with its trace and harms no other; it is not called again for that measurement.
        `position` is how far this came: a service that wants no gap keeps it and sets it before it runs again.
        """
        while not over.is_set():
            for recorded in self._log.read(after=self.position):
                if isinstance(recorded.fact, StrategyMeasured) and recorded.fact.exceeds:
                    self._call(recorded.fact)
                self.position = recorded.position
            over.wait(LOOK_SECONDS)

    def _call(self, measured: StrategyMeasured) -> None:
        for callback in self._callbacks:
            try:
                callback(measured)
            except Exception:
                logger.exception("a callback failed at measurement %s of %s", measured.measure_id, measured.strategy)
