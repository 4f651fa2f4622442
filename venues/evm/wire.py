"""One request over HTTP and its answer: what is counted, limited, timed, and refused when it is too long."""

from __future__ import annotations

import threading
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError

from venues.limits import Limiter

_PIECE: Final = 1 << 20
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


class Failed(Exception):
    """An endpoint gave no answer to be believed; `unsent` when it cannot have heard of the request."""

    def __init__(self, why: str, *, unsent: bool = False) -> None:
        super().__init__(why)
        self.unsent = unsent


class Wire:
    """Connections that are kept open; callable from several threads.

    `timeout` (connect, read) is in seconds, `largest` in bytes of one answer. Nothing is sent twice by itself.
    """

    def __init__(self, hosts: int, limiter: Limiter | None, timeout: tuple[float, float], largest: int) -> None:
        self._limiter = limiter
        self._largest = largest
        self._requests = 0
        self._lock = threading.Lock()
        self._pool = urllib3.PoolManager(
            num_pools=hosts,
            maxsize=4,
            timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            retries=False,
            headers=_HEADERS,
        )

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included."""
        return self._requests

    def close(self) -> None:
        """Close the kept connections; a later request opens others."""
        self._pool.clear()

    def post(self, url: str, body: bytes) -> bytes:
        """Send a body and return what is answered with status 200; anything else is `Failed`."""
        if self._limiter is not None:
            self._limiter.request()
        with self._lock:
            self._requests += 1
        try:
            answer = self._pool.request("POST", url, body=body, preload_content=False, redirect=False)
            try:
                return self._read(answer)
            finally:
                answer.release_conn()
        except NewConnectionError as error:
            raise Failed(_reason(error), unsent=True) from None
        except (HTTPError, OSError) as error:
            raise Failed(_reason(error)) from None

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        if answer.status != 200:
            answer.close()
            raise Failed(f"HTTP status {answer.status}")
        content = bytearray()
        while piece := answer.read(_PIECE):
            content += piece
            if len(content) > self._largest:
                answer.close()
                raise Failed(f"its answer is longer than {self._largest} bytes")
        return bytes(content)


def _reason(error: Exception) -> str:
    """Say what kind of accident it was; the text of urllib3's errors may hold the URL."""
    return f"no answer ({type(error).__name__})"
