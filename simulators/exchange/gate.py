"""An exchange's door: requests are counted, faults strike them, and what is let in is served under the one lock."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from simulators.exchange.faults import FaultForm, Slow, Spoiling
from simulators.exchange.mischief import Mischief
from simulators.exchange.refusals import TurnedAway
from simulators.exchange.venue import SimulatedExchange
from simulators.wire import Answer, Reply, Request, json_reply

UNSERVED = Reply(200, b"")


class Served(Protocol):
    """What every exchange's table of endpoints says of each: its name, and the function of exchange and call."""

    @property
    def name(self) -> str: ...
    @property
    def serve(self) -> Callable[[Any, Any], object]: ...


class About(Protocol):
    """A call that says which of the exchange's markets it is about."""

    def products(self) -> frozenset[str]: ...


Exchange = TypeVar("Exchange", bound=SimulatedExchange[Any, Any, Any])
Endpoint = TypeVar("Endpoint", bound=Served)
Call = TypeVar("Call", bound=About)
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Visit(Generic[Endpoint, Call]):
    """A request that has found its endpoint, and the faults that strike it."""

    request: Request
    endpoint: Endpoint
    call: Call
    faults: list[FaultForm]


class Gate(ABC, Generic[Exchange, Endpoint, Call, Key]):
    """Answers requests: an exchange says how it finds endpoints, reads calls, lets in, and what its faults do."""

    def __init__(self, exchange: Exchange, mischief: Mischief) -> None:
        self._exchange = exchange
        self._mischief = mischief
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def counts(self) -> dict[str, int]:
        """Say how many requests each endpoint has had, refused ones included."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        try:
            visit = self._visit(request)
        except TurnedAway as turned:
            return turned.reply
        answer = self._unless_spoiled(visit)
        slow = sum((fault.seconds for fault in visit.faults if isinstance(fault, Slow)), Decimal(0))
        return replace(answer, delay=float(slow)) if slow and isinstance(answer, Reply) else answer

    @abstractmethod
    def _find(self, request: Request) -> Endpoint | None:
        """Find the endpoint that a request is for."""

    @abstractmethod
    def _nowhere(self, request: Request) -> TurnedAway:
        """Say what a request for no endpoint is answered with."""

    @abstractmethod
    def _read(self, request: Request, endpoint: Endpoint) -> Call:
        """Read a request as the exchange reads it; raises `TurnedAway` for one that it cannot."""

    @abstractmethod
    def _admitted(self, visit: Visit[Endpoint, Call], waited: timedelta) -> Key | None:
        """Return the key that signed, None where none is needed; raises `TurnedAway` for those that are not let in.

        A request that was under way for `waited` is judged by the time at which it arrives.
        """

    @abstractmethod
    def _struck(self, visit: Visit[Endpoint, Call], key: Key | None) -> Call:
        """Return the call with its caller, once the faults that change the venue, not the answer, have changed it."""

    @abstractmethod
    def _spoiled(self, fault: Spoiling, reply: Reply) -> Answer:
        """Replace an answer by what a fault makes of it."""

    def _visit(self, request: Request) -> Visit[Endpoint, Call]:
        endpoint = self._find(request)
        with self._lock:
            self._counts[endpoint.name if endpoint else "unknown"] += 1
        if endpoint is None:
            raise self._nowhere(request)
        call = self._read(request, endpoint)
        return Visit(request, endpoint, call, self._mischief.due(endpoint.name, call.products()))

    def _unless_spoiled(self, visit: Visit[Endpoint, Call]) -> Answer:
        """Serve a visit, unless a fault that replaces the answer keeps it from taking effect, for now or for good."""
        fault = next((fault for fault in visit.faults if isinstance(fault, Spoiling)), None)
        if fault is None:
            return self._served(visit)
        if fault.when == "later":
            delay = timedelta(seconds=float(fault.delay))
            self._exchange.later(delay, lambda: self._served(visit, waited=delay))
        return self._spoiled(fault, self._served(visit) if fault.when == "after" else UNSERVED)

    def _served(self, visit: Visit[Endpoint, Call], waited: timedelta = timedelta()) -> Reply:
        try:
            key = self._admitted(visit, waited)
            with self._exchange.transaction():
                return json_reply(200, visit.endpoint.serve(self._exchange, self._struck(visit, key)))
        except TurnedAway as turned:
            return turned.reply
