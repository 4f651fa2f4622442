"""Every request of a sweep at Bybit fails once, and the worker dies around each: nothing is done twice or lost.

Two crumbs leave by one quote; one coin is sold. What the quote pays in is the target itself, or the hub that buys it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from events.facts import LegFilled, LegNeverArrived, LegRefused, LegRequested
from events.values import LegKind
from simulators.bybit.scenario import Scenario
from simulators.bybit.scenarios import market, small
from simulators.bybit.twin import BybitTwin
from tests.faults.spot_sweep import (
    Place,
    assert_any_request_may_fail,
    assert_correct,
    assert_every_fifth_may_fail,
    assert_may_die_around_any_append,
    assert_may_die_around_any_request,
)
from venues.bybit.dust import Desk as SmallDesk
from venues.bybit.venue import Bybit

WAYS: dict[str, dict[str, Any]] = {
    "reset before": {"kind": "reset"},
    "cut body after": {"kind": "cut_body"},
    "unknown status later": {"kind": "server_error", "when": "later", "delay": "3"},
    "too late": {"kind": "reset", "when": "later", "delay": "20"},
    "busy": {"kind": "rate_limited"},
}
# What small balances are paid in, and the target.
WHOLE, POOLED = ("MNT", "MNT"), ("USDT", "BTC")


class BybitPlace(Place):
    """An account at Bybit."""

    def __init__(self, twin: BybitTwin, path: Path, pays: str, target: str) -> None:
        self.small_balances = SmallDesk(pays)
        super().__init__(twin, path, twin.key_file(), target, ("USDT", "BTC", "MNT"))

    def opened(self, **settings: Any) -> Bybit:
        return Bybit(self.key["name"], self.key["privateKey"], small_balances=self.small_balances, **settings)

    def exchanged(self) -> list[str]:
        made = (each for each in self.twin.exchange.state.small.values() if each.listed_at)
        return [row.coin for each in made for row in each.rows if row.taken and row.coin not in each.failed]


@contextmanager
def placed(directory: Path, paid: tuple[str, str] = WHOLE, form: Scenario | None = None) -> Iterator[Place]:
    directory.mkdir(exist_ok=True)
    with BybitTwin(form or small(requests_per_second=10**6)) as twin:
        yield BybitPlace(twin, directory / "dustman.db", *paid)


def legs(at: Place, kind: type[Any]) -> list[Any]:
    return [each.fact for each in at.log() if isinstance(each.fact, kind)]


@pytest.mark.parametrize(("way", "paid"), [*((way, WHOLE) for way in WAYS), ("cut body after", POOLED)])
def test_sweep__any_one_of_its_requests_fails__is_completed_all_the_same(
    tmp_path: Path, way: str, paid: tuple[str, str]
) -> None:
    assert_any_request_may_fail(partial(placed, paid=paid), tmp_path, way, WAYS)


def test_sweep__every_fifth_request_fails__is_completed_all_the_same(tmp_path: Path) -> None:
    assert_every_fifth_may_fail(placed, tmp_path)


@pytest.mark.parametrize("when", ["before", "after"])
def test_sweep__whose_worker_dies_around_any_request__is_completed_by_the_next(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_may_die_around_any_request(placed, tmp_path, when, monkeypatch)


@pytest.mark.parametrize("when", ["before", "after"])
def test_sweep__whose_worker_dies_around_any_append__is_completed_by_the_next(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_may_die_around_any_append(placed, tmp_path, when, monkeypatch)


def test_sweep__of_more_coins_than_a_quote_takes__is_made_in_several(tmp_path: Path) -> None:
    symbols: dict[str, object] = dict(market("MNT", "USDT", "0.75", "0.01", "0.0001"))
    for number in range(43):
        symbols |= market(f"C{number:02d}", "USDT", "0.1", "1", "0.0001")
    balances = {str(each["base"]): {"free": "1.5"} for each in symbols.values()}  # type: ignore[index]
    form = small(balances=balances | {"USDT": {}}, symbols=symbols, requests_per_second=10**6)
    with placed(tmp_path, form=form) as at:
        assert at.work(2)
        assert_correct(at)

        together = Counter(intent.key for intent in legs(at, LegRequested) if intent.kind is LegKind.DUST)
        assert sorted(together.values()) == [3, 20, 20]
        assert at.twin.gate.counts()["exchange_small"] == 3
        assert len(at.exchanged()) == 43


def test_sweep__whose_exchange_is_made_in_part__converts_one_and_tells_of_the_other(tmp_path: Path) -> None:
    with placed(tmp_path) as at:
        at.twin.inject(kind="failing", endpoint="exchange_small")
        assert at.work(3)
        assert_correct(at, given_up=True)

        assert at.exchanged() == ["ADA"]
        assert [fact.refusal.venue_code for fact in legs(at, LegRefused)] == ["partial_fulfillment"]


def test_sweep__whose_exchange_takes_minutes__waits_for_it_and_asks_nothing_twice(tmp_path: Path) -> None:
    with placed(tmp_path) as at:
        at.twin.inject(kind="slow_exchange", endpoint="exchange_small", seconds="300")
        assert at.work(40)
        assert_correct(at)

        assert at.twin.gate.counts()["exchange_small"] == 1


def test_sweep__whose_quote_runs_out_before_it_is_confirmed__is_quoted_anew(tmp_path: Path) -> None:
    with placed(tmp_path) as at:
        at.twin.inject(kind="refused", endpoint="exchange_small", code=700008, sentence="quote fail: price time out")
        assert at.work(3)
        assert_correct(at)

        quotes = {fact.quote.reference for fact in legs(at, LegRequested) if fact.kind is LegKind.DUST}
        assert len(quotes) == 2
        assert len(legs(at, LegNeverArrived)) == 2
        assert {fact.fill.order_id for fact in legs(at, LegFilled)} & quotes
