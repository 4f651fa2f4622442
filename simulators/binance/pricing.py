"""What a market order takes from a book: whole steps, level by level, to the last digit.

Balances are kept to eight decimal places. A commission is taken out of what arrives and rounded down, trade by trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from events.money import floor_to
from simulators.exchange.arithmetic import exactly, floor_places
from simulators.exchange.book import Level

PLACES = 8


@dataclass(frozen=True, slots=True)
class Take:
    """One level's part of an order; `value` is in quote currency."""

    price: Decimal
    size: Decimal
    value: Decimal


@exactly()
def by_size(levels: Sequence[Level], size: Decimal, step: Decimal) -> tuple[Take, ...]:
    """Take up to `size` of the base, best price first."""
    left, takes = size, []
    for level in levels:
        part = min(left, floor_to(level.size, step))
        if part > 0:
            takes.append(Take(level.price, part, floor_places(level.price * part, PLACES)))
            left -= part
    return tuple(takes)


@exactly()
def by_value(levels: Sequence[Level], money: Decimal, step: Decimal) -> tuple[Take, ...]:
    """Take base for up to `money` in whole steps: a little of it may be left."""
    left, takes = money, []
    for level in levels:
        affordable = floor_to(left / level.price, step)
        part = min(affordable, floor_to(level.size, step))
        if part > 0:
            value = floor_places(level.price * part, PLACES)
            takes.append(Take(level.price, part, value))
            left -= value
        if part == affordable:
            break
    return tuple(takes)
