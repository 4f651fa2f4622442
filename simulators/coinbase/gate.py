"""The venue's door: who knocks, whether they may, and how often."""

from __future__ import annotations

from dataclasses import replace
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
from simulators.coinbase.mischief import TOO_MANY, UNAUTHORIZED, spoiled
from simulators.coinbase.orders import Circumstances
from simulators.coinbase.refusals import ErrorReply, not_found
from simulators.coinbase.state import Key
from simulators.exchange import gate
from simulators.exchange.faults import FaultForm, Spoiling
from simulators.exchange.mischief import Mischief
from simulators.exchange.rate import Bucket
from simulators.exchange.refusals import TurnedAway
from simulators.wire import Answer, Reply, Request


class Gate(gate.Gate[Exchange, Endpoint, Call, Key]):
    """Checks key, scope and rate."""

    def __init__(self, exchange: Exchange, mischief: Mischief) -> None:
        super().__init__(exchange, mischief)
        self._verifiers: dict[str, Verifier] = {}
        self._buckets: dict[str, Bucket] = {}

    def _find(self, request: Request) -> Endpoint | None:
        return find_endpoint(request.method, request.path)

    def _nowhere(self, request: Request) -> ErrorReply:
        return not_found(f"{request.method} {request.path} is not served")

    def _read(self, request: Request, endpoint: Endpoint) -> Call:
        return Call.of(endpoint.argument(request.path), request.query, request.body)

    def _spoiled(self, fault: Spoiling, reply: Reply) -> Answer:
        return spoiled(fault, reply)

    def _admitted(self, visit: gate.Visit[Endpoint, Call], waited: timedelta) -> Key | None:
        del waited
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

    def _struck(self, visit: gate.Visit[Endpoint, Call], key: Key | None) -> Call:
        call = replace(visit.call, permissions=key.scopes if key else frozenset())
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
