"""Given accounts, or what another service says, when equity is asked for, then it is a worth above zero or a doubt."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from domain.equity import AHEAD, Computed, Doubt, Equity, Statement, believed
from domain.venue import Holding
from events.values import Unmeasured
from tests.domain.controls import NOON, D, held
from tests.domain.strategies import EIGEN, ETH, PEPE, WEETH, WETH, market, survey

AGE = timedelta(minutes=10)


def test_computed__what_is_held__is_all_of_it_at_its_price() -> None:
    at = survey(held(ETH, "1", "0.5"), held(WEETH, "2"), held(EIGEN, "50"))
    found = Computed().equity([at, at], "USD", NOON)
    assert found == Equity(2 * (D("1.5") * 3000 + D("2") * D("1.08") * 3000 + 60), "USD", "computed")


def test_computed__what_a_feed_appraises__counts_by_it_and_not_by_a_sale() -> None:
    fed = dataclasses.replace(market(weETH=None), appraised={WEETH: D(3240)})
    assert Computed().equity([survey(held(WEETH, "2"), at=fed)], "USD", NOON) == Equity(D(6480), "USD", "computed")


def test_computed__something_that_belongs_without_a_price__is_a_doubt() -> None:
    found = Computed().equity([survey(held(ETH, "1"), held(WEETH, "2"), at=market(weETH=None))], "USD", NOON)
    assert isinstance(found, Doubt) and found.reason is Unmeasured.EQUITY_UNPRICED
    assert "0xweETH in wallet has no price" in found.sentence


def test_computed__nothing_of_what_has_no_price__is_no_doubt() -> None:
    at = survey(held(ETH, "1"), held(WETH, "0"), held(PEPE, "5"), at=market(PEPE=None))
    assert Computed().equity([at], "USD", NOON) == Equity(D(3000), "USD", "computed")


def test_computed__a_token_in_quarantine__adds_nothing() -> None:
    fake = Holding(PEPE, D(10**12), D(0), "unknown")
    assert Computed().equity([survey(held(ETH, "1"), fake)], "USD", NOON) == Equity(D(3000), "USD", "computed")


def test_computed__nothing__is_a_doubt_and_not_zero() -> None:
    found = Computed().equity([survey(held(ETH, "0"))], "USD", NOON)
    assert isinstance(found, Doubt) and found.reason is Unmeasured.EQUITY_ZERO


@pytest.mark.parametrize(
    ("said", "reason", "words"),
    [
        (Statement(D(0), "USD", NOON), Unmeasured.EQUITY_ZERO, "equity is 0 USD"),
        (Statement(D(-5), "USD", NOON), Unmeasured.EQUITY_NEGATIVE, "equity is -5 USD"),
        (Statement(D("NaN"), "USD", NOON), Unmeasured.EQUITY_UNAVAILABLE, "NaN, which is no amount of money"),
        (Statement(D("sNaN123"), "USD", NOON), Unmeasured.EQUITY_UNAVAILABLE, "no amount"),
        (Statement(D("1E-300"), "USD", NOON), Unmeasured.EQUITY_UNAVAILABLE, "no amount"),
        (Statement(D("1E+5000"), "USD", NOON), Unmeasured.EQUITY_UNAVAILABLE, "no amount"),
        (Statement(D("1." + "1" * 80), "USD", NOON), Unmeasured.EQUITY_UNAVAILABLE, "no amount"),
        (Statement(D("Infinity"), "USD", NOON), Unmeasured.EQUITY_UNAVAILABLE, "Infinity"),
        (Statement(D(5), "ETH", NOON), Unmeasured.EQUITY_UNAVAILABLE, "in ETH, dust is counted in USD"),
        (Statement(D(5), "USD", NOON - AGE - timedelta(seconds=1)), Unmeasured.EQUITY_STALE, "601 s old"),
        (Statement(D(5), "USD", NOON + AHEAD + timedelta(seconds=1)), Unmeasured.EQUITY_STALE, "still to come"),
    ],
)
def test_believed__what_makes_no_sense__is_a_doubt_that_says_why(
    said: Statement, reason: Unmeasured, words: str
) -> None:
    found = believed(said, "redis equity:loop", AGE, "USD", NOON)
    assert isinstance(found, Doubt)
    assert found.reason is reason and words in found.sentence


@pytest.mark.parametrize("age", [timedelta(0), AGE, -AHEAD])
def test_believed__fresh_and_above_zero__is_equity(age: timedelta) -> None:
    assert believed(Statement(D("0.01"), "USD", NOON - age), "x", AGE, "USD", NOON) == Equity(D("0.01"), "USD", "x")
