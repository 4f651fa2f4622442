"""One signed line to Coinbase: the vendor's SDK, timed, limited, counted, and read through strict models."""

from __future__ import annotations

import base64
import binascii
import logging
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from coinbase.rest import RESTClient
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from events.values import Refusal, RefusalCode
from venues.coinbase_errors import RAISED, Fault, Verdict, fault_of
from venues.coinbase_replies import Rights
from venues.limits import Limiter

Reply = TypeVar("Reply", bound=msgspec.Struct)
Call = Callable[..., Any]

# The SDK writes the body of every error to stderr. What went wrong is in our exceptions, without what a body may echo.
logging.getLogger("coinbase.RESTClient").disabled = True

_send_before: ContextVar[datetime | None] = ContextVar("send_before", default=None)


class Client:
    """Asks through the SDK and judges every failure.

    `read` repeats itself after `pauses` (seconds) and raises; `ask` does so too, but hands over the venue's no; `move`
    sends once and raises `OutcomeUnknown` when the answer does not prove that nothing happened. `timeout` is that of
    connecting and of each wait for bytes, in seconds.
    """

    def __init__(
        self,
        key_name: str,
        secret: str,
        *,
        base_url: str,
        ca_file: Path | None,
        timeout: tuple[float, float],
        limiter: Limiter,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        pauses: Sequence[float],
    ) -> None:
        check_key(key_name, secret)
        if not base_url or "/" in base_url:
            raise ConfigurationError(f"base_url: {base_url!r} is not a host or host:port, such as api.coinbase.com")
        self.host = base_url
        self._clock, self._sleep, self._pauses = clock, sleep, tuple(pauses)
        self._wire = _Wire(limiter, clock)
        self.sdk = RESTClient(api_key=key_name, api_secret=secret, base_url=base_url, timeout=timeout)
        session = self.sdk.session
        session.verify = _trust(ca_file)
        # Neither proxies nor certificates nor .netrc of the environment, and no redirect: it would send an order twice.
        session.trust_env = False
        session.max_redirects = 0
        session.adapters.clear()
        session.mount("https://", self._wire)

    @property
    def requests(self) -> int:
        """Count the requests sent, lost ones included."""
        return self._wire.sent

    def close(self) -> None:
        """Close idle connections."""
        self.sdk.session.close()

    def read(self, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply:
        """Read something; the venue's no is `VenueUnavailable`, or `ConfigurationError` where the key may not read."""
        answer = self.ask(model, call, *args, **params)
        if isinstance(answer, Refusal):
            kind = ConfigurationError if answer.code is RefusalCode.NOT_PERMITTED else VenueUnavailable
            raise kind(f"{call.__name__}: {answer.sentence}")
        return answer

    def ask(self, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply | Refusal:
        """Ask something that moves no money, again after each pause as long as that may help."""
        pauses = iter(self._pauses)
        while True:
            try:
                return self._answer(model, call, *args, **params)
            except Fault as fault:
                if fault.refusal is not None:
                    return fault.refusal
                pause = next(pauses, None) if fault.passing else None
                if pause is None:
                    raise _error_for(fault, call) from None
            self._sleep(pause)

    def move(self, send_before: datetime, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply | Refusal:
        """Send, once and only before `send_before`, what may move money."""
        try:
            with _sent_before(send_before):
                return self._answer(model, call, *args, **params)
        except Fault as fault:
            if fault.refusal is not None:
                return fault.refusal
            if fault.verdict is Verdict.UNSURE:
                raise OutcomeUnknown(f"{call.__name__}: {fault.sentence}") from None
            if fault.status == 401:
                self._check_that_key_works()
                raise VenueUnavailable(f"{call.__name__}: HTTP 401 once, though the key works") from None
            raise _error_for(fault, call) from None

    def _check_that_key_works(self) -> None:
        """Tell a token that was rejected once from a key that is: raises what a read with it raises."""
        self.read(Rights, self.sdk.get_api_key_permissions)

    def _answer(self, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply:
        try:
            return msgspec.convert(call(*args, **params).to_dict(), model)
        except RAISED as error:
            raise fault_of(error, self._clock()) from None


class _Wire(HTTPAdapter):
    """Where requests leave: waits for the limit, counts, and holds back what has become too old to send.

    The age is checked after the request was signed: whoever falls asleep later than here wakes up with a token that
    the venue no longer takes 120 s after its signing.
    """

    def __init__(self, limiter: Limiter, clock: Callable[[], datetime]) -> None:
        super().__init__(max_retries=0)
        self.sent = 0
        self._counting = threading.Lock()
        self._limiter, self._clock = limiter, clock

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request, unless it is too late for it."""
        self._limiter.request()
        limit = _send_before.get()
        if limit is not None and self._clock() > limit:
            raise VenueUnavailable("the order was recorded too long ago to be sent now")
        with self._counting:
            self.sent += 1
        return super().send(request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies)


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


def _trust(ca_file: Path | None) -> str | bool:
    if ca_file is None:
        return True
    try:
        ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise ConfigurationError(f"ca_file: {ca_file} holds no certificates ({type(error).__name__})") from None
    return str(ca_file)


@contextmanager
def _sent_before(limit: datetime) -> Iterator[None]:
    token = _send_before.set(limit)
    try:
        yield
    finally:
        _send_before.reset(token)


def _error_for(fault: Fault, call: Call) -> ConfigurationError | VenueUnavailable:
    kind = ConfigurationError if fault.verdict is Verdict.MISCONFIGURED else VenueUnavailable
    return kind(f"{call.__name__}: {fault.sentence}")
