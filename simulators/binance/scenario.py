"""The scenario: what the venue is made of when it opens. One YAML or JSON file, read strictly."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from simulators.exchange.faults import Fraction
from simulators.exchange.scenario import BookForm, ClockForm
from simulators.exchange.spot_exchange import BalanceForm
from simulators.forms import NotNegative, Number, Positive, Strict

Permission = Literal["reading", "trading", "withdrawals"]
Algorithm = Literal["hmac", "ed25519"]
TRADER: tuple[Permission, ...] = ("reading", "trading")


class SymbolForm(Strict):
    """A market with its filters. A `market_step` of zero means that market orders follow `step`."""

    base: str
    quote: str
    step: Positive
    smallest: Positive
    largest: Positive = Decimal(10**10)
    market_step: NotNegative = Decimal(0)
    market_smallest: NotNegative = Decimal(0)
    market_largest: Positive = Decimal(10**9)
    tick: Positive
    notional: NotNegative = Decimal(5)
    notional_filter: Literal["NOTIONAL", "MIN_NOTIONAL"] = "NOTIONAL"
    binds_market_orders: bool = True
    status: Literal["TRADING", "BREAK", "HALT"] = "TRADING"
    market_orders: bool = True
    quote_sizes: bool = True
    book: BookForm = BookForm()


class KeyForm(Strict):
    """An API key that exists when the venue opens. Its secret follows from its name and the seed."""

    permissions: frozenset[Permission] = frozenset(TRADER)
    algorithm: Algorithm = "hmac"


class DustForm(Strict):
    """The dust desk: its fee, how long it rests after a conversion, and what it takes and pays in.

    `largest` is in BTC; an asset worth that much or more is refused. `excluded` are assets it never takes.
    """

    fee: Fraction = Decimal("0.02")
    cooldown_hours: NotNegative = Decimal(6)
    largest: Positive = Decimal("0.001")
    targets: tuple[str, ...] = ("BNB", "USDT", "USDC", "BTC", "ETH")
    excluded: frozenset[str] = frozenset()
    repeated_client: Literal["earlier", "refused"] = "refused"


class Scenario(Strict):
    """All that a twin opens with."""

    balances: dict[str, BalanceForm] = Field(default_factory=dict)
    symbols: dict[str, SymbolForm] = Field(default_factory=dict)
    keys: dict[str, KeyForm] = Field(default_factory=lambda: {"owner": KeyForm()})
    clock: ClockForm = ClockForm()
    dust: DustForm = DustForm()
    taker_fee: NotNegative = Decimal("0.001")
    fees_in_bnb: bool = False
    repeated_order: Literal["accepted", "refused"] = "accepted"
    clock_ahead: Number = Decimal(0)
    weight_per_minute: int = Field(default=6000, ge=1)
    ban_after: int = Field(default=20, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, symbol in self.symbols.items():
            if name != symbol.base + symbol.quote:
                raise ValueError(f"symbols.{name} must be named {symbol.base}{symbol.quote}, base and quote")
        return self
