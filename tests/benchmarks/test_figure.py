"""A figure's arithmetic, its JSON, its row."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.__main__ import verdict
from benchmarks.figure import Bound, Figure, drawn, quantile, shortened

LATENCY = Figure(
    name="latency", value=1.2345, unit="ms", against="a bare write", reference=0.5, limit=5.0, benchmark="writing",
    samples=300,
)  # fmt: skip
RATE = replace(LATENCY, name="rate", value=4321.5, unit="events/s", limit=1000.0, bound=Bound.AT_LEAST)
COUNT = replace(LATENCY, name="count", value=4, unit="requests", reference=35, limit=4, samples=1, exact=True)


def drawn_text(*figures: Figure) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(drawn(figures))
    return captured.get()


def test_figure__written__is_one_file_with_every_key(tmp_path: Path) -> None:
    LATENCY.write(tmp_path / "made")
    assert json.loads((tmp_path / "made" / "latency.json").read_text()) == {
        "name": "latency",
        "value": 1.23,
        "unit": "ms",
        "against": "a bare write",
        "reference": 0.5,
        "ratio": 2.47,
        "bound": "at most",
        "limit": 5.0,
        "within": True,
        "exact": False,
        "samples": 300,
        "command": "python -m benchmarks writing",
    }


@pytest.mark.parametrize(
    ("figure", "within"),
    [
        (LATENCY, True),
        (replace(LATENCY, value=5.0), True),
        (replace(LATENCY, value=5.01), False),
        (RATE, True),
        (replace(RATE, value=999.9), False),
    ],
)
def test_within__value_beside_its_limit__tells_the_right_side(figure: Figure, within: bool) -> None:
    assert figure.within is within


def test_verdict__a_slow_machine__is_no_failure() -> None:
    assert verdict([COUNT, replace(LATENCY, value=99), replace(RATE, value=1)]) == 0


def test_verdict__one_request_too_many__is_a_failure() -> None:
    assert verdict([LATENCY, replace(COUNT, value=5)]) == 1


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([7.0], 0.99, 7.0), ([3.0, 1.0, 2.0], 0.5, 2.0), ([4.0, 3.0, 2.0, 1.0], 0.5, 2.0)]
    + [([float(each) for each in range(100, 0, -1)], share, share * 100) for share in (0.01, 0.5, 0.99, 1.0)],
)
def test_quantile__of_values_in_any_order__is_by_nearest_rank(
    values: list[float], share: float, expected: float
) -> None:
    assert quantile(values, share) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.012345, 0.0123), (7.0, 7), (12.34, 12.3), (999.4, 999), (48324.4, 48324), (35, 35)]
)
def test_shortened__any_size__keeps_three_digits_or_the_whole(value: float, expected: float) -> None:
    assert shortened(value) == expected


def test_drawn__figures_on_both_sides__names_each_with_limit_and_verdict() -> None:
    rows = drawn_text(LATENCY, replace(RATE, value=12), replace(COUNT, value=5)).splitlines()
    words = [row.split() for row in rows if row.strip()]
    assert ["latency", "1.23", "ms", "0.5", "2.47", "at", "most", "5", "within", "a", "bare", "write"] in words
    assert ["rate", "12", "events/s", "0.5", "24", "at", "least", "1,000", "below", "a", "bare", "write"] in words
    assert ["count", "5", "requests", "35", "0.143", "at", "most", "4", "over", "a", "bare", "write"] in words
