"""The venue's state: everything that must survive a restart, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from simulators.exchange.state import ExchangeState, total

Side = Literal["BUY", "SELL"]
Algorithm = Literal["hmac", "ed25519"]


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of an order: size in base units, value in quote currency, commission in an asset of its own."""

    trade_id: int
    price: Decimal
    size: Decimal
    value: Decimal
    commission: Decimal
    commission_asset: str


@dataclass(slots=True)
class Order:
    """A market order and what became of it. Its trades are listed from `listed_at` on, itself from `known_at` on."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    quote_quantity: Decimal
    created: datetime
    known_at: datetime
    listed_at: datetime
    status: Literal["FILLED", "EXPIRED"]
    trades: list[Trade]

    @property
    def filled(self) -> Decimal:
        """Add up what was traded, in base units."""
        return total(trade.size for trade in self.trades)

    @property
    def value(self) -> Decimal:
        """Add up what was traded, in quote currency."""
        return total(trade.value for trade in self.trades)


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
class VenueState(ExchangeState):
    """All of it; orders by number, keys by what requests carry in X-MBX-APIKEY."""

    orders: dict[int, Order] = field(default_factory=dict)
    dust: list[DustConversion] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
