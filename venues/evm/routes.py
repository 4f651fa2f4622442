"""Routes: ways to sell a token into another, and what a simulated sale over each of them returns.

Uniswap V3 pools are asked through its QuoterV2, which makes the swap and undoes it; V2 pairs through their router. A
quote is of one block and holds for that block alone
(https://docs.uniswap.org/contracts/v3/reference/periphery/lens/QuoterV2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from venues.evm.lens import Ask
from venues.evm.registry import Chain
from venues.evm.words import WORD, number, packed, padded, selector, word

# A pool's fee in hundredths of a basis point; the tiers that exist, the cheapest first.
TIERS: Final = (100, 500, 3000, 10000)
# Those in which WETH, USDC and the targets trade with each other.
LIQUID: Final = TIERS[:-1]
# What a simulated swap over two pools may use; the most that crosses many ticks does.
QUOTE_GAS: Final = 1_500_000
# What part of a holding is sold to learn the price that it would have if it were small.
PART: Final = 100


@dataclass(frozen=True, slots=True)
class Route:
    """A way to sell: the contracts passed through, first to last, and the fee of each V3 pool; none for V2 pairs."""

    path: tuple[str, ...]
    fees: tuple[int, ...] = ()

    @property
    def via(self) -> str | None:
        """Return the token in the middle, None for a direct sale."""
        return self.path[1] if len(self.path) == 3 else None

    def ask(self, chain: Chain, units: int) -> Ask:
        """Ask what a sale of so many base units returns."""
        uniswap = chain.uniswap
        if not self.fees:
            assert uniswap.v2_router  # routes over pairs are made where there is one
            steps = b"".join([word(len(self.path)), *map(padded, self.path)])
            data = selector("getAmountsOut(uint256,address[])") + word(units) + word(2 * WORD) + steps
            return Ask(uniswap.v2_router, data, words=2 + len(self.path), gas=QUOTE_GAS)
        hops = b"".join(fee.to_bytes(3, "big") + packed(to) for fee, to in zip(self.fees, self.path[1:], strict=True))
        path = packed(self.path[0]) + hops
        data = (
            selector("quoteExactInput(bytes,uint256)")
            + word(2 * WORD)
            + word(units)
            + word(len(path))
            + path
            + bytes(-len(path) % WORD)
        )
        return Ask(uniswap.quoter, data, words=1, gas=QUOTE_GAS, writes=True)

    def proceeds(self, answer: bytes | None) -> int:
        """Read what the sale returns in base units; 0 where it fails."""
        place = 0 if self.fees else 1 + len(self.path)
        return number(answer, place) if answer and len(answer) >= (place + 1) * WORD else 0


@dataclass(frozen=True, slots=True)
class Sale:
    """The best sale of a whole holding: what it returns, and what a small part of it would; all in base units."""

    route: Route
    units: int
    proceeds: int
    part: int
    part_proceeds: int

    def as_tried(self, received: int) -> Sale:
        """Return it with what really arrived when it was tried; a token that is taxed is worth less than quoted."""
        return replace(self, proceeds=received, part_proceeds=self.part_proceeds * received // self.proceeds)


def routes(chain: Chain, token: str, target: str) -> Iterator[Route]:
    """List the ways from a token to another: directly, and through WETH or USDC."""
    pairs = chain.uniswap.v2_router is not None
    middles = [each.address for each in (chain.tokens.get("WETH"), chain.tokens.get("USDC")) if each]
    yield from (Route((token, target), (fee,)) for fee in TIERS)
    if pairs:
        yield Route((token, target))
    for middle in middles:
        if middle not in (token, target):
            yield from (Route((token, middle, target), fees) for fees in product(TIERS, LIQUID))
            if pairs:
                yield Route((token, middle, target))


@dataclass(frozen=True, slots=True)
class Way:
    """A route for so many base units of its token."""

    route: Route
    units: int

    @property
    def part(self) -> int:
        """Return what is sold to learn the price of a small sale."""
        return max(1, self.units // PART)


def ways(chain: Chain, holdings: Iterable[tuple[str, int]], target: str) -> list[Way]:
    """List the ways to sell each (token, base units)."""
    return [Way(route, units) for token, units in holdings for route in routes(chain, token, target)]


def sale_asks(chain: Chain, ways: Iterable[Way]) -> list[Ask]:
    """Ask what each way returns for all of it and for a small part; `best_sales` reads the answers."""
    return [way.route.ask(chain, size) for way in ways for size in (way.units, way.part)]


def best_sales(ways: Sequence[Way], answers: Sequence[bytes | None]) -> dict[str, Sale]:
    """Return the best sale by token; a token that no way sells is not in it."""
    found: dict[str, Sale] = {}
    for place, way in enumerate(ways):
        proceeds, part_proceeds = (way.route.proceeds(answer) for answer in answers[2 * place : 2 * place + 2])
        token = way.route.path[0]
        if proceeds > 0 and (token not in found or proceeds > found[token].proceeds):
            found[token] = Sale(way.route, way.units, proceeds, way.part, part_proceeds)
    return found


def open_routes(ways: Sequence[Way], answers: Sequence[bytes | None]) -> dict[str, list[Route]]:
    """Return the routes by token that sell anything, the best first."""
    found: dict[str, list[tuple[int, Route]]] = {}
    for way, answer in zip(ways, answers[::2], strict=True):
        if (proceeds := way.route.proceeds(answer)) > 0:
            found.setdefault(way.route.path[0], []).append((proceeds, way.route))
    return {token: [route for _, route in sorted(some, key=lambda each: -each[0])] for token, some in found.items()}
