"""Equity by a key of Redis or over HTTP: believed when it is whole and fresh, doubted with its reason otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from domain.equity import Doubt, Equity
from events.values import Unmeasured
from tests.domain.controls import NOON, D
from tests.redis_server import RedisServer
from workers.equity import MOST_BYTES, Supplied, from_redis, from_url

AGE = timedelta(minutes=10)
GOOD = b'{"equity": "1234567.890123456789", "currency": "USD", "as_of": "2026-03-01T12:00:00Z"}'
WORTH = Equity(D("1234567.890123456789"), "USD", "there")


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/equity"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def answering(body: bytes, status: int = 200, **headers: str) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Answer) as url:
        yield url


def said(content: bytes) -> Equity | Doubt:
    return Supplied("there", lambda: content, AGE).equity([], "USD", NOON)


def test_supplied__in_the_form__is_equity_to_the_last_digit() -> None:
    assert said(GOOD) == WORTH
    assert said(GOOD.replace(b'"1234567.890123456789"', b"1234567.890123456789")) == WORTH
    assert said(GOOD.replace(b"Z", b"+00:00").replace(b"{", b'{"more": [1], ')) == WORTH


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1000",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 5000,
        GOOD.replace(b'"USD"', b"7"),
        GOOD.replace(b"Z", b""),
        GOOD.replace(b"2026-03-01T12:00:00Z", b"yesterday"),
        GOOD.replace(b'"1234567.890123456789"', b'"much"'),
        GOOD.replace(b'"1234567.890123456789"', b"true"),
        GOOD.replace(b'"1234567.890123456789"', b'""'),
        GOOD.replace(b'"1234567.890123456789"', b"[5]"),
        GOOD.replace(b'"1234567.890123456789"', b'{"USD": 5}'),
        GOOD.replace(b"1234567.890123456789", b"1_000"),
        GOOD.replace(b"1234567.890123456789", b"1,000"),
        GOOD.replace(b"1234567.890123456789", b" 1000 "),
        GOOD.replace(b"1234567.890123456789", b"+1000"),
        GOOD.replace(b"1234567.890123456789", b"5 USD"),
        GOOD.replace(b"1234567.890123456789", "١٢٣".encode()),
        GOOD.replace(b"1234567.890123456789", b"\\uff15"),
        GOOD.replace(b"1234567.890123456789", b"5\\u0000"),
        GOOD.replace(b"1234567.890123456789", b"\xff"),
        GOOD.replace(b"1234567.890123456789", b"9" * 3000),
        GOOD.replace(b'"1234567.890123456789"', b"5E400"),
        GOOD.replace(b"1234567.890123456789", b"1e-41"),
        GOOD.replace(b"USD", b"\\ud800"),
        GOOD.replace(b"2026-03-01T12:00:00Z", b"2026-02-30T12:00:00Z"),
        GOOD.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD + GOOD,
        GOOD[:-1],
        GOOD.replace(b'"1234567.890123456789"', b"NaN"),
        GOOD.replace(b"1234567.890123456789", b"NaN"),
        GOOD.replace(b"1234567.890123456789", b"sNaN"),
        GOOD.replace(b"1234567.890123456789", b"-Infinity"),
    ],
)
def test_supplied__anything_else__is_a_doubt_and_never_a_number(content: bytes) -> None:
    found = said(content)
    assert isinstance(found, Doubt)
    assert found.reason is Unmeasured.EQUITY_UNAVAILABLE and found.sentence.startswith("there ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD.replace(b"12:00", b"11:00"), Unmeasured.EQUITY_STALE),
        (GOOD.replace(b"1234567.890123456789", b"-1"), Unmeasured.EQUITY_NEGATIVE),
        (GOOD.replace(b"1234567.890123456789", b"0.00"), Unmeasured.EQUITY_ZERO),
        (GOOD.replace(b"USD", b"EUR"), Unmeasured.EQUITY_UNAVAILABLE),
    ],
)
def test_supplied__stale_negative_zero_or_in_other_money__is_a_doubt(content: bytes, reason: Unmeasured) -> None:
    found = said(content)
    assert isinstance(found, Doubt) and found.reason is reason


def test_supplied__in_money_with_a_treacherous_name__is_told_harmlessly_and_in_few_letters() -> None:
    for name in ("\\u001b[2J\\u0000", "\\u202eDSU", "X" * 3000):
        found = said(GOOD.replace(b"USD", name.encode()))
        assert isinstance(found, Doubt) and found.reason is Unmeasured.EQUITY_UNAVAILABLE
        assert found.sentence.isascii() and found.sentence.isprintable() and len(found.sentence) < 120
    found = said(GOOD.replace(b"1234567.890123456789", b"\\u001b[2J" * 300))
    assert isinstance(found, Doubt) and found.sentence.isprintable() and len(found.sentence) < 120


@pytest.mark.parametrize(
    ("at", "words"),
    [(b"0001-01-01T00:00:00+23:59", "s old, at most 600 s count"), (b"9999-12-31T23:59:59-23:59", "still to come")],
)
def test_supplied__of_a_time_at_the_end_of_all_times__is_stale(at: bytes, words: str) -> None:
    found = said(GOOD.replace(b"2026-03-01T12:00:00Z", at))
    assert isinstance(found, Doubt) and found.reason is Unmeasured.EQUITY_STALE and words in found.sentence


def test_from_url__that_answers__is_read() -> None:
    with answering(GOOD) as url:
        assert Supplied("there", from_url(url), AGE).equity([], "USD", NOON) == WORTH


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [(GOOD, 500, "status 500"), (GOOD, 302, "status 302"), (b" " * (MOST_BYTES + 1), 200, "more than 4096 bytes")],
)
def test_from_url__another_answer__is_a_doubt(body: bytes, status: int, words: str) -> None:
    with answering(body, status, Location="http://127.0.0.1:1/") as url:
        found = Supplied("there", from_url(url), AGE).equity([], "USD", NOON)
    assert isinstance(found, Doubt) and words in found.sentence


@pytest.mark.parametrize("pause", [0.02, 2.0])
def test_from_url__that_answers_letter_by_letter__is_not_waited_for(pause: float) -> None:
    over = threading.Event()

    class Drip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4000")
            self.end_headers()
            with suppress(OSError):
                while not over.wait(pause):
                    self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Drip) as url:
        found = Supplied("there", from_url(url, seconds=0.2), AGE).equity([], "USD", NOON)
        over.set()
    assert isinstance(found, Doubt) and found.reason is Unmeasured.EQUITY_UNAVAILABLE
    assert "answers too slowly" in found.sentence or "cannot be reached (ReadTimeoutError)" in found.sentence


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_from_url__that_is_no_web_server_or_hangs_up__is_a_doubt(reply: bytes) -> None:
    class Odd(BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(reply)

    with serving(Odd) as url:
        found = Supplied("there", from_url(url), AGE).equity([], "USD", NOON)
    assert isinstance(found, Doubt) and found.reason is Unmeasured.EQUITY_UNAVAILABLE


def test_from_url__that_nobody_answers_at__is_a_doubt() -> None:
    with answering(GOOD) as url:
        fetch = from_url(url)
    found = Supplied("there", fetch, AGE).equity([], "USD", NOON)
    assert isinstance(found, Doubt) and "cannot be reached" in found.sentence


def test_from_redis__a_key__is_read_and_one_that_is_not_there_is_a_doubt(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, server.client() as client:
        supplied = Supplied("there", from_redis(client, "equity:loop"), AGE)
        found = supplied.equity([], "USD", NOON)
        assert isinstance(found, Doubt) and "the key is not there" in found.sentence
        client.set("equity:loop", GOOD)
        assert supplied.equity([], "USD", NOON) == WORTH
        client.delete("equity:loop")
        client.lpush("equity:loop", GOOD)
        found = supplied.equity([], "USD", NOON)
        assert isinstance(found, Doubt) and "ResponseError" in found.sentence
        server.kill()
        found = supplied.equity([], "USD", NOON)
        assert isinstance(found, Doubt) and "Redis cannot be read" in found.sentence
