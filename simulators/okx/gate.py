"""The venue's door: who knocks, whether they may, and how often they ask."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from simulators.exchange import gate
from simulators.exchange.clock import real_time
from simulators.exchange.faults import Spoiling
from simulators.exchange.mischief import Mischief
from simulators.exchange.rate import Bucket
from simulators.exchange.spot_faults import ahead_by, circumstances_of
from simulators.okx import refusals
from simulators.okx.calls import Call
from simulators.okx.easy_convert import ConvertCircumstances
from simulators.okx.endpoints import ENDPOINTS, Endpoint, find_endpoint
from simulators.okx.exchange import Exchange
from simulators.okx.faults import (
    EmptyBook,
    Failing,
    LeftOut,
    ListedLate,
    PriceJump,
    Running,
    StaleBalances,
)
from simulators.okx.keys import accepts, passphrase_of
from simulators.okx.mischief import spoiled
from simulators.okx.refusals import ErrorReply
from simulators.okx.state import Key
from simulators.wire import Answer, Reply, Request

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LIFE = timedelta(seconds=30)
NEEDED = (
    ("ok-access-key", refusals.NO_KEY),
    ("ok-access-sign", refusals.NO_SIGN),
    ("ok-access-timestamp", refusals.NO_TIMESTAMP),
    ("ok-access-passphrase", refusals.NO_PASSPHRASE),
)


class Gate(gate.Gate[Exchange, Endpoint, Call, Key]):
    """Checks how often each endpoint is asked, then key, time, signature, passphrase and permission."""

    def __init__(self, exchange: Exchange, mischief: Mischief) -> None:
        super().__init__(exchange, mischief)
        self._buckets = {each.name: Bucket(each.limit / 2, each.limit) for each in ENDPOINTS}

    def _find(self, request: Request) -> Endpoint | None:
        return find_endpoint(request.method, request.path)

    def _nowhere(self, request: Request) -> ErrorReply:
        return ErrorReply("404", f"{request.method} {request.path} is not served", 404)

    def _read(self, request: Request, endpoint: Endpoint) -> Call:
        del endpoint
        return Call.of(request.raw_query, request.body)

    def _spoiled(self, fault: Spoiling, reply: Reply) -> Answer:
        return spoiled(fault, reply)

    def _admitted(self, visit: gate.Visit[Endpoint, Call], waited: timedelta) -> Key | None:
        with self._lock:
            if self._exchange.scenario.limited and not self._buckets[visit.endpoint.name].take():
                raise ErrorReply(*refusals.TOO_OFTEN)
        if not visit.endpoint.permission:
            return None
        request, now = visit.request, self._now(visit, waited)
        for header, refusal in NEEDED:
            if not request.headers.get(header):
                raise ErrorReply(*refusal)
        key = self._signer(request, now)
        if request.headers["ok-access-passphrase"] != passphrase_of(self._exchange.state.seed, key):
            raise ErrorReply(*refusals.WRONG_PASSPHRASE)
        if visit.endpoint.permission not in key.permissions:
            raise ErrorReply(*refusals.NOT_PERMITTED)
        self._check_deadline(request, now)
        return key

    def _now(self, visit: gate.Visit[Endpoint, Call], waited: timedelta) -> datetime:
        """Tell the time by which this request is judged."""
        ahead = self._exchange.scenario.clock_ahead
        ahead += ahead_by(visit.faults)
        return real_time() + timedelta(seconds=float(ahead)) + waited

    def _signer(self, request: Request, now: datetime) -> Key:
        headers = request.headers
        key = self._exchange.state.keys.get(headers["ok-access-key"])
        if key is None:
            raise ErrorReply(*refusals.BAD_KEY)
        stamp = headers["ok-access-timestamp"]
        try:
            signed_at = datetime.fromisoformat(stamp) if STAMP.fullmatch(stamp) else None
        except ValueError:
            signed_at = None
        if signed_at is None:
            raise ErrorReply(*refusals.BAD_TIMESTAMP)
        if abs(now - signed_at) > LIFE:
            raise ErrorReply(*refusals.EXPIRED)
        target = f"{request.path}?{request.raw_query}" if request.raw_query else request.path
        payload = f"{stamp}{request.method}{target}".encode() + request.body
        if not accepts(self._exchange.state.seed, key, payload, headers["ok-access-sign"]):
            raise ErrorReply(*refusals.BAD_SIGNATURE)
        return key

    def _check_deadline(self, request: Request, now: datetime) -> None:
        deadline = request.headers.get("exptime", "")
        if deadline and not (deadline.isascii() and deadline.isdigit()):
            raise refusals.wrong("expTime")
        if deadline and int(deadline) < now.timestamp() * 1000:
            raise ErrorReply(*refusals.TOO_LATE)

    def _struck(self, visit: gate.Visit[Endpoint, Call], key: Key | None) -> Call:
        call, convert = replace(visit.call, key=key), ConvertCircumstances()
        for fault in visit.faults:
            match fault:
                case StaleBalances():
                    call = replace(call, stale=fault.seconds)
                case ListedLate():
                    convert = replace(convert, listed_late=fault.seconds)
                case EmptyBook():
                    about = {fault.product} if fault.product else call.products() or self._exchange.markets.names()
                    call = replace(call, without_book=frozenset(about))
                case LeftOut():
                    convert = replace(convert, left_out=fault.assets)
                case Failing():
                    convert = replace(convert, failing=fault.assets)
                case Running():
                    convert = replace(convert, running=fault.seconds)
                case PriceJump():
                    for name in call.products():
                        self._exchange.markets.move_prices(name, fault.factor)
        return replace(call, circumstances=circumstances_of(visit.faults), convert=convert)
