"""One signed line to Binance through the vendor's own request layer, read through strict models.

The layer signs, encodes and maps statuses; it repeats reads after server errors by itself, which is switched off here.
Its models of replies are not used: on a mismatch they convert what they find, numbers by way of a float.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from binance_common.configuration import ConfigurationRestAPI
from binance_common.models import ApiResponse
from binance_common.utils import send_request
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests import Session

from domain.errors import ConfigurationError
from venues.binance.errors import RAISED, fault_of
from venues.faults import Fault
from venues.limits import Limiter
from venues.line import SessionLine
from venues.times import Times

KEY_FORM = re.compile(r"[A-Za-z0-9]{16,128}")
# For how long a signed request is taken after its signing, in milliseconds; the venue's own default.
WINDOW = 5000


class Endpoints:
    """The endpoints, each a call that sends one request; those that need no signature are marked so."""

    def __init__(self, name: str, secret: str, url: str, session: Session, limiter: Limiter) -> None:
        private = None if is_shared_secret(secret) else secret
        self._configuration = ConfigurationRestAPI(
            api_key=name,
            api_secret=None if private else secret,
            private_key=private,
            base_path=url,
            retries=0,
            backoff=0,
            compression=False,
        )
        self._signer: Any = signer_of(private) if private else None
        self._session, self._limiter = session, limiter

    def exchange_info(self, **params: Any) -> Any:
        """Read the markets' rules."""
        return self._send("GET", "/api/v3/exchangeInfo", params, signed=False)

    def book_ticker(self, **params: Any) -> Any:
        """Read best prices."""
        return self._send("GET", "/api/v3/ticker/bookTicker", params, signed=False)

    def depth(self, **params: Any) -> Any:
        """Read a book."""
        return self._send("GET", "/api/v3/depth", params, signed=False)

    def account(self, **params: Any) -> Any:
        """Read balances."""
        return self._send("GET", "/api/v3/account", params)

    def test_order(self, **params: Any) -> Any:
        """Have an order checked; nothing moves."""
        return self._send("POST", "/api/v3/order/test", params)

    def new_order(self, **params: Any) -> Any:
        """Make an order."""
        return self._send("POST", "/api/v3/order", params)

    def get_order(self, **params: Any) -> Any:
        """Look an order up."""
        return self._send("GET", "/api/v3/order", params)

    def my_trades(self, **params: Any) -> Any:
        """List trades."""
        return self._send("GET", "/api/v3/myTrades", params)

    def api_restrictions(self, **params: Any) -> Any:
        """Read what the key may do."""
        return self._send("GET", "/sapi/v1/account/apiRestrictions", params)

    def dust_transfer(self, **params: Any) -> Any:
        """Convert small balances into BNB."""
        return self._send("POST", "/sapi/v1/asset/dust", params)

    def dust_assets(self, **params: Any) -> Any:
        """List what would be converted into BNB."""
        return self._send("POST", "/sapi/v1/asset/dust-btc", params)

    def dust_log(self, **params: Any) -> Any:
        """List past conversions of small balances."""
        return self._send("GET", "/sapi/v1/asset/dribblet", params)

    def dust_convertible(self, **params: Any) -> Any:
        """List what would be converted into a target."""
        return self._send("POST", "/sapi/v1/asset/dust-convert/query-convertible-assets", params)

    def dust_convert(self, **params: Any) -> Any:
        """Convert small balances into a target."""
        return self._send("POST", "/sapi/v1/asset/dust-convert/convert", params)

    def _send(self, method: str, path: str, params: dict[str, Any], *, signed: bool = True) -> ApiResponse[Any]:
        """Wait for the limit, then sign and send: what is signed is taken for a few seconds only.

        A tuple becomes a repeated parameter, which is how the venue reads lists of assets.
        """
        self._limiter.request()
        if signed:
            params = {**params, "recvWindow": WINDOW}
        return send_request(
            self._session,
            self._configuration,
            method=method,
            path=path,
            payload=params,
            is_signed=signed,
            signer=self._signer,
        )


class Client(SessionLine):
    """The line to Binance."""

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
        super().__init__(base_url, "api.binance.com", ca_file, times)
        self.api = Endpoints(key_name.strip(), secret.strip(), f"https://{base_url}", self._session, limiter)

    @property
    def _raised(self) -> tuple[type[Exception], ...]:
        return RAISED

    def _judged(self, error: Exception) -> Fault:
        return fault_of(error)

    def _content(self, answer: Any) -> object:
        content = answer.data()
        return {"items": content} if isinstance(content, list) else content


def check_key(name: str, secret: str) -> None:
    """Raise `ConfigurationError` unless the key is of a kind that the venue gives: HMAC, or Ed25519 as PEM."""
    if not KEY_FORM.fullmatch(name.strip()):
        raise ConfigurationError("key name: is not an API key of letters and digits as Binance shows it")
    if not secret.strip():
        raise ConfigurationError("key secret: empty; copy the secret key, or the PEM of the Ed25519 key")
    if not is_shared_secret(secret):
        signer_of(secret)


def is_shared_secret(secret: str) -> bool:
    """Say whether it is the secret of an HMAC key."""
    return KEY_FORM.fullmatch(secret.strip()) is not None


def signer_of(secret: str) -> ed25519.Ed25519PrivateKey:
    """Read an Ed25519 key; `ConfigurationError` for anything else."""
    try:
        key = load_pem_private_key(secret.replace("\\n", "\n").strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise ConfigurationError("key secret: neither the secret of an HMAC key nor the PEM of an Ed25519 private key")
    return key
