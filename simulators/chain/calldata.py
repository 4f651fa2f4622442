"""Calls as the EVM reads them: a selector of four bytes, then ABI words."""

from __future__ import annotations

from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak


@cache
def selector(signature: str) -> bytes:
    """Return the four bytes that stand for `transfer(address,uint256)`."""
    return keccak(text=signature)[:4]


@cache
def types_of(signature: str) -> tuple[str, ...]:
    """Split the types between the outer parentheses at the commas that belong to no tuple."""
    types, depth, start = [], 0, signature.index("(") + 1
    for place in range(start, len(signature)):
        letter = signature[place]
        if letter in ",)" and depth == 0 and place > start:
            types.append(signature[start:place])
            start = place + 1
        depth += (letter == "(") - (letter == ")")
    return tuple(types)


def call(signature: str, *values: object) -> bytes:
    """Encode a call of a function with these arguments; addresses as 0x text, numbers as int."""
    return selector(signature) + encode(types_of(signature), values)


def words(types: tuple[str, ...], data: bytes) -> tuple[Any, ...]:
    """Decode what a call returned."""
    return tuple(decode(types, data))
