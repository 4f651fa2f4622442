"""HTTP on the wire: a request read whole, an answer written in one piece, and the ways in which an answer fails."""

from __future__ import annotations

import json
import os
import selectors
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from domain.errors import ConfigurationError

NO_LINGER = struct.pack("ii", 1, 0)
LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Request:
    """A request, read whole; the names of its headers are in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    host: str
    authorization: str
    body: bytes
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, sent after `delay` seconds.

    With `promised` the header announces a longer body than is sent, and the connection ends there.
    """

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    promised: int | None = None
    delay: float = 0
    headers: tuple[tuple[str, str], ...] = ()

    def rendered(self) -> bytes:
        """Write status line, headers and body."""
        length = len(self.body) if self.promised is None else self.promised
        lines = (
            f"HTTP/1.1 {self.status} {responses.get(self.status, '')}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {length}",
            "Connection: close" if self.promised is not None else "Connection: keep-alive",
            *(f"{name}: {value}" for name, value in self.headers),
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer: the connection is held open for some seconds, then closed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reset:
    """No answer: the connection ends with a TCP RST."""


Answer = Reply | Silence | Reset


def json_reply(status: int, body: object) -> Reply:
    """Answer with JSON."""
    return Reply(status, json.dumps(body, separators=(",", ":")).encode())


class Connection(BaseHTTPRequestHandler):
    """One client's connection: requests are answered in turn until a side closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """Shake hands in this connection's own thread, so that a slow client holds up nobody else."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def answer(self) -> None:
        """Read one request, ask the server for the answer, and write it."""
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            target.path,
            parse_qs(target.query),
            self.headers.get("Host", ""),
            self.headers.get("Authorization", ""),
            self.rfile.read(length),
            target.query,
            {name.lower(): value for name, value in self.headers.items()},
        )
        match self.server.answer(request):
            case Reply() as reply:
                self.server.stopping.wait(reply.delay)
                self.close_connection = self.close_connection or reply.promised is not None
                self.wfile.write(reply.rendered())
            case Silence(seconds):
                self._hold(seconds)
                self.close_connection = True
            case Reset():
                self._reset()

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Write an access log only where one was asked for."""
        if self.server.verbose:
            sys.stderr.write(f"{self.address_string()} {format % args}\n")

    def _hold(self, seconds: float) -> None:
        """Wait until the time is over, the client hangs up, or the server stops."""
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            while time.monotonic() < until and not self.server.stopping.is_set():
                if selector.select(POLL_SECONDS):
                    return

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        os.close(self.connection.detach())
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """Serves connections on loopback in threads of their own, over TLS where a context is given."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(
        self, port: int, answer: Callable[[Request], Answer], tls: ssl.SSLContext | None = None, verbose: bool = False
    ) -> None:
        super().__init__((LOOPBACK, port), Connection)
        self.answer = answer
        self.verbose = verbose
        self.stopping = threading.Event()
        self._tls = tls
        self._live: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,), name=f"twin:{self.port}")

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, those being answered too, and wait for their threads."""
        self.stopping.set()
        self.shutdown()
        for connection in list(self._live):
            _hang_up(connection)
        self.server_close()
        self._thread.join()

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection; the handshake is left to its thread."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._live.add(connection)
        return connection, address

    def close_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Forget a connection that has ended."""
        self._live.discard(request)
        super().close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is not news; anything else is a defect and gets its traceback."""
        if self.verbose or not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take seconds; a port it cannot have is named."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.socket.bind(self.server_address)
        except (OSError, OverflowError) as error:
            port = self.server_address[1]
            raise ConfigurationError(f"port: {port}: must be a free port from 0 to 65535: {error}") from error
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]


def _hang_up(connection: socket.socket) -> None:
    """End a connection under its thread's feet; one that is already gone is as good."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return
