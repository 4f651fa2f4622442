"""A client of the OKX twin that signs by itself, so that the twin is not checked by the adapter it is made for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import requests

from simulators.okx.scenario import TRADER, Permission
from simulators.okx.twin import OKXTwin

TRADE = "/api/v5/trade"


class Caller:
    """Sends requests, signed by one key."""

    def __init__(self, twin: OKXTwin, key: Mapping[str, str], session: requests.Session) -> None:
        self.twin, self.key, self.session = twin, key, session

    def get(self, path: str, **query: str) -> requests.Response:
        """Send a signed GET."""
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, **body: object) -> requests.Response:
        """Send a signed POST."""
        return self.send("POST", path, json.dumps(body))

    def send(self, method: str, target: str, body: str = "", **headers: str) -> requests.Response:
        """Send a request as it is, signed; `headers` replace those of the signature, an empty one is left out."""
        stamp = headers.get("OK_ACCESS_TIMESTAMP") or now()
        signed = {
            "OK-ACCESS-KEY": self.key["name"],
            "OK-ACCESS-SIGN": self.signature(f"{stamp}{method}{target}{body}"),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self.key["passphrase"],
        }
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in signed.items() if value}
        return self.session.request(
            method, f"https://{self.twin.base_url}{target}", headers=sent, data=body or None, timeout=5
        )

    def signature(self, payload: str) -> str:
        """Sign a payload as the venue documents it."""
        digest = hmac.new(self.key["privateKey"].encode(), payload.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def sell(self, market: str, size: str, client: str = "one") -> requests.Response:
        """Sell so much at the market."""
        return self.order(market, "sell", size, "base_ccy", client)

    def buy(self, market: str, money: str, client: str = "one") -> requests.Response:
        """Buy for so much at the market."""
        return self.order(market, "buy", money, "quote_ccy", client)

    def order(self, market: str, side: str, size: str, unit: str, client: str) -> requests.Response:
        """Make a market order."""
        named = {"instId": market, "tdMode": "cash", "side": side, "ordType": "market", "sz": size, "tgtCcy": unit}
        return self.post(f"{TRADE}/order", clOrdId=client, **named)

    def convert(self, *codes: str, pays: str = "BTC") -> requests.Response:
        """Convert small balances."""
        return self.post(f"{TRADE}/easy-convert", fromCcy=list(codes), toCcy=pays)

    def history(self, **query: str) -> Any:
        """List past conversions."""
        return done(self.get(f"{TRADE}/easy-convert-history", **query))


def now() -> str:
    """Write the time as the venue wants it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@contextmanager
def caller(twin: OKXTwin, permissions: tuple[Permission, ...] = TRADER) -> Iterator[Caller]:
    """Give a client with a key of its own; its connections are closed at the end."""
    with requests.Session() as session:
        session.verify, session.trust_env = str(twin.ca_file), False
        yield Caller(twin, json.loads(twin.key_file(permissions).read_text()), session)


def code(reply: requests.Response) -> str:
    """Return the venue's code of a refusal, of the order where it was one."""
    told = reply.json()
    assert told["code"] != "0", told
    return str(told["data"][0]["sCode"] if told["data"] else told["code"])


def done(reply: requests.Response) -> Any:
    """Return the data of an accepted request."""
    assert reply.status_code == 200, reply.text
    assert reply.json()["code"] == "0", reply.text
    return reply.json()["data"]
