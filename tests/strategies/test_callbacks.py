"""Strategy dust by calls and callbacks, and the gate, on a strategy whose wallet is on the local chain."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from dustman.callbacks import DustCallbacks
from dustman.exits import Exit
from dustman.gate import DustGate
from dustman.settings import Settings, load
from dustman.wiring import open_log
from events.facts import DustInstructed, StrategyMeasured, StrategyNotMeasured
from events.log import EventLog, NewEvent
from events.records import replace
from simulators.chain.chain import LocalChain
from tests.dustman.conftest import Typed
from tests.events.samples import AT, SAMPLES
from tests.strategies.stand import team
from tests.strategies.test_command import owner
from tests.strategies.test_measuring import REWARDS, STAKE
from tests.wallets.stand import ACCOUNT

__all__ = ["owner"]


def settings_of(home: Path) -> Settings:
    return load(home / "dustman.yaml", {})


def instructed(log: EventLog) -> None:
    """Let dust of the strategy be instructed in its account."""
    fact = next(each for each in SAMPLES if isinstance(each, DustInstructed))
    whole = replace(fact, strategy="loop", instructions=tuple(replace(e, account="main") for e in fact.instructions))
    version = sum(1 for _ in log.stream("strategy-loop"))
    log.append("strategy-loop", version, [NewEvent("instructed", whole, AT, "test")])


def test_conversion__asked_for_by_a_call__is_what_the_threshold_is_then_checked_by(owner: Path) -> None:
    calls = DustCallbacks(settings_of(owner))
    assert calls.check_dust_threshold("loop") is None
    recorded = calls.execute_dust_conversion("loop")
    assert recorded[0].type == "strategy_measured"
    found = calls.check_dust_threshold("loop")
    assert isinstance(found, StrategyMeasured)
    assert found == recorded[0].fact and found.exceeds
    assert calls.check_dust_threshold("loop") == found
    with pytest.raises(ConfigurationError, match="nobody"):
        calls.execute_dust_conversion("nobody")
    with pytest.raises(ConfigurationError, match="nobody"):
        calls.check_dust_threshold("nobody")


def test_doubt__instead_of_a_measurement__is_what_a_check_returns(owner: Path) -> None:
    calls = DustCallbacks(settings_of(owner))
    doubt = next(each for each in SAMPLES if isinstance(each, StrategyNotMeasured))
    log = open_log(settings_of(owner))
    log.append("strategy-loop", 0, [NewEvent("doubt", replace(doubt, strategy="loop"), AT, "test")])
    found = calls.check_dust_threshold("loop")
    assert isinstance(found, StrategyNotMeasured)
    log.close()


def test_callbacks__of_which_one_raises__are_all_called_for_what_exceeds_and_in_order(
    owner: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls, called, over = DustCallbacks(settings_of(owner)), list[str](), threading.Event()

    def fails(measured: StrategyMeasured) -> None:
        called.append(f"fails {measured.measure_id}")
        raise RuntimeError("not mine")

    def works(measured: StrategyMeasured) -> None:
        called.append(f"works {measured.measure_id}")
        if measured.measure_id == "3":
            over.set()

    calls.add_dust_callback(fails)
    calls.add_dust_callback(works)
    sample = next(each for each in SAMPLES if isinstance(each, StrategyMeasured))
    log = open_log(settings_of(owner))
    for number, exceeds in enumerate((True, False, True), 1):
        fact = replace(sample, strategy="loop", measure_id=str(number), exceeds=exceeds)
        log.append("strategy-loop", number - 1, [NewEvent(str(number), fact, AT, "test")])
    log.close()
    with caplog.at_level(logging.ERROR, "dustman"):
        calls.run(over)
    assert called == ["fails 1", "works 1", "fails 3", "works 3"]
    assert calls.position == 3
    assert caplog.text.count("RuntimeError: not mine") == 2


def test_gate__while_rewards_are_really_sold__is_shut_and_then_open(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS) as at:
        gate = DustGate(at.desk.log, timedelta(minutes=15), at.clock)
        assert gate.may_rebalance("loop")
        assert "dust_instructed" in at.measure()
        assert not gate.may_rebalance("loop")
        assert gate.ask("loop").reason == f"its dust is sold in {ACCOUNT}"
        at.sell(ACCOUNT)
        assert gate.may_rebalance("loop")


def test_command__gate__ends_with_six_while_dust_comes_first(owner: Path, dustman: Typed) -> None:
    open_gate = dustman("gate", "loop")
    assert (open_gate.exit, open_gate.out) == (Exit.DONE, "loop: yes, none of its dust is being sold\n")
    log = open_log(settings_of(owner))
    instructed(log)
    log.close()
    shut = dustman("gate", "loop", "--json")
    assert shut.exit == Exit.REFUSED_BY_POLICY
    assert (shut.value["may"], shut.value["reason"]) == (False, "its dust is about to be sold in main")
    assert "until" in dustman("gate", "loop").out
    assert dustman("gate", "nobody").exit == Exit.CONFIGURATION
    wrong = dustman("gate", "loop", "--limit", "soon")
    assert (wrong.exit, "'soon' is not a whole number of s, min, h or d" in wrong.err) == (Exit.USAGE, True)
