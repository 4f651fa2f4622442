"""The probe: tokens tried by a simulated transfer and sale, many in one `eth_call`, none of which meets another.

For the time of the call a contract of ours stands at the wallet's own address and at one that was never used (state
override); what it tries, it undoes. What a token does there is what it did at this block, to this wallet: one that
knows that it is being tried may behave, so a sale is tried again as it will be sent, and has a minimum.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.judgement import Moved, Observation, Sold, Tried
from venues.evm.lens import Lens, code_of
from venues.evm.names import harmless
from venues.evm.registry import Chain
from venues.evm.routes import Route, Sale
from venues.evm.rpc import Call, Failure, Rpc, octets
from venues.evm.words import MOST, WORD, number, packed, padded, selector, text, word

TOKENS_AT_ONCE: Final = 250
# What geth allows a call by default, which holds some 200 tokens; a node that allows less takes less, or says no.
GAS: Final = 50_000_000
_WORDS: Final = 46
_CALL: Final = 7
# What the contract gives each kind of call.
_BALANCE_GAS: Final = 150_000
_MOVE_GAS: Final = 500_000
_SWAP_GAS: Final = 1_500_000
_ERROR: Final = selector("Error(string)")


@dataclass(frozen=True, slots=True)
class Probe:
    """Tries tokens as `wallet`, and their sales into the contract `target`."""

    rpc: Rpc
    lens: Lens
    chain: Chain
    wallet: str
    target: str

    def observe(self, tokens: Sequence[str], sales: Mapping[str, Sale], block: int) -> dict[str, Observation | None]:
        """Try each token at a block, with its sale where there is one; None for a token that could not be tried.

        Raises `VenueUnavailable` when no node answers.
        """
        taker = _fresh()
        observed: dict[str, Observation | None] = {}
        waiting, at_once, gas = list(tokens), TOKENS_AT_ONCE, {"gas": hex(GAS)}
        while waiting and self.lens.override:
            piece = waiting[:at_once]
            call = self._call(piece, sales, taker, block, gas)
            found = self.read(self.rpc.ask([call])[0], piece, sales)
            observed |= found
            done = len(found)
            del waiting[:done]
            if done:
                continue
            if not self.lens.takes_overrides(block):
                break
            if gas:
                gas = {}
            elif len(piece) > 1:
                at_once = len(piece) // 2
            else:  # what keeps one token from being tried is no matter of others
                del waiting[:1]
        return {token: observed.get(token) for token in tokens}

    def call(self, sales: Mapping[str, Sale], block: int) -> Call:
        """Return the call that tries as many sales as one holds, for a batch with others; `read` wants its answer."""
        return self._call(list(sales)[:TOKENS_AT_ONCE], sales, _fresh(), block, {"gas": hex(GAS)})

    def read(self, answer: object, tokens: Sequence[str], sales: Mapping[str, Sale]) -> dict[str, Observation | None]:
        """Read what was seen of the tokens that were tried; of none where the provider refused or was not asked."""
        found = b"" if answer is None or isinstance(answer, Failure) else octets(answer)
        whole = _WORDS * WORD
        parts = [found[place * whole : (place + 1) * whole] for place in range(len(found) // whole)]
        return {token: _observation(part, sales.get(token)) for token, part in zip(tokens, parts, strict=False)}

    def _call(
        self, tokens: Sequence[str], sales: Mapping[str, Sale], taker: str, block: int, gas: Mapping[str, str]
    ) -> Call:
        head = bytes(1) + packed(taker) + packed(self.target)
        data = head + b"".join(self._entry(token, sales.get(token)) for token in tokens)
        request = {"from": self.wallet, "to": self.wallet, "data": "0x" + data.hex(), **gas}
        code = {"code": code_of("Probe")}
        return Call("eth_call", (request, hex(block), {self.wallet: code, taker: code}))

    def _entry(self, token: str, sale: Sale | None) -> bytes:
        if sale is None:
            return packed(token) + bytes(20 + WORD + 2)
        market, swap = _swap(self.chain, self.wallet, sale.route, sale.units)
        return packed(token) + packed(market) + word(sale.units) + len(swap).to_bytes(2, "big") + swap


def _fresh() -> str:
    """Make up an address that no token can have prepared for."""
    return "0x" + secrets.token_hex(20)


def _swap(chain: Chain, wallet: str, route: Route, units: int) -> tuple[str, bytes]:
    """Return the market of a route and the call that sells there for whatever it brings, taxed tokens too."""
    if route.fees:
        hops = b"".join(fee.to_bytes(3, "big") + packed(to) for fee, to in zip(route.fees, route.path[1:], strict=True))
        path = packed(route.path[0]) + hops
        fields = word(4 * WORD) + padded(wallet) + word(units) + word(0)
        data = word(WORD) + fields + word(len(path)) + path + bytes(-len(path) % WORD)
        return chain.uniswap.router, selector("exactInput((bytes,address,uint256,uint256))") + data
    assert chain.uniswap.v2_router  # routes over pairs are made where there is one
    signature = "swapExactTokensForTokensSupportingFeeOnTransferTokens(uint256,uint256,address[],address,uint256)"
    fields = word(units) + word(0) + word(5 * WORD) + padded(wallet) + word(MOST)
    path = b"".join([word(len(route.path)), *map(padded, route.path)])
    return chain.uniswap.v2_router, selector(signature) + fields + path


def _observation(found: bytes, sale: Sale | None) -> Observation | None:
    """Read what the contract wrote of one token."""
    calls = number(found, 27)
    if not calls:
        return None
    balance = _tried(found, 1, _BALANCE_GAS)
    units = balance.word if balance.done else None
    half = 0 if units is None else (units + 1) // 2
    out = back = None
    if calls > 1:
        out = Moved(_tried(found, 8, _MOVE_GAS), half, (units, _told(found, 15)), (_told(found, 16), _told(found, 17)))
    if out and calls > 2:
        arrived = out.taker[1] or 0
        holder, taker = (out.holder[1], _told(found, 25)), (arrived, _told(found, 26))
        # Seen from the taker, who is the holder on the way back.
        back = Moved(_tried(found, 18, _MOVE_GAS), arrived, taker, holder)
    return Observation(number(found, 0), balance, units, out, back, _sold(found, sale))


def _sold(found: bytes, sale: Sale | None) -> Sold | None:
    if sale is None or not number(found, 45):
        return None
    before, after = _told(found, 42), _told(found, 43)
    left = None if before is None or after is None else before - after
    approval, swap = _tried(found, 28, _MOVE_GAS), _tried(found, 35, _SWAP_GAS)
    return Sold(approval, swap, sale.units, sale.proceeds, left, number(found, 44))


def _tried(found: bytes, place: int, limit: int) -> Tried:
    done, gas, size = (number(found, place + each) for each in range(3))
    answer = found[(place + 3) * WORD : (place + _CALL) * WORD][:size]
    first = number(answer) if len(answer) >= WORD else None
    return Tried(bool(done), gas, limit, size, first, "" if done else _reason(answer))


def _reason(answer: bytes) -> str:
    """Return the words of a revert, as far as they came; nothing for one without."""
    return harmless(text(answer[4:])) if answer[:4] == _ERROR and len(answer) > 4 + 2 * WORD else ""


def _told(found: bytes, place: int) -> int | None:
    units = number(found, place)
    return None if units == MOST else units
