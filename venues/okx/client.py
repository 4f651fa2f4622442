"""One signed line to OKX, read through strict models.

Signing is one HMAC, so no library of the vendor's stands in between: python-okx has no way to name a certificate
authority or a time limit, and hands over an answer without its HTTP status, by which a refusal differs from an outage.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from requests import Response, Session

from domain.errors import ConfigurationError
from venues.faults import Fault
from venues.limits import Limiter
from venues.line import SessionLine
from venues.okx.errors import RAISED, Answered, fault_of
from venues.times import Times

NAME_FORM = re.compile(r"[A-Za-z0-9-]{16,64}")
SECRET_FORM = re.compile(r"[A-Za-z0-9]{16,128}")
PASSPHRASE_FORM = re.compile(r"[ -~]{1,64}")
SUCCESS = "0"


class Signer:
    """The three parts of an API key, of which only `name` may be shown."""

    def __init__(self, name: str, secret: str, passphrase: str) -> None:
        check_key(name, secret, passphrase)
        self.name = name.strip()
        self._secret, self._passphrase = secret.strip().encode(), passphrase.strip()

    def headers(self, now: datetime, method: str, target: str, body: str) -> dict[str, str]:
        """Sign a request: time, method, path with its query, and body, in one HMAC-SHA256."""
        stamp = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        signed = hmac.new(self._secret, f"{stamp}{method}{target}{body}".encode(), hashlib.sha256).digest()
        return {
            "OK-ACCESS-KEY": self.name,
            "OK-ACCESS-SIGN": base64.b64encode(signed).decode(),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self._passphrase,
        }


class Endpoints:
    """The endpoints, each a call that sends one request; those that need no signature are marked so."""

    def __init__(
        self,
        signer: Signer,
        url: str,
        session: Session,
        limiter: Limiter,
        clock: Callable[[], datetime],
    ) -> None:
        self._signer, self._url, self._session = signer, url, session
        self._limiter, self._clock = limiter, clock

    def instruments(self, **params: str) -> Response:
        """Read the markets' rules."""
        return self._get("/api/v5/public/instruments", params, signed=False)

    def tickers(self, **params: str) -> Response:
        """Read best prices."""
        return self._get("/api/v5/market/tickers", params, signed=False)

    def books(self, **params: str) -> Response:
        """Read a book."""
        return self._get("/api/v5/market/books", params, signed=False)

    def balance(self, **params: str) -> Response:
        """Read balances."""
        return self._get("/api/v5/account/balance", params)

    def trade_fee(self, **params: str) -> Response:
        """Read what the account pays."""
        return self._get("/api/v5/account/trade-fee", params)

    def config(self, **params: str) -> Response:
        """Read what the key may do."""
        return self._get("/api/v5/account/config", params)

    def new_order(self, deadline: datetime, **body: object) -> Response:
        """Make an order, which the venue drops when it comes to it after `deadline`."""
        return self._post("/api/v5/trade/order", body, deadline)

    def get_order(self, **params: str) -> Response:
        """Look an order up."""
        return self._get("/api/v5/trade/order", params)

    def fills(self, **params: str) -> Response:
        """List trades."""
        return self._get("/api/v5/trade/fills-history", params)

    def convertible(self, **params: str) -> Response:
        """List the small balances that would be converted."""
        return self._get("/api/v5/trade/easy-convert-currency-list", params)

    def convert(self, **body: object) -> Response:
        """Convert small balances."""
        return self._post("/api/v5/trade/easy-convert", body)

    def converted(self, **params: str) -> Response:
        """List past conversions of small balances."""
        return self._get("/api/v5/trade/easy-convert-history", params)

    def _get(self, path: str, params: Mapping[str, str], *, signed: bool = True) -> Response:
        target = f"{path}?{urlencode(params)}" if params else path
        return self._send("GET", target, "", signed, None)

    def _post(self, path: str, body: Mapping[str, object], deadline: datetime | None = None) -> Response:
        return self._send("POST", path, json.dumps(body, separators=(",", ":")), True, deadline)

    def _send(self, method: str, target: str, body: str, signed: bool, deadline: datetime | None) -> Response:
        """Wait for the limit, then sign and send: what is signed is taken for a while only."""
        self._limiter.request()
        now = datetime.now(UTC)
        headers = {"Content-Type": "application/json"}
        if signed:
            headers |= self._signer.headers(now, method, target, body)
        if deadline is not None:
            headers["expTime"] = str(int((now + (deadline - self._clock())).timestamp() * 1000))
        return self._session.request(method, self._url + target, data=body or None, headers=headers)


class Client(SessionLine):
    """The line to OKX."""

    def __init__(
        self,
        signer: Signer,
        *,
        base_url: str,
        ca_file: Path | None,
        limiter: Limiter,
        times: Times,
    ) -> None:
        super().__init__(base_url, "www.okx.com", ca_file, times)
        self.api = Endpoints(signer, f"https://{base_url}", self._session, limiter, times.clock)

    @property
    def _raised(self) -> tuple[type[Exception], ...]:
        return RAISED

    def _judged(self, error: Exception) -> Fault:
        return fault_of(error)

    def _content(self, answer: Any) -> object:
        """Take what stands under `data`; raises `Answered` for anything but a success in the venue's form."""
        ok = answer.status_code == 200
        try:
            told = answer.json()
        except ValueError:
            if ok:
                raise
            told = None
        if not isinstance(told, dict) or not isinstance(told.get("code"), str):
            raise Answered(answer.status_code) if not ok else TypeError("the answer has no code")
        if not ok or told["code"] != SUCCESS:
            raise Answered(answer.status_code, *_reason(told))
        return {"items": told.get("data")}


def _reason(told: Mapping[str, Any]) -> tuple[str, str]:
    """Find code and sentence: of the one thing asked for, where the venue says only that an operation failed."""
    rows = told.get("data")
    row = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) else {}
    code = row.get("sCode")
    if isinstance(code, str) and code not in {"", SUCCESS}:
        return code, str(row.get("sMsg", ""))
    return str(told["code"]), str(told.get("msg", ""))


def check_key(name: str, secret: str, passphrase: str) -> None:
    """Raise `ConfigurationError` unless these can be the three parts of a key."""
    if not NAME_FORM.fullmatch(name.strip()):
        raise ConfigurationError("key name: is not an API key of letters, digits and dashes as OKX shows it")
    if not SECRET_FORM.fullmatch(secret.strip()):
        raise ConfigurationError("key secret: is not a secret key of letters and digits as OKX shows it")
    if not passphrase.strip():
        raise ConfigurationError("key passphrase: empty; OKX wants the one that was chosen when the key was made")
    if not PASSPHRASE_FORM.fullmatch(passphrase.strip()):
        raise ConfigurationError("key passphrase: is not of at most 64 letters, digits and signs")
