"""Order books: what is bid and asked, level by level, best first.

Depth is refilled after every order: the twin shows slippage within an order, not the market's memory of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from simulators.exchange.arithmetic import ZERO, exactly

BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Level:
    """So much of the base currency, at one price in quote currency."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides of a market. An empty side has no price."""

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    @property
    def bid(self) -> Decimal | None:
        """Return the best bid."""
        return self.bids[0].price if self.bids else None

    @property
    def ask(self) -> Decimal | None:
        """Return the best ask."""
        return self.asks[0].price if self.asks else None

    @exactly()
    def moved(self, factor: Decimal, increment: Decimal) -> Book:
        """Multiply every price, keeping bids and asks on the price grid and above zero."""
        return Book(
            tuple(Level(_on_grid(level.price * factor, increment, ROUND_FLOOR), level.size) for level in self.bids),
            tuple(Level(_on_grid(level.price * factor, increment, ROUND_CEILING), level.size) for level in self.asks),
        )


@exactly()
def ladder(price: Decimal, spread_bps: Decimal, depth: Decimal, levels: int, increment: Decimal) -> Book:
    """Lay out a book around `price`: the best levels half the spread away, each further one a whole spread more."""
    half = price * spread_bps / BPS / 2
    bids, asks = [], []
    for n in range(levels):
        away = max(half * (2 * n + 1), increment * n)
        bids.append(Level(_on_grid(price - away, increment, ROUND_FLOOR), depth))
        asks.append(Level(_on_grid(price + away, increment, ROUND_CEILING), depth))
    if bids[0].price >= asks[0].price:
        asks = [Level(level.price + increment, level.size) for level in asks]
    return Book(tuple(bids), tuple(asks))


def _on_grid(price: Decimal, increment: Decimal, rounding: str) -> Decimal:
    steps = (price / increment).to_integral_value(rounding)
    return increment * max(steps, ZERO + 1)
