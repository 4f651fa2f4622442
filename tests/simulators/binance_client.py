"""A client of the Binance twin that signs by itself, so that the twin is not checked by the library it is made for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import requests
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from simulators.binance.scenario import TRADER, Algorithm, Permission
from simulators.binance.twin import BinanceTwin

Parameters = Sequence[tuple[str, str]]


class Caller:
    """Sends requests, signed by one key."""

    def __init__(self, twin: BinanceTwin, name: str, secret: str, session: requests.Session) -> None:
        self.twin, self.name, self.secret, self.session = twin, name, secret, session

    def __call__(self, method: str, path: str, *given: tuple[str, str], stamp: int | None = None) -> requests.Response:
        """Send a signed request."""
        now = int(time.time() * 1000) if stamp is None else stamp
        query = urlencode([*given, ("timestamp", str(now))])
        return self.raw(method, path, f"{query}&{urlencode({'signature': self.signature(query)})}")

    def raw(self, method: str, path: str, query: str, *, key: str | None = None, body: str = "") -> requests.Response:
        """Send a query as it is."""
        headers = {"X-MBX-APIKEY": self.name if key is None else key}
        return self.session.request(
            method, f"https://{self.twin.base_url}{path}?{query}", headers=headers, data=body or None, timeout=5
        )

    def signature(self, payload: str) -> str:
        """Sign a payload as the venue documents it."""
        if self.secret.startswith("-----BEGIN"):
            key = load_pem_private_key(self.secret.encode(), password=None)
            assert isinstance(key, ed25519.Ed25519PrivateKey)
            return base64.b64encode(key.sign(payload.encode())).decode()
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def sell(self, symbol: str, quantity: str, client: str = "one") -> requests.Response:
        """Sell so much at the market."""
        return self.order(symbol, "SELL", ("quantity", quantity), client)

    def buy(self, symbol: str, money: str, client: str = "one") -> requests.Response:
        """Buy for so much at the market."""
        return self.order(symbol, "BUY", ("quoteOrderQty", money), client)

    def order(self, symbol: str, side: str, size: tuple[str, str], client: str) -> requests.Response:
        """Make a market order."""
        named = [("symbol", symbol), ("side", side), ("type", "MARKET"), size, ("newClientOrderId", client)]
        return self("POST", "/api/v3/order", *named)


@contextmanager
def caller(
    twin: BinanceTwin, permissions: tuple[Permission, ...] = TRADER, algorithm: Algorithm = "hmac"
) -> Iterator[Caller]:
    """Give a client with a key of its own; its connections are closed at the end."""
    key = json.loads(twin.key_file(permissions, algorithm).read_text())
    with requests.Session() as session:
        session.verify, session.trust_env = str(twin.ca_file), False
        yield Caller(twin, key["name"], key["privateKey"], session)


def code(reply: requests.Response, status: int = 400) -> int:
    """Return the venue's code of a refusal."""
    assert reply.status_code == status, reply.text
    return int(reply.json()["code"])


def done(reply: requests.Response) -> Any:
    """Return what an accepted request was answered."""
    assert reply.status_code == 200, reply.text
    return reply.json()
