"""Money: exact whatever the digits, and never across assets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.money import Amount, UnlikeAssets, exactly_less, exactly_sum, floor_to

# More digits than the default context of 28 keeps.
quantities = st.decimals(min_value=-(10**30), max_value=10**30, allow_nan=False, allow_infinity=False, places=18)


@given(quantities, quantities)
def test_amounts__added_and_taken_off__are_what_they_were(one: Decimal, other: Decimal) -> None:
    first, second = Amount(one, "coinbase:ADA"), Amount(other, "coinbase:ADA")
    assert (first + second) - second == first
    assert (first - second) + second == first


@given(quantities, st.lists(quantities, max_size=5))
def test_exactly_less__any_quantities__is_undone_by_adding_them(quantity: Decimal, others: list[Decimal]) -> None:
    assert exactly_sum(exactly_less(quantity, *others), *others) == quantity


def test_amounts__of_unlike_assets__do_not_add_up() -> None:
    with pytest.raises(UnlikeAssets, match="coinbase:BTC and coinbase:ADA"):
        Amount(Decimal(1), "coinbase:BTC") + Amount(Decimal(1), "coinbase:ADA")


@given(quantities, st.decimals(min_value="0.000001", max_value=1000, places=6))
def test_floor_to__any_increment__is_the_largest_multiple_not_above(quantity: Decimal, increment: Decimal) -> None:
    floored = floor_to(quantity, increment)
    assert floored <= quantity < exactly_sum(floored, increment)
