"""ABI words by hand: what is asked of contracts is a selector and words of 32 bytes, what they answer is words.

Reading thousands of balances spends its time in packing, so no ABI library stands in the way
(https://docs.soliditylang.org/en/latest/abi-spec.html).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from eth_utils.crypto import keccak

WORD: Final = 32
MOST: Final = 2**256 - 1


@cache
def selector(signature: str) -> bytes:
    """Return the four bytes that stand for `balanceOf(address)`."""
    return keccak(text=signature)[:4]


def word(number: int) -> bytes:
    """Write a number of 256 bits without a sign."""
    return number.to_bytes(WORD, "big")


def packed(address: str) -> bytes:
    """Write an address as its 20 bytes."""
    return bytes.fromhex(address[2:])


def padded(address: str) -> bytes:
    """Write an address as a word."""
    return bytes(12) + packed(address)


def number(answer: bytes, place: int = 0) -> int:
    """Read the word at `place`, counted from 0."""
    return int.from_bytes(answer[place * WORD : (place + 1) * WORD], "big")


def signed(answer: bytes, place: int = 0) -> int:
    """Read the word at `place` as a number with a sign."""
    return int.from_bytes(answer[place * WORD : (place + 1) * WORD], "big", signed=True)


def text(answer: bytes) -> str:
    """Read a text: as ABI strings are, or as 32 bytes filled up with zeros, as the first tokens wrote them.

    What is no UTF-8 is replaced; a text that says it is longer than what came ends there.
    """
    if len(answer) >= 2 * WORD and number(answer) == WORD:
        content = answer[2 * WORD : 2 * WORD + min(number(answer, 1), len(answer))]
    else:
        content = answer[:WORD].rstrip(b"\0")
    return content.decode("utf-8", "replace")
