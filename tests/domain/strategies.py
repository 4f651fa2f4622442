"""Example values for specifications of strategies: one of staked weETH, an account at an exchange, a wallet."""

from __future__ import annotations

from datetime import timedelta

from domain.charter import Charter, policy_for
from domain.dust import Market
from domain.equity import Equity, Survey
from domain.instruction import Gas
from domain.measurement import Occasion, Verdict, exceeds, measured, snapshot
from domain.scan import Reading
from domain.venue import Capabilities, Holding, Price, Product
from events.facts import StrategyMeasured
from events.values import LegKind, Policy
from tests.domain.controls import NOON, D

ETH, WETH, WEETH = "eip155:1/slip44:60", "eip155:1/erc20:0xWETH", "eip155:1/erc20:0xweETH"
EIGEN, ETHFI, KING = (f"eip155:1/erc20:0x{name}" for name in ("EIGEN", "ETHFI", "KING"))
USDT, PEPE = "eip155:1/erc20:0xUSDT", "eip155:1/erc20:0xPEPE"
HELD = tuple(sorted((ETH, WETH, WEETH)))

CHARTER = Charter(
    name="loop",
    mode="eth_leveraged",
    share_class="ETH",
    asset="ETH",
    lst="weeth",
    staking=True,
    delta=D("0.002"),
    accounts=("wallet",),
    belongs={"wallet": HELD},
)
OWN = Policy(
    target=ETH,
    threshold=D(10),
    currency="USD",
    excluded=(ETH,),
    hubs=(ETH,),
    sweep_cap=D(5000),
    day_cap=D(5000),
    taker_fee=D(0),
)
WEI = D("0.000000000000000001")


def market(*names: str, **prices: tuple[str, str] | None) -> Market:
    """Tokens sold for ether over a direct pool, and EIGEN and ETHFI also through USDT for a little less.

    Prices are in ether, direct and through USDT; None for a token without one. Ether is at 3,000 USD.
    """
    usual: dict[str, tuple[str, str] | None] = {
        "EIGEN": ("0.0004", "0.0003996"),
        "ETHFI": ("0.0003", "0.00029"),
        "KING": ("0.2", "0.1"),
        "PEPE": ("0.000001", "0.0000005"),
        "weETH": ("1.08", "1"),
    }
    products, others, told = {}, {}, {}
    for name, pair in (usual | prices).items():
        asset = f"eip155:1/erc20:0x{name}"
        direct, through = f"v3:3000@{name}", f"v3:3000,500 via USDT@{name}"
        products[asset, ETH] = Product(direct, asset, ETH, WEI, WEI, WEI, WEI, exit=LegKind.SWAP)
        others[asset, ETH] = (Product(through, asset, ETH, WEI, WEI, WEI, WEI, exit=LegKind.SWAP, via=USDT),)
        told[direct] = Price(D(pair[0]), D(pair[0])) if pair else Price(None, None, "no pool")
        told[through] = Price(D(pair[1]), D(pair[1])) if pair else Price(None, None, "no pool")
    return Market(Capabilities(products, frozenset(), others), told, {ETH: D(3000)})


def survey(
    *holdings: Holding, charter: Charter = CHARTER, at: Market | None = None, own: Policy = OWN, closed: str = ""
) -> Survey:
    policy = policy_for("wallet", own, [charter])
    reading = Reading("wallet", "evm", NOON, NOON, holdings, at or market(), 3, automatic=True)
    return Survey(reading, policy, min(policy.sweep_cap, policy.day_cap), {}, closed)


def gas(**shares: str) -> Gas:
    """What gas takes of each lot, 0.30 USD where nothing else is said; another hop takes 0.25."""
    usual = dict.fromkeys((EIGEN, ETHFI, KING, PEPE), D("0.30"))
    named = {f"eip155:1/erc20:0x{name}": D(cost) for name, cost in shares.items()}
    return Gas(usual | named, D("0.25"), NOON + timedelta(minutes=10), {})


def equity(value: str) -> Equity:
    return Equity(D(value), "USD", "computed")


def outcome(
    *surveys: Survey, charter: Charter = CHARTER, worth: str = "30000", cost: Gas | None = None
) -> tuple[StrategyMeasured, Verdict]:
    """What a measurement of a strategy worth so much comes to."""
    occasion = Occasion(charter, NOON, NOON, "USD")
    found = snapshot(charter, surveys)
    costs = {"wallet": cost or gas()} if exceeds(found, charter, equity(worth)) else {}
    verdict = measured(occasion, found, equity(worth), surveys, costs)
    told = verdict.command.outcome
    assert isinstance(told, StrategyMeasured)
    return told, verdict
