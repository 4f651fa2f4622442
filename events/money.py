"""Money: a quantity that knows what it is a quantity of."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from typing import Final

import msgspec

# Entering a context costs ten times what an addition does. Threads may share one: only its flags change.
_EXACT: Final = Context(prec=200)
_add, _subtract = _EXACT.add, _EXACT.subtract
_ZERO: Final = Decimal(0)
DECIMALS: Final = 6
MILLIONTH: Final = Decimal(1).scaleb(-DECIMALS)


class UnlikeAssets(ValueError):
    """Two amounts of different assets were added or compared."""


class Amount(msgspec.Struct, frozen=True, gc=False):
    """A quantity of one asset; arithmetic between unlike assets raises `UnlikeAssets`.

    `asset` is named by what it is, not by its ticker: `coinbase:BTC` on an exchange, CAIP-19 on a chain.
    """

    quantity: Decimal
    asset: str

    def __post_init__(self) -> None:
        if not isinstance(self.quantity, Decimal) or not self.quantity.is_finite():
            raise ValueError(f"quantity: {self.quantity!r} is not a finite Decimal")
        if not self.asset:
            raise ValueError("asset: '' is empty; name it as venue:CODE or CAIP-19")

    def __add__(self, other: Amount) -> Amount:
        return Amount(exactly_sum(self.quantity, self._like(other)), self.asset)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(exactly_less(self.quantity, self._like(other)), self.asset)

    def __str__(self) -> str:
        return f"{plain(self.quantity)} {ticker(self.asset)}"

    def _like(self, other: Amount) -> Decimal:
        if other.asset != self.asset:
            raise UnlikeAssets(f"{self.asset} and {other.asset} do not add up")
        return other.quantity


def exactly_sum(*quantities: Decimal) -> Decimal:
    """Add without rounding, however many digits the terms have (the default context keeps 28)."""
    total = _ZERO
    for quantity in quantities:
        total = _add(total, quantity)
    return total


def exactly_less(quantity: Decimal, *others: Decimal) -> Decimal:
    """Take the others off without rounding; a minus sign alone would round to the default context's 28 digits."""
    left = _add(_ZERO, quantity)
    for other in others:
        left = _subtract(left, other)
    return left


def floor_to(quantity: Decimal, increment: Decimal) -> Decimal:
    """Round down to a multiple of `increment` (> 0), as venues demand of sizes."""
    if increment <= 0:
        raise ValueError(f"increment: {increment} is not above zero")
    with localcontext(prec=200):
        return (quantity / increment).to_integral_value(ROUND_FLOOR) * increment


def plain(quantity: Decimal) -> str:
    """Write a number without an exponent: importers of `1E-8` break."""
    return format(quantity, "f")


def rounded(value: Decimal) -> str:
    """Write what something is worth for people: down to a millionth, since chains' prices have thirty digits."""
    written = plain(value)
    if len(written.partition(".")[2]) <= DECIMALS:
        return written
    return plain(floor_to(value, MILLIONTH)).rstrip("0").rstrip(".")


def ticker(asset: str) -> str:
    """What people call the asset: the part after the last `:` or `/`, ETH for a chain's coin (SLIP-44 number 60).

    For display only, never for identity.
    """
    return "ETH" if asset.endswith("/slip44:60") else asset.replace("/", ":").rsplit(":", 1)[-1]
