"""Scenarios that come with the twin: `small` is for tests, `demo` is an old account full of crumbs."""

from __future__ import annotations

from collections.abc import Callable

from simulators.coinbase.demo import demo
from simulators.coinbase.markets import market
from simulators.coinbase.scenario import Scenario


def small(**settings: object) -> Scenario:
    """Give an account with two crumbs that sell, USD that converts to USDC, and some of the target, BTC.

    ADA and XLM are worth about 0.39 and 0.36 USDC and sell for USDC; the proceeds of either suffice to buy BTC.
    `settings` replace keys of the scenario, such as `taker_fee="0.008"`.
    """
    return Scenario.model_validate(
        {
            "quote_minimum_binds_sells": False,
            "wallets": {
                "ADA": {"available": "1"},
                "XLM": {"available": "3"},
                "USD": {"available": "5", "fiat": True},
                "USDC": {"available": "20"},
                "BTC": {"available": "0.01"},
                "DOGE": {},
            },
            "products": {
                "ADA-USDC": market("0.392", "0.01", "0.0001"),
                "XLM-USDC": market("0.12", "1", "0.00001"),
                "BTC-USDC": market("60000", "0.00000001", "0.01", quote_min_size="0.1", spread_bps="2"),
            },
            **settings,
        }
    )


SCENARIOS: dict[str, Callable[[], Scenario]] = {"demo": demo, "small": small}
