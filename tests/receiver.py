"""A webhook's receiver as somebody else would run it, on loopback: it verifies with Standard Webhooks' own library, and
misbehaves when it is told to."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from base64 import b64encode
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook

SECRET = f"whsec_{b64encode(b'0123456789abcdef0123456789abcdef').decode()}"
Misdeed = Callable[["_Request"], None]


@dataclass(frozen=True)
class Got:
    """A message that was verified: when it came, its id header, and the event."""

    at: float
    message: str
    event: Any

    @property
    def position(self) -> int:
        return int(self.event["position"])


class Receiver:
    """An HTTP server, over TLS with a server's certificate. Each path is a webhook of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None, secret: str = SECRET, port: int = 0) -> None:
        self.accepted: dict[str, list[Got]] = defaultdict(list)
        self.misdeeds: dict[str, deque[Misdeed]] = defaultdict(deque)
        self.tries: dict[str, list[float]] = defaultdict(list)
        self.forged: list[str] = []
        self.verifier = Webhook(secret)
        self.changed = threading.Condition()
        self._tls = tls
        handler = type("Handler", (_Request,), {"receiver": self})
        self._server = _Server(("127.0.0.1", port), handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "/") -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{path}"

    def misbehaves(self, path: str, *misdeeds: Misdeed) -> None:
        """Do these to the next requests, one each."""
        self.misdeeds[path].extend(misdeeds)

    def positions(self, path: str = "/") -> list[int]:
        return [got.position for got in self.accepted[path]]

    def waits_for(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        """Return as soon as it is true, asked whenever a request came."""
        with self.changed:
            assert self.changed.wait_for(true, seconds), dict(self.accepted)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: senders that hang up are what is tested."""


class _Request(BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        ours = self.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ours.tries[self.path].append(time.monotonic())
        if ours.misdeeds[self.path]:
            ours.misdeeds[self.path].popleft()(self)
        else:
            self._accept(body)
        with ours.changed:
            ours.changed.notify_all()

    def _accept(self, body: bytes) -> None:
        ours = self.receiver
        try:
            event = ours.verifier.verify(body, dict(self.headers.items()))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is a forgery
            ours.forged.append(repr(error))
            self.answer(401)
            return
        ours.accepted[self.path].append(Got(time.monotonic(), self.headers["webhook-id"], event))
        self.answer(204)

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def answers(status: int, **headers: str) -> Misdeed:
    return lambda request: request.answer(status, **headers)


def resets(request: _Request) -> None:
    """End the connection with RST, without an answer."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()
    request.close_connection = True


def hangs(request: _Request) -> None:
    """Keep the connection and say nothing, until the sender leaves."""
    request.connection.settimeout(30)
    request.connection.recv(1)
    request.close_connection = True


def trickles(request: _Request) -> None:
    """Answer a byte at a time, each well within any time-out, for ever."""
    try:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(200):
            request.wfile.write(b"x: y\r\n")
            time.sleep(0.1)
    except OSError:
        request.close_connection = True


def floods(request: _Request) -> None:
    """Refuse, with an endless body."""
    request.wfile.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 100000000\r\n\r\n")
    try:
        for _ in range(1000):
            request.wfile.write(b"x" * 100_000)
    except OSError:
        request.close_connection = True


def babbles(request: _Request) -> None:
    """Answer what is no HTTP."""
    request.wfile.write(b"hello there\r\n\r\n")
    request.close_connection = True


def redirects_to(url: str) -> Misdeed:
    return answers(307, Location=url)
