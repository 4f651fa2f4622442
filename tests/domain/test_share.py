"""Sharing: exact whatever the numbers, and by rule."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.share import share
from events.money import exactly_sum

# More digits than the default context of 28 keeps.
amounts = st.decimals(min_value=0, max_value=10**20, allow_nan=False, allow_infinity=False, places=18)


@given(amounts, st.lists(amounts, min_size=1, max_size=40))
def test_share__any_total_and_weights__adds_up_exactly(total: Decimal, weights: list[Decimal]) -> None:
    parts = share(total, weights)
    assert exactly_sum(*parts) == total
    assert all(part >= 0 for part in parts)


def test_share__a_remainder__goes_to_the_first_of_the_largest() -> None:
    third = Decimal("0.33333333")
    assert share(Decimal(1), [Decimal(1)] * 3) == [third + Decimal("1E-8"), third, third]
    assert share(Decimal("0.00000001"), [Decimal(1), Decimal(3)]) == [Decimal(0), Decimal("1E-8")]


def test_share__no_positive_weight__shares_alike() -> None:
    assert share(Decimal(2), [Decimal(0), Decimal(-1)]) == [Decimal(1), Decimal(1)]


def test_share__nobody__is_an_error() -> None:
    with pytest.raises(ValueError, match="weights"):
        share(Decimal(1), [])
