"""The venue's door: who knocks, whether they may, how often, and which faults strike."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from simulators.coinbase.calls import Call
from simulators.coinbase.endpoints import Endpoint, find_endpoint
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.faults import (
    ConvertRefused,
    EmptyBook,
    Partial,
    PriceJump,
    Refused,
    RepeatedCursor,
    SettledLate,
    StaleBalances,
)
from simulators.coinbase.keys import Verifier, key_id
from simulators.coinbase.mischief import TOO_MANY, UNAUTHORIZED, error_reply, spoiled
from simulators.coinbase.orders import Circumstances
from simulators.coinbase.refusals import ErrorReply, not_found
from simulators.coinbase.state import Key
from simulators.exchange.arithmetic import ZERO
from simulators.exchange.faults import FaultForm, Slow, Spoiling
from simulators.exchange.mischief import Mischief
from simulators.exchange.rate import Bucket
from simulators.wire import Answer, Reply, Request, json_reply

UNSERVED = Reply(200, b"")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that has found its endpoint, and the faults that strike it."""

    request: Request
    endpoint: Endpoint
    call: Call
    faults: list[FaultForm]


class Gate:
    """Answers requests: finds the endpoint, checks key, scope and rate, then serves it under the exchange's lock."""

    def __init__(self, exchange: Exchange, mischief: Mischief) -> None:
        self._exchange = exchange
        self._mischief = mischief
        self._verifiers: dict[str, Verifier] = {}
        self._buckets: dict[str, Bucket] = {}
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
        except ErrorReply as error:
            return error_reply(error)
        answer = self._spoiled(visit)
        slow = sum((fault.seconds for fault in visit.faults if isinstance(fault, Slow)), ZERO)
        return replace(answer, delay=float(slow)) if slow and isinstance(answer, Reply) else answer

    def _visit(self, request: Request) -> Visit:
        found = find_endpoint(request.method, request.path)
        with self._lock:
            self._counts[found[0].name if found else "unknown"] += 1
        if found is None:
            raise not_found(f"{request.method} {request.path} is not served")
        endpoint, argument = found
        call = Call.of(argument, request.query, request.body)
        return Visit(request, endpoint, call, self._mischief.due(endpoint.name, call.products()))

    def _spoiled(self, visit: Visit) -> Answer:
        """Serve a visit, unless a fault that replaces the answer keeps it from taking effect, for now or for good."""
        fault = next((fault for fault in visit.faults if isinstance(fault, Spoiling)), None)
        if fault is None:
            return self._served(visit)
        if fault.when == "later":
            self._exchange.later(timedelta(seconds=float(fault.delay)), lambda: self._served(visit))
        return spoiled(fault, self._served(visit) if fault.when == "after" else UNSERVED)

    def _served(self, visit: Visit) -> Reply:
        try:
            key = self._admitted(visit)
            with self._exchange.transaction():
                call = self._struck(visit, key.scopes if key else frozenset())
                return json_reply(200, visit.endpoint.serve(self._exchange, call))
        except ErrorReply as error:
            return error_reply(error)
        except TurnedAway as turned:
            return turned.reply

    def _admitted(self, visit: Visit) -> Key | None:
        """Check signature, scope and rate; raises what the venue answers to those it does not let in."""
        endpoint = visit.endpoint
        key = self._signer(visit.request) if endpoint.scope else None
        if endpoint.scope and key is None:
            raise TurnedAway(UNAUTHORIZED)
        if key and endpoint.scope not in key.scopes:
            raise ErrorReply(403, "PERMISSION_DENIED", "Missing required scopes")
        if not self._bucket(key.name if key else "").take():
            raise TurnedAway(TOO_MANY["html" if endpoint.trading else "json"])
        return key

    def _signer(self, request: Request) -> Key | None:
        """Return the key that signed a request, or None for a bad signature."""
        scheme, _, token = request.authorization.partition(" ")
        name = key_id(token) if scheme == "Bearer" else None
        key = self._exchange.state.keys.get(name or "")
        if key is None:
            return None
        verifier = self._verifiers.get(key.name) or Verifier.of(self._exchange.state.seed, key)
        self._verifiers[key.name] = verifier
        return key if verifier.accepts(token, f"{request.method} {request.host}{request.path}") else None

    def _bucket(self, name: str) -> Bucket:
        scenario = self._exchange.scenario
        with self._lock:
            return self._buckets.setdefault(name, Bucket(float(scenario.requests_per_second), scenario.burst))

    def _struck(self, visit: Visit, scopes: frozenset[str]) -> Call:
        """Let the faults that change the venue, not the answer, change it for this call."""
        call = replace(visit.call, permissions=scopes)
        for fault in visit.faults:
            match fault:
                case StaleBalances():
                    call = replace(call, as_of=self._exchange.clock.now() - timedelta(seconds=float(fault.seconds)))
                case RepeatedCursor():
                    call = replace(call, repeat_cursor=True)
                case ConvertRefused():
                    call = replace(call, refusal=fault.reason)
                case PriceJump():
                    self._jump(call, fault.factor)
                case EmptyBook():
                    call = replace(call, without_book=call.products() if not fault.product else {fault.product})
        return replace(call, circumstances=_circumstances(visit.faults, call))

    def _jump(self, call: Call, factor: Decimal) -> None:
        for product in call.products():
            if self._exchange.market.find(product):
                self._exchange.market.move_prices(product, factor)


class TurnedAway(Exception):
    """A request that the venue answers before it has read it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}")
        self.reply = reply


def _circumstances(faults: list[FaultForm], call: Call) -> Circumstances:
    """Gather what goes differently for an order."""
    circumstances = Circumstances(empty_book=bool(call.without_book & call.products()))
    for fault in faults:
        match fault:
            case Partial():
                circumstances = replace(circumstances, fraction=fault.fraction)
            case SettledLate():
                circumstances = replace(circumstances, settle_seconds=fault.seconds)
            case Refused():
                circumstances = replace(circumstances, refusal=fault.reason)
    return circumstances
