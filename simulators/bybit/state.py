"""The venue's state: everything that must survive a restart, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from simulators.bybit.scenario import Algorithm
from simulators.exchange.spot_orders import SpotState


@dataclass(frozen=True, slots=True)
class SmallRow:
    """One coin of a quote: `brings` is after the fee. One that the venue does not take has no numbers."""

    coin: str
    taken: bool
    amount: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    brings: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)


@dataclass(slots=True)
class SmallQuote:
    """A quote, and the exchange that it became once it was confirmed: listed from `listed_at`, ended at `ends_at`.

    `failed` are the coins that the venue took on and did not exchange.
    """

    quote_id: str
    target: str
    created: datetime
    expires: datetime
    rows: list[SmallRow]
    listed_at: datetime | None = None
    ends_at: datetime | None = None
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Key:
    """An API key and its secret half: text for HMAC, a PEM for RSA."""

    label: str
    api_key: str
    algorithm: Algorithm
    permissions: frozenset[str]
    secret: str


@dataclass(slots=True)
class VenueState(SpotState):
    """All of it; quotes by their ids, keys by what requests carry in X-BAPI-API-KEY."""

    small: dict[str, SmallQuote] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
