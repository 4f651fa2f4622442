"""JSON-RPC over HTTP: one client for a chain's endpoints, which are asked in turn until one answers.

An endpoint is believed once it has said which chain it serves, and asked again after it failed. What only reads is
asked at the next endpoint when one fails; what sends is sent once (https://www.jsonrpc.org/specification,
https://ethereum.github.io/execution-apis).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from venues.evm.endpoint import endpoint_name
from venues.evm.names import harmless
from venues.limits import Limiter

SEND: Final = "eth_sendRawTransaction"
LARGEST: Final = 64 * 1024 * 1024  # bytes of one answer; 100,000 balances have 6 MB
LONGEST_WORDS: Final = 200  # letters of a node's reason, in which a token's own may be
_PIECE: Final = 1 << 20
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
# Errors that say something of the endpoint and nothing of the call: another endpoint may do better.
_BUSY_CODES: Final = frozenset({429, -32097})
_BUSY_WORDS: Final = ("rate limit", "too many requests", "capacity", "out of sync")
_BEHIND_WORDS: Final = ("header not found", "block not found", "unknown block", "missing trie node")
# What may also be said of a question that asks too much: a long range of logs is for its asker to shorten.
_BROKEN_WORDS: Final = ("internal error", "timeout", "timed out")
LOGS: Final = "eth_getLogs"


@dataclass(frozen=True, slots=True)
class Call:
    """One method with its parameters."""

    method: str
    parameters: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A node's own no to one call. `data` is what a reverted execution returned as 0x text, else empty."""

    method: str
    code: int
    message: str
    data: str = ""

    @property
    def reverted(self) -> bool:
        """Say whether the call was executed and reverted, which is an answer like any other."""
        return self.code == 3 or "revert" in self.message.lower()

    def __str__(self) -> str:
        return f"{self.method}: '{harmless(self.message, LONGEST_WORDS)}' (code {self.code})"


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


class _Reply(msgspec.Struct):
    """One answer; `result` is UNSET where the node sent none."""

    id: int | str | None = None
    result: Any = msgspec.UNSET
    error: _Error | None = None


class _Failed(Exception):
    """An endpoint gave no answer to be believed; `unsent` when it cannot have heard of the request."""

    def __init__(self, why: str, *, unsent: bool = False) -> None:
        super().__init__(why)
        self.unsent = unsent


@dataclass(slots=True)
class _Endpoint:
    """One provider. `name` is host and port, since the rest of a URL may be a secret."""

    url: str = field(repr=False)
    name: str
    believed: bool = False
    batches: bool = True


_Read = TypeVar("_Read")
_REPLY = msgspec.json.Decoder(_Reply)
_REPLIES = msgspec.json.Decoder(list[_Reply] | _Reply)


class Rpc:
    """The endpoints of one chain, best first; callable from several threads.

    `timeout` (connect, read) is in seconds, `largest` in bytes of one answer. Reads raise `VenueUnavailable` when no
    endpoint gives an answer, and `ConfigurationError` when one serves another chain; neither shows a URL's secrets.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int,
        *,
        limiter: Limiter | None = None,
        timeout: tuple[float, float] = (3.05, 10.0),
        largest: int = LARGEST,
    ) -> None:
        if not urls:
            raise ValueError("urls: is empty; at least one endpoint is needed")
        self.chain_id = chain_id
        self._endpoints = [_Endpoint(url, endpoint_name(url)) for url in urls]
        self._limiter = limiter
        self._largest = largest
        self._current = 0
        self._requests = 0
        self._lock = threading.Lock()
        self._pool = urllib3.PoolManager(
            num_pools=len(urls),
            maxsize=4,
            timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            retries=False,
            headers=_HEADERS,
        )

    def __repr__(self) -> str:
        return f"Rpc(chain {self.chain_id}, {', '.join(self.endpoints)})"

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Return host and port of each endpoint."""
        return tuple(endpoint.name for endpoint in self._endpoints)

    @property
    def requests(self) -> int:
        """Count the HTTP requests sent so far, lost ones included."""
        return self._requests

    def close(self) -> None:
        """Close the kept connections; a later call opens others."""
        self._pool.clear()

    def call(self, method: str, *parameters: object) -> Any:
        """Return the result of one read; a node's no is `VenueUnavailable`."""
        return good(self.ask([Call(method, parameters)])[0])

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Ask several reads in one request; return results in their order, a `Failure` for each the node refused."""
        if not calls:
            return []
        reasons = []
        start = self._current
        for turn in range(len(self._endpoints)):
            place = (start + turn) % len(self._endpoints)
            endpoint = self._endpoints[place]
            try:
                answers = self._believed(endpoint, calls)
            except _Failed as failed:
                endpoint.believed = False
                reasons.append(f"{endpoint.name}: {failed}")
                continue
            self._current = place
            return answers
        raise VenueUnavailable(f"no endpoint of chain {self.chain_id} answers; " + "; ".join(reasons))

    def send(self, raw: str) -> str | Failure:
        """Send signed bytes once, to one endpoint, and return their hash or the node's no.

        `VenueUnavailable` when nobody can have heard of them, `OutcomeUnknown` when the answer was lost.
        """
        if not self._endpoints[self._current].believed:
            self.call("eth_chainId")
        endpoint = self._endpoints[self._current]
        try:
            reply = self._single(endpoint, Call(SEND, (raw,)))
        except _Failed as failed:
            endpoint.believed = False
            if failed.unsent:
                raise VenueUnavailable(f"{endpoint.name}: {failed}") from None
            raise OutcomeUnknown(f"{endpoint.name}: {failed}") from None
        answer = _value(reply, SEND)
        if isinstance(answer, str | Failure):
            return answer
        raise OutcomeUnknown(f"{endpoint.name}: answered a transaction with {type(answer).__name__}, not its hash")

    def served(self) -> dict[str, int | str]:
        """Ask every endpoint by itself which chain it serves; its number, or why it did not say."""
        return {endpoint.name: self._chain_of(endpoint) for endpoint in self._endpoints}

    def _chain_of(self, endpoint: _Endpoint) -> int | str:
        try:
            answer = _value(self._single(endpoint, Call("eth_chainId")), "eth_chainId")
            return str(answer) if isinstance(answer, Failure) else quantity(answer)
        except (_Failed, VenueUnavailable) as failed:
            return str(failed)

    def _believed(self, endpoint: _Endpoint, calls: Sequence[Call]) -> list[Any]:
        """Ask an endpoint, and with the first request after a failure also which chain it serves."""
        if endpoint.believed:
            return self._asked(endpoint, calls)
        chain, *answers = self._asked(endpoint, [Call("eth_chainId"), *calls])
        try:
            served = quantity(good(chain))
        except VenueUnavailable as error:
            raise _Failed(str(error)) from None
        if served != self.chain_id:
            raise ConfigurationError(
                f"endpoint {endpoint.name} serves chain {served}, not chain {self.chain_id}, so it is not believed"
            )
        endpoint.believed = True
        return answers

    def _asked(self, endpoint: _Endpoint, calls: Sequence[Call]) -> list[Any]:
        replies = self._batch(endpoint, calls) if endpoint.batches and len(calls) > 1 else None
        if replies is None:
            replies = [self._single(endpoint, call) for call in calls]
        answers = [_value(reply, call.method) for reply, call in zip(replies, calls, strict=True)]
        if busy := next((answer for answer in answers if isinstance(answer, Failure) and _is_busy(answer)), None):
            raise _Failed(str(busy))
        return answers

    def _batch(self, endpoint: _Endpoint, calls: Sequence[Call]) -> list[_Reply] | None:
        """Ask all calls at once; None when the endpoint takes no batches. Answers come in any order."""
        body = [_body(number, call) for number, call in enumerate(calls)]
        found = self._decoded(_REPLIES, self._post(endpoint, body))
        if isinstance(found, _Reply):
            if found.error and not _is_busy(Failure("batch", found.error.code, found.error.message)):
                endpoint.batches = False
                return None
            why = f", {harmless(found.error.message)}" if found.error else ""
            raise _Failed(f"answered {len(calls)} calls with one{why}")
        replies = {reply.id: reply for reply in found}
        if len(found) != len(calls) or set(replies) != set(range(len(calls))):
            raise _Failed(f"answered {len(found)} of {len(calls)} calls")
        return [replies[number] for number in range(len(calls))]

    def _single(self, endpoint: _Endpoint, call: Call) -> _Reply:
        reply = self._decoded(_REPLY, self._post(endpoint, _body(0, call)))
        if reply.id != 0 and not (reply.id is None and reply.error):
            raise _Failed("answered another call than it was asked")
        return reply

    @staticmethod
    def _decoded(decoder: msgspec.json.Decoder[_Read], content: bytes) -> _Read:
        try:
            return decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Failed(f"its answer of {len(content)} bytes is not JSON-RPC") from None

    def _post(self, endpoint: _Endpoint, body: object) -> bytes:
        if self._limiter is not None:
            self._limiter.request()
        with self._lock:
            self._requests += 1
        try:
            answer = self._pool.request(
                "POST", endpoint.url, body=msgspec.json.encode(body), preload_content=False, redirect=False
            )
            try:
                return self._read(answer)
            finally:
                answer.release_conn()
        except NewConnectionError as error:
            raise _Failed(_reason(error), unsent=True) from None
        except (HTTPError, OSError) as error:
            raise _Failed(_reason(error)) from None

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        if answer.status != 200:
            answer.close()
            raise _Failed(f"HTTP status {answer.status}")
        content = bytearray()
        while piece := answer.read(_PIECE):
            content += piece
            if len(content) > self._largest:
                answer.close()
                raise _Failed(f"its answer is longer than {self._largest} bytes")
        return bytes(content)


def good(answer: Any) -> Any:
    """Return an answer that is a result; a node's no is `VenueUnavailable`."""
    if isinstance(answer, Failure):
        raise VenueUnavailable(f"the node refused {answer}")
    return answer


def quantity(answer: object) -> int:
    """Read a number as nodes write it, 0x1f; `VenueUnavailable` for anything else."""
    try:
        if isinstance(answer, str) and answer.startswith("0x"):
            return int(answer, 16)
    except ValueError:
        pass
    raise VenueUnavailable(f"a node wrote '{harmless(str(answer))}' where a number in hexadecimal stands")


def octets(answer: object) -> bytes:
    """Read bytes as nodes write them, 0x and hexadecimal digits; `VenueUnavailable` for anything else."""
    try:
        if isinstance(answer, str) and answer.startswith("0x"):
            return bytes.fromhex(answer[2:])
    except ValueError:
        pass
    raise VenueUnavailable(f"a node wrote '{harmless(str(answer))}' where bytes in hexadecimal stand")


def _body(number: int, call: Call) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.parameters}


def _value(reply: _Reply, method: str) -> Any:
    if reply.error is not None:
        error = reply.error
        return Failure(method, error.code, error.message, error.data if isinstance(error.data, str) else "")
    if reply.result is msgspec.UNSET:
        raise _Failed(f"answered {method} with neither a result nor an error")
    return reply.result


def _is_busy(failure: Failure) -> bool:
    said = failure.message.lower()
    words = (*_BUSY_WORDS, *_BEHIND_WORDS, *(() if failure.method == LOGS else _BROKEN_WORDS))
    return not failure.reverted and (failure.code in _BUSY_CODES or any(word in said for word in words))


def _reason(error: Exception) -> str:
    """Say what kind of accident it was; the text of urllib3's errors may hold the URL."""
    return f"no answer ({type(error).__name__})"
