"""The venue contract's stage for an exchange: its twin over TLS, the vendor's library, and one clock for both."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import NAMESPACE_OID, uuid5

from domain.venue import Order
from events.money import Amount, ticker
from events.values import LegKind
from simulators.exchange.twin import Twin
from tests.venues.contract import Outage
from venues.exchange import Exchange
from venues.limits import Limiter
from venues.times import Times

# How long an answer is waited for: as long as a busy machine may take, and shortly where none is meant to come.
PATIENCE, IMPATIENCE = 20.0, 0.25
SPOILED: Mapping[Outage, dict[str, object]] = {
    Outage.SILENT: {"kind": "timeout", "seconds": "5"},
    Outage.BROKEN: {"kind": "reset"},
    Outage.FAILING: {"kind": "server_error"},
    Outage.BUSY: {"kind": "rate_limited"},
    Outage.GARBLED: {"kind": "html"},
    Outage.CUT: {"kind": "cut_json"},
}

AnyTwin = TypeVar("AnyTwin", bound=Twin[Any, Any])
AnyVenue = TypeVar("AnyVenue", bound=Exchange)
Door = Callable[[AnyTwin], AbstractContextManager[str]]


class ExchangeStage(ABC, Generic[AnyTwin, AnyVenue]):
    """A twin, adapters that talk to it, and the levers of both. `door` stands between the two where it is given.

    `prefix` is what all paths of the twin begin with.
    """

    prefix: ClassVar[str] = ""

    def __init__(self, twin: AnyTwin, adapter: Callable[..., AnyVenue], door: Door[AnyTwin] | None = None) -> None:
        self.twin = twin
        self._adapter, self._door = adapter, door
        self._stack = ExitStack()
        self._passed = timedelta()
        self._patience = PATIENCE
        self._opened: list[AnyVenue] = []
        self._orders = 0

    def __enter__(self) -> Self:
        self._stack.enter_context(self.twin)
        self.base_url = self._stack.enter_context(self._door(self.twin)) if self._door else self.twin.base_url
        key = json.loads(self._key_file().read_text())
        self.key_name, self.secret = key["name"], key["privateKey"]
        self.venue = self.restarted()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for venue in self._opened:
            venue.close()
        self._stack.__exit__(kind, error, trace)

    @abstractmethod
    def _key_file(self) -> Path:
        """Have the twin issue the key of this stage."""

    @abstractmethod
    def _wait(self, venue: AnyVenue, timeout: tuple[float, float]) -> None:
        """Have an adapter wait so long for a connection and for bytes."""

    def clock(self) -> datetime:
        """Tell the time, as much ahead of this machine's as the twin's is."""
        return datetime.now(UTC) + self._passed

    def restarted(self, **settings: Any) -> AnyVenue:
        """Open one more adapter for the same account; `settings` replace the ordinary ones."""
        ordinary: dict[str, Any] = {
            "limiter": Limiter(
                "key", requests_per_second=Decimal(1000), seconds_between_conversions=Decimal(0), sleep=lambda _: None
            ),
            "base_url": self.base_url,
            "ca_file": self.twin.ca_file,
            "times": Times(
                self.clock, timeout=(PATIENCE, self._patience), retry_pauses=(0.001, 0.001), settling=(0.001, 0.001)
            ),
        }
        secret = settings.pop("secret", self.secret)
        venue = self._adapter(settings.pop("key_name", self.key_name), secret, **ordinary | settings)
        self._opened.append(venue)
        return venue

    def balance(self, asset: str) -> Decimal:
        """Ask the twin's ledger."""
        return self.twin.balance(ticker(asset))

    def served(self) -> int:
        """Add up the twin's counts."""
        return sum(self.twin.gate.counts().values())

    def calls(self, endpoint: str) -> int:
        """Say how often an endpoint was asked."""
        return self.twin.gate.counts().get(endpoint, 0)

    def pass_time(self, span: timedelta) -> None:
        """Move both clocks on."""
        self._passed += span
        with self.twin.exchange.transaction():
            self.twin.exchange.clock.advance(span)

    def fail(self, outage: Outage) -> None:
        """Spoil every answer."""
        self.wait_at_most(IMPATIENCE if outage is Outage.SILENT else PATIENCE)
        self.twin.inject(endpoint="any", calls="all", **SPOILED[outage])

    def recover(self) -> None:
        """Spoil none any more."""
        self.twin.calm()
        self.wait_at_most(PATIENCE)

    def wait_at_most(self, seconds: float) -> None:
        """Have every adapter, those opened later too, wait so long for an answer."""
        self._patience = seconds
        for venue in self._opened:
            self._wait(venue, (PATIENCE, seconds))

    def _order(self, kind: LegKind, product: str, spend: Amount, receive: str) -> Order:
        self._orders += 1
        key = str(uuid5(NAMESPACE_OID, str(self._orders)))
        return Order(key, kind, product, spend, receive, requested_at=self.clock())
