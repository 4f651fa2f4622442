"""Base units, which contracts count in, and whole tokens, which the record counts in."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Final

ETHER_DECIMALS: Final = 18


def whole(units: int, decimals: int) -> Decimal:
    """Count base units in whole tokens, to the last digit."""
    with localcontext(prec=200):
        return Decimal(units).scaleb(-decimals)


def units_of(quantity: Decimal, decimals: int) -> int:
    """Count whole tokens in base units; a quantity that has more decimals is a `ValueError`."""
    with localcontext(prec=200):
        units = quantity.scaleb(decimals)
        if units != int(units):
            raise ValueError(f"quantity: {quantity} has more than {decimals} decimals")
        return int(units)
