"""A strategy's rewards become ether when they are worth more than its share of equity, and not before."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from domain.equity import Doubt, Equity
from domain.errors import VenueUnavailable
from domain.identity import strategy_stream
from events.facts import (
    ConversionsHalted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustInstructed,
    HoldingsKept,
    LegRequested,
    RewardsClaimed,
    StrategyMeasured,
    StrategyNotMeasured,
    TransactionSettled,
    VenueUnreachable,
)
from events.log import NewEvent
from events.values import Keep, Outcome, Purpose, Source, Unmeasured
from simulators.chain.chain import LocalChain
from simulators.coinbase.twin import CoinbaseTwin
from tests.strategies.stand import ETHER, EXCHANGE, charter, scenario, team
from tests.wallets.stand import ACCOUNT, D, balanced
from tests.wallets.test_rewards import entitle, sources
from tests.workers.test_tasks import run
from venues.evm.registry import asset_of
from workers import measuring, overdue, reconciling, tasks
from workers.schedule import Every, latest_due, next_due

SECOND = timedelta(seconds=1)
# 32,400 USD of weETH beside the wallet's ether; 480 and 360 USD of rewards.
STAKE = {"weETH": 10 * ETHER}
REWARDS = {"EIGEN": 400 * ETHER, "ETHFI": 400 * ETHER}


def test_measure__rewards_over_20_bps__are_sold_for_ether_in_one_transaction(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS) as built:
        recorded = built.measure()
        assert recorded[:2] == ["strategy_measured", "dust_instructed"]
        [told] = built.facts(StrategyMeasured)
        assert told.triggered and told.source == "computed" and told.mode == "eth_leveraged"
        assert D(320_000) < told.equity < D(340_000)
        assert told.total > told.threshold == told.equity * D("0.002")
        eigen, ethfi = (asset_of(built.where, name) for name in ("EIGEN", "ETHFI"))
        [instructed] = built.facts(DustInstructed)
        assert [each.asset for each in instructed.instructions] == [eigen, ethfi]
        assert all(each.gas > 0 and each.net == each.value - each.gas for each in instructed.instructions)
        [announced] = built.facts(DustDetected)
        assert (announced.live, announced.strategy, announced.mode) == (True, "loop", "eth_leveraged")
        assert built.nudges == [("convert", ACCOUNT)]
        built.settle()
        [sweep] = [each for each in built.facts(TransactionSettled) if each.purpose is Purpose.SWEEP]
        assert sweep.outcome is Outcome.SUCCEEDED
        assert {each.asset for each in built.facts(DustConverted)} == {eigen, ethfi}
        assert built.chain.balance("weETH", built.key.address) == 10 * ETHER
        balanced(built)
        legs = {each.spend.asset: each.quote for each in built.facts(LegRequested)}
        for each in instructed.instructions:
            quote = legs[each.asset]
            assert quote.receive + quote.fees[-1] == each.estimated


def test_measure__rewards_that_wait_to_be_claimed__are_claimed_first_and_measured_then(
    chain: LocalChain, tmp_path: Path
) -> None:
    entitle(chain, tmp_path, eigen=800 * ETHER)
    with team(chain, tmp_path, STAKE, rewards=sources(chain, tmp_path)) as built:
        due = built.clock()
        assert measuring.measure(built.desk, "loop", due) == []
        assert built.nudges == [("convert", ACCOUNT)]
        assert measuring.measure(built.desk, "loop", due) == []
        built.nudges.clear()
        built.settle()
        [claimed] = built.facts(RewardsClaimed)
        assert claimed.source is Source.EIGENLAYER_CLAIM
        assert built.nudges == [("measure", "loop")]
        measuring.measure(built.desk, "loop", due)
        [told] = built.facts(StrategyMeasured)
        assert told.triggered
        [announced] = built.facts(DustDetected)
        eigen = asset_of(built.where, "EIGEN")
        assert {(lot.asset, lot.source) for lot in told.lots} >= {(eigen, Source.EIGENLAYER_CLAIM)}
        assert {(lot.asset, lot.source) for lot in announced.lots} >= {(eigen, Source.EIGENLAYER_CLAIM)}
        built.settle()
        assert eigen in {each.asset for each in built.facts(DustConverted)}
        balanced(built)


def test_measure__of_a_strategy_never_measured_that_begins_with_a_claim__is_made_up_for_by_the_reconciler(
    chain: LocalChain, tmp_path: Path
) -> None:
    """The nudge at the end of the claim is lost, and so is the worker that saw it end."""
    entitle(chain, tmp_path, eigen=800 * ETHER)
    with team(chain, tmp_path, STAKE, rewards=sources(chain, tmp_path)) as built:
        built.clock.stands = latest_due(Every(300), built.clock())
        measuring.measure_latest(built.desk, "loop")
        assert not built.facts(StrategyMeasured) and not overdue.unmeasured(built.desk, "loop")
        built.settle()
        built.nudges.clear()
        reconciling.reconcile_all(built.desk)
        assert built.nudges == []
        built.clock.ahead += overdue.GRACE + SECOND
        reconciling.reconcile_all(built.fresh())
        assert built.nudges == [("measure", "loop")]
        measuring.measure_latest(built.desk, "loop")
        [told] = built.facts(StrategyMeasured)
        assert told.triggered and told.due == built.clock.stands
        assert not overdue.unmeasured(built.desk, "loop")


def test_measure__while_the_claim_lasts_longer_than_the_interval__is_made_when_it_ends(
    chain: LocalChain, tmp_path: Path
) -> None:
    entitle(chain, tmp_path, eigen=800 * ETHER)
    with team(chain, tmp_path, STAKE, rewards=sources(chain, tmp_path)) as built:
        measuring.measure_latest(built.desk, "loop")
        built.clock.ahead += timedelta(seconds=300)
        measuring.measure_latest(built.desk, "loop")
        assert not built.facts(StrategyMeasured)
        built.settle()
        assert built.nudges[-1] == ("measure", "loop")
        measuring.measure_latest(built.desk, "loop")
        assert len(built.facts(StrategyMeasured)) == 1


def test_measure__a_wallet_that_ends_in_weth__counts_its_ether_too(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | {"WETH": ETHER, "EIGEN": ETHER}, target="WETH") as built:
        built.measure()
        [told] = built.facts(StrategyMeasured)
        assert D(325_000) < told.equity < D(340_000)
        assert [lot.asset for lot in told.lots] == [asset_of(built.where, "EIGEN")]


def test_measure__rewards_below__is_a_snapshot_and_nothing_else(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | {"EIGEN": 400 * ETHER}) as built:
        assert built.measure() == ["strategy_measured", "holdings_kept", "scan_completed"]
        [told] = built.facts(StrategyMeasured)
        assert (told.exceeds, told.triggered) == (False, False)
        assert told.missing == told.threshold - told.total
        assert "it is sold when it is over that" in told.sentence
        [kept] = built.facts(HoldingsKept)
        reasons = {each.asset: each.reason for each in kept.kept}
        assert reasons[asset_of(built.where, "weETH")] is Keep.BELONGS
        assert not built.facts(DustDetected)


def test_measure__a_wallet_and_an_exchange__are_one_sum_and_each_sells_its_own(
    chain: LocalChain, tmp_path: Path
) -> None:
    both = charter(chain, "loop", ACCOUNT, EXCHANGE)
    with (
        CoinbaseTwin(scenario()) as twin,
        team(chain, tmp_path, STAKE | {"EIGEN": 400 * ETHER}, both, twin=twin) as built,
    ):
        built.measure()
        [told] = built.facts(StrategyMeasured)
        assert {(lot.account, lot.venue) for lot in told.lots} == {(ACCOUNT, "evm"), (EXCHANGE, "coinbase")}
        [instructed] = built.facts(DustInstructed)
        paths = {each.account: each.path for each in instructed.instructions}
        assert paths[EXCHANGE] == ("coinbase:EIGEN", "coinbase:USDC", "coinbase:ETH")
        assert {each.account: each.strategy for each in built.facts(DustDetected)} == dict.fromkeys(
            (ACCOUNT, EXCHANGE), "loop"
        )
        assert built.nudges == [("convert", ACCOUNT), ("convert", EXCHANGE)]
        for account in (ACCOUNT, EXCHANGE):
            built.sell(account)
        assert len(built.facts(DustConverted)) == 2
        assert twin.balance("EIGEN") == 0
        assert twin.balance("ETH") > 10
        assert twin.balance("USDC") >= 20


def test_measure__a_preferred_path_within_tolerance__is_the_one_that_is_sold_over(
    chain: LocalChain, tmp_path: Path
) -> None:
    """Over USDC it would bring a quarter of a percent more."""
    where = charter(chain)
    ether = where.belongs[ACCOUNT]
    direct = dataclasses.replace(
        where, prefers_path=True, steps={ACCOUNT: tuple(each for each in ether if "slip44" in each)}
    )
    with team(chain, tmp_path, STAKE | {"USDT": 900 * 10**6}, direct) as built:
        built.measure()
        [instructed] = built.facts(DustInstructed)
        [way] = instructed.instructions
        assert way.preferred and len(way.path) == 2
        assert 0 < way.behind < D("0.005") * way.value
        built.settle()
        [leg] = built.facts(LegRequested)
        assert leg.product == way.product and "via" not in leg.product
        balanced(built)
    (tmp_path / "best").mkdir()
    with team(chain, tmp_path / "best", STAKE | {"USDT": 900 * 10**6}) as built:
        built.measure()
        [way] = built.facts(DustInstructed)[0].instructions
        assert (way.preferred, way.behind, len(way.path)) == (False, D(0), 3)


def test_measure__an_account_that_is_not_live__is_announced_once_and_sells_nothing(
    chain: LocalChain, tmp_path: Path
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, live=False) as built:
        built.measure()
        built.measure()
        assert [each.live for each in built.facts(DustDetected)] == [False]
        assert [each.triggered for each in built.facts(StrategyMeasured)] == [False, False]
        assert "go-live main" in built.facts(StrategyMeasured)[0].sentence
        assert not built.facts(DustInstructed) and not built.nudges


def test_measure__a_node_that_is_away__is_no_measurement_and_says_why(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS) as built:
        built.proxy.stop()
        with pytest.raises(VenueUnavailable):
            built.measure()
        [told] = built.facts(StrategyNotMeasured)
        assert told.reason is Unmeasured.VENUE_UNREACHABLE and told.sentence.startswith("main: ")
        assert built.facts(VenueUnreachable)[0].account == ACCOUNT
        assert not built.facts(StrategyMeasured)


def test_measure__a_node_that_goes_before_gas_is_known__is_no_measurement_either(
    chain: LocalChain, tmp_path: Path
) -> None:
    class Parting:
        def equity(self, *_: object) -> Equity | Doubt:
            built.proxy.stop()
            return Equity(D(1000), "USD", "there")

    with team(chain, tmp_path, STAKE | REWARDS) as built:
        built.desk = dataclasses.replace(built.desk, equity=lambda _: Parting())
        with pytest.raises(VenueUnavailable, match=r"^main: "):
            built.measure()
        assert [each.reason for each in built.facts(StrategyNotMeasured)] == [Unmeasured.VENUE_UNREACHABLE]
        assert not built.facts(DustInstructed) and not built.facts(DustDetected)


@pytest.mark.parametrize(
    "doubt", [Doubt(Unmeasured.EQUITY_NEGATIVE, "equity is -5 USD"), Doubt(Unmeasured.EQUITY_STALE, "equity is old")]
)
def test_measure__without_equity_to_go_by__sells_nothing(chain: LocalChain, tmp_path: Path, doubt: Doubt) -> None:
    class Doubtful:
        def equity(self, *_: object) -> Equity | Doubt:
            return doubt

    with team(chain, tmp_path, STAKE | REWARDS) as built:
        built.desk = dataclasses.replace(built.desk, equity=lambda _: Doubtful())
        assert built.measure()[0] == "strategy_not_measured"
        [told] = built.facts(StrategyNotMeasured)
        assert (told.reason, told.sentence) == (doubt.reason, doubt.sentence)
        assert not built.facts(DustDetected)


def test_measure__the_same_due_time_twice__is_measured_once(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE) as built:
        due = built.clock()
        assert measuring.measure(built.desk, "loop", due)
        assert measuring.measure(built.fresh(), "loop", due) == []
        assert len(built.facts(StrategyMeasured)) == 1


def test_measure__after_a_crash_between_strategy_and_accounts__sells_at_the_next_due_time(
    chain: LocalChain, tmp_path: Path
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS) as built:
        verdict = measuring.look(built.desk, "loop")
        assert verdict.command.instructed
        built.desk.strategies.handle("loop", verdict.command, verdict.command.outcome.measure_id)
        assert not built.facts(DustDetected)
        built.desk = built.fresh()
        built.measure()
        built.settle()
        assert len(built.facts(DustConverted)) == 2
        balanced(built)


def test_measure__a_conversion_that_fails_half_way__sells_the_rest_and_counts_what_stayed(
    chain: LocalChain, tmp_path: Path
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS | {"USDT": 50 * 10**6}) as built:
        built.measure()
        assert len(built.facts(DustInstructed)[0].instructions) == 3
        chain.act(chain.tokens["USDT"].address, "addBlackList(address)", built.key.address)
        built.settle()
        usdt = asset_of(built.where, "USDT")
        assert [each.asset for each in built.facts(DustConversionFailed)] == [usdt]
        assert len(built.facts(DustConverted)) == 2
        balanced(built)
        built.measure()
        assert not built.facts(StrategyMeasured)[-1].exceeds
        assert len(built.facts(DustInstructed)) == 1


def test_measure__two_strategies_in_one_wallet__announce_a_lot_once(chain: LocalChain, tmp_path: Path) -> None:
    two = (charter(chain), charter(chain, "second"))
    with team(chain, tmp_path, STAKE | REWARDS, *two) as built:
        built.measure("loop")
        built.measure("second")
        assert [each.strategy for each in built.facts(DustDetected)] == ["loop"]
        assert [each.strategy for each in built.facts(DustInstructed)] == ["loop"]
        last = built.facts(StrategyMeasured)[-1]
        assert (last.strategy, last.exceeds, last.sentence) == ("second", True, "main is being swept")
        built.settle()
        built.measure("second")
        assert built.facts(StrategyMeasured)[-1].total == 0


def test_tasks__of_a_strategy__measure_it_once_whoever_asks(chain: LocalChain, home: Path) -> None:
    (home / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    with team(chain, home, STAKE) as built:
        built.clock.ahead += next_due(Every(300), built.clock()) + SECOND - built.clock()
        run(built.desk, lambda: tasks.measure.run("loop"))
        assert len(built.facts(StrategyMeasured)) == 1
        run(built.desk, lambda: tasks.scan.run(ACCOUNT))
        assert len(built.facts(StrategyMeasured)) == 1
        built.clock.ahead += timedelta(minutes=6)
        run(built.desk, lambda: tasks.scan.run(ACCOUNT))
        assert len(built.facts(StrategyMeasured)) == 2
        run(built.desk, lambda: tasks.measure.run("nobody's"))
        assert len(built.facts(StrategyMeasured)) == 2


def test_missed__a_measurement__is_made_up_for_and_its_accounts_are_not_scanned(
    chain: LocalChain, tmp_path: Path
) -> None:
    with team(chain, tmp_path, STAKE) as built:
        assert not overdue.unmeasured(built.desk, "loop")
        built.measure()
        assert not overdue.unmeasured(built.desk, "loop")
        built.clock.ahead += next_due(Every(300), built.clock()) + overdue.GRACE + SECOND - built.clock()
        assert overdue.unmeasured(built.desk, "loop")
        assert not overdue.missed(built.desk, ACCOUNT)
        built.nudges.clear()
        reconciling.reconcile_all(built.desk)
        assert built.nudges == [("measure", "loop")]


def test_reconcile__a_strategy_whose_record_contradicts_itself__keeps_no_other_from_being_measured(
    chain: LocalChain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with team(chain, tmp_path, STAKE, charter(chain, "broken"), charter(chain, "loop")) as built:
        built.measure()
        log = built.desk.log
        log.append(
            strategy_stream("broken"), 0, [NewEvent("1", ConversionsHalted("main", "no"), built.clock(), "test")]
        )
        built.clock.ahead += next_due(Every(300), built.clock()) + overdue.GRACE + SECOND - built.clock()
        built.nudges.clear()
        reconciling.reconcile_all(built.desk)
        assert built.nudges == [("measure", "loop")]
        assert "broken: a record contradicts itself" in caplog.text
