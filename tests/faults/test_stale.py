"""Balances from before a sweep: what was sold is announced once more, and nothing is sold twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from events.facts import DustDetected, LegRefused
from events.values import RefusalCode
from tests.faults.correctness import assert_correct
from tests.faults.trial import DUE, staged, trading, work


def test_sweep__of_balances_from_before_the_last_one__sells_nothing_twice(tmp_path: Path) -> None:
    with staged(tmp_path, trading()) as at:
        assert work(at, 1)
        moved = at.moved()
        for endpoint in ("list_accounts", "get_account"):
            at.twin.inject(kind="stale_balances", endpoint=endpoint, calls="all", seconds=3600)
        assert work(at, 3, DUE + timedelta(minutes=1))
        facts = [recorded.fact for recorded in at.desk.log.read()]
        assert [len(fact.lots) for fact in facts if isinstance(fact, DustDetected)] == [2, 2]
        refused = [fact.refusal.code for fact in facts if isinstance(fact, LegRefused)]
        assert refused == [RefusalCode.INSUFFICIENT_BALANCE] * 2
        assert at.moved() == moved
        assert_correct(at, finished=True)
