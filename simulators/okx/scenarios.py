"""Scenarios that come with the twin: `small` is for tests, `demo` is an old account full of crumbs."""

from __future__ import annotations

from collections.abc import Callable

from simulators.okx.scenario import Scenario

# Currency, what there is of it, its price in USDT, the smallest size, the lot and the tick of its market.
CRUMBS = (
    ("ADA", "0.930712708344864", "0.392", "1", "0.00001", "0.0001"),
    ("XLM", "3.4", "0.1185", "10", "0.00001", "0.00001"),
    ("DOGE", "2.7000000013055097", "0.14622", "10", "0.00001", "0.00001"),
    ("SHIB", "31200.5", "0.00001215", "100000", "1", "0.000000001"),
    ("SOL", "0.00314159", "142.35", "0.01", "0.000001", "0.01"),
    ("LINK", "0.0318", "13.41", "0.1", "0.000001", "0.001"),
    ("DOT", "0.162", "2.612", "0.2", "0.000001", "0.001"),
    ("LTC", "0.00519", "84.23", "0.01", "0.00000001", "0.01"),
)
LARGER = (
    ("AVAX", "0.6", "14.91", "0.1", "0.000001", "0.01"),
    ("ETH", "0.0021", "3150.52", "0.0001", "0.000001", "0.01"),
)


def market(
    base: str, quote: str, price: str, smallest: str, step: str, tick: str, **rules: object
) -> dict[str, object]:
    """Describe a market around a price."""
    book = {"price": price, "spread_bps": rules.pop("spread_bps", "10"), "depth": rules.pop("depth", "1000000")}
    ladder = {"base": base, "quote": quote, "step": step, "smallest": smallest, "tick": tick}
    return {f"{base}-{quote}": ladder | {"book": book} | rules}


def small(**settings: object) -> Scenario:
    """Give an account with seven crumbs too small for their markets, one coin that sells, and some of the target, BTC.

    Seven are more than easy convert takes at once. It may be asked as often as anybody likes; `settings` replace keys
    of the scenario.
    """
    crumbs = ("ADA", "XLM", "DOGE", "TRX", "SAND", "CHZ", "GALA")
    markets: dict[str, object] = {}
    for code in crumbs:
        markets |= market(code, "USDT", "0.25", "10", "0.00001", "0.0001")
    return Scenario.model_validate(
        {
            "balances": {code: {"free": f"{number}.123456789012"} for number, code in enumerate(crumbs, 1)}
            | {"DOT": {"free": "2.7"}, "USDT": {"free": "20"}, "BTC": {"free": "0.01"}, "LTC": {}},
            "markets": {
                **markets,
                **market("DOT", "USDT", "2.6", "0.5", "0.000001", "0.001"),
                **market("BTC", "USDT", "60000", "0.00001", "0.00000001", "0.1", spread_bps="2"),
            },
            "limited": False,
            **settings,
        }
    )


def demo() -> Scenario:
    """Give an account with eight crumbs, two coins that are none, and examples of why a holding stays."""
    balances: dict[str, object] = {code: {"free": free} for code, free, *_ in (*CRUMBS, *LARGER)}
    balances |= {
        "BAT": {"free": "0.6", "locked": "1.5"},
        "RLY": {"free": "14.2"},
        "USDT": {"free": "12.34"},
        "USDC": {"free": "3.2"},
        "BTC": {"free": "0.00042137"},
    }
    markets: dict[str, object] = {}
    for code, _, price, smallest, step, tick in (*CRUMBS, *LARGER):
        markets |= market(code, "USDT", price, smallest, step, tick)
    markets |= market("BAT", "USDT", "0.1612", "10", "0.000001", "0.0001")
    markets |= market("BTC", "USDT", "60000", "0.00001", "0.00000001", "0.1", spread_bps="2", depth="5")
    markets |= market("USDC", "USDT", "1.0002", "1", "0.000001", "0.0001", spread_bps="1")
    rally = market("RLY", "USDT", "0.01", "10", "1", "0.00001")
    rally["RLY-USDT"]["book"] = {}  # type: ignore[index]
    return Scenario.model_validate({"balances": balances, "markets": markets | rally})


SCENARIOS: dict[str, Callable[[], Scenario]] = {"demo": demo, "small": small}
