"""A simulated exchange's one lock: a request is served whole, what is due happens first, what changed is kept."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from simulators.exchange.clock import VirtualClock
from simulators.exchange.identity import Ids
from simulators.exchange.ledger import Ledger
from simulators.exchange.scenario import ExchangeScenario
from simulators.exchange.snapshot import State

Scenario = TypeVar("Scenario", bound=ExchangeScenario)
KeyForm = TypeVar("KeyForm")


class SimulatedExchange(ABC, Generic[Scenario, State, KeyForm]):
    """Clock, ledger and ids over one state. `keep` is called with the state after every transaction."""

    def __init__(self, scenario: Scenario, state: State, keep: Callable[[State], None]) -> None:
        self.scenario = scenario
        self.state = state
        self.clock = VirtualClock(state, scenario.clock.frozen)
        self.ledger = Ledger(state)
        self.ids = Ids(state)
        self._keep = keep
        self._lock = threading.RLock()
        self._due: list[tuple[datetime, Callable[[], object]]] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Serve one request at a time: what is due happens first, what changed is kept before anyone is told."""
        with self._lock:
            self._catch_up()
            yield
            self._keep(self.state)

    @abstractmethod
    def issue(self, label: str, form: KeyForm) -> str:
        """Issue an API key, or the same again for the same label, and return what its file holds."""

    def later(self, delay: timedelta, action: Callable[[], object]) -> None:
        """Let something happen when the venue's clock has moved on by `delay`."""
        with self._lock:
            self._due.append((self.clock.now() + delay, action))

    def _catch_up(self) -> None:
        now = self.clock.now()
        due = [action for moment, action in self._due if moment <= now]
        self._due = [waiting for waiting in self._due if waiting[0] > now]
        for action in due:
            action()
