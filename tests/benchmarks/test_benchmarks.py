"""Every benchmark in a small but real run: its figures, its files, and the page that explains them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, ON_REQUEST, run
from benchmarks.figure import Figure
from benchmarks.ground import Ground

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "performance.md"
FEW = {"requests_per_scan": 1, "replay": 600, "own_time_per_leg": 1, "lost_publish": 1, "wallet_sweep": 1}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def figures(directory: Path) -> dict[str, Figure]:
    """What one run of everything measures, each benchmark in very few rounds."""
    small = {name: (measure, FEW.get(name, 3)) for name, (measure, _) in BENCHMARKS.items()}
    return {figure.name: figure for figure in run([*small, "--into", str(directory)], small)}


def test_run__of_everything__measures_something_with_each_benchmark(figures: dict[str, Figure]) -> None:
    assert {figure.benchmark for figure in figures.values()} == set(BENCHMARKS)
    for figure in figures.values():
        assert figure.value > 0, figure
        assert figure.reference > 0, figure
        assert figure.samples > 0, figure


def test_run__of_everything__writes_one_file_each_and_leaves_nothing_else(
    figures: dict[str, Figure], directory: Path
) -> None:
    assert {path.name for path in directory.iterdir()} == {f"{name}.json" for name in figures}
    for name in figures:
        written = json.loads((directory / f"{name}.json").read_text())
        assert {"name", "value", "unit", "reference", "ratio", "limit", "command"} <= written.keys()
        assert written["name"] == name


def test_requests_per_scan__three_hundred_wallets__are_four_requests_and_fewer_than_a_loop(
    figures: dict[str, Figure],
) -> None:
    counted = figures["requests_per_scan"]
    assert (counted.value, counted.limit, counted.exact) == (4, 4, True)
    assert counted.reference > 20


def test_own_time_per_leg__its_parts__are_less_than_the_whole(figures: dict[str, Figure]) -> None:
    parts = [figures[f"own_time_per_leg_{word}"] for word in ("sdk", "append", "publish", "limiter")]
    assert sum(part.value for part in parts) < figures["own_time_per_leg_p99"].value


def test_lost_publish__of_a_publisher_that_died__is_made_up_for_by_the_relay(figures: dict[str, Figure]) -> None:
    assert figures["lost_publish"].value < 10


def test_page__its_table__names_every_figure_with_its_unit_and_limit(figures: dict[str, Figure]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|", PAGE.read_text("utf-8"), re.M)
    told = {name: (value.split()[-1], limit) for name, value, _, _, limit in rows}
    usual = {name: each for name, each in figures.items() if each.benchmark not in ON_REQUEST}
    assert told == {name: (each.unit, f"{each.bound} {each.limit:,g}") for name, each in usual.items()}


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "benchmarks", *words)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_command__of_one_benchmark__measures_it_alone_and_exits_0(tmp_path: Path) -> None:
    done = bench("requests_per_scan", "--into", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "requests_per_scan" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["requests_per_scan.json"]


def test_run__without_names__leaves_out_what_takes_long(directory: Path) -> None:
    asked: list[str] = []

    def measure(name: str) -> Callable[[Ground, int], list[Figure]]:
        return lambda ground, rounds: asked.append(name) or []  # type: ignore[func-returns-value]

    run(["--into", str(directory)], {name: (measure(name), 1) for name in BENCHMARKS})
    assert set(BENCHMARKS) - set(asked) == ON_REQUEST


def test_command__with_an_unknown_name__lists_the_known_ones_and_exits_2() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert f"'speed' is none of {', '.join(BENCHMARKS)}" in done.stderr
