"""A glance: an account's code and what others may take of it, in one `eth_call` that says of which block it is.

What several calls of a batch say of the latest block may be of two blocks; what this one says is of one
(state override, execution-apis `eth_call`). Where a provider takes no override there is none, and on chains whose
contracts count other blocks than its nodes do (Arbitrum's count Ethereum's) it names another block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from venues.evm.lens import override_call
from venues.evm.rpc import Call, Failure, octets
from venues.evm.words import MOST, WORD, number, packed

# What a token may use to tell an allowance.
_GAS = 150_000
_DESIGNATOR = 23  # the length of a delegation (EIP-7702)


@dataclass(frozen=True, slots=True)
class Glance:
    """What was seen in a block: the account's code as 0x text, cut where it is none of a delegation; allowances."""

    block: int
    code: str
    allowances: tuple[int, ...]


def call(account: str, pairs: Sequence[tuple[str, str]]) -> Call:
    """Return the read of an account and of the (token, spender) pairs as of the latest block."""
    data = _GAS.to_bytes(4, "big") + packed(account) + b"".join(packed(token) + packed(by) for token, by in pairs)
    return override_call("Glance", data, "latest")


def seen(answer: object, pairs: Sequence[tuple[str, str]]) -> Glance | None:
    """Read the answer to `call`; None where not all of it was told."""
    found = b"" if isinstance(answer, Failure) else octets(answer)
    if len(found) != (3 + len(pairs)) * WORD:
        return None
    allowances = tuple(number(found, 3 + place) for place in range(len(pairs)))
    if MOST in allowances:
        return None
    size = min(number(found, 1), WORD)
    return Glance(number(found, 0), "0x" + found[2 * WORD : 2 * WORD + size].hex(), allowances)
