"""Sharing one purchase among the lots that paid for it, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

_NOTHING = Decimal(0)


def share(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Divide `total` (≥ 0) by weight so that the parts add up to it exactly.

    Each part is floored to the total's last digit, or to the eighth where that is finer; what is left over goes to the
    largest weight, the first of equals. Negative weights count as none; if no weight is positive, all weigh the same.
    """
    if not weights:
        raise ValueError("weights: [] is empty; a total needs somebody to receive it")
    positive = [weight if weight > 0 else _NOTHING for weight in weights]
    if not any(positive):
        positive = [Decimal(1)] * len(weights)
    exponent, largest = total.as_tuple().exponent, positive.index(max(positive))
    assert isinstance(exponent, int)  # amounts are finite
    with localcontext(prec=200):
        unit = Decimal(1).scaleb(min(exponent, -8))
        whole = sum(positive) * unit
        parts = [total * weight // whole * unit for weight in positive]
        parts[largest] += total - sum(parts)
    return parts
