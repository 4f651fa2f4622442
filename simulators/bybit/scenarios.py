"""Scenarios that come with the twin: `small` is for tests, `demo` is an old account full of crumbs."""

from __future__ import annotations

from collections.abc import Callable

from simulators.bybit.scenario import Scenario

# Coin, what there is of it, its price in USDT, the step and the tick of its market.
CRUMBS = (
    ("ADA", "0.930412", "0.392", "0.01", "0.0001"),
    ("XLM", "3.4", "0.1185", "0.1", "0.0001"),
    ("DOGE", "2.7", "0.14622", "0.1", "0.00001"),
    ("SHIB", "31200.5", "0.00001215", "0.1", "0.00000001"),
    ("SOL", "0.003141592653589793", "142.35", "0.001", "0.01"),
    ("LINK", "0.0318", "13.41", "0.001", "0.01"),
    ("DOT", "0.162", "2.612", "0.001", "0.001"),
    ("EIGEN", "0.31", "1.1214", "0.01", "0.0001"),
    ("ETHFI", "0.42", "0.981", "0.01", "0.001"),
    ("LTC", "0.00519", "84.23", "0.00001", "0.01"),
)
LARGER = (("AVAX", "0.6", "14.91", "0.001", "0.01"), ("ETH", "0.0021", "3150.52", "0.00001", "0.01"))


def market(
    base: str, quote: str, price: str, step: str, tick: str, least_value: str = "5", **rules: object
) -> dict[str, object]:
    """Describe a market around a price."""
    book = {"price": price, "spread_bps": rules.pop("spread_bps", "10"), "depth": rules.pop("depth", "1000000")}
    grid = {"base": base, "quote": quote, "step": step, "tick": tick, "least_value": least_value}
    return {base + quote: grid | {"book": book} | rules}


def small(**settings: object) -> Scenario:
    """Give an account with three crumbs too small for their markets, one coin that sells, and some USDT.

    ADA and XLM are worth about 0.39 and 0.36 USDT, DOT about 7, and WTC, which only sells for BTC, 0.48; `settings`
    replace keys of the scenario, such as `taker_fee="0.002"`.
    """
    return Scenario.model_validate(
        {
            "balances": {
                "ADA": {"free": "1.0000000001"},
                "XLM": {"free": "3"},
                "DOT": {"free": "2.7"},
                "WTC": {"free": "40"},
                "USDT": {"free": "20"},
                "MNT": {"free": "0.5"},
                "BTC": {"free": "0.01"},
                "DOGE": {},
            },
            "symbols": {
                **market("ADA", "USDT", "0.392", "0.01", "0.0001"),
                **market("XLM", "USDT", "0.12", "0.1", "0.0001"),
                **market("DOT", "USDT", "2.6", "0.01", "0.001"),
                **market("WTC", "BTC", "0.0000002", "1", "0.00000001", "0.0001"),
                **market("MNT", "USDT", "0.75", "0.01", "0.0001"),
                **market("BTC", "USDT", "60000", "0.000001", "0.01", spread_bps="2"),
            },
            **settings,
        }
    )


def demo() -> Scenario:
    """Give an account with ten crumbs, two coins that are none, and examples of why a holding stays."""
    balances: dict[str, object] = {coin: {"free": free} for coin, free, *_ in (*CRUMBS, *LARGER)}
    balances |= {
        "BAT": {"free": "0.6", "locked": "1.5"},
        "OMG": {"free": "0.83"},
        "RLY": {"free": "14.2"},
        "USDT": {"free": "12.34"},
        "USDC": {"free": "3.2"},
        "MNT": {"free": "0.21"},
        "BTC": {"free": "0.00042137"},
    }
    symbols: dict[str, object] = {}
    for coin, _, price, step, tick in (*CRUMBS, *LARGER):
        symbols |= market(coin, "USDT", price, step, tick)
    symbols |= market("BAT", "USDT", "0.1612", "0.1", "0.0001") | market("MNT", "USDT", "0.754", "0.01", "0.0001")
    symbols |= market("BTC", "USDT", "60000", "0.000001", "0.01", spread_bps="2", depth="5")
    symbols |= market("USDC", "USDT", "1.0002", "0.01", "0.0001", spread_bps="1")
    rally = market("RLY", "USDT", "0.01", "1", "0.0001")
    rally["RLYUSDT"]["book"] = {}  # type: ignore[index]
    return Scenario.model_validate({"balances": balances, "symbols": symbols | rally})


SCENARIOS: dict[str, Callable[[], Scenario]] = {"demo": demo, "small": small}
