"""The node behind the proxy: requests handed on over connections that are kept."""

from __future__ import annotations

import http.client
import json
from collections import deque
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
JSON = {"Content-Type": "application/json"}


class Behind:
    """Hands requests on to a node; callable from several threads, each request on a connection of its own."""

    def __init__(self, url: str, timeout: float = 60) -> None:
        self._timeout = timeout
        self._idle: deque[http.client.HTTPConnection] = deque()
        self.move(url)

    def move(self, url: str) -> None:
        """Hand on to another node from now on."""
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            self._idle.pop().close()

    def hand_on(self, body: bytes) -> bytes:
        """Post a body and return the answer's; OSError or HTTPException when there is none."""
        connection = self._taken()
        try:
            connection.request("POST", "/", body, JSON)
            answer = connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        self._put_back(connection)
        return answer

    def answer(self, call: Json) -> Json:
        """Return the node's answer to one call, with the call's own id."""
        answer: Json = json.loads(self.hand_on(json.dumps(call).encode()))
        return answer

    def ask(self, method: str, *parameters: object) -> Any:
        """Return the result of a call of our own, which nobody counts."""
        return self.answer({"jsonrpc": "2.0", "id": 0, "method": method, "params": list(parameters)})["result"]

    def _taken(self) -> http.client.HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return http.client.HTTPConnection(*self._address, timeout=self._timeout)

    def _put_back(self, connection: http.client.HTTPConnection) -> None:
        if (connection.host, connection.port) == self._address:
            self._idle.append(connection)
        else:
            connection.close()
