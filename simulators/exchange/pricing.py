"""What a market order takes from a book: whole steps, level by level, to the last digit that balances are kept to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from events.money import floor_to
from simulators.exchange.arithmetic import exactly, floor_places
from simulators.exchange.book import Level


@dataclass(frozen=True, slots=True)
class Take:
    """One level's part of an order; `value` is in quote currency."""

    price: Decimal
    size: Decimal
    value: Decimal


@exactly()
def by_size(levels: Sequence[Level], size: Decimal, step: Decimal, places: int) -> tuple[Take, ...]:
    """Take up to `size` of the base, best price first; values are rounded down to so many decimal places."""
    left, takes = size, []
    for level in levels:
        part = min(left, floor_to(level.size, step))
        if part > 0:
            takes.append(Take(level.price, part, floor_places(level.price * part, places)))
            left -= part
    return tuple(takes)


@exactly()
def by_value(levels: Sequence[Level], money: Decimal, step: Decimal, places: int) -> tuple[Take, ...]:
    """Take base for up to `money` in whole steps: a little of it may be left."""
    left, takes = money, []
    for level in levels:
        affordable = floor_to(left / level.price, step)
        part = min(affordable, floor_to(level.size, step))
        if part > 0:
            value = floor_places(level.price * part, places)
            takes.append(Take(level.price, part, value))
            left -= value
        if part == affordable:
            break
    return tuple(takes)
