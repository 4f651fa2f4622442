"""A request that the wire delivers twice, or late and again: the venue makes one thing of it, and so does the log."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from domain.errors import VenueUnavailable
from domain.leg import order_of
from events.facts import DustConverted, LegRequested
from events.values import Fill
from simulators.coinbase.scenario import Scenario
from tests.faults.correctness import assert_correct
from tests.faults.orders import on
from tests.faults.trial import BUDGET, DUE, Fault, converting, staged, trading, work
from workers.conducting import conduct
from workers.scanning import scan

COMMIT: Fault = {"endpoint": "commit_convert"}
# What the venue answers the second time: both are possible, neither is documented.
VENUES: dict[str, tuple[Scenario, Fault]] = {
    "sell-answered_with_the_earlier": (trading(repeated_order="earlier"), on("sell", {})),
    "sell-refused": (trading(repeated_order="refused"), on("sell", {})),
    "buy-answered_with_the_earlier": (trading(repeated_order="earlier"), on("buy", {})),
    "buy-refused": (trading(repeated_order="refused"), on("buy", {})),
    "commit-answered_the_same": (converting(second_commit="same"), COMMIT),
    "commit-answered_with_an_error": (converting(second_commit="error"), COMMIT),
}


@pytest.mark.parametrize(("which", "when"), [*product(VENUES, ("before", "after"))])
def test_request__repeated_after_its_answer_was_lost__takes_effect_once(tmp_path: Path, which: str, when: str) -> None:
    scenario, aim = VENUES[which]
    with staged(tmp_path, scenario) as at:
        at.twin.inject(kind="reset", when=when, **aim)
        for lookup in ("list_orders", "get_convert"):
            at.twin.inject(kind="server_error", endpoint=lookup, calls="all")
        scan(at.desk, "main", DUE, automatic=True)
        with pytest.raises(VenueUnavailable):
            conduct(at.desk, "main", at.clock() + BUDGET)
        at.twin.calm()
        *_, intent = (r.fact for r in at.desk.log.read() if isinstance(r.fact, LegRequested))
        first, second = (at.venue().execute(order_of(intent)) for _ in range(2))
        assert isinstance(first, Fill)
        assert first == second
        assert_correct(at, finished=False)
        assert work(at, 3)
        assert_correct(at, finished=True)
        assert sum(isinstance(recorded.fact, DustConverted) for recorded in at.desk.log.read()) == 2
