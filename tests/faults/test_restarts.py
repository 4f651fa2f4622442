"""Faults that strike a process which then dies: another one, just started, brings the sweep to the same end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from events.facts import DustConverted, Fact, LegFilled, LegNeverArrived, LegOutcomeUnknown, LegRefused, LegRequested
from events.log import NewEvent, Recorded
from events.sqlite import SQLiteLog
from simulators.coinbase.scenario import Scenario
from tests.faults import conversions, orders
from tests.faults.conversions import commit
from tests.faults.correctness import assert_correct
from tests.faults.orders import on
from tests.faults.trial import BUDGET, DUE, Fault, Trial, converting, staged, trading, work
from workers.conducting import conduct
from workers.scanning import scan

LOST = [trial for trial in (*orders.lost(), *conversions.committing()) if "reset" in trial.name or "cut" in trial.name]
ANSWERS: tuple[type[Fact], ...] = (LegFilled, LegRefused, LegOutcomeUnknown, LegNeverArrived)


class Died(BaseException):
    """The end of a process: nothing handles it."""


class Mortal(SQLiteLog):
    """The real log of a process that dies before the answer to a leg of this product can be recorded."""

    product: str

    def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]:
        told = [event.fact for event in events]
        if any(isinstance(fact, ANSWERS) for fact in told) and self._last_asked() == self.product:
            raise Died
        return super().append(stream, expected, events)

    def _last_asked(self) -> str:
        return [recorded.fact.product for recorded in self.read() if isinstance(recorded.fact, LegRequested)][-1]


@pytest.mark.parametrize("trial", LOST, ids=lambda trial: trial.name)
def test_trial__each_round_in_a_process_just_started__ends_the_same(tmp_path: Path, trial: Trial) -> None:
    with staged(tmp_path, trial.scenario, trial.waits) as at:
        for fault in trial.faults:
            at.twin.inject(**fault)
        work(at, trial.rounds, restarting=True)
        at.twin.calm()
        assert_correct(at, finished=False)
        assert work(at, trial.rounds, restarting=True)
        assert_correct(at, finished=True)


ORDERS, CONVERSIONS = trading(), converting()
DEATHS: dict[str, tuple[Scenario, str, tuple[Fault, ...]]] = {
    "sell-filled": (ORDERS, "ADA-USDC", ()),
    "buy-filled": (ORDERS, "BTC-USDC", ()),
    "buy-filled_in_part": (ORDERS, "BTC-USDC", (on("buy", {"kind": "partial", "fraction": "0.5"}),)),
    "sell-settled_late": (ORDERS, "ADA-USDC", (on("sell", {"kind": "settled_late", "seconds": 100}),)),
    "sell-timeout-before_effect": (ORDERS, "ADA-USDC", (on("sell", {"kind": "timeout"}),)),
    "sell-timeout-after_effect": (ORDERS, "ADA-USDC", (on("sell", {"kind": "timeout", "when": "after"}),)),
    "buy-timeout-after_effect": (ORDERS, "BTC-USDC", (on("buy", {"kind": "timeout", "when": "after"}),)),
    "sell-reset-later_effect": (ORDERS, "ADA-USDC", (on("sell", {"kind": "reset", "when": "later", "delay": 100}),)),
    "sell-429": (ORDERS, "ADA-USDC", (on("sell", {"kind": "rate_limited"}),)),
    "sell-refused": (ORDERS, "ADA-USDC", (on("sell", {"kind": "refused", "reason": "PREVIEW_INSUFFICIENT_FUND"}),)),
    "commit-completed": (CONVERSIONS, "USD-USDC", ()),
    "commit-timeout-before_effect": (CONVERSIONS, "USD-USDC", (commit({"kind": "timeout"}),)),
    "commit-timeout-after_effect": (CONVERSIONS, "USD-USDC", (commit({"kind": "timeout", "when": "after"}),)),
    "commit-reset-later_effect": (CONVERSIONS, "USD-USDC", (commit({"kind": "reset", "when": "later", "delay": 500}),)),
}


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("lookup", ["readable", "unreadable_at_first"])
def test_death__after_the_venue_was_asked_and_before_the_answer_was_recorded__loses_nothing(
    tmp_path: Path, death: str, lookup: str
) -> None:
    scenario, market, faults = DEATHS[death]
    with staged(tmp_path, scenario, waits="timeout" in death) as at:
        for fault in faults:
            at.twin.inject(**fault)
        log = Mortal(at.path, at.clock)
        log.product = market
        dying = replace(at.desk, log=log)
        scan(dying, "main", DUE, automatic=True)
        with pytest.raises(Died):
            conduct(dying, "main", at.clock() + BUDGET)
        if lookup == "unreadable_at_first":
            for endpoint in ("list_orders", "get_convert"):
                at.twin.inject(kind="server_error", endpoint=endpoint, calls="1-6")
        at.desk = at.fresh()
        assert work(at, 40)
        assert_correct(at, finished=True)
        converted = sum(isinstance(recorded.fact, DustConverted) for recorded in at.desk.log.read())
        assert converted == (0 if death == "buy-filled_in_part" else 2)
