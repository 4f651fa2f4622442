"""A client of the Bybit twin that signs by itself, so that the twin is not checked by what it is made for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from simulators.bybit.scenario import TRADER, Algorithm, Permission
from simulators.bybit.twin import BybitTwin

WINDOW = "5000"


class Caller:
    """Sends requests, signed by one key."""

    def __init__(self, twin: BybitTwin, name: str, secret: str, session: requests.Session) -> None:
        self.twin, self.name, self.secret, self.session = twin, name, secret, session

    def get(self, path: str, **params: str) -> requests.Response:
        """Send a signed query."""
        query = urlencode(params)
        return self.raw("GET", path, query, self.headers(query))

    def post(self, path: str, **terms: Any) -> requests.Response:
        """Send signed JSON."""
        body = json.dumps(terms)
        return self.raw("POST", path, body, self.headers(body))

    def headers(self, payload: str, stamp: int | None = None, window: str = WINDOW) -> dict[str, str]:
        """Sign a payload as the venue documents it."""
        now = str(int(time.time() * 1000) if stamp is None else stamp)
        return {
            "X-BAPI-API-KEY": self.name,
            "X-BAPI-TIMESTAMP": now,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": self.signature(now + self.name + window + payload),
        }

    def raw(self, method: str, path: str, payload: str, headers: dict[str, str]) -> requests.Response:
        """Send it as it is."""
        where = f"https://{self.twin.base_url}{path}"
        if method == "GET":
            return self.session.get(f"{where}?{payload}", headers=headers, timeout=5)
        return self.session.post(where, data=payload, headers=headers, timeout=5)

    def signature(self, signed: str) -> str:
        """Sign a text."""
        if self.secret.startswith("-----BEGIN"):
            key = load_pem_private_key(self.secret.encode(), password=None)
            assert isinstance(key, rsa.RSAPrivateKey)
            return base64.b64encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        return hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()

    def order(self, symbol: str, side: str, qty: str, client: str = "one", **more: str) -> requests.Response:
        """Make a market order."""
        terms = {"symbol": symbol, "side": side, "orderType": "Market", "qty": qty, "orderLinkId": client}
        return self.post("/v5/order/create", category="spot", **terms, **more)

    def quote(self, *coins: str, pays: str = "USDT") -> requests.Response:
        """Have small balances quoted."""
        wanted = list(coins)
        return self.post("/v5/asset/covert/get-quote", accountType="eb_convert_uta", fromCoinList=wanted, toCoin=pays)

    def confirm(self, quote_id: str) -> requests.Response:
        """Confirm a quote."""
        return self.post("/v5/asset/covert/small-balance-execute", quoteId=quote_id)

    def history(self, **params: str) -> list[dict[str, Any]]:
        """Read past exchanges."""
        records: list[dict[str, Any]] = done(self.get("/v5/asset/covert/small-balance-history", **params))["records"]
        return records


@contextmanager
def caller(
    twin: BybitTwin, permissions: tuple[Permission, ...] = TRADER, algorithm: Algorithm = "hmac"
) -> Iterator[Caller]:
    """Give a client with a key of its own; its connections are closed at the end."""
    key = json.loads(twin.key_file(permissions, algorithm).read_text())
    with requests.Session() as session:
        session.verify, session.trust_env = str(twin.ca_file), False
        yield Caller(twin, key["name"], key["privateKey"], session)


def code(reply: requests.Response, status: int = 200) -> int:
    """Return the venue's code of a refusal."""
    assert reply.status_code == status, reply.text
    found = int(reply.json()["retCode"])
    assert found != 0, reply.text
    return found


def done(reply: requests.Response) -> Any:
    """Return what an accepted request was answered."""
    answer = reply.json()
    assert (reply.status_code, answer["retCode"], answer["retMsg"]) == (200, 0, "OK"), reply.text
    return answer["result"]
