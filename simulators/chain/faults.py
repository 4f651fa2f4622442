"""Faults: what can go wrong between a client and a node, as forms that a test or the admin route fills in.

A fault belongs to a JSON-RPC method and to some of its calls, counted from when the fault was loaded.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from simulators.forms import Calls, Positive, Strict

SEND = "eth_sendRawTransaction"
When = Literal["before", "after"]
Blocks = Annotated[int, Field(ge=0)]


class FaultForm(Strict):
    """Which calls a fault strikes: of a method, or of `any`, by number; each call in a batch counts."""

    method: str = Field(default="any", min_length=1)
    calls: Calls = "1"

    kind: str
    serves: ClassVar[frozenset[str]] = frozenset()


class Spoiling(FaultForm):
    """A fault that replaces the whole HTTP answer. `when` says whether the node hears of the request before."""

    when: When = "before"


class BadGateway(Spoiling):
    """A 5xx with a page of HTML, as a balancer sends it."""

    kind: Literal["bad_gateway"]
    status: int = Field(default=502, ge=500, le=599)


class RateLimited(Spoiling):
    """A 429 with a JSON-RPC error."""

    kind: Literal["rate_limited"]


class Timeout(Spoiling):
    """No answer: the connection stays open for `seconds`, then closes."""

    kind: Literal["timeout"]
    seconds: Positive = Decimal(30)


class ConnectionReset(Spoiling):
    """No answer: the connection ends with a TCP RST."""

    kind: Literal["reset"]


class CutJson(Spoiling):
    """Status 200 with half of the JSON, well announced."""

    kind: Literal["cut_json"]
    when: Literal["after"] = "after"


class CutBody(Spoiling):
    """Half of the body announced, then the connection closes."""

    kind: Literal["cut_body"]
    when: Literal["after"] = "after"


class Slow(FaultForm):
    """The right answer, so many seconds late; the node hears of the request at once."""

    kind: Literal["slow"]
    seconds: Positive


class Refused(FaultForm):
    """A JSON-RPC error in place of the answer; with `when` after, of a request that the node took."""

    kind: Literal["refused"]
    code: int = -32000
    message: str = "internal error"
    when: When = "before"


class Swallowed(FaultForm):
    """A transaction is taken with its hash for an answer, and never handed on."""

    kind: Literal["swallowed"]
    method: str = SEND
    serves: ClassVar[frozenset[str]] = frozenset({SEND})


class Duplicated(FaultForm):
    """A transaction is delivered twice; the client gets the answer to one of both."""

    kind: Literal["duplicated"]
    method: str = SEND
    answer: Literal["first", "last"] = "last"
    serves: ClassVar[frozenset[str]] = frozenset({SEND})


class StaleHead(FaultForm):
    """Answers as of an older block: so many blocks behind the head, or behind where the head was when this was loaded.

    Block tags latest and pending mean that block, and what was mined after it is not there.
    """

    kind: Literal["stale_head"]
    blocks: Blocks = 0
    frozen: bool = False


class WrongChain(FaultForm):
    """Another chain answers to eth_chainId and net_version, as after a failover to a misconfigured endpoint."""

    kind: Literal["wrong_chain"]
    chain_id: int = Field(gt=0)


class LogRange(FaultForm):
    """eth_getLogs over more than so many blocks is refused, as providers do."""

    kind: Literal["log_range"]
    method: str = "eth_getLogs"
    blocks: int = Field(gt=0)
    serves: ClassVar[frozenset[str]] = frozenset({"eth_getLogs"})


class NoOverrides(FaultForm):
    """eth_call and eth_estimateGas with a state override are refused, or answered `silently` as if without it."""

    kind: Literal["no_overrides"]
    silently: bool = False


class Unknown(FaultForm):
    """The method is not there, as with providers that serve only some."""

    kind: Literal["unknown_method"]


def _sensible(fault: FaultForm) -> FaultForm:
    if fault.serves and fault.method not in fault.serves:
        raise ValueError(f"method {fault.method!r}: this kind of fault strikes {', '.join(sorted(fault.serves))}")
    return fault


Fault = Annotated[
    BadGateway
    | RateLimited
    | Timeout
    | ConnectionReset
    | CutJson
    | CutBody
    | Slow
    | Refused
    | Swallowed
    | Duplicated
    | StaleHead
    | WrongChain
    | LogRange
    | NoOverrides
    | Unknown,
    Field(discriminator="kind"),
    AfterValidator(_sensible),
]


class Faults(Strict):
    """A fault file: a list of faults under the key `faults`."""

    faults: tuple[Fault, ...] = ()
