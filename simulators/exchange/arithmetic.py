"""Exact decimals on a grid of places: nothing here rounds unless its name says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

ZERO = Decimal(0)
# The venue writes fees, values and balances with up to so many decimal places.
DECIMALS = 16


@contextmanager
def exactly() -> Iterator[None]:
    """Keep every digit of sums and products within; as a decorator, of a whole function."""
    with localcontext(prec=120):
        yield


@exactly()
def floor_places(quantity: Decimal, places: int) -> Decimal:
    """Round down to so many decimal places."""
    return quantity.quantize(Decimal(1).scaleb(-places), ROUND_FLOOR)


@exactly()
def ceil_places(quantity: Decimal, places: int) -> Decimal:
    """Round up to so many decimal places."""
    return quantity.quantize(Decimal(1).scaleb(-places), ROUND_CEILING)


@exactly()
def is_multiple(quantity: Decimal, increment: Decimal) -> bool:
    """Say whether a size lies on the venue's grid."""
    return quantity % increment == 0


def trimmed(quantity: Decimal) -> str:
    """Write a number as the venue does: no exponent, no zeros at the end."""
    text = format(quantity, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
