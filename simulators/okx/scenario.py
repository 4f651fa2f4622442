"""The scenario: what the venue is made of when it opens. One YAML or JSON file, read strictly."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from simulators.exchange.faults import Fraction
from simulators.exchange.scenario import BookForm, ClockForm
from simulators.exchange.spot_exchange import BalanceForm
from simulators.forms import NotNegative, Number, Positive, Strict

Permission = Literal["read_only", "trade", "withdraw"]
TRADER: tuple[Permission, ...] = ("read_only", "trade")


class MarketForm(Strict):
    """A spot market; sizes are in base currency."""

    base: str
    quote: str
    step: Positive
    smallest: Positive
    tick: Positive
    state: Literal["live", "suspend", "preopen", "test"] = "live"
    book: BookForm = BookForm()


class KeyForm(Strict):
    """An API key that exists when the venue opens. Its secret and passphrase follow from its name and the seed."""

    permissions: frozenset[Permission] = frozenset(TRADER)


class ConvertForm(Strict):
    """Easy convert: what it pays in, what it takes, and how long a conversion runs.

    `largest` is in USDT; a balance worth as much is not taken. Quantities are cut to `places` decimal places, the rest
    stays. `fee` is taken out of what arrives. `excluded` are currencies that it never takes.
    """

    targets: tuple[str, ...] = ("USDT", "BTC", "ETH", "OKB")
    largest: Positive = Decimal(10)
    most: int = Field(default=5, ge=1)
    seconds: NotNegative = Decimal(1)
    places: int = Field(default=8, ge=0, le=16)
    fee: Fraction = Decimal(0)
    excluded: frozenset[str] = frozenset()


class Scenario(Strict):
    """All that a twin opens with. Without `limited` it may be asked as often as anybody likes."""

    balances: dict[str, BalanceForm] = Field(default_factory=dict)
    markets: dict[str, MarketForm] = Field(default_factory=dict)
    keys: dict[str, KeyForm] = Field(default_factory=lambda: {"owner": KeyForm()})
    clock: ClockForm = ClockForm()
    easy_convert: ConvertForm = ConvertForm()
    taker_fee: NotNegative = Decimal("0.001")
    repeated_order: Literal["accepted", "refused"] = "accepted"
    clock_ahead: Number = Decimal(0)
    limited: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, market in self.markets.items():
            if name != f"{market.base}-{market.quote}":
                raise ValueError(f"markets.{name} must be named {market.base}-{market.quote}, base and quote")
        return self
