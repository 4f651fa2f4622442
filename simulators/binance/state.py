"""The venue's state: everything that must survive a restart, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from simulators.exchange.spot_orders import SpotState

Algorithm = Literal["hmac", "ed25519"]


@dataclass(frozen=True, slots=True)
class DustRow:
    """One asset of a dust conversion: `brought` is before the fee, and so is what the log calls transferred."""

    asset: str
    amount: Decimal
    brought: Decimal
    fee: Decimal


@dataclass(slots=True)
class DustConversion:
    """One dust conversion: one request, many assets, one target; logged from `listed_at` on."""

    number: int
    client_id: str
    target: str
    time: datetime
    listed_at: datetime
    rows: list[DustRow]


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret, which follows from the seed and the label."""

    label: str
    api_key: str
    algorithm: Algorithm
    permissions: frozenset[str]


@dataclass(slots=True)
class VenueState(SpotState):
    """All of it; keys by what requests carry in X-MBX-APIKEY."""

    dust: list[DustConversion] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
