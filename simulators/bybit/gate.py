"""The venue's door: who knocks, whether they may, and how often they ask."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from simulators.bybit import refusals
from simulators.bybit.calls import Call
from simulators.bybit.endpoints import ANY, Endpoint, find_endpoint
from simulators.bybit.exchange import Exchange
from simulators.bybit.faults import (
    EmptyBook,
    Failing,
    Forgotten,
    ListedLate,
    PriceJump,
    RateLimited,
    Refused,
    ServerError,
    SlowExchange,
    StaleBalances,
)
from simulators.bybit.keys import accepts
from simulators.bybit.refusals import ErrorReply
from simulators.bybit.state import Key
from simulators.exchange import gate
from simulators.exchange.faults import Spoiling
from simulators.exchange.mischief import HTML, Mischief, broken
from simulators.exchange.rate import Bucket
from simulators.exchange.spot_faults import ahead_by, circumstances_of
from simulators.wire import Answer, Reply, Request

USUAL_WINDOW, FUTURE = 5000, 1000
FORBIDDEN = Reply(403, b"<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>", HTML)


class Gate(gate.Gate[Exchange, Endpoint, Call, Key]):
    """Checks rate, key, signature, time and permission."""

    def __init__(self, exchange: Exchange, mischief: Mischief) -> None:
        super().__init__(exchange, mischief)
        rate = exchange.scenario.requests_per_second
        self._bucket = Bucket(rate, rate)

    def _find(self, request: Request) -> Endpoint | None:
        return find_endpoint(request.method, request.path)

    def _nowhere(self, request: Request) -> ErrorReply:
        del request
        return ErrorReply(*refusals.NOWHERE)

    def _read(self, request: Request, endpoint: Endpoint) -> Call:
        return Call.of(endpoint.method, request.raw_query, request.body)

    def _spoiled(self, fault: Spoiling, reply: Reply) -> Answer:
        match fault:
            case ServerError():
                return ErrorReply(*refusals.BROKEN, fault.status).reply
            case RateLimited(address=True):
                return FORBIDDEN
            case RateLimited():
                return ErrorReply(*refusals.TOO_MANY).reply
            case Refused():
                return ErrorReply(fault.code, fault.sentence, fault.status).reply
        return broken(fault, reply)

    def _admitted(self, visit: gate.Visit[Endpoint, Call], waited: timedelta) -> Key | None:
        with self._lock:
            let_in = self._bucket.take()
        if not let_in:
            raise ErrorReply(*refusals.TOO_MANY)
        if not visit.endpoint.permission:
            return None
        given = visit.request.headers
        key = self._exchange.state.keys.get(given.get("x-bapi-api-key", ""))
        if key is None:
            raise ErrorReply(*refusals.BAD_KEY)
        stamp, window = given.get("x-bapi-timestamp", ""), given.get("x-bapi-recv-window", "")
        self._check_time(visit, stamp, window, waited)
        asked = visit.request.raw_query.encode() if visit.endpoint.method == "GET" else visit.request.body
        signed = f"{stamp}{key.api_key}{window}".encode() + asked
        if not accepts(key, signed, given.get("x-bapi-sign", "")):
            raise ErrorReply(*refusals.BAD_SIGNATURE)
        if visit.endpoint.permission not in {ANY, *key.permissions}:
            raise ErrorReply(*refusals.NOT_PERMITTED)
        return key

    def _check_time(self, visit: gate.Visit[Endpoint, Call], stamp: str, window: str, waited: timedelta) -> None:
        """Take a request from a second before its time on, until its window is over."""
        if not (stamp.isascii() and stamp.isdigit()) or not (window or "0").isdigit():
            raise ErrorReply(*refusals.BAD_TIME)
        ahead = self._exchange.scenario.clock_ahead
        ahead += ahead_by(visit.faults)
        now = (Decimal(time.time()) + ahead + Decimal(waited.total_seconds())) * 1000
        if not now - int(window or USUAL_WINDOW) <= int(stamp) < now + FUTURE:
            raise ErrorReply(*refusals.BAD_TIME)

    def _struck(self, visit: gate.Visit[Endpoint, Call], key: Key | None) -> Call:
        call = replace(visit.call, key=key)
        small = call.small
        for fault in visit.faults:
            match fault:
                case StaleBalances():
                    call = replace(call, stale=fault.seconds)
                case Forgotten():
                    call = replace(call, forgotten=True)
                case ListedLate():
                    small = replace(small, listed_late=fault.seconds)
                case EmptyBook():
                    call = replace(call, without_book=frozenset({fault.product}) if fault.product else call.products())
                case Failing():
                    small = replace(small, failing=fault.coins)
                case SlowExchange():
                    small = replace(small, slow=fault.seconds)
                case PriceJump():
                    for symbol in call.products():
                        self._exchange.markets.move_prices(symbol, fault.factor)
        return replace(call, circumstances=circumstances_of(visit.faults), small=small)
