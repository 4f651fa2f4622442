"""Two strategies and the balancer in one wallet: each takes what is its own, and no ETH is promised twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.reservation import promised
from events.facts import (
    DustConverted,
    DustDetected,
    EthReserved,
    FundingCompleted,
    FundingOpened,
    HoldingsKept,
    LegFilled,
    StrategyMeasured,
)
from events.values import FundingAnswer, Keep
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.strategies.stand import Team, charter
from tests.wallets.fund import ETHER, USD6, Till
from tests.wallets.stand import ACCOUNT, D, balanced
from workers import conducting, funding, measuring

STAKE = {"weETH": 10 * ETHER}
REWARDS = {"EIGEN": 400 * ETHER, "ETHFI": 400 * ETHER}
DOLLARS = {"DAI": 500 * ETHER, "USDC": 300 * USD6}
FUNDS = ("DAI", "USDC", "USDT", "WETH")
# Through a delegate in one transaction, and token by token with a plain key; so are the lots of its strategies sold.
MODES = pytest.mark.parametrize("terms", [{}, {"delegate": None}], ids=["batch", "plain"])


@dataclass
class Shared(Team, Till):
    """A wallet of strategies that funds trades too."""

    def promised(self) -> Decimal:
        return promised(self.desk.streams.load(ACCOUNT).state, self.clock())

    def assert_each_took_its_own(self) -> None:
        """Rewards were sold for the strategies and nothing else, dollars for trades; what is promised is there."""
        funds = {self.asset(symbol) for symbol in FUNDS}
        opened = {lot.asset for each in self.facts(FundingOpened) for lot in each.lots}
        announced = {lot.asset for each in self.facts(DustDetected) for lot in each.lots}
        assert opened <= funds
        assert announced == {self.asset(symbol) for symbol in REWARDS}
        assert {each.fill.spent.asset for each in self.facts(LegFilled)} <= opened | announced
        assert self.promised() <= self.ether()
        balanced(self)


@contextmanager
def shared(
    chain: LocalChain, directory: Path, gifts: Mapping[str, int], ether: int, **changes: object
) -> Iterator[Shared]:
    two = (charter(chain), charter(chain, "second"))
    with ChainProxy(chain.url, geth=True) as proxy:
        built = Shared(chain, proxy, directory / "dustman.db", chain.wallets[0], charters=two, **changes)  # type: ignore[arg-type]
        chain.rpc("anvil_setBalance", built.key.address, hex(ether))
        built.give(gifts)
        built.allow(ACCOUNT)
        yield built


@MODES
def test_strategies__of_a_wallet_that_funds_trades__leave_it_what_it_spends(
    chain: LocalChain, tmp_path: Path, terms: dict[str, object]
) -> None:
    gifts = STAKE | REWARDS | DOLLARS | {"WETH": ETHER // 100}
    with shared(chain, tmp_path, gifts, ETHER // 10, terms=terms) as built:
        assert built.ensure("0.05", "there").answer is FundingAnswer.COVERED
        built.measure("loop")
        assert {each.strategy for each in built.facts(DustDetected)} == {"loop"}
        short = built.ensure("0.4", "short", seconds=30)
        assert short.answer is FundingAnswer.CONVERTED
        built.settle(rounds=60)
        assert len(built.facts(DustConverted)) == len(REWARDS)
        built.measure("second")
        assert built.facts(StrategyMeasured)[-1].total == 0
        kept = {each.asset: each for fact in built.facts(HoldingsKept) for each in fact.kept}
        for symbol in ("DAI", "USDC"):
            assert kept[built.asset(symbol)].reason is Keep.BELONGS
            assert "becomes ETH for trades" in kept[built.asset(symbol)].sentence
        (done,) = built.facts(FundingCompleted)
        assert done.covered
        assert built.promised() == D("0.05") + D("0.4") + 2 * D("0.005")
        built.assert_each_took_its_own()


@MODES
def test_strategies__and_trades_at_the_same_time__take_turns(
    chain: LocalChain, tmp_path: Path, terms: dict[str, object]
) -> None:
    """Four workers, each with a desk of its own; in whatever order, there is enough for both trades."""
    gifts = STAKE | REWARDS | {"DAI": 1500 * ETHER}
    with shared(chain, tmp_path, gifts, ETHER // 10, terms=terms) as built:

        def strategy(name: str) -> None:
            desk = built.fresh()
            measuring.measure(desk, name, built.clock())
            conducting.conduct(desk, ACCOUNT, built.clock() + timedelta(seconds=20))

        def trade(name: str) -> FundingAnswer:
            desk = built.fresh()
            return funding.ensure(desk, ACCOUNT, name, D("0.2"), built.clock() + timedelta(seconds=40)).answer

        with ThreadPoolExecutor(4) as workers:
            strategies = [workers.submit(strategy, name) for name in ("loop", "second")]
            trades = [workers.submit(trade, name) for name in ("one", "two")]
            for each in strategies:
                each.result()
            answers = [each.result() for each in trades]
        built.settle()
        # What was measured while a trade's conversion was under way is sold by the next measurement.
        built.measure("loop")
        built.settle()
        assert set(answers) <= {FundingAnswer.COVERED, FundingAnswer.CONVERTED}
        assert {each.trade for each in built.facts(EthReserved)} == {"one", "two"}
        assert built.promised() == 2 * (D("0.2") + D("0.005"))
        assert len(built.facts(DustConverted)) == len(REWARDS)
        built.assert_each_took_its_own()
