"""JSON-RPC over HTTP: one client for a chain's endpoints, which are asked in turn until one answers.

An endpoint is believed once it has said which chain it serves, and asked again after it failed. What only reads is
asked at the next endpoint when one fails; what sends is sent once (https://www.jsonrpc.org/specification,
https://ethereum.github.io/execution-apis).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from venues.evm.endpoint import endpoint_name
from venues.evm.names import harmless
from venues.evm.wire import Failed, Wire
from venues.limits import Limiter

SEND: Final = "eth_sendRawTransaction"
# What one request may hold: nodes take 2 MB (anvil) or 5 MB (geth), and a thousand calls (geth).
MOST_BYTES: Final = 1_900_000
MOST_CALLS: Final = 500
LARGEST: Final = 64 * 1024 * 1024  # bytes of one answer; 100,000 balances have 6 MB
LONGEST_WORDS: Final = 200  # letters of a node's reason, in which a token's own may be
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
        self._current = 0
        self._wire = Wire(len(urls), limiter, timeout, largest)

    def __repr__(self) -> str:
        return f"Rpc(chain {self.chain_id}, {', '.join(self.endpoints)})"

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Return host and port of each endpoint."""
        return tuple(endpoint.name for endpoint in self._endpoints)

    @property
    def requests(self) -> int:
        """Count the HTTP requests sent so far, lost ones included."""
        return self._wire.requests

    def close(self) -> None:
        """Close the kept connections; a later call opens others."""
        self._wire.close()

    def call(self, method: str, *parameters: object) -> Any:
        """Return the result of one read; a node's no is `VenueUnavailable`."""
        return good(self.ask([Call(method, parameters)])[0])

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Ask several reads at once; return results in their order, a `Failure` for each that the node refused.

        They are one request unless that would be too long for nodes to take.
        """
        if not calls:
            return []
        reasons = []
        start = self._current
        for turn in range(len(self._endpoints)):
            place = (start + turn) % len(self._endpoints)
            endpoint = self._endpoints[place]
            try:
                answers = self._believed(endpoint, calls)
            except Failed as failed:
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
            reply = self._alone(endpoint, Call(SEND, (raw,)))
        except Failed as failed:
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
            answer = _value(self._alone(endpoint, Call("eth_chainId")), "eth_chainId")
            return str(answer) if isinstance(answer, Failure) else quantity(answer)
        except (Failed, VenueUnavailable) as failed:
            return str(failed)

    def _believed(self, endpoint: _Endpoint, calls: Sequence[Call]) -> list[Any]:
        """Ask an endpoint, and with the first request after a failure also which chain it serves."""
        if endpoint.believed:
            return self._asked(endpoint, calls)
        chain, *answers = self._asked(endpoint, [Call("eth_chainId"), *calls])
        try:
            served = quantity(good(chain))
        except VenueUnavailable as error:
            raise Failed(str(error)) from None
        if served != self.chain_id:
            raise ConfigurationError(
                f"endpoint {endpoint.name} serves chain {served}, not chain {self.chain_id}, so it is not believed"
            )
        endpoint.believed = True
        return answers

    def _asked(self, endpoint: _Endpoint, calls: Sequence[Call]) -> list[Any]:
        bodies = [msgspec.json.encode(_body(number, call)) for number, call in enumerate(calls)]
        replies: list[_Reply] = []
        for piece in _packed(bodies):
            some = self._batch(endpoint, piece, len(replies)) if endpoint.batches and len(piece) > 1 else None
            start = len(replies)
            replies += some or [self._single(endpoint, body, start + place) for place, body in enumerate(piece)]
        answers = [_value(reply, call.method) for reply, call in zip(replies, calls, strict=True)]
        if busy := next((answer for answer in answers if isinstance(answer, Failure) and _is_busy(answer)), None):
            raise Failed(str(busy))
        return answers

    def _batch(self, endpoint: _Endpoint, bodies: Sequence[bytes], first: int) -> list[_Reply] | None:
        """Ask calls numbered from `first` at once; None when it takes no batches. Answers come in any order."""
        found = self._decoded(_REPLIES, self._post(endpoint, b"[" + b",".join(bodies) + b"]"))
        if isinstance(found, _Reply):
            if found.error and not _is_busy(Failure("batch", found.error.code, found.error.message)):
                endpoint.batches = False
                return None
            why = f", {harmless(found.error.message)}" if found.error else ""
            raise Failed(f"answered {len(bodies)} calls with one{why}")
        replies = {reply.id: reply for reply in found}
        numbers = range(first, first + len(bodies))
        if len(found) != len(bodies) or set(replies) != set(numbers):
            raise Failed(f"answered {len(found)} of {len(bodies)} calls")
        return [replies[number] for number in numbers]

    def _single(self, endpoint: _Endpoint, body: bytes, number: int) -> _Reply:
        reply = self._decoded(_REPLY, self._post(endpoint, body))
        if reply.id != number and not (reply.id is None and reply.error):
            raise Failed("answered another call than it was asked")
        return reply

    def _alone(self, endpoint: _Endpoint, call: Call) -> _Reply:
        return self._single(endpoint, msgspec.json.encode(_body(0, call)), 0)

    def _post(self, endpoint: _Endpoint, body: bytes) -> bytes:
        return self._wire.post(endpoint.url, body)

    @staticmethod
    def _decoded(decoder: msgspec.json.Decoder[_Read], content: bytes) -> _Read:
        try:
            return decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Failed(f"its answer of {len(content)} bytes is not JSON-RPC") from None


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


def _packed(bodies: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut calls into requests that are as long as nodes take them; a call that is too long by itself goes alone."""
    start, size = 0, 0
    for place, body in enumerate(bodies):
        if place > start and (size + len(body) > MOST_BYTES or place - start == MOST_CALLS):
            yield bodies[start:place]
            start, size = place, 0
        size += len(body) + 1
    yield bodies[start:]


def _body(number: int, call: Call) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.parameters}


def _value(reply: _Reply, method: str) -> Any:
    if reply.error is not None:
        error = reply.error
        return Failure(method, error.code, error.message, error.data if isinstance(error.data, str) else "")
    if reply.result is msgspec.UNSET:
        raise Failed(f"answered {method} with neither a result nor an error")
    return reply.result


def _is_busy(failure: Failure) -> bool:
    said = failure.message.lower()
    words = (*_BUSY_WORDS, *_BEHIND_WORDS, *(() if failure.method == LOGS else _BROKEN_WORDS))
    return not failure.reverted and (failure.code in _BUSY_CODES or any(word in said for word in words))
