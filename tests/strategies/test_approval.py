"""A strategy whose instructions need approval: nothing is sold before somebody says so, and then exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError, RefusedByPolicy, VenueUnavailable
from dustman.approval import DustApproval
from dustman.callbacks import DustCallbacks
from dustman.exits import Exit
from dustman.gate import DustGate
from dustman.settings import load
from dustman.wiring import now, open_log
from events.facts import (
    DustConverted,
    DustDetected,
    DustInstructed,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    StrategyMeasured,
)
from events.log import NewEvent, Recorded
from events.records import replace
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from simulators.coinbase.twin import CoinbaseTwin
from tests.dustman.conftest import Typed
from tests.events.samples import AT, SAMPLES
from tests.strategies.stand import ETHER, EXCHANGE, Team, charter, scenario, team
from tests.strategies.test_command import owner
from tests.strategies.test_measuring import REWARDS, STAKE
from tests.venues.test_evm_provenance import send_as
from tests.wallets.stand import ACCOUNT, D, balanced
from venues.evm.registry import asset_of
from workers import approving, reconciling
from workers.overdue import GRACE

__all__ = ["owner"]

TEN = timedelta(minutes=10)
SECOND = timedelta(seconds=1)
APPROVALS = {"loop": TEN}


def instructed(at: Team) -> DustInstructed:
    """Measure and have something wait."""
    assert "dust_instructed" in at.measure()
    return at.facts(DustInstructed)[-1]


def test_approval__of_what_was_instructed__sells_it_once(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        told = instructed(at)
        assert told.approval_until == told.instructed_at + TEN
        assert not at.facts(DustDetected) and not at.nudges
        gate = DustGate(at.desk.log, timedelta(minutes=15), at.clock)
        assert gate.ask("loop").reason == "its dust waits for approval to be sold"
        recorded = approving.approve(at.desk, "loop", "risk desk", "go")
        assert recorded[0].type == "instructions_approved"
        [approved] = at.facts(InstructionsApproved)
        assert (approved.by, approved.words, approved.measure_id) == ("risk desk", "go", told.measure_id)
        [announced] = at.facts(DustDetected)
        assert (announced.live, announced.strategy, announced.mode) == (True, "loop", "eth_leveraged")
        assert {lot.asset for lot in announced.lots} == {each.asset for each in told.instructions}
        [released] = at.facts(InstructionsReleased)
        assert (len(released.instructions), released.sentence) == (2, "")
        assert at.nudges == [("convert", ACCOUNT)]
        assert gate.ask("loop").reason == f"its dust is sold in {ACCOUNT}"
        with pytest.raises(RefusedByPolicy, match=r"was approved by risk desk at"):
            approving.approve(at.fresh(), "loop", "another", measure_id=told.measure_id)
        at.settle()
        assert len(at.facts(DustConverted)) == 2 and gate.may_rebalance("loop")
        balanced(at)
        with pytest.raises(RefusedByPolicy, match=r"nothing waits for approval; .* was approved by"):
            approving.approve(at.desk, "loop", "another")
        assert len(at.facts(InstructionsApproved)) == len(at.facts(DustDetected)) == 1


def test_approval__of_a_measurement_that_is_not_the_last_or_none__is_refused(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        with pytest.raises(RefusedByPolicy, match="loop: nothing waits for approval"):
            approving.approve(at.desk, "loop", "me")
        first = instructed(at)
        with pytest.raises(RefusedByPolicy, match="nonsense is not what was instructed last"):
            approving.approve(at.desk, "loop", "me", measure_id="nonsense")
        approving.cancel(at.desk, "loop", "me", "not today")
        second = instructed(at)
        with pytest.raises(RefusedByPolicy, match=f"that is {second.measure_id}"):
            approving.approve(at.desk, "loop", "me", measure_id=first.measure_id)
        for wrong in ("", " ", "x" * 201, "\ud800"):
            with pytest.raises(ConfigurationError, match="by: "):
                approving.approve(at.desk, "loop", wrong)
        with pytest.raises(ConfigurationError, match="nobody"):
            approving.approve(at.desk, "nobody", "me")
        for nothing in ("", " "):
            for answer in (approving.approve, approving.cancel):
                with pytest.raises(ConfigurationError, match="measure_id: is empty"):
                    answer(at.desk, "loop", "me", measure_id=nothing)
        assert not at.facts(DustDetected)


def test_instructions__measured_again_while_they_wait__wait_on(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        told = instructed(at)
        assert "dust_instructed" not in at.measure()
        last = at.facts(StrategyMeasured)[-1]
        assert last.exceeds and not last.triggered
        assert f"what {told.measure_id} instructed waits for approval" in last.sentence
        assert not at.facts(DustDetected)
        approving.approve(at.desk, "loop", "me", measure_id=told.measure_id)
        assert len(at.facts(DustDetected)) == 1


def test_instructions__that_nobody_approves__expire_by_the_reconciler_and_are_instructed_anew(
    chain: LocalChain, tmp_path: Path
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        told = instructed(at)
        reconciling.reconcile_all(at.desk)
        assert not at.facts(InstructionsExpired)
        at.clock.ahead += TEN
        reconciling.reconcile_all(at.desk)
        reconciling.reconcile_all(at.fresh())
        assert [each.measure_id for each in at.facts(InstructionsExpired)] == [told.measure_id]
        with pytest.raises(RefusedByPolicy, match="expired at"):
            approving.approve(at.desk, "loop", "late", measure_id=told.measure_id)
        again = instructed(at)
        assert again.measure_id != told.measure_id
        assert not at.facts(DustDetected)


def test_instructions__approved_or_measured_after_their_time__are_put_on_record_as_expired(
    chain: LocalChain, tmp_path: Path
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        instructed(at)
        at.clock.ahead += TEN
        with pytest.raises(RefusedByPolicy, match="expired at"):
            approving.approve(at.desk, "loop", "late")
        assert len(at.facts(InstructionsExpired)) == 1
        instructed(at)
        at.clock.ahead += TEN
        assert at.measure()[:3] == ["instructions_expired", "strategy_measured", "dust_instructed"]
        assert not at.facts(InstructionsApproved) and not at.facts(DustDetected)


def test_cancellation__ends_it_once(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        told = instructed(at)
        approving.cancel(at.desk, "loop", "risk desk", "not before the vote")
        [cancelled] = at.facts(InstructionsCancelled)
        assert (cancelled.by, cancelled.words) == ("risk desk", "not before the vote")
        for late in (approving.approve, approving.cancel):
            with pytest.raises(RefusedByPolicy, match="was cancelled by risk desk"):
                late(at.desk, "loop", "me", measure_id=told.measure_id)
        assert not at.facts(DustDetected)


def test_approval__after_the_lots_are_gone__announces_nothing_and_says_why(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        instructed(at)
        for name in REWARDS:
            away = call("transfer(address,uint256)", chain.wallets[1].address, 400 * ETHER)
            send_as(chain, at.key.address, chain.tokens[name].address, away)
        approving.approve(at.desk, "loop", "me")
        [released] = at.facts(InstructionsReleased)
        assert released.instructions == () and "it is sold when it is over that" in released.sentence
        assert not at.facts(DustDetected) and not at.nudges
        assert DustGate(at.desk.log, timedelta(minutes=15), at.clock).may_rebalance("loop")


def test_approval__of_lots_that_grew__sells_what_was_approved(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        instructed(at)
        at.give({"EIGEN": 100 * ETHER, "USDT": 50 * 10**6})
        approving.approve(at.desk, "loop", "me")
        at.settle()
        sold = {each.asset: each.quantity for each in at.facts(DustConverted)}
        assert sold == {asset_of(at.where, name): D(400) for name in REWARDS}
        assert at.chain.balance("EIGEN", at.key.address) == 100 * ETHER


def test_approval__interrupted_before_anything_was_announced__is_gone_on_with_once(
    chain: LocalChain, tmp_path: Path
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        told = instructed(at)
        at.proxy.inject(kind="bad_gateway", method="any", when="before", calls="all")
        with pytest.raises(VenueUnavailable, match=r"^main: "):
            approving.approve(at.desk, "loop", "me")
        at.proxy.calm()
        with pytest.raises(RefusedByPolicy, match="what came of it is not known yet"):
            approving.approve(at.fresh(), "loop", "me", measure_id=told.measure_id)
        at.desk = at.fresh()
        reconciling.reconcile_all(at.desk)
        assert not at.facts(DustDetected)
        at.clock.ahead += GRACE + SECOND
        reconciling.reconcile_all(at.desk)
        reconciling.reconcile_all(at.fresh())
        assert len(at.facts(DustDetected)) == len(at.facts(InstructionsReleased)) == 1
        at.settle()
        assert len(at.facts(DustConverted)) == 2
        balanced(at)


def test_approval__interrupted_between_announcement_and_record__announces_nothing_twice(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep is over and new rewards of the same kind are there when it is gone on with."""

    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        raise Crash

    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        told = instructed(at)
        with monkeypatch.context() as patch:
            patch.setattr(approving, "RecordRelease", crash)
            with pytest.raises(Crash):
                approving.approve(at.desk, "loop", "me")
        assert len(at.facts(DustDetected)) == 1
        at.desk = at.fresh()
        at.settle()
        at.give(REWARDS)
        at.clock.ahead += GRACE + SECOND
        recorded = at.measure()
        assert "dust_instructed" not in recorded and recorded[-1] == "instructions_released"
        [released] = at.facts(InstructionsReleased)
        assert (released.instructions, released.sentence) == (told.instructions, "")
        assert len(at.facts(DustDetected)) == 1 and len(at.facts(DustConverted)) == 2
        assert instructed(at).measure_id != told.measure_id


def test_approval__interrupted_between_two_accounts__is_gone_on_with_in_the_other(
    chain: LocalChain, tmp_path: Path
) -> None:
    """What is left of the dust is below the threshold by then, and was approved with the rest."""
    both = charter(chain, "loop", ACCOUNT, EXCHANGE)
    with (
        CoinbaseTwin(scenario()) as twin,
        team(chain, tmp_path, STAKE | {"EIGEN": 400 * ETHER}, both, twin=twin, approvals=APPROVALS) as at,
    ):
        told = instructed(at)
        assert {each.account for each in told.instructions} == {ACCOUNT, EXCHANGE}
        sound = at.desk.streams.handle

        def crash(account: str, *rest: Any) -> Sequence[Recorded]:
            if account == EXCHANGE:
                raise KeyboardInterrupt
            return sound(account, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(at.desk.streams, "handle", crash)
            with pytest.raises(KeyboardInterrupt):
                approving.approve(at.desk, "loop", "me")
        assert [each.account for each in at.facts(DustDetected)] == [ACCOUNT]
        at.desk = at.fresh()
        at.sell(ACCOUNT)
        at.clock.ahead += GRACE + SECOND
        reconciling.reconcile_all(at.desk)
        reconciling.reconcile_all(at.fresh())
        assert [each.account for each in at.facts(DustDetected)] == [ACCOUNT, EXCHANGE]
        [released] = at.facts(InstructionsReleased)
        assert ({each.account for each in released.instructions}, released.sentence) == ({ACCOUNT, EXCHANGE}, "")
        at.sell(EXCHANGE)
        assert len(at.facts(DustConverted)) == 2 and twin.balance("EIGEN") == 0


def test_approval__interrupted_until_its_time_was_up__sells_nothing(chain: LocalChain, tmp_path: Path) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        instructed(at)
        at.proxy.inject(kind="bad_gateway", method="any", when="before", calls="all")
        with pytest.raises(VenueUnavailable):
            approving.approve(at.desk, "loop", "me")
        at.proxy.calm()
        at.clock.ahead += TEN
        reconciling.reconcile_all(at.fresh())
        [released] = at.facts(InstructionsReleased)
        assert released.instructions == () and "its time was up" in released.sentence
        assert not at.facts(DustDetected)


@pytest.fixture
def approved_owner(owner: Path) -> Path:
    """The strategy's owner, whose wallet is watched and whose instructions wait."""
    config = owner / "dustman.yaml"
    config.write_text(config.read_text()[:-1] + ', "approval": {"loop": {"expires_after": "10 min"}}}')
    return owner


def wait(home: Path) -> DustInstructed:
    """Have instructions of the strategy wait."""
    settings = load(home / "dustman.yaml", {})
    told = next(each for each in SAMPLES if isinstance(each, DustInstructed))
    until = now() + TEN
    lots = tuple(replace(each, account="main") for each in told.instructions)
    whole = replace(told, strategy="loop", instructions=lots, approval_until=until)
    log = open_log(settings)
    version = sum(1 for _ in log.stream("strategy-loop"))
    log.append("strategy-loop", version, [NewEvent(f"told-{version}", whole, AT, "test")])
    log.close()
    return whole


def test_command__approve_and_cancel__answer_once_and_refuse_then(approved_owner: Path, dustman: Typed) -> None:
    none = dustman("approve", "loop")
    assert (none.exit, none.err) == (Exit.REFUSED_BY_POLICY, "dustman: loop: nothing waits for approval\n")
    told = wait(approved_owner)
    shown = dustman("strategy", "loop", "--json").value
    assert shown["waiting"]["measure_id"] == told.measure_id
    wrong = dustman("approve", "loop", "nonsense")
    assert wrong.exit == Exit.REFUSED_BY_POLICY and "nonsense is not what was instructed last" in wrong.err
    done = dustman("approve", "loop", told.measure_id, "--by", "risk desk", "--reason", "go")
    assert done.exit == Exit.NOTHING_TO_DO
    assert "approved by risk desk: go; 0 of the approved lots are announced; not the others: " in done.out
    assert dustman("approve", "loop", told.measure_id).exit == Exit.REFUSED_BY_POLICY
    wait(approved_owner)
    no = dustman("cancel", "loop", "--by", "risk desk", "--json")
    assert (no.exit, no.value["cancelled"]["by"]) == (Exit.DONE, "risk desk")
    assert dustman("cancel", "loop").exit == Exit.REFUSED_BY_POLICY
    assert dustman("cancel", "nobody").exit == Exit.CONFIGURATION
    assert dustman("approve", "loop", "--by", " ").exit == Exit.CONFIGURATION


def test_service__hears_of_instructions_and_answers_them_once(approved_owner: Path) -> None:
    service = DustApproval(load(approved_owner / "dustman.yaml", {}), "execution manager")
    assert service.waiting("loop") is None
    told = wait(approved_owner)
    assert service.waiting("loop") == told
    recorded = service.approve("loop", told.measure_id, "go")
    assert isinstance(recorded[0].fact, InstructionsApproved) and recorded[0].fact.by == "execution manager"
    with pytest.raises(RefusedByPolicy):
        service.approve("loop", told.measure_id, "go")
    second = wait(approved_owner)
    assert service.cancel("loop", second.measure_id)[0].type == "instructions_cancelled"
    assert service.waiting("loop") is None


def test_call__execute_dust_conversion__approves_what_waits(approved_owner: Path) -> None:
    calls = DustCallbacks(load(approved_owner / "dustman.yaml", {}))
    wait(approved_owner)
    recorded = calls.execute_dust_conversion("loop")
    assert recorded[0].type == "instructions_approved"
    assert recorded[-1].type == "instructions_released"
    assert calls.execute_dust_conversion("loop")[0].type == "strategy_measured"
