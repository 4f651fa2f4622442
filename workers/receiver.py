"""The receiver of a webhook, over HTTP: one POST, one answer, in bounded time and memory."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final

from events.webhook import Answer

CONNECT_SECONDS: Final = 5.0
# Of an answer only its status counts; this much of the rest is read so that the connection can be used again.
MOST_BYTES: Final = 16 * 1024
MOST_CHARACTERS: Final = 100


class Receiver:
    """Whoever listens at a host and port for POSTs to `target`, over TLS where `tls` is given.

    A try ends after `seconds`, however slowly the answer trickles in. Redirects are answers like any other, and no
    proxy is used. The connection is kept until `close`, so a receiver that is sent many events is met once.
    """

    def __init__(self, host: str, port: int, target: str, tls: ssl.SSLContext | None, seconds: float) -> None:
        self._host = host
        self._port = port
        self._target = target
        self._tls = tls
        self._seconds = seconds
        self._line: HTTPConnection | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body and return what came back, or that nothing did."""
        # A receiver may have closed a connection that was kept; that says nothing about the event, so a second try.
        for last in (False, True) if self._line else (True,):
            line = self._line = self._line or self._opened()
            watch = _Watch(line, self._seconds)
            try:
                with watch:
                    return self._ask(line, body, headers, watch)
            except (OSError, HTTPException) as error:
                self.close()
                if watch.late or last:
                    return Answer(None, f"no answer within {self._seconds:g} s" if watch.late else _words(error))
        raise AssertionError("the last try answers")

    def close(self) -> None:
        """Let go of the connection; the next event makes another."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _opened(self) -> HTTPConnection:
        connect = min(CONNECT_SECONDS, self._seconds)
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=connect)
        return HTTPSConnection(self._host, self._port, timeout=connect, context=self._tls)

    def _ask(self, line: HTTPConnection, body: bytes, headers: Mapping[str, str], watch: _Watch) -> Answer:
        if line.sock is None:
            line.connect()
        line.sock.settimeout(self._seconds)
        line.request("POST", self._target, body, dict(headers))
        reply = line.getresponse()
        if watch.late:
            # The end of the connection reads like the end of the headers.
            raise TimeoutError
        self._keep(reply)
        return _answer(reply)

    def _keep(self, reply: HTTPResponse) -> None:
        """Read the rest of an answer, if it is short, and let go of the connection otherwise."""
        try:
            rest = reply.read(MOST_BYTES)
        except (OSError, HTTPException):
            # The status is what counts, and it was whole.
            self.close()
            return
        if len(rest) == MOST_BYTES or reply.will_close:
            self.close()


class _Watch:
    """Ends a connection that is used for longer than `seconds`: a time-out of its own is one for each byte."""

    def __init__(self, line: HTTPConnection, seconds: float) -> None:
        self._line = line
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self.late = False

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.late = True
        if isinstance(sock := self._line.sock, socket.socket):
            try:
                # The plain method: that of a TLS socket would have its reader go on without TLS.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                return  # it ended by itself just now


def _answer(reply: HTTPResponse) -> Answer:
    reason = "".join(c for c in reply.reason if c.isprintable())[:MOST_CHARACTERS]
    return Answer(reply.status, f"{reply.status} {reason}".strip(), _retry_after(reply.headers.get("Retry-After", "")))


def _retry_after(text: str) -> float:
    """Read seconds or a date (RFC 9110, section 10.2.3); 0 when it is neither."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _words(error: OSError | HTTPException) -> str:
    """Say what went wrong in few words, without what a stranger put into it."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case TimeoutError():
            return "no connection in time"
        case OSError(strerror=str(words)) if words:
            return words
        case _:
            return type(error).__name__
