"""Sharing one purchase among the lots that paid for it, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal, localcontext

from events.money import exactly_less, exactly_sum


def share(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Divide `total` (≥ 0) by weight so that the parts add up to it exactly.

    Each part is floored to the total's last digit, or to the eighth where that is finer; what is left over goes to the
    largest weight, the first of equals. Negative weights count as none; if no weight is positive, all weigh the same.
    """
    if not weights:
        raise ValueError("weights: [] is empty; a total needs somebody to receive it")
    positive = [max(weight, Decimal(0)) for weight in weights]
    if not any(positive):
        positive = [Decimal(1)] * len(weights)
    exponent = total.as_tuple().exponent
    assert isinstance(exponent, int)  # amounts are finite
    with localcontext(prec=200):
        unit, whole = Decimal(1).scaleb(min(exponent, -8)), sum(positive)
        parts = [(total * weight / whole).quantize(unit, ROUND_FLOOR) for weight in positive]
    largest = positive.index(max(positive))
    parts[largest] = exactly_less(exactly_sum(parts[largest], total), *parts)
    return parts
