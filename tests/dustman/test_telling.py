"""Facts as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dustman.telling import told
from events.facts import LegNeverArrived, ProceedsCarried
from events.money import Amount, rounded

EIGEN = "eip155:1/erc20:0xec53bF9167f50cDEB3Ae105f56099aaaB9061F83"


@pytest.mark.parametrize(
    ("quantity", "written"),
    [
        ("3.000000000000000000", "3 EIGEN"),
        ("0.000814083442992507", "0.000814083442992507 EIGEN"),
        ("0.100000000000000000", "0.1 EIGEN"),
        ("1.50", "1.50 EIGEN"),
        ("100", "100 EIGEN"),
    ],
)
def test_told__a_token__by_the_label_that_our_list_has_and_without_idle_zeros(quantity: str, written: str) -> None:
    fact = ProceedsCarried("main", "sweep", Amount(Decimal(quantity), EIGEN), (), "it waits", None)
    assert told(fact, {EIGEN: "EIGEN"}).startswith(written)


def test_told__an_unlisted_token__by_its_contract() -> None:
    fact = ProceedsCarried("main", "sweep", Amount(Decimal(1), EIGEN), (), "it waits", None)
    assert told(fact, {}).startswith("1 0xec53bF9167f50cDEB3Ae105f56099aaaB9061F83")


def test_told__a_fact_without_numbers__as_it_is() -> None:
    assert told(LegNeverArrived("main", "sweep", "leg", 1), {EIGEN: "EIGEN"})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("104.678545182580652999999999991", "104.678545"),
        ("60.752800000000000000000000", "60.7528"),
        ("3.000000000000000000", "3"),
        ("36.0000", "36.0000"),
        ("0.00000000000012", "0"),
        ("0.000001999", "0.000001"),
        ("1E+3", "1000"),
        ("0E-18", "0"),
    ],
)
def test_rounded__a_value__keeps_what_people_read_and_never_says_more_than_there_is(value: str, written: str) -> None:
    assert rounded(Decimal(value)) == written
