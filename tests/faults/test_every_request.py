"""Every single request of a sweep, of whatever kind it is, fails once: before it took effect, after, and later."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.correctness import assert_correct
from tests.faults.trial import Fault, converting, staged, work
from views.lots import lots_of
from views.row import LotState

WAYS: dict[str, Fault] = {
    "reset-before_effect": {"kind": "reset"},
    "cut_body-after_effect": {"kind": "cut_body"},
    "http_500-later_effect": {"kind": "server_error", "status": 500, "when": "later", "delay": 20},
}


@pytest.mark.parametrize("way", WAYS)
def test_sweep__any_one_of_its_requests_fails__is_completed_all_the_same(tmp_path: Path, way: str) -> None:
    with staged(tmp_path / "whole", converting()) as at:
        assert work(at, 1)
        requests = sum(at.twin.gate.counts().values())
    assert requests > 20
    for number in range(1, requests + 1):
        with staged(tmp_path / str(number), converting()) as at:
            at.twin.inject(endpoint="any", calls=number, **WAYS[way])
            assert work(at, 40), number
            assert_correct(at, finished=True)
            states = {row.state for row in lots_of(at.desk.log.read()).rows.values()}
            assert states == {LotState.CONVERTED}, number


def test_sweep__every_seventh_request_fails__is_completed_all_the_same(tmp_path: Path) -> None:
    for first in range(1, 8):
        with staged(tmp_path / str(first), converting()) as at:
            for number in range(first, 400, 7):
                at.twin.inject(endpoint="any", calls=number, kind="reset", when=("before", "after")[number % 2])
            assert work(at, 60), first
            assert_correct(at, finished=True)
