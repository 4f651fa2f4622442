"""Given the rules that Binance publishes of a market, when they are read, then an order that keeps them is taken."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from venues.binance.markets import product
from venues.binance.replies import Filter, Symbol

D = Decimal
EIGEN = Symbol(
    symbol="EIGENUSDT",
    status="TRADING",
    base_asset="EIGEN",
    quote_asset="USDT",
    quote_precision=8,
    order_types=["LIMIT", "MARKET"],
    quote_order_qty_market_allowed=True,
    is_spot_trading_allowed=True,
    filters=[
        Filter("PRICE_FILTER"),
        Filter("LOT_SIZE", min_qty="0.01000000", step_size="0.01000000"),
        Filter("MARKET_LOT_SIZE", min_qty="0.00000000", step_size="0.00000000"),
        Filter("NOTIONAL", min_notional="5.00000000", apply_min_to_market=True),
    ],
)


def with_filters(*filters: Filter) -> Symbol:
    return replace(EIGEN, filters=list(filters))


def test_product__whose_market_lot_is_without_a_rule__goes_by_the_lot_of_all_orders() -> None:
    found = product(EIGEN)

    assert (found.base, found.quote, found.closed) == ("binance:EIGEN", "binance:USDT", "")
    assert (found.base_increment, found.base_minimum, found.quote_increment) == (D("0.01"), D("0.01"), D("1E-8"))
    assert found.sale_minimum == found.quote_minimum == 5


def test_product__with_both_lots__keeps_the_coarser_of_each() -> None:
    found = product(
        with_filters(
            Filter("LOT_SIZE", min_qty="0.1", step_size="0.1"), Filter("MARKET_LOT_SIZE", min_qty="2", step_size="0.01")
        )
    )

    assert (found.base_increment, found.base_minimum) == (D("0.1"), D(2))


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        (Filter("NOTIONAL", min_notional="5", apply_min_to_market=True), D(5)),
        (Filter("NOTIONAL", min_notional="5"), D(0)),
        (Filter("MIN_NOTIONAL", min_notional="10", apply_to_market=True), D(10)),
        (Filter("MIN_NOTIONAL", min_notional="10"), D(0)),
    ],
)
def test_product__whose_notional_does_not_bind_market_orders__has_no_least_value(rule: Filter, least: Decimal) -> None:
    assert product(with_filters(*EIGEN.filters[:3], rule)).sale_minimum == least


@pytest.mark.parametrize(
    ("symbol", "why"),
    [
        (replace(EIGEN, status="BREAK"), "BREAK"),
        (replace(EIGEN, status=""), "without status"),
        (replace(EIGEN, is_spot_trading_allowed=False), "without spot trading"),
        (replace(EIGEN, order_types=["LIMIT"]), "without market orders"),
        (replace(EIGEN, quote_order_qty_market_allowed=False), "without orders by value"),
        (with_filters(Filter("MARKET_LOT_SIZE", min_qty="0", step_size="0")), "without an increment"),
        (with_filters(), "without an increment"),
    ],
)
def test_product__that_takes_no_market_orders__is_closed_with_the_reason(symbol: Symbol, why: str) -> None:
    assert product(symbol).closed == why
