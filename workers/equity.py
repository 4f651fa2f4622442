"""Equity that another service knows: a key of the feed's Redis, or an answer over HTTP, in one form of JSON.

`{"equity": "1234.56", "currency": "USD", "as_of": "2026-03-01T12:00:00Z"}`; a number counts digit by digit, never as a
float, and is written as JSON writes numbers, in quotes or without; a time without its zone is refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

import msgspec
import urllib3
from redis import Redis
from redis.exceptions import RedisError

from domain.equity import Doubt, Equity, Statement, Survey, believed
from events.values import Unmeasured
from venues.evm.names import harmless

MOST_BYTES: Final = 4096
SECONDS: Final = 5.0


class _Form(msgspec.Struct, frozen=True):
    equity: msgspec.Raw
    currency: str
    as_of: Annotated[datetime, msgspec.Meta(tz=True)]


_FORM: Final = msgspec.json.Decoder(_Form)
# A number of JSON (RFC 8259, section 6), with quotes around it or without; none of the digits and signs beside that
# Decimal would take.
_NUMBER: Final = re.compile(r'("?)(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\1')


class Unavailable(Exception):
    """Nobody answered, or nothing stands there."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """Equity as another service states it; `fetch` returns its JSON or raises `Unavailable`.

    `source` names it in the record and holds no secret.
    """

    source: str
    fetch: Callable[[], bytes]
    max_age: timedelta

    def equity(self, surveys: Sequence[Survey], currency: str, now: datetime) -> Equity | Doubt:  # noqa: ARG002
        """Ask, and believe what is fresh and makes sense."""
        try:
            content = self.fetch()
        except Unavailable as error:
            return Doubt(Unmeasured.EQUITY_UNAVAILABLE, f"{self.source}: {error}")
        try:
            said = _FORM.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, ValueError) as error:
            sentence = f"{self.source} does not say equity, currency and as_of in JSON: {error}"
            return Doubt(Unmeasured.EQUITY_UNAVAILABLE, sentence[:300])
        written = bytes(said.equity).decode(errors="replace")
        number = _NUMBER.fullmatch(written)
        if number is None:
            sentence = f"{self.source} says that equity is {harmless(written)}, which is no number"
            return Doubt(Unmeasured.EQUITY_UNAVAILABLE, sentence)
        statement = Statement(Decimal(number[2]), harmless(said.currency), said.as_of)
        return believed(statement, self.source, self.max_age, currency, now)


def from_redis(redis: Redis, key: str) -> Callable[[], bytes]:
    """Read a key of Redis."""

    def fetch() -> bytes:
        try:
            found = redis.getrange(key, 0, MOST_BYTES)
        except RedisError as error:
            raise Unavailable(f"Redis cannot be read ({type(error).__name__})") from None
        if not found:
            raise Unavailable("the key is not there")
        return found if isinstance(found, bytes) else str(found).encode()

    return fetch


def from_url(url: str, seconds: float = SECONDS) -> Callable[[], bytes]:
    """Fetch a URL, once, following nobody elsewhere; an answer that is not there after `seconds` is none."""
    pool = urllib3.PoolManager(timeout=seconds, retries=False)

    def fetch() -> bytes:
        try:
            answer = pool.request("GET", url, redirect=False, preload_content=False)
            try:
                content = _read(answer, time.monotonic() + seconds)
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"cannot be reached ({type(error).__name__})") from None
        if answer.status != 200:
            raise Unavailable(f"answers with status {answer.status}")
        if len(content) > MOST_BYTES:
            raise Unavailable(f"answers with more than {MOST_BYTES} bytes")
        return content

    return fetch


def _read(answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """Read an answer as it comes, until it is too long; a timeout of sockets begins anew with each byte."""
    content = b""
    while len(content) <= MOST_BYTES and (piece := answer.read1(MOST_BYTES)):
        content += piece
        if time.monotonic() > until:
            raise Unavailable("answers too slowly")
    return content
