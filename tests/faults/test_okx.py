"""Every request of a sweep at OKX fails once, and the worker dies around each: nothing is done twice or lost.

Seven crumbs leave by easy convert, five in one request and two in the next; one coin is sold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from events.facts import LegRequested
from events.values import LegKind
from simulators.okx.scenarios import small
from simulators.okx.twin import OKXTwin
from tests.faults.spot_sweep import (
    D,
    Place,
    assert_any_request_may_fail,
    assert_correct,
    assert_every_fifth_may_fail,
    assert_may_die_around_any_append,
    assert_may_die_around_any_request,
)
from venues.okx.easy_convert import Desk
from venues.okx.venue import OKX

WAYS: dict[str, dict[str, Any]] = {
    "reset before": {"kind": "reset"},
    "cut body after": {"kind": "cut_body"},
    "unknown status later": {"kind": "server_error", "when": "later", "delay": "3"},
    "too late": {"kind": "reset", "when": "later", "delay": "60"},
    "busy": {"kind": "rate_limited"},
}


class OKXPlace(Place):
    """An account at OKX."""

    def __init__(self, twin: OKXTwin, path: Path) -> None:
        super().__init__(twin, path, twin.key_file(), "BTC", ("USDT", "BTC", "OKB"))

    def opened(self, **settings: Any) -> OKX:
        name, secret, passphrase = (self.key[part] for part in ("name", "privateKey", "passphrase"))
        return OKX(name, secret, passphrase, easy_convert=Desk("BTC", D(0)), **settings)

    def exchanged(self) -> list[str]:
        return [each.source for each in self.twin.exchange.state.conversions if each.status == "filled"]

    def sent_under(self, key: str) -> str:
        return UUID(key).hex


@contextmanager
def placed(directory: Path) -> Iterator[Place]:
    directory.mkdir(exist_ok=True)
    with OKXTwin(small()) as twin:
        yield OKXPlace(twin, directory / "dustman.db")


def test_sweep__of_seven_small_balances__takes_two_requests(tmp_path: Path) -> None:
    with placed(tmp_path) as at:
        assert at.work(2)
        assert_correct(at)

        intents = [each.fact for each in at.log() if isinstance(each.fact, LegRequested)]
        together = Counter(intent.key for intent in intents if intent.kind is LegKind.DUST)
        assert sorted(together.values()) == [2, 5]
        assert at.twin.gate.counts()["convert"] == 2
        assert len(at.exchanged()) == 7


@pytest.mark.parametrize("way", WAYS)
def test_sweep__any_one_of_its_requests_fails__is_completed_all_the_same(tmp_path: Path, way: str) -> None:
    assert_any_request_may_fail(placed, tmp_path, way, WAYS)


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
