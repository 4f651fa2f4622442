"""The gate before a strategy's other work: whoever wants to rebalance asks here, and dust comes first.

It is a fold over the end of the log: what began longer than `limit` ago holds nobody up, so nothing older is read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from dustman.settings import Settings
from dustman.wiring import now, open_log
from events.log import EventLog
from views.gate import Answer, Selling

LIMIT: Final = timedelta(minutes=15)


class DustGate:
    """Answers for any number of strategies of one log, again and again; each question reads what is new.

    A no holds for `limit` at most after dust was instructed or announced. Errors of the log are raised: who cannot ask
    does not know.
    """

    def __init__(self, log: EventLog, limit: timedelta = LIMIT, clock: Callable[[], datetime] = now) -> None:
        if limit <= timedelta(0):
            raise ValueError(f"limit: {limit} is not above zero")
        self._log, self._limit, self._clock = log, limit, clock
        self._selling = Selling()
        self._position = log.position_at(clock() - limit)

    @classmethod
    def of(cls, settings: Settings, limit: timedelta = LIMIT) -> DustGate:
        """Open the gate of the settings' log."""
        return cls(open_log(settings), limit)

    def ask(self, strategy: str) -> Answer:
        """Say whether a strategy may be rebalanced now, why, and until when a no lasts at most."""
        for recorded in self._log.read(after=self._position):
            self._selling.apply(recorded)
            self._position = recorded.position
        return self._selling.answer(strategy, self._clock(), self._limit)

    def may_rebalance(self, strategy: str) -> bool:
        """Say it in a word."""
        return self.ask(strategy).may
