"""The scenario: what the venue is made of when it opens. One YAML or JSON file, read strictly."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from simulators.exchange.faults import Fraction
from simulators.exchange.scenario import BookForm, ClockForm
from simulators.exchange.spot_exchange import BalanceForm
from simulators.forms import NotNegative, Number, Positive, Strict

Permission = Literal["trading", "converting", "withdrawals"]
Algorithm = Literal["hmac", "rsa"]
TRADER: tuple[Permission, ...] = ("trading", "converting")


class SymbolForm(Strict):
    """A market: increments of base (`step`), of quote currency (`quote_step`) and of prices, and its minimums."""

    base: str
    quote: str
    step: Positive
    quote_step: Positive = Decimal("0.0000001")
    smallest: NotNegative = Decimal(0)
    least_value: NotNegative = Decimal(5)
    tick: Positive
    status: Literal["Trading", "PreLaunch", "Closed"] = "Trading"
    book: BookForm = BookForm()


class KeyForm(Strict):
    """An API key that exists when the venue opens. That of HMAC follows from its name and the seed."""

    permissions: frozenset[Permission] = frozenset(TRADER)
    algorithm: Algorithm = "hmac"


class SmallForm(Strict):
    """The exchange of small balances: its fee, the life of a quote, how long it works, and what it takes and pays in.

    `largest` is in USDT; a coin that is worth so much or more is none of them. `excluded` are coins it never takes.
    With `quotes_listed` quotes stand in the history before they are confirmed.
    """

    fee: Fraction = Decimal("0.02")
    quote_seconds: Positive = Decimal(30)
    takes_seconds: NotNegative = Decimal(0)
    largest: Positive = Decimal(10)
    largest_in_all: Positive = Decimal(200)
    most_coins: int = Field(default=20, ge=1)
    targets: tuple[str, ...] = ("MNT", "USDT", "USDC")
    excluded: frozenset[str] = frozenset()
    quotes_listed: bool = False


class Scenario(Strict):
    """All that a twin opens with."""

    balances: dict[str, BalanceForm] = Field(default_factory=dict)
    borrowed: dict[str, NotNegative] = Field(default_factory=dict)
    symbols: dict[str, SymbolForm] = Field(default_factory=dict)
    keys: dict[str, KeyForm] = Field(default_factory=lambda: {"owner": KeyForm()})
    clock: ClockForm = ClockForm()
    small: SmallForm = SmallForm()
    taker_fee: NotNegative = Decimal("0.001")
    repeated_order: Literal["accepted", "refused"] = "refused"
    clock_ahead: Number = Decimal(0)
    requests_per_second: int = Field(default=120, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, symbol in self.symbols.items():
            if name != symbol.base + symbol.quote:
                raise ValueError(f"symbols.{name} must be named {symbol.base}{symbol.quote}, base and quote")
        return self
