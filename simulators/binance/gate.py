"""The venue's door: who knocks, whether they may, how much they ask, and which faults strike."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from urllib.parse import unquote

from simulators.binance import refusals
from simulators.binance.calls import Call
from simulators.binance.dust import DustCircumstances
from simulators.binance.endpoints import Endpoint, find_endpoint
from simulators.binance.exchange import Exchange
from simulators.binance.faults import (
    ClockAhead,
    EmptyBook,
    KnownLate,
    LeftOut,
    ListedLate,
    Partial,
    PriceJump,
    StaleBalances,
)
from simulators.binance.keys import accepts
from simulators.binance.mischief import error_reply, limited, spoiled
from simulators.binance.orders import Circumstances
from simulators.binance.refusals import ErrorReply
from simulators.binance.state import Key
from simulators.exchange.faults import FaultForm, Slow, Spoiling
from simulators.exchange.mischief import Mischief
from simulators.wire import Answer, Reply, Request, json_reply

UNSERVED = Reply(200, b"")
LONGEST_WINDOW, USUAL_WINDOW, FUTURE = Decimal(60_000), Decimal(5_000), 1000
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that has found its endpoint, and the faults that strike it."""

    request: Request
    endpoint: Endpoint
    call: Call
    faults: list[FaultForm]


class Gate:
    """Answers requests: finds the endpoint, checks key, signature, time and weight, then serves it under one lock."""

    def __init__(self, exchange: Exchange, mischief: Mischief) -> None:
        self._exchange = exchange
        self._mischief = mischief
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._minute, self._used, self._over = 0, 0, 0

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
        slow = sum((fault.seconds for fault in visit.faults if isinstance(fault, Slow)), Decimal(0))
        return replace(answer, delay=float(slow)) if slow and isinstance(answer, Reply) else answer

    def _visit(self, request: Request) -> Visit:
        endpoint = find_endpoint(request.method, request.path)
        with self._lock:
            self._counts[endpoint.name if endpoint else "unknown"] += 1
        if endpoint is None:
            raise ErrorReply(-1000, f"{request.method} {request.path} is not served", 404)
        call = Call.of(request.raw_query, request.body)
        return Visit(request, endpoint, call, self._mischief.due(endpoint.name, call.symbols()))

    def _spoiled(self, visit: Visit) -> Answer:
        """Serve a visit, unless a fault that replaces the answer keeps it from taking effect, for now or for good."""
        fault = next((fault for fault in visit.faults if isinstance(fault, Spoiling)), None)
        if fault is None:
            return self._served(visit)
        if fault.when == "later":
            delay = timedelta(seconds=float(fault.delay))
            self._exchange.later(delay, lambda: self._served(visit, waited=delay))
        return spoiled(fault, self._served(visit) if fault.when == "after" else UNSERVED)

    def _served(self, visit: Visit, waited: timedelta = timedelta()) -> Reply:
        """Serve it; what was under way for long is checked by the time at which it arrives."""
        if no := self._overweight(visit.endpoint.weight):
            return limited(no)
        try:
            key = self._admitted(visit, waited)
            with self._exchange.transaction():
                return json_reply(200, visit.endpoint.serve(self._exchange, self._struck(visit, key)))
        except ErrorReply as error:
            return error_reply(error)

    def _overweight(self, weight: int) -> ErrorReply | None:
        """Count weight by the minute; who goes on asking over the limit is banned until it is over."""
        scenario, minute = self._exchange.scenario, int(time.time()) // MINUTE
        with self._lock:
            if minute != self._minute:
                self._minute, self._used, self._over = minute, 0, 0
            self._used += weight
            if self._used <= scenario.weight_per_minute:
                return None
            self._over += 1
            return ErrorReply(*(refusals.BANNED if self._over > scenario.ban_after else refusals.TOO_MUCH_WEIGHT))

    def _admitted(self, visit: Visit, waited: timedelta) -> Key | None:
        """Check key, signature, time and permission; raises what the venue answers to those it does not let in."""
        if not visit.endpoint.permission:
            return None
        name = visit.request.headers.get("x-mbx-apikey", "")
        if not name:
            raise refusals.ErrorReply(*refusals.BAD_KEY_FORM)
        key = self._exchange.state.keys.get(name)
        if key is None:
            raise refusals.ErrorReply(*refusals.NOT_PERMITTED)
        self._check_time(visit, waited)
        payload, found, signature = visit.request.raw_query.rpartition("&signature=")
        if not found:
            raise refusals.missing("signature")
        if not accepts(self._exchange.state.seed, key, payload.encode() + visit.request.body, unquote(signature)):
            raise refusals.ErrorReply(*refusals.BAD_SIGNATURE)
        if visit.endpoint.permission not in key.permissions:
            raise refusals.ErrorReply(*refusals.NOT_PERMITTED)
        return key

    def _check_time(self, visit: Visit, waited: timedelta) -> None:
        call = visit.call
        stamp, window = call.number("timestamp"), call.number("recvWindow")
        if stamp is None:
            raise refusals.missing("timestamp")
        window = USUAL_WINDOW if window is None else window
        if window > LONGEST_WINDOW:
            raise refusals.ErrorReply(*refusals.WINDOW_TOO_LARGE)
        ahead = self._exchange.scenario.clock_ahead
        ahead += sum((fault.seconds for fault in visit.faults if isinstance(fault, ClockAhead)), Decimal(0))
        now = Decimal(time.time()) * 1000 + ahead * 1000 + Decimal(waited.total_seconds()) * 1000
        if stamp >= now + FUTURE:
            raise refusals.ErrorReply(*refusals.AHEAD)
        if now - stamp > window:
            raise refusals.ErrorReply(*refusals.OUTSIDE_WINDOW)

    def _struck(self, visit: Visit, key: Key | None) -> Call:
        """Let the faults that change the venue, not the answer, change it for this call."""
        call, circumstances, dust = replace(visit.call, key=key), Circumstances(), DustCircumstances()
        for fault in visit.faults:
            match fault:
                case StaleBalances():
                    call = replace(call, stale=fault.seconds)
                case Partial():
                    circumstances = replace(circumstances, fraction=fault.fraction)
                case KnownLate():
                    circumstances = replace(circumstances, known_late=fault.seconds)
                case ListedLate():
                    circumstances = replace(circumstances, listed_late=fault.seconds)
                    dust = replace(dust, listed_late=fault.seconds)
                case EmptyBook():
                    circumstances = replace(circumstances, empty_book=True)
                    call = replace(call, without_book=frozenset({fault.product}) if fault.product else call.symbols())
                case LeftOut():
                    dust = replace(dust, left_out=fault.assets)
                case PriceJump():
                    for symbol in call.symbols():
                        self._exchange.markets.move_prices(symbol, fault.factor)
        return replace(call, circumstances=circumstances, dust=dust)
