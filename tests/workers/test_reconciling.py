"""The reconciler's round over several accounts, of which one is in trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import ImpossibleHistory
from domain.identity import stream_of
from events.facts import SweepCompleted
from events.log import NewEvent
from events.money import Amount
from tests.workers.stand import BTC, D, now, stand
from workers.reconciling import reconcile_all
from workers.scanning import scan


def test_reconcile__an_account_whose_record_contradicts_itself__keeps_no_other_from_being_settled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with stand(tmp_path) as at:
        impossible = SweepCompleted("broken", "never opened", 0, 0, 0, Amount(D(0), BTC))
        at.desk.log.append(stream_of("broken"), 0, [NewEvent("1", impossible, now(), "test")])
        mine = at.desk.mandates["main"]
        desk = replace(at.fresh(), mandates={"broken": replace(mine, account="broken"), "main": mine})
        with pytest.raises(ImpossibleHistory):
            desk.streams.load("broken")
        scan(desk, "main", now() + timedelta(hours=1), automatic=True)
        at.nudges.clear()
        reconcile_all(desk)
        assert at.nudges == [("convert", "main")]
        assert "reconcile broken: its record contradicts itself" in caplog.text
