"""The lens: reads many contracts in one `eth_call`, at one block, and no contract can spoil the reading of another.

It puts code of our own at an unused address (state override, execution-apis `eth_call`), which gives each contract its
share of gas and looks at no more of an answer than was asked for. Where a provider takes no override, Multicall3 reads
instead, which a contract that burns its gas can spoil; what it spoils is read call by call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final, TypeVar

from domain.errors import VenueUnavailable
from venues.evm.rpc import Call, Failure, Rpc, octets
from venues.evm.words import MOST, WORD, number, packed, padded, selector, word

# Nobody holds the key of this address, and nothing was ever put there.
UNUSED: Final = "0xD057D057D057D057D057D057D057D057D057D057"
# What a token may use to tell a balance: rebasing ones behind a proxy use up to 60,000.
BALANCE_GAS: Final = 150_000
# Pairs and calls at once: what geth's default call allowance of 50M gas holds, and what it holds with care.
PAIRS_AT_ONCE: Final = 6_000
ASKS_AT_ONCE: Final = 2_000
# Asks in each of several calls of one request, where any of them may be a swap that uses 200,000.
ASKS_A_CALL: Final = 250
MULTICALLS_AT_ONCE: Final = 500
SINGLES_AT_ONCE: Final = 100
# How nodes say that a contract itself ended badly; all other refusals are of the node.
_EXECUTED: Final = ("out of gas", "outofgas", "evm error", "invalid opcode", "bad instruction", "stack ", "gas uint64")
_Item = TypeVar("_Item")
_Got = TypeVar("_Got")


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of a contract: its data, the words of answer that matter, and the gas it may use.

    `writes` is for contracts that try something and undo it, such as Uniswap's quoter; nothing of it lasts.
    """

    to: str
    data: bytes
    words: int = 1
    gas: int = 200_000
    writes: bool = False


class Way(Enum):
    """How many contracts are read at once, best first."""

    OVERRIDE = auto()
    MULTICALL = auto()
    SINGLE = auto()


class Lens:
    """Reads contracts of one chain; remembers which way its provider allows."""

    def __init__(self, rpc: Rpc, multicall3: str | None) -> None:
        self._rpc = rpc
        self._multicall3 = multicall3
        self.way = Way.OVERRIDE

    @property
    def override(self) -> bool:
        """Say whether the provider takes overrides, as far as is known."""
        return self.way is Way.OVERRIDE

    def scan_calls(self, pairs: Sequence[tuple[str, str]], block: str = "latest") -> list[Call]:
        """Return the calls that read balances, for a batch with others; `scanned` wants their answers."""
        if not self.override:
            return []
        return [override_call("Scanner", _pairs(piece), block) for piece in _pieces(pairs, PAIRS_AT_ONCE)]

    def scanned(self, answers: Sequence[object], pairs: Sequence[tuple[str, str]], block: int) -> list[int | None]:
        """Return the balances of all pairs, as `balances` does, which reads at a block what was not answered whole."""
        if not answers:
            return self.balances(pairs, block)
        taken: list[int | None] = []
        for answer, piece in zip(answers, _pieces(pairs, PAIRS_AT_ONCE), strict=True):
            found = [] if isinstance(answer, Failure) else _balances(octets(answer))
            taken += found
            taken += self.balances(piece[len(found) :], block)
        return taken

    def balances(self, pairs: Sequence[tuple[str, str]], block: int) -> list[int | None]:
        """Return what each token says that each wallet has, in base units; None where it says nothing.

        A token may say anything: it is a claim.
        """
        if self.way is Way.OVERRIDE:
            found = self._piecewise(list(pairs), PAIRS_AT_ONCE, block, self._scanned)
            if found is not None:
                return found
        balance_of = selector("balanceOf(address)")
        asks = [Ask(token, balance_of + padded(wallet), gas=BALANCE_GAS) for token, wallet in pairs]
        return [number(answer) if answer and len(answer) >= WORD else None for answer in self.read(asks, block)]

    def read_calls(self, asks: Sequence[Ask], block: int | str) -> list[Call]:
        """Return the calls that make all asks at a block, for a batch with others; `looked` wants their answers."""
        if not self.override:
            return []
        pieces = _pieces(asks, ASKS_A_CALL)
        at = hex(block) if isinstance(block, int) else block
        return [override_call("Reader", b"".join(map(_entry, piece)), at) for piece in pieces]

    def looked(self, answers: Sequence[object], asks: Sequence[Ask], block: int) -> list[bytes | None]:
        """Return what each ask returned, as `read` does, which goes on where an answer ends early."""
        if not answers:
            return self.read(asks, block)
        taken: list[bytes | None] = []
        for answer, piece in zip(answers, _pieces(asks, ASKS_A_CALL), strict=True):
            found = [] if isinstance(answer, Failure) else _answers(octets(answer), piece)
            taken += found
            taken += self.read(piece[len(found) :], block)
        return taken

    def read(self, asks: Sequence[Ask], block: int) -> list[bytes | None]:
        """Return what each call returned, cut to its words; None where it failed."""
        if self.way is Way.OVERRIDE:
            found = self._piecewise(list(asks), ASKS_AT_ONCE, block, self._looked)
            if found is not None:
                return found
        answers: list[bytes | None] = []
        for start in range(0, len(asks), MULTICALLS_AT_ONCE):
            some = asks[start : start + MULTICALLS_AT_ONCE]
            several = self._multicalled(some, block) if self.way is Way.MULTICALL else None
            answers += several if several is not None else self._singly(some, block)
        return answers

    def _piecewise(
        self, items: list[_Item], at_once: int, block: int, take: Callable[[list[_Item], int], list[_Got] | None]
    ) -> list[_Got] | None:
        """Take items piece by piece until all are taken; None when the provider turns out to take no override.

        A piece may end early where the gas did; what is left is the next piece.
        """
        taken: list[_Got] = []
        while len(taken) < len(items):
            piece = items[len(taken) : len(taken) + at_once]
            got = take(piece, block)
            if got is None and not self.takes_overrides(block):
                return None
            if got:
                taken += got
            elif len(piece) > 1:
                at_once = max(1, len(piece) // 2)
            else:
                raise VenueUnavailable("the provider allows an eth_call too little gas to read one contract")
        return taken

    def _scanned(self, pairs: list[tuple[str, str]], block: int) -> list[int | None] | None:
        found = self._overridden("Scanner", _pairs(pairs), block)
        return None if found is None else _balances(found)

    def _looked(self, asks: list[Ask], block: int) -> list[bytes | None] | None:
        found = self._overridden("Reader", b"".join(map(_entry, asks)), block)
        return None if found is None else _answers(found, asks)

    def _overridden(self, contract: str, data: bytes, block: int) -> bytes | None:
        """Run one of our contracts over `data`; None when the provider says no, or ran nothing."""
        answer = self._rpc.ask([override_call(contract, data, hex(block))])[0]
        return None if isinstance(answer, Failure) else octets(answer) or None

    def takes_overrides(self, block: int) -> bool:
        """Ask for the least there is, and go another way from then on where the provider refuses that."""
        # A call of an address without code succeeds and returns nothing.
        nobody = Ask("0x" + "00" * 18 + "d057", b"", words=0, gas=1000)
        found = self._overridden("Reader", _entry(nobody), block)
        if found is not None and len(found) == WORD:
            return True
        self.way = Way.MULTICALL if self._multicall3 else Way.SINGLE
        return False

    def _multicalled(self, asks: Sequence[Ask], block: int) -> list[bytes | None] | None:
        request = {"to": self._multicall3, "data": "0x" + aggregated(asks).hex()}
        answer = self._rpc.ask([Call("eth_call", (request, hex(block)))])[0]
        if isinstance(answer, Failure):
            return None
        found = octets(answer)
        if not found:
            self.way = Way.SINGLE
            return None
        results = returned(found, len(asks))
        return [None if each is None else each[: ask.words * WORD] for each, ask in zip(results, asks, strict=True)]

    def _singly(self, asks: Sequence[Ask], block: int) -> list[bytes | None]:
        answers: list[bytes | None] = []
        for start in range(0, len(asks), SINGLES_AT_ONCE):
            some = asks[start : start + SINGLES_AT_ONCE]
            requests = [{"to": ask.to, "data": "0x" + ask.data.hex(), "gas": hex(ask.gas + 50_000)} for ask in some]
            found = self._rpc.ask([Call("eth_call", (request, hex(block))) for request in requests])
            answers += [_alone(each, ask) for each, ask in zip(found, some, strict=True)]
        return answers


def _pieces(items: Sequence[_Item], at_once: int) -> list[Sequence[_Item]]:
    return [items[start : start + at_once] for start in range(0, len(items), at_once)]


def override_call(contract: str, data: bytes, block: str) -> Call:
    """Return the call that runs one of our contracts over `data` at the unused address."""
    request = {"to": UNUSED, "data": "0x" + data.hex()}
    return Call("eth_call", (request, block, {UNUSED: {"code": code_of(contract)}}))


def _pairs(pairs: Sequence[tuple[str, str]]) -> bytes:
    return BALANCE_GAS.to_bytes(4, "big") + b"".join(packed(token) + packed(wallet) for token, wallet in pairs)


def _balances(found: bytes) -> list[int | None]:
    words = (int.from_bytes(found[at : at + WORD], "big") for at in range(0, len(found), WORD))
    return [None if balance == MOST else balance for balance in words]


def _answers(found: bytes, asks: Sequence[Ask]) -> list[bytes | None]:
    """Read what the Reader wrote, as far as it came."""
    answers: list[bytes | None] = []
    at = 0
    for ask in asks:
        room = ask.words * WORD
        if at + WORD + room > len(found):
            break
        status = number(found[at : at + WORD])
        answers.append(found[at + WORD : at + WORD + min(room, status - 1)] if status else None)
        at += WORD + room
    return answers


def code_of(contract: str) -> str:
    """Return a contract's code as 0x text; `make contracts` compiles it."""
    return _CODE[contract]


def _compiled() -> dict[str, str]:
    compiled = json.loads((Path(__file__).parent / "contracts" / "compiled.json").read_text(encoding="utf-8"))
    return {name: contract["runtime"] for name, contract in compiled.items()}


_CODE: Final = _compiled()


def _entry(ask: Ask) -> bytes:
    head = packed(ask.to) + ask.gas.to_bytes(4, "big") + bytes([ask.words, ask.writes])
    return head + len(ask.data).to_bytes(2, "big") + ask.data


def aggregated(asks: Sequence[Ask]) -> bytes:
    """Write a call of Multicall3's aggregate3((address,bool,bytes)[]), in which each call may fail."""
    places, bodies, at = [], [], len(asks) * WORD
    for ask in asks:
        filled = ask.data + bytes(-len(ask.data) % WORD)
        body = padded(ask.to) + word(1) + word(3 * WORD) + word(len(ask.data)) + filled
        places.append(word(at))
        bodies.append(body)
        at += len(body)
    return b"".join(
        [selector("aggregate3((address,bool,bytes)[])"), word(WORD), word(len(asks)), *places, *bodies],
    )


def returned(found: bytes, count: int) -> list[bytes | None]:
    """Read what aggregate3 returned, (bool,bytes)[]; `VenueUnavailable` for anything else."""
    if len(found) < 2 * WORD or number(found) != WORD or number(found, 1) != count:
        raise VenueUnavailable(f"a node answered {count} calls through Multicall3 with something else")
    results: list[bytes | None] = []
    for place in range(count):
        start = 2 * WORD + number(found, 2 + place)
        length = number(found[start + 2 * WORD : start + 3 * WORD])
        content = found[start + 3 * WORD : start + 3 * WORD + length]
        if start > len(found) or len(content) != length:
            raise VenueUnavailable("a node's answer through Multicall3 is cut")
        results.append(content if number(found[start : start + WORD]) else None)
    return results


def _alone(answer: object, ask: Ask) -> bytes | None:
    if isinstance(answer, Failure):
        if answer.reverted or any(words in answer.message.lower() for words in _EXECUTED):
            return None
        raise VenueUnavailable(f"the node refused {answer}")
    return octets(answer)[: ask.words * WORD]
