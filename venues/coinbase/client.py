"""One signed line to Coinbase: the vendor's SDK, timed, limited, counted, and read through strict models."""

from __future__ import annotations

import base64
import binascii
import logging
from pathlib import Path
from typing import Any

from coinbase.rest import RESTClient
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from domain.errors import ConfigurationError, VenueUnavailable
from venues.coinbase.errors import RAISED, fault_of
from venues.coinbase.replies import Rights
from venues.faults import Fault
from venues.limits import Limiter
from venues.line import Call, Line, Wire, checked_host, secured
from venues.times import Times

# The SDK writes the body of every error to stderr. What went wrong is in our exceptions, without what a body may echo.
logging.getLogger("coinbase.RESTClient").disabled = True


class Client(Line):
    """The line to Coinbase."""

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
        self.host = checked_host(base_url, "api.coinbase.com")
        super().__init__(Wire(limiter, times.clock), times)
        self.sdk = RESTClient(api_key=key_name, api_secret=secret, base_url=base_url, timeout=times.timeout)
        secured(self.sdk.session, self._wire, ca_file)

    def close(self) -> None:
        """Close idle connections."""
        self.sdk.session.close()

    def _closer_look(self, fault: Fault, call: Call) -> Exception | None:
        """Tell a token that was rejected once from a key that is: raises what a read with it raises."""
        if fault.status != 401:
            return None
        self.read(Rights, self.sdk.get_api_key_permissions)
        return VenueUnavailable(f"{call.__name__}: HTTP 401 once, though the key works")

    @property
    def _raised(self) -> tuple[type[Exception], ...]:
        return RAISED

    def _judged(self, error: Exception) -> Fault:
        return fault_of(error, self._times.clock())

    def _content(self, answer: Any) -> object:
        return answer.to_dict()


def check_key(name: str, secret: str) -> None:
    """Raise `ConfigurationError` unless the key is of a kind that the CDP portal gives: Ed25519, or PEM on P-256."""
    if not name.strip():
        raise ConfigurationError("key name: empty; it looks like organizations/…/apiKeys/… or a UUID")
    if not secret.strip():
        raise ConfigurationError("key secret: empty; copy the privateKey of the key file")
    if _is_signing_key(secret.replace("\\n", "\n")):
        return
    raise ConfigurationError(
        "key secret: neither an Ed25519 key (base64 of 32 or 64 bytes) nor a PEM private key on the curve P-256"
    )


def _is_signing_key(secret: str) -> bool:
    try:
        if not secret.lstrip().startswith("-----BEGIN"):
            return len(base64.b64decode("".join(secret.split()), validate=True)) in (32, 64)
        key = load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error):
        return False
    on_p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return on_p256 or isinstance(key, ed25519.Ed25519PrivateKey)
