"""An approval that was interrupted is gone on with once, however many workers do so, and whatever happens meanwhile."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from domain.equity import Computed, Doubt, Equity, Survey
from domain.errors import VenueUnavailable
from events.facts import (
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustInstructed,
    InstructionsReleased,
    SweepCompleted,
)
from events.log import Recorded
from events.values import Unmeasured
from simulators.chain.chain import LocalChain
from simulators.coinbase.twin import CoinbaseTwin
from tests.strategies.stand import ETHER, EXCHANGE, Team, charter, scenario, team
from tests.strategies.test_approval import APPROVALS, SECOND, instructed
from tests.strategies.test_measuring import REWARDS, STAKE
from tests.wallets.stand import ACCOUNT, balanced
from workers import approving, reconciling, scanning, surveying
from workers.approving import ROUNDS
from workers.overdue import GRACE


@dataclass
class Meeting:
    """Equity as it is computed, by workers who wait for each other once they have read the accounts."""

    met: Callable[[], object]

    def equity(self, surveys: Sequence[Survey], currency: str, at: datetime) -> Equity | Doubt:
        self.met()
        return Computed().equity(surveys, currency, at)


def interrupted(at: Team) -> DustInstructed:
    """Have instructions approved of which nothing was announced, long enough ago for anybody to go on with."""
    told = instructed(at)
    at.proxy.inject(kind="bad_gateway", method="any", when="before", calls="all")
    with pytest.raises(VenueUnavailable):
        approving.approve(at.desk, "loop", "me")
    at.proxy.calm()
    at.clock.ahead += GRACE + SECOND
    return told


def resuming(at: Team, met: Callable[[], object]) -> Callable[[], Sequence[Recorded]]:
    """Another worker that goes on with the approval, and meets others after it has read the accounts."""

    def resume() -> Sequence[Recorded]:
        desk = dataclasses.replace(at.fresh(), equity=lambda _: Meeting(met))
        return approving.resume(desk, "loop")

    return resume


def test_resumption__by_two_workers_at_once__releases_once_and_the_other_finds_nothing_to_do(
    chain: LocalChain, tmp_path: Path
) -> None:
    both = charter(chain, "loop", ACCOUNT, EXCHANGE)
    with (
        CoinbaseTwin(scenario()) as twin,
        team(chain, tmp_path, STAKE | {"EIGEN": 400 * ETHER}, both, twin=twin, approvals=APPROVALS) as at,
    ):
        told = interrupted(at)
        meeting = Barrier(2)
        with ThreadPoolExecutor(2) as workers:
            done = [workers.submit(resuming(at, lambda: meeting.wait(20))) for _ in range(2)]
            recorded = sorted((each.result() for each in done), key=len)
        assert recorded[0] == []
        assert [each.account for each in at.facts(DustDetected)] == [ACCOUNT, EXCHANGE]
        [released] = at.facts(InstructionsReleased)
        assert ([each.account for each in released.instructions], released.sentence) == ([ACCOUNT, EXCHANGE], "")
        assert recorded[1][-1].fact == released
        at.desk = at.fresh()
        for account in (ACCOUNT, EXCHANGE):
            at.sell(account)
        assert len(at.facts(DustConverted)) == len(told.instructions) == 2
        assert not at.facts(DustConversionFailed)


def test_resumption__by_one_who_has_read_what_another_has_sold_meanwhile__announces_nothing(
    chain: LocalChain, tmp_path: Path
) -> None:
    """It reads after the other, has the lots in its hands when the other's sweep begins, and goes on after that."""
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        interrupted(at)
        first, second, sold = Event(), Event(), Event()

        def fast() -> None:
            first.set()
            assert second.wait(20)

        def slow() -> None:
            second.set()
            assert sold.wait(20)

        with ThreadPoolExecutor(2) as workers:
            ahead = workers.submit(resuming(at, fast))
            assert first.wait(20)
            behind = workers.submit(resuming(at, slow))
            assert "dust_detected" in [each.type for each in ahead.result()]
            at.desk = at.fresh()
            at.settle()
            sold.set()
            assert behind.result() == []
        assert len(at.facts(DustDetected)) == len(at.facts(InstructionsReleased)) == len(at.facts(SweepCompleted)) == 1
        assert len(at.facts(DustConverted)) == 2
        balanced(at)


@pytest.mark.parametrize("times", [1, ROUNDS])
def test_approval__while_others_write_to_the_account__reads_it_again_and_leaves_it_in_the_end(
    chain: LocalChain, tmp_path: Path, times: int
) -> None:
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        instructed(at)
        other, left = at.fresh(), list(range(times))

        def write() -> None:
            if left:
                left.pop()
                scanning.look(other, ACCOUNT)

        at.desk = dataclasses.replace(at.fresh(), equity=lambda _: Meeting(write))
        approving.approve(at.desk, "loop", "me")
        assert len(at.facts(DustDetected)) == len(at.facts(InstructionsReleased)) == (times < ROUNDS)
        at.clock.ahead += GRACE + SECOND
        reconciling.reconcile_all(at.fresh())
        assert len(at.facts(DustDetected)) == len(at.facts(InstructionsReleased)) == 1


def test_approval__when_equity_has_become_doubtful__announces_nothing_and_says_why(
    chain: LocalChain, tmp_path: Path
) -> None:
    class Doubtful:
        def equity(self, *_: object) -> Equity | Doubt:
            return Doubt(Unmeasured.EQUITY_STALE, "equity is 700 s old")

    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        instructed(at)
        at.desk = dataclasses.replace(at.fresh(), equity=lambda _: Doubtful())
        approving.approve(at.desk, "loop", "me")
        [released] = at.facts(InstructionsReleased)
        assert (released.instructions, released.sentence) == ((), "equity is 700 s old")
        assert not at.facts(DustDetected)


def test_resumption__by_one_who_finds_the_lots_gone_since_another_sells_them__leaves_the_word_to_the_other(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it read proves that nothing can be sold, but not why: the other has announced it, and says so."""
    with team(chain, tmp_path, STAKE | REWARDS, approvals=APPROVALS) as at:
        interrupted(at)
        late = resuming(at, lambda: None)
        sound = surveying.surveys_of

        def meanwhile(*rest: Any, **kinds: Any) -> list[Survey]:
            monkeypatch.setattr(approving, "surveys_of", sound)
            other = at.fresh()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(other.strategies, "handle", lambda *_: [])
                approving.resume(other, "loop")
            at.desk = at.fresh()
            at.settle()
            return sound(*rest, **kinds)

        monkeypatch.setattr(approving, "surveys_of", meanwhile)
        assert late() == []
        assert not at.facts(InstructionsReleased)
        reconciling.reconcile_all(at.fresh())
        [released] = at.facts(InstructionsReleased)
        assert (len(released.instructions), released.sentence) == (2, "")
        assert len(at.facts(DustDetected)) == 1
