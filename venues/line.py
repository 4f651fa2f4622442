"""One line to a venue over HTTPS: timed, counted, never repeated where money may move, read through strict models."""

from __future__ import annotations

import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from events.values import Refusal, RefusalCode
from venues.faults import Fault, Verdict
from venues.limits import Limiter
from venues.times import Times

Reply = TypeVar("Reply", bound=msgspec.Struct)
Call = Callable[..., Any]

_send_before: ContextVar[datetime | None] = ContextVar("send_before", default=None)


class Line(ABC):
    """Asks through a vendor's library and judges every failure.

    `read` repeats itself after pauses and raises; `ask` does so too, but hands over the venue's no; `move`
    sends once and raises `OutcomeUnknown` when the answer does not prove that nothing happened.
    """

    def __init__(self, wire: Wire, times: Times) -> None:
        self._wire, self._times = wire, times

    @property
    def requests(self) -> int:
        """Count the requests sent, lost ones included."""
        return self._wire.sent

    def read(self, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply:
        """Read something; the venue's no is `VenueUnavailable`, or `ConfigurationError` where the key may not read."""
        answer = self.ask(model, call, *args, **params)
        if isinstance(answer, Refusal):
            kind = ConfigurationError if answer.code is RefusalCode.NOT_PERMITTED else VenueUnavailable
            raise kind(f"{call.__name__}: {answer.sentence}")
        return answer

    def ask(self, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply | Refusal:
        """Ask something that moves no money, again after each pause as long as that may help."""
        pauses = iter(self._times.retry_pauses)
        while True:
            try:
                return self._answer(model, call, *args, **params)
            except Fault as fault:
                if fault.refusal is not None:
                    return fault.refusal
                pause = next(pauses, None) if fault.passing else None
                if pause is None:
                    raise _error_for(fault, call) from None
            self._times.sleep(pause)

    def move(self, send_before: datetime, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply | Refusal:
        """Send, once and only before `send_before`, what may move money."""
        try:
            with sent_before(send_before):
                return self._answer(model, call, *args, **params)
        except Fault as fault:
            if fault.refusal is not None:
                return fault.refusal
            if fault.verdict is Verdict.UNSURE:
                raise OutcomeUnknown(f"{call.__name__}: {fault.sentence}") from None
            raise self._closer_look(fault, call) or _error_for(fault, call) from None

    def _answer(self, model: type[Reply], call: Call, *args: Any, **params: Any) -> Reply:
        try:
            return msgspec.convert(self._content(call(*args, **params)), model)
        except self._raised as error:
            raise self._judged(error) from None

    @property
    @abstractmethod
    def _raised(self) -> tuple[type[Exception], ...]:
        """Name everything that the library raises of a request."""

    @abstractmethod
    def _judged(self, error: Exception) -> Fault:
        """Judge what it raised."""

    @abstractmethod
    def _content(self, answer: Any) -> object:
        """Take the plain content out of the library's answer."""

    def _closer_look(self, fault: Fault, call: Call) -> Exception | None:
        """Return something better than what the fault says of a request that may move money, if there is."""
        del fault, call
        return None


class SessionLine(Line):
    """A line over a session of its own, whose requests wait for the limit before they are signed."""

    def __init__(self, base_url: str, usual: str, ca_file: Path | None, times: Times) -> None:
        self.host = checked_host(base_url, usual)
        self.wire = Wire(None, times.clock, times.timeout)
        super().__init__(self.wire, times)
        self._session = Session()
        secured(self._session, self.wire, ca_file)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()


class Wire(HTTPAdapter):
    """Where requests leave: waits for the limit, counts, and holds back what has become too old to send.

    The age is checked after the request was signed: whoever falls asleep later than here wakes up with a signature
    that the venue takes only for so long. A venue that takes it for some seconds only has no `limiter` here: it waits
    before it signs. `timeout` is that of connecting and of each wait for bytes, where the library has but one.
    """

    def __init__(
        self, limiter: Limiter | None, clock: Callable[[], datetime], timeout: tuple[float, float] | None = None
    ) -> None:
        super().__init__(max_retries=0)
        self.timeout = timeout
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
        if self._limiter is not None:
            self._limiter.request()
        limit = _send_before.get()
        if limit is not None and self._clock() > limit:
            raise VenueUnavailable("the order was recorded too long ago to be sent now")
        with self._counting:
            self.sent += 1
        return super().send(
            request, stream=stream, timeout=self.timeout or timeout, verify=verify, cert=cert, proxies=proxies
        )


def secured(session: Session, wire: Wire, ca_file: Path | None) -> None:
    """Let a session use this wire and nothing of the environment, and follow no redirect: it would send twice."""
    session.verify = trust(ca_file)
    # Neither proxies nor certificates nor .netrc of the environment.
    session.trust_env = False
    session.max_redirects = 0
    session.adapters.clear()
    session.mount("https://", wire)


def checked_host(base_url: str, usual: str) -> str:
    """Return where an exchange is reached; `ConfigurationError` unless it is a host or host:port, such as the usual."""
    if not base_url or "/" in base_url:
        raise ConfigurationError(f"base_url: {base_url!r} is not a host or host:port, such as {usual}")
    return base_url


def trust(ca_file: Path | None) -> str | bool:
    """Say what a session verifies servers by."""
    if ca_file is None:
        return True
    try:
        ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise ConfigurationError(f"ca_file: {ca_file} holds no certificates ({type(error).__name__})") from None
    return str(ca_file)


@contextmanager
def sent_before(limit: datetime) -> Iterator[None]:
    """Hold back, within, what would leave after `limit`."""
    token = _send_before.set(limit)
    try:
        yield
    finally:
        _send_before.reset(token)


def _error_for(fault: Fault, call: Call) -> ConfigurationError | VenueUnavailable:
    kind = ConfigurationError if fault.verdict is Verdict.MISCONFIGURED else VenueUnavailable
    return kind(f"{call.__name__}: {fault.sentence}")
