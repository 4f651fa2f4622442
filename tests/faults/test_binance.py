"""Every request of a sweep at Binance fails once, and the worker dies around each: nothing is done twice or lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulators.binance.scenarios import small
from simulators.binance.twin import BinanceTwin
from tests.faults.spot_sweep import (
    Place,
    assert_any_request_may_fail,
    assert_every_fifth_may_fail,
    assert_may_die_around_any_append,
    assert_may_die_around_any_request,
)
from venues.binance.dust import Desk as SmallDesk
from venues.binance.venue import Binance

WAYS: dict[str, dict[str, Any]] = {
    "reset before": {"kind": "reset"},
    "cut body after": {"kind": "cut_body"},
    "unknown status later": {"kind": "server_error", "when": "later", "delay": "3"},
    "too late": {"kind": "reset", "when": "later", "delay": "20"},
    "busy": {"kind": "rate_limited"},
}
DESKS = {"newer": SmallDesk("BTC"), "classic": SmallDesk("BNB", classic=True)}


class BinancePlace(Place):
    """An account at Binance."""

    def __init__(self, twin: BinanceTwin, path: Path, small_balances: SmallDesk) -> None:
        self.small_balances = small_balances
        super().__init__(twin, path, twin.key_file(), small_balances.pays, ("USDT", "BTC", "BNB"))

    def opened(self, **settings: Any) -> Binance:
        return Binance(self.key["name"], self.key["privateKey"], small_balances=self.small_balances, **settings)

    def exchanged(self) -> list[str]:
        return [row.asset for each in self.twin.exchange.state.dust for row in each.rows]


@contextmanager
def placed(directory: Path, desk: str = "newer") -> Iterator[Place]:
    directory.mkdir(exist_ok=True)
    with BinanceTwin(small(weight_per_minute=10**6)) as twin:
        yield BinancePlace(twin, directory / "dustman.db", DESKS[desk])


@pytest.mark.parametrize(
    ("way", "desk"), [*((way, "newer") for way in WAYS), ("reset before", "classic"), ("cut body after", "classic")]
)
def test_sweep__any_one_of_its_requests_fails__is_completed_all_the_same(tmp_path: Path, way: str, desk: str) -> None:
    assert_any_request_may_fail(partial(placed, desk=desk), tmp_path, way, WAYS)


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
