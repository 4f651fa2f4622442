"""The venue's state: everything that must survive a restart, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from simulators.exchange.state import ExchangeState, total

Side = Literal["BUY", "SELL"]


@dataclass(slots=True)
class Wallet:
    """One currency of the user: its uuid, the finest step its balance is kept to, and whether it is fiat."""

    currency: str
    uuid: str
    decimals: int
    fiat: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order: size in base units; value and commission in quote currency."""

    entry_id: str
    trade_id: str
    price: Decimal
    size: Decimal
    value: Decimal
    commission: Decimal
    time: datetime


@dataclass(slots=True)
class Order:
    """A market order, immediate or cancelled, and what became of it."""

    order_id: str
    client_order_id: str
    product_id: str
    side: Side
    base_size: Decimal | None
    quote_size: Decimal | None
    created: datetime
    settled_at: datetime
    status: Literal["FILLED", "CANCELLED"]
    fills: list[Fill]

    @property
    def filled_size(self) -> Decimal:
        """Add up what was traded, in base units."""
        return total(fill.size for fill in self.fills)

    @property
    def filled_value(self) -> Decimal:
        """Add up what was traded, in quote currency before fees."""
        return total(fill.value for fill in self.fills)

    @property
    def fees(self) -> Decimal:
        """Add up the commissions."""
        return total(fill.commission for fill in self.fills)

    @property
    def value_after_fees(self) -> Decimal:
        """Say what the order brought (a sale) or cost (a purchase) in quote currency in all."""
        return total((self.filled_value, self.fees if self.side == "BUY" else -self.fees))


@dataclass(slots=True)
class Conversion:
    """A convert trade from its quote on; `ends` is what a committed one turns into once its time has come."""

    trade_id: str
    source: str
    target: str
    amount: Decimal
    quoted: datetime
    status: str = "TRADE_STATUS_UNSPECIFIED"
    committed: datetime | None = None
    reads: int = 0
    ends: str = "TRADE_STATUS_COMPLETED"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret, which follows from the seed and the name."""

    name: str
    scopes: frozenset[str]
    algorithm: Literal["ed25519", "es256"]


@dataclass(slots=True)
class VenueState(ExchangeState):
    """All of it."""

    wallets: dict[str, Wallet] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    conversions: dict[str, Conversion] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
