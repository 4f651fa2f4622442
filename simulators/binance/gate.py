"""The venue's door: who knocks, whether they may, and how much they ask."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from urllib.parse import unquote

from simulators.binance import refusals
from simulators.binance.calls import Call
from simulators.binance.dust import DustCircumstances
from simulators.binance.endpoints import Endpoint, find_endpoint
from simulators.binance.exchange import Exchange
from simulators.binance.faults import (
    EmptyBook,
    LeftOut,
    ListedLate,
    PriceJump,
    StaleBalances,
)
from simulators.binance.keys import accepts
from simulators.binance.mischief import limited, spoiled
from simulators.binance.refusals import ErrorReply
from simulators.binance.state import Key
from simulators.exchange import gate
from simulators.exchange.faults import Spoiling
from simulators.exchange.mischief import Mischief
from simulators.exchange.spot_faults import ahead_by, circumstances_of
from simulators.wire import Answer, Reply, Request

LONGEST_WINDOW, USUAL_WINDOW, FUTURE = Decimal(60_000), Decimal(5_000), 1000
MINUTE = 60


class Gate(gate.Gate[Exchange, Endpoint, Call, Key]):
    """Checks weight, key, signature, time and permission."""

    def __init__(self, exchange: Exchange, mischief: Mischief) -> None:
        super().__init__(exchange, mischief)
        self._minute, self._used, self._over = 0, 0, 0

    def _find(self, request: Request) -> Endpoint | None:
        return find_endpoint(request.method, request.path)

    def _nowhere(self, request: Request) -> ErrorReply:
        return ErrorReply(-1000, f"{request.method} {request.path} is not served", 404)

    def _read(self, request: Request, endpoint: Endpoint) -> Call:
        del endpoint
        return Call.of(request.raw_query, request.body)

    def _spoiled(self, fault: Spoiling, reply: Reply) -> Answer:
        return spoiled(fault, reply)

    def _weigh(self, weight: int) -> None:
        """Count weight by the minute; who goes on asking over the limit is banned until it is over."""
        scenario, minute = self._exchange.scenario, int(time.time()) // MINUTE
        with self._lock:
            if minute != self._minute:
                self._minute, self._used, self._over = minute, 0, 0
            self._used += weight
            if self._used > scenario.weight_per_minute:
                self._over += 1
                raise limited(refusals.BANNED if self._over > scenario.ban_after else refusals.TOO_MUCH_WEIGHT)

    def _admitted(self, visit: gate.Visit[Endpoint, Call], waited: timedelta) -> Key | None:
        self._weigh(visit.endpoint.weight)
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

    def _check_time(self, visit: gate.Visit[Endpoint, Call], waited: timedelta) -> None:
        call = visit.call
        stamp, window = call.number("timestamp"), call.number("recvWindow")
        if stamp is None:
            raise refusals.missing("timestamp")
        window = USUAL_WINDOW if window is None else window
        if window > LONGEST_WINDOW:
            raise refusals.ErrorReply(*refusals.WINDOW_TOO_LARGE)
        ahead = self._exchange.scenario.clock_ahead
        ahead += ahead_by(visit.faults)
        now = Decimal(time.time()) * 1000 + ahead * 1000 + Decimal(waited.total_seconds()) * 1000
        if stamp >= now + FUTURE:
            raise refusals.ErrorReply(*refusals.AHEAD)
        if now - stamp > window:
            raise refusals.ErrorReply(*refusals.OUTSIDE_WINDOW)

    def _struck(self, visit: gate.Visit[Endpoint, Call], key: Key | None) -> Call:
        call, dust = replace(visit.call, key=key), DustCircumstances()
        for fault in visit.faults:
            match fault:
                case StaleBalances():
                    call = replace(call, stale=fault.seconds)
                case ListedLate():
                    dust = replace(dust, listed_late=fault.seconds)
                case EmptyBook():
                    call = replace(call, without_book=frozenset({fault.product}) if fault.product else call.products())
                case LeftOut():
                    dust = replace(dust, left_out=fault.assets)
                case PriceJump():
                    for symbol in call.products():
                        self._exchange.markets.move_prices(symbol, fault.factor)
        return replace(call, circumstances=circumstances_of(visit.faults), dust=dust)
