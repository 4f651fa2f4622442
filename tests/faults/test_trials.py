"""Every fault of the simulated venue has trials, and each ends as it should, in bounded time and in words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from simulators.coinbase.faults import Fault
from tests.faults import conversions, markets, orders, reads
from tests.faults.correctness import assert_correct, sentences
from tests.faults.trial import DUE, Trial, staged, work
from tests.workers.stand import D, Stand
from views.accounts import accounts_of
from views.lots import lots_of
from views.row import LotState
from workers.scanning import scan

TRIALS = (*reads.TRIALS, *orders.TRIALS, *conversions.TRIALS, *markets.TRIALS)
# What an ordinary sweep never writes.
EXTRAORDINARY = {
    "dust_conversion_failed",
    "dust_unroutable",
    "leg_never_arrived",
    "leg_outcome_unknown",
    "leg_refused",
    "proceeds_carried",
    "venue_unreachable",
}
# A refusal that is not about an amount is believed for a day.
NEXT = timedelta(days=2)


def begin(at: Stand, trial: Trial) -> None:
    if trial.after_scan or trial.jump:
        scan(at.desk, "main", DUE, automatic=True)
    if trial.jump:
        market, factor = trial.jump
        at.twin.exchange.market.move_prices(market, D(factor))
    for fault in trial.faults:
        at.twin.inject(**fault)


def lots(at: Stand) -> dict[str, LotState]:
    return {row.asset.removeprefix("coinbase:"): row.state for row in lots_of(at.desk.log.read()).rows.values()}


def is_left(at: Stand) -> bool:
    """Say whether dust, or proceeds of a lot, have not become the target yet."""
    coins = at.balances()
    return bool(coins["coinbase:ADA"] or coins["coinbase:XLM"] or accounts_of(at.desk.log.read())["main"].purse.owed)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_trial__of_a_fault__ends_correctly_and_in_words(tmp_path: Path, trial: Trial) -> None:
    with staged(tmp_path, trial.scenario, trial.waits) as at:
        begin(at, trial)
        work(at, trial.rounds)
        faults: Any = at.twin.admin.faults()["faults"]
        assert all(fault["struck"] for fault in faults)
        at.twin.calm()
        assert_correct(at, finished=False)
        log = list(at.desk.log.read())
        said = {recorded.type for recorded in log} & EXTRAORDINARY
        # Short patience may lose another answer on a busy machine, which is no less correct.
        assert said >= trial.says if trial.waits else said == trial.says
        assert any(trial.sentence in sentence for sentence in sentences(log)) or not trial.sentence

        assert work(at, trial.rounds)
        assert_correct(at, finished=True)
        ends = {"ADA": LotState.CONVERTED, "XLM": LotState.CONVERTED} | trial.ends
        assert lots(at) == {asset: state for asset, state in ends.items() if asset not in trial.kept}

        if trial.heals and is_left(at):
            at.sleep(NEXT.total_seconds())
            assert work(at, trial.rounds, DUE + NEXT)
            assert_correct(at, finished=True)
            assert not is_left(at)
            assert lots(at) == {"ADA": LotState.CONVERTED, "XLM": LotState.CONVERTED}


def test_trials__all_together__use_every_kind_of_fault() -> None:
    kinds = {get_args(form.model_fields["kind"].annotation)[0] for form in get_args(get_args(Fault)[0])}
    assert {kind for trial in TRIALS for kind in trial.kinds} == kinds
    assert len({trial.name for trial in TRIALS}) == len(TRIALS)
