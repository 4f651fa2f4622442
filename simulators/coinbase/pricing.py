"""What a market order takes from a book, and what it costs.

Every value and fee lies on the grid of the quote wallet's decimal places, rounded in the venue's favour: a seller's
value down, a buyer's value up, the fee up. So balances stay exact and no digit is lost between two wallets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from events.money import floor_to
from simulators.exchange.arithmetic import DECIMALS, ZERO, ceil_places, exactly, floor_places
from simulators.exchange.book import Level


@dataclass(frozen=True, slots=True)
class Grid:
    """The steps a market deals in: the base increment, and the quote wallet's decimal places."""

    increment: Decimal
    places: int


@dataclass(frozen=True, slots=True)
class Take:
    """One level's part of an order: `value` is price times size on the grid, `fee` comes on top or off."""

    price: Decimal
    size: Decimal
    value: Decimal
    fee: Decimal


@exactly()
def sell(bids: Sequence[Level], size: Decimal, grid: Grid, rate: Decimal) -> tuple[Take, ...]:
    """Sell up to `size` into the bids, best first."""
    takes = [(price, taken, floor_places(price * taken, grid.places)) for price, taken in _walk(bids, size, grid)]
    return _with_fees(takes, rate, grid)


@exactly()
def buy(asks: Sequence[Level], size: Decimal, grid: Grid, rate: Decimal) -> tuple[Take, ...]:
    """Buy up to `size` from the asks, best first."""
    takes = [(price, taken, ceil_places(price * taken, grid.places)) for price, taken in _walk(asks, size, grid)]
    return _with_fees(takes, rate, grid)


@exactly()
def buy_for(asks: Sequence[Level], budget: Decimal, grid: Grid, rate: Decimal) -> tuple[Take, ...]:
    """Buy for up to `budget` of quote currency, fee included, in whole increments: a little of it may be left."""
    left = floor_places(budget / (1 + rate), grid.places)
    takes = []
    for level in asks:
        affordable = floor_to(left / level.price, grid.increment)
        taken = min(affordable, floor_to(level.size, grid.increment))
        if taken > 0:
            value = ceil_places(level.price * taken, grid.places)
            takes.append((level.price, taken, value))
            left -= value
        if taken == affordable:
            break
    return _with_fees(takes, rate, grid)


@exactly()
def buy_for_exactly(asks: Sequence[Level], budget: Decimal, grid: Grid, rate: Decimal) -> tuple[Take, ...]:
    """Buy for all of `budget`, fee included, while the book lasts: sizes are finer than the increment."""
    left, takes = floor_places(budget / (1 + rate), grid.places), []
    for level in asks:
        value = min(left, floor_places(level.price * level.size, grid.places))
        size = min(floor_places(value / level.price, DECIMALS), level.size)
        if size > 0 and value > 0:
            takes.append((level.price, size, value))
            left -= value
    return _with_fees(takes, rate, grid)


def _walk(levels: Sequence[Level], size: Decimal, grid: Grid) -> list[tuple[Decimal, Decimal]]:
    left, taken = size, []
    for level in levels:
        part = min(left, floor_to(level.size, grid.increment))
        if part > 0:
            taken.append((level.price, part))
            left -= part
    return taken


def _with_fees(takes: Sequence[tuple[Decimal, Decimal, Decimal]], rate: Decimal, grid: Grid) -> tuple[Take, ...]:
    """Charge the fee on the running total, so that the fees of all fills add up to the fee of the order."""
    charged, value_so_far, priced = ZERO, ZERO, []
    for price, size, value in takes:
        value_so_far += value
        fee = ceil_places(value_so_far * rate, grid.places) - charged
        charged += fee
        priced.append(Take(price, size, value, fee))
    return tuple(priced)
