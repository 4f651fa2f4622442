"""The venue's door: who knocks, whether they may, and how often."""

from __future__ import annotations

import threading
from collections import Counter

from simulators.coinbase.endpoints import Call, Endpoint, find_endpoint, read_body
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.keys import Verifier, key_id
from simulators.coinbase.rate import Bucket
from simulators.coinbase.refusals import ErrorReply, not_found
from simulators.coinbase.state import Key
from simulators.coinbase.wire import Answer, Reply, Request, json_reply

UNAUTHORIZED = Reply(401, b"Unauthorized\n", "text/plain; charset=utf-8")
TOO_MANY_JSON = json_reply(429, {"error": "rate_limit_exceeded", "error_details": "", "message": "too many requests"})
TOO_MANY_HTML = Reply(
    429,
    b"<!DOCTYPE html><html><head><title>Too Many Requests</title></head><body><h1>429</h1></body></html>",
    "text/html; charset=utf-8",
)


class Gate:
    """Answers requests: finds the endpoint, checks key, scope and rate, then serves it under the exchange's lock."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._verifiers: dict[str, Verifier] = {}
        self._buckets: dict[str, Bucket] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def counts(self) -> dict[str, int]:
        """Say how many requests each endpoint has had, refused ones included."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        found = find_endpoint(request.method, request.path)
        with self._lock:
            self._counts[found[0].name if found else "unknown"] += 1
        try:
            if found is None:
                raise not_found(f"{request.method} {request.path} is not served")
            return self._admitted(request, *found)
        except ErrorReply as error:
            return json_reply(error.status, error.body())

    def _admitted(self, request: Request, endpoint: Endpoint, argument: str) -> Answer:
        key = self._signer(request) if endpoint.scope else None
        if endpoint.scope:
            if key is None:
                return UNAUTHORIZED
            if endpoint.scope not in key.scopes:
                raise ErrorReply(403, "PERMISSION_DENIED", "Missing required scopes")
        if not self._bucket(key.name if key else "").take():
            return TOO_MANY_HTML if endpoint.trading else TOO_MANY_JSON
        call = Call(argument, request.query, read_body(request.body), key.scopes if key else frozenset())
        with self._exchange.lock:
            return json_reply(200, endpoint.serve(self._exchange, call))

    def _signer(self, request: Request) -> Key | None:
        """Return the key that signed a request, or None for a bad signature."""
        scheme, _, token = request.authorization.partition(" ")
        name = key_id(token) if scheme == "Bearer" else None
        key = self._exchange.state.keys.get(name or "")
        if key is None:
            return None
        verifier = self._verifiers.get(key.name) or Verifier.of(self._exchange.state.seed, key)
        self._verifiers[key.name] = verifier
        return key if verifier.accepts(token, f"{request.method} {request.host}{request.path}") else None

    def _bucket(self, name: str) -> Bucket:
        scenario = self._exchange.scenario
        with self._lock:
            return self._buckets.setdefault(name, Bucket(float(scenario.requests_per_second), scenario.burst))
