"""JSON-RPC over one kept connection: how the chain's owner talks to its node."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

Call = tuple[str, Sequence[object]]


class NodeRefused(Exception):
    """The node answered with an error; `code`, `message` and `data` are its own."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')} (code {error.get('code')})")
        self.method = method
        self.code = error.get("code")
        self.message = str(error.get("message"))
        self.data = error.get("data")


class Rpc:
    """A node's JSON-RPC, callable from several threads; not for measuring: it is the owner's door."""

    def __init__(self, url: str, timeout: float = 60) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        self._lock = threading.Lock()

    def __call__(self, method: str, *parameters: object) -> Any:
        """Call one method; raises `NodeRefused`, and OSError or HTTPException where there is no answer."""
        return self.batch([(method, parameters)])[0]

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call several methods in one request; the first error is raised. The node answers them in any order."""
        asked = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}
            for number, (method, parameters) in enumerate(calls)
        ]
        answers = {answer["id"]: answer for answer in self._post(asked)} if asked else {}
        for number, (method, _) in enumerate(calls):
            if "error" in answers[number]:
                raise NodeRefused(method, answers[number]["error"])
        return [answers[number]["result"] for number in range(len(calls))]

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            self._connection.close()

    def _post(self, body: object) -> Any:
        with self._lock:
            try:
                self._connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
                return json.loads(self._connection.getresponse().read())
            except (OSError, http.client.HTTPException):
                self._connection.close()
                raise
