"""The venue's state: everything that must survive a restart, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from simulators.exchange.spot_orders import SpotState


@dataclass(slots=True)
class Conversion:
    """One currency of an easy convert: it ends at `due`, and the history has it from `listed_at` on.

    `brought` is what it is reckoned to bring while it runs, and what it brought when it is filled.
    """

    source: str
    target: str
    amount: Decimal
    brought: Decimal
    status: Literal["running", "filled", "failed"]
    time: datetime
    due: datetime
    listed_at: datetime
    fails: bool


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret and passphrase, which follow from the seed and the label."""

    label: str
    api_key: str
    permissions: frozenset[str]


@dataclass(slots=True)
class VenueState(SpotState):
    """All of it; keys by what requests carry in OK-ACCESS-KEY, conversions in the order in which they were asked."""

    conversions: list[Conversion] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
