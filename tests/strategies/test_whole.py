"""What a measurement finds over the threshold is instructed and sold as a whole, with a delegate and without one."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from dustman.exits import Exit
from dustman.gate import DustGate
from events.facts import (
    DustConverted,
    DustDetected,
    DustInstructed,
    LegFilled,
    StrategyMeasured,
    TransactionSettled,
    TransactionSigned,
)
from events.values import Outcome, Purpose
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.dustman.conftest import Typed
from tests.dustman.test_selling import selling
from tests.strategies.stand import ETHER, Team, team
from tests.strategies.test_approval import APPROVALS, instructed
from tests.strategies.test_command import LOOP
from tests.strategies.test_measuring import STAKE
from tests.wallets.fuse import Crash, Fuse, FusedLog
from tests.wallets.stand import ACCOUNT, D, balanced
from venues.evm.registry import asset_of
from workers import approving

# 360, 180 and 160 USD where 660 are borne: only together are they too much, and not once the first is sold.
REWARDS = {"EIGEN": 300 * ETHER, "ETHFI": 200 * ETHER, "KING": ETHER // 2}
APART = {"delegate": None}
MODES = pytest.mark.parametrize("terms", [{}, APART], ids=["batch", "plain"])
# Append by append: what a lot by itself takes is signed, included and settled, its approval and then its swap.
APPENDS_PER_LOT = 6


def assets(built: Team) -> list[str]:
    return [asset_of(built.where, name) for name in REWARDS]


def sales(built: Team) -> list[TransactionSettled]:
    return [each for each in built.facts(TransactionSettled) if each.purpose is Purpose.SWEEP]


@MODES
def test_measurement__of_three_rewards__instructs_and_sells_all_of_them(
    chain: LocalChain, tmp_path: Path, terms: dict[str, object]
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, terms=terms) as built:
        built.measure()
        [told], [wanted], [announced] = (
            built.facts(StrategyMeasured),
            built.facts(DustInstructed),
            built.facts(DustDetected),
        )
        assert max(lot.value for lot in told.lots) < told.threshold < told.total == wanted.total
        assert [each.asset for each in wanted.instructions] == assets(built)
        for each in wanted.instructions:
            assert each.path[0] == each.asset and each.estimated.quantity > 0 and each.expires_at
            assert each.gas > 0 and each.net == each.value - each.gas
        assert [lot.asset for lot in announced.lots] == assets(built)
        built.settle(rounds=60)
        assert {each.asset for each in built.facts(DustConverted)} == set(assets(built))
        assert [each.outcome for each in sales(built)] == [Outcome.SUCCEEDED] * (3 if terms else 1)
        balanced(built)
        built.measure()
        assert built.facts(StrategyMeasured)[-1].total == 0


def test_gas__of_each_lot_by_itself__is_that_of_its_approval_and_its_swap(chain: LocalChain, tmp_path: Path) -> None:
    chain.rpc("anvil_setBlockTimestampInterval", 12)
    try:
        with team(chain, tmp_path, STAKE | REWARDS, terms=APART) as built:
            built.measure()
            [wanted] = built.facts(DustInstructed)
            built.settle(rounds=60)
            used = [each.gas_used for each in built.facts(TransactionSettled)]
            pairs = [first + second for first, second in zip(used[::2], used[1::2], strict=True)]
            whole = sum(each.gas for each in wanted.instructions)
            for each, pair in zip(wanted.instructions, pairs, strict=True):
                assert abs(each.gas / whole - Decimal(pair) / sum(pairs)) < D("0.02")
    finally:
        chain.rpc("anvil_removeBlockTimestampInterval")


@MODES
def test_approval__of_three_rewards_that_grew__sells_of_each_what_was_approved(
    chain: LocalChain, tmp_path: Path, terms: dict[str, object]
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS, terms=terms) as built:
        wanted = instructed(built)
        assert [each.asset for each in wanted.instructions] == assets(built)
        built.give({"EIGEN": 50 * ETHER, "KING": ETHER // 4})
        approving.approve(built.desk, "loop", "risk desk")
        built.settle(rounds=60)
        approved = {each.asset: each.quantity for each in wanted.instructions}
        assert {each.asset: each.quantity for each in built.facts(DustConverted)} == approved
        made = [each.transaction.allowance for each in built.facts(TransactionSigned)]
        if terms:
            assert {each.asset: each.quantity for each in made if each} == approved
        assert built.chain.balance("EIGEN", built.key.address) == 50 * ETHER
        assert built.chain.balance("KING", built.key.address) == ETHER // 4
        balanced(built)


@pytest.mark.parametrize("sold", [1, 2])
def test_worker__that_dies_between_two_lots__is_followed_by_one_that_sells_the_rest_before_the_gate_opens(
    chain: LocalChain, tmp_path: Path, sold: int
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, terms=APART, log=FusedLog) as built:
        gate = DustGate(built.desk.log, timedelta(minutes=15), built.clock)
        assert gate.may_rebalance("loop")
        built.measure()
        assert gate.ask("loop").reason == f"its dust is sold in {ACCOUNT}"
        Fuse.arm("append", "after", sold * APPENDS_PER_LOT)
        with pytest.raises(Crash):
            built.settle(rounds=60)
        assert [each.fill.spent.asset for each in built.facts(LegFilled)] == assets(built)[:sold]
        assert built.allowances() == 0 and not gate.may_rebalance("loop")
        built.desk = built.fresh()
        built.measure()
        assert len(built.facts(DustInstructed)) == 1
        built.settle(rounds=60)
        assert gate.may_rebalance("loop")
        assert [each.asset for each in built.facts(DustConverted)] == assets(built)
        assert len(sales(built)) == 3
        balanced(built)


def test_commands__show_all_ways_of_a_wallet_without_a_delegate(chain: LocalChain, home: Path, dustman: Typed) -> None:
    chain.hand_out([(name, chain.wallets[0].address, units) for name, units in (STAKE | REWARDS).items()])
    with ChainProxy(chain.url) as proxy:
        caps = {"per_sweep": 5000, "per_day": 5000}
        account = {**selling(chain, proxy.url), "target": "ETH", "caps": caps, "selling": {}}
        whole = {"accounts": {"main": account}, "strategies": "strategies", "redis": {"url": "redis://127.0.0.1:1"}}
        (home / "dustman.yaml").write_text(json.dumps(whole))
        (home / ".env").write_text(f"DUSTMAN_MAIN_KEY_SECRET={chain.wallets[0].key}\n")
        (home / "strategies").mkdir()
        (home / "strategies" / "loop.yaml").write_text(LOOP)
        told = dustman("strategy", "loop", "--now", "--json").value["instructed"]
        assert [each["path"][0].rsplit(":")[-1] for each in told["instructions"]] == [
            chain.tokens[name].address for name in REWARDS
        ]
        assert all(Decimal(each["gas"]) > 0 for each in told["instructions"])
        assert all(name in dustman("strategy", "loop", "--now").out for name in REWARDS)
        before = proxy.counts()["requests"]
        run = dustman("sweep", "main", "--dry-run", "--json")
        assert (run.exit, run.value["refused"]) == (Exit.DONE, 0), run.err
        assert len(run.value["legs"]) == 3
        assert all(len(leg["offer"]["fees"]) == 1 for leg in run.value["legs"])
        assert proxy.counts()["requests"] - before <= 7
