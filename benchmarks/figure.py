"""A figure: one measured number, the reference it is held against, and the limit it is to keep."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich import box
from rich.table import Table


class Bound(StrEnum):
    """On which side of its limit a figure belongs."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured `value` in `unit`, out of `samples` of them, beside the `reference` that `against` names.

    An `exact` figure is a count and the same on every machine; all others depend on the machine and what else it does.
    """

    name: str
    value: float
    unit: str
    against: str
    reference: float
    limit: float
    benchmark: str
    samples: int = 1
    bound: Bound = Bound.AT_MOST
    exact: bool = False

    @property
    def ratio(self) -> float:
        """Return how many references the value is."""
        return self.value / self.reference

    @property
    def within(self) -> bool:
        """Say whether the value keeps its limit."""
        return self.value <= self.limit if self.bound is Bound.AT_MOST else self.value >= self.limit

    @property
    def command(self) -> str:
        """Return what measures this figure alone."""
        return f"python -m benchmarks {self.benchmark}"

    def write(self, directory: Path) -> None:
        """Write the figure to a JSON file of its name."""
        content = {
            "name": self.name,
            "value": shortened(self.value),
            "unit": self.unit,
            "against": self.against,
            "reference": shortened(self.reference),
            "ratio": shortened(self.ratio),
            "bound": self.bound.value,
            "limit": self.limit,
            "within": self.within,
            "exact": self.exact,
            "samples": self.samples,
            "command": self.command,
        }
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{self.name}.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least `share` of them do not exceed (nearest rank)."""
    ranked = sorted(values)
    rank = -(-len(ranked) * round(share * 100) // 100)
    return ranked[max(rank, 1) - 1]


def shortened(value: float) -> float:
    """Return the value with three significant digits, or whole where that is more: the rest is noise."""
    short = float(f"{value:.3g}") if abs(value) < 1000 else round(value)
    return int(short) if short == int(short) else short


def drawn(figures: Iterable[Figure]) -> Table:
    """Draw figures as a table."""
    table = Table(box=box.SIMPLE)
    for column in ("figure", "value", "unit", "reference", "ratio", "limit", ""):
        table.add_column(column, justify="right" if column in ("value", "reference", "ratio", "limit") else "left")
    table.add_column("the reference is", overflow="fold")
    for figure in figures:
        beyond = "over" if figure.bound is Bound.AT_MOST else "below"
        value, *rest = (f"{shortened(number):,.10g}" for number in (figure.value, figure.reference, figure.ratio))
        table.add_row(
            figure.name,
            value,
            figure.unit,
            *rest,
            f"{figure.bound} {figure.limit:,g}",
            "within" if figure.within else beyond,
            figure.against,
            style="" if figure.within else "bold red",
        )
    return table
