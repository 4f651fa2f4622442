"""Tables that people read: known tokens by their names, exact numbers, and nothing said twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rich.console import Console
from rich.table import Table

from dustman.drawings import lots, readable
from events.money import Amount, plain
from views.row import LotRow, LotState

WETH = "eip155:1/erc20:0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
EIGEN = "eip155:1/erc20:0xec53bF9167f50cDEB3Ae105f56099aaaB9061F83"
LABELS = {WETH: "WETH", EIGEN: "EIGEN"}


def seen(table: Table) -> str:
    console = Console(width=200)
    with console.capture() as said:
        console.print(table)
    return said.get()


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        ("1.000000000000000000", "1"),
        ("0.00519000", "0.00519"),
        ("100", "100"),
        ("0", "0"),
        ("1E-8", "0.00000001"),
        ("-2.50", "-2.50"),
        ("-2.500000000", "-2.5"),
        ("1000000000000000000000.000000000000000001", "1000000000000000000000.000000000000000001"),
    ],
)
def test_readable__a_number_of_a_chain__is_exact_and_has_no_idle_zeros(quantity: str, text: str) -> None:
    assert readable(plain(Decimal(quantity))) == text


def test_readable__known_contracts__go_by_their_names() -> None:
    text = "0.500000000000000000 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2 would arrive"
    assert readable(text, LABELS) == "0.5 WETH would arrive"


def row(money: Amount) -> LotRow:
    return LotRow(
        "main", "sweep", "lot", EIGEN, Decimal("1.000000000000000000"), Decimal(1), "USD", LotState.FAILED,
        sentence="gas takes it", money=(money,),
    )  # fmt: skip


def test_lots__one_that_failed_with_nothing_sold__does_not_say_that_it_is_itself() -> None:
    said = seen(lots("failed", [row(Amount(Decimal(1), EIGEN))], LABELS))
    assert "EIGEN" in said
    assert "gas takes it" in said
    assert "the money is in" not in said


def test_lots__one_that_failed_on_its_way__says_where_the_money_is() -> None:
    said = seen(lots("failed", [row(Amount(Decimal("0.250000000000000000"), WETH))], LABELS))
    assert "gas takes it; the money is in 0.25 WETH" in said
