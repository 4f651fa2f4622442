"""Orders at the Coinbase twin, through the vendor's SDK."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from simulators.coinbase.scenario import Scenario
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import client_of

ADA_USDT = {
    "base_increment": "0.01",
    "quote_increment": "0.0001",
    "base_min_size": "0.01",
    "book": {"bids": [["0.392", "1000"]], "asks": [["0.393", "1000"]]},
}


@pytest.fixture
def twin() -> Iterator[CoinbaseTwin]:
    with CoinbaseTwin(small()) as twin:
        yield twin


@pytest.fixture
def client(twin: CoinbaseTwin) -> Iterator[Any]:
    with client_of(twin) as client:
        yield client


def test_sale__of_a_known_order__costs_and_brings_what_the_real_one_did() -> None:
    scenario = Scenario.model_validate(
        {"taker_fee": "0.008", "wallets": {"ADA": {"available": "10"}}, "products": {"ADA-USDT": ADA_USDT}}
    )
    with CoinbaseTwin(scenario) as twin, client_of(twin) as client:
        created = client.market_order_sell("one", "ADA-USDT", base_size="10")
        order = client.get_order(created.success_response["order_id"]).order
        assert order.average_filled_price == "0.392"
        assert order.filled_value == "3.92"
        assert order.total_fees == "0.03136"
        assert order.total_value_after_fees == "3.88864"
        assert order.number_of_fills == "1"
        assert order.settled is True
        assert (twin.balance("ADA"), twin.balance("USDT")) == (Decimal(0), Decimal("3.88864"))
