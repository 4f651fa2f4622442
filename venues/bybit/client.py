"""One signed line to Bybit, read through strict models.

Requests are signed here and sent through `requests`: the vendor's library repeats what was refused for its time under a
wider window, and sleeps where it is asked too often. What was signed must be known to the second to say when it can no
longer arrive. Source: bybit-exchange.github.io/docs/v5, "Integration Guidance".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests import Request, Response, Session

from domain.errors import ConfigurationError
from venues.bybit.errors import RAISED, NoAnswer, fault_of
from venues.faults import Fault
from venues.limits import Limiter
from venues.line import SessionLine
from venues.times import Times

KEY_FORM = re.compile(r"[A-Za-z0-9]{10,128}")
# For how long a signed request is taken after its signing, in milliseconds; the venue's own default.
WINDOW = 5000
SPOT, UNIFIED, SMALL = "spot", "UNIFIED", "eb_convert_uta"


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """What every answer comes in; the code of a success is zero."""

    ret_code: int
    ret_msg: str = ""
    result: Any = None


class Endpoints:
    """The endpoints, each a call that sends one request; those that need no signature are marked so."""

    def __init__(self, name: str, secret: str, url: str, session: Session, limiter: Limiter) -> None:
        self._name, self._sign = name, signer(secret)
        self._url, self._session, self._limiter = url, session, limiter

    def instruments(self, **params: str) -> object:
        """Read the markets' rules."""
        return self._get("/v5/market/instruments-info", {"category": SPOT, **params}, signed=False)

    def tickers(self, **params: str) -> object:
        """Read best prices."""
        return self._get("/v5/market/tickers", {"category": SPOT, **params}, signed=False)

    def orderbook(self, **params: str) -> object:
        """Read a book."""
        return self._get("/v5/market/orderbook", {"category": SPOT, **params}, signed=False)

    def wallet_balance(self) -> object:
        """Read balances."""
        return self._get("/v5/account/wallet-balance", {"accountType": UNIFIED})

    def fee_rate(self, **params: str) -> object:
        """Read what the account pays."""
        return self._get("/v5/account/fee-rate", {"category": SPOT, **params})

    def create_order(self, **terms: str) -> object:
        """Make an order."""
        return self._post("/v5/order/create", {"category": SPOT, **terms})

    def recent_orders(self, **params: str) -> object:
        """Look an order up among the open and the most recent ones."""
        return self._get("/v5/order/realtime", {"category": SPOT, **params})

    def past_orders(self, **params: str) -> object:
        """Look an order up among all that have ended."""
        return self._get("/v5/order/history", {"category": SPOT, **params})

    def executions(self, **params: str) -> object:
        """List trades."""
        return self._get("/v5/execution/list", {"category": SPOT, **params})

    def query_api(self) -> object:
        """Read what the key may do."""
        return self._get("/v5/user/query-api", {})

    # The venue writes `covert` where it means `convert`.
    def small_balances(self) -> object:
        """List the small balances."""
        return self._get("/v5/asset/covert/small-balance-list", {"accountType": SMALL})

    def quote_small(self, **terms: str | list[str]) -> object:
        """Have an exchange of small balances quoted."""
        return self._post("/v5/asset/covert/get-quote", {"accountType": SMALL, **terms})

    def exchange_small(self, **terms: str) -> object:
        """Confirm such a quote."""
        return self._post("/v5/asset/covert/small-balance-execute", terms)

    def small_history(self, **params: str) -> object:
        """List past exchanges of small balances."""
        return self._get("/v5/asset/covert/small-balance-history", {"accountType": SMALL, **params})

    def _get(self, path: str, params: dict[str, str], *, signed: bool = True) -> object:
        self._limiter.request()
        query = urlencode(params)
        headers = self._headers(query) if signed else {}
        return self._sent(Request("GET", f"{self._url}{path}{'?' if query else ''}{query}", headers=headers))

    def _post(self, path: str, terms: dict[str, Any]) -> object:
        self._limiter.request()
        body = json.dumps(terms, separators=(",", ":"))
        headers = {**self._headers(body), "Content-Type": "application/json"}
        return self._sent(Request("POST", f"{self._url}{path}", data=body, headers=headers))

    def _headers(self, payload: str) -> dict[str, str]:
        """Sign after the wait for the limit: what is signed is taken for a few seconds only."""
        stamp, window = str(time.time_ns() // 1_000_000), str(WINDOW)
        return {
            "X-BAPI-API-KEY": self._name,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": self._sign(f"{stamp}{self._name}{window}{payload}".encode()),
        }

    def _sent(self, request: Request) -> object:
        return _result(self._session.send(self._session.prepare_request(request)))


class Client(SessionLine):
    """The line to Bybit."""

    def __init__(
        self,
        key_name: str,
        secret: str,
        *,
        base_url: str,
        ca_file: Path | None,
        limiter: Limiter,
        times: Times,
    ) -> None:
        check_key(key_name, secret)
        super().__init__(base_url, "api.bybit.com", ca_file, times)
        self.api = Endpoints(key_name.strip(), secret.strip(), f"https://{base_url}", self._session, limiter)

    @property
    def _raised(self) -> tuple[type[Exception], ...]:
        return RAISED

    def _judged(self, error: Exception) -> Fault:
        return fault_of(error)

    def _content(self, answer: Any) -> object:
        return answer


def _result(reply: Response) -> object:
    """Take the result out of an answer; raises `NoAnswer` for a refusal and for what is not in the venue's form."""
    try:
        envelope = msgspec.json.decode(reply.content, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if reply.status_code != 200:
            raise NoAnswer(reply.status_code) from None
        raise
    if envelope.ret_code != 0:
        raise NoAnswer(reply.status_code, envelope.ret_code, envelope.ret_msg)
    if reply.status_code != 200:
        raise NoAnswer(reply.status_code)
    return envelope.result


def check_key(name: str, secret: str) -> None:
    """Raise `ConfigurationError` unless the key is of a kind that the venue gives: HMAC, or RSA as PEM."""
    if not KEY_FORM.fullmatch(name.strip()):
        raise ConfigurationError("key name: is not an API key of letters and digits as Bybit shows it")
    if not secret.strip():
        raise ConfigurationError("key secret: empty; copy the API secret, or the PEM of the RSA key")
    signer(secret.strip())


def signer(secret: str) -> Callable[[bytes], str]:
    """Return what signs with a secret: HMAC-SHA256 in hexadecimal, or RSA with SHA-256 (PKCS #1 v1.5) in Base64."""
    if KEY_FORM.fullmatch(secret):
        return lambda payload: hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
    key = _private_key(secret)
    return lambda payload: base64.b64encode(key.sign(payload, padding.PKCS1v15(), hashes.SHA256())).decode()


def _private_key(secret: str) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(secret.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError("key secret: neither the secret of an HMAC key nor the PEM of an RSA private key")
    return key
