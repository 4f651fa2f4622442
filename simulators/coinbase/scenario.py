"""The scenario: what the venue is made of when it opens. One YAML or JSON file, read strictly."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from simulators.exchange.arithmetic import DECIMALS
from simulators.exchange.scenario import BookForm, ClockForm
from simulators.forms import NotNegative, Positive, Strict

Scope = Literal["view", "trade", "transfer"]
Algorithm = Literal["ed25519", "es256"]


class WalletForm(Strict):
    """What an account has of one currency. `decimals` is the finest step its balance is kept to."""

    available: NotNegative = Decimal(0)
    hold: NotNegative = Decimal(0)
    decimals: int = Field(default=DECIMALS, ge=0, le=18)
    fiat: bool = False


class ProductForm(Strict):
    """A market, with the venue's own words. A product with an `alias` trades on that product's book."""

    base_increment: Positive
    quote_increment: Positive
    price_increment: Positive | None = None
    base_min_size: NotNegative
    base_max_size: Positive = Decimal(10**12)
    quote_min_size: NotNegative = Decimal(1)
    quote_max_size: Positive = Decimal(10**9)
    status: Literal["online", "delisted", "offline"] = "online"
    is_disabled: bool = False
    trading_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    auction_mode: bool = False
    view_only: bool = False
    alias: str = ""
    book: BookForm = BookForm()


class KeyForm(Strict):
    """An API key that exists when the venue opens. Its secret follows from its name and the seed."""

    scopes: frozenset[Scope] = frozenset({"view", "trade"})
    algorithm: Algorithm = "ed25519"


class ConvertForm(Strict):
    """How conversions behave: one completes after `seconds` and after `reads` answers that still say STARTED.

    A quote lives for `lifetime` seconds. What the venue answers to a second commit is not documented, so both are here.
    """

    increment: Positive = Decimal("0.01")
    seconds: NotNegative = Decimal(0)
    reads: int = Field(default=0, ge=0)
    lifetime: Positive = Decimal(600)
    second_commit: Literal["same", "error"] = "same"


class Scenario(Strict):
    """All that a twin opens with. Wallets are listed by the accounts endpoint in this order."""

    wallets: dict[str, WalletForm] = Field(default_factory=dict)
    products: dict[str, ProductForm] = Field(default_factory=dict)
    keys: dict[str, KeyForm] = Field(default_factory=lambda: {"owner": KeyForm()})
    clock: ClockForm = ClockForm()
    convert: ConvertForm = ConvertForm()
    taker_fee: NotNegative = Decimal("0.012")
    quote_minimum_binds_sells: bool = True
    repeated_order: Literal["earlier", "refused"] = "earlier"
    quote_sized_fills: Literal["increment", "exact"] = "increment"
    settle_seconds: NotNegative = Decimal(0)
    requests_per_second: Positive = Decimal(30)
    burst: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, product in self.products.items():
            if len(name.split("-")) != 2 or not all(name.split("-")):
                raise ValueError(f"products.{name} must be named BASE-QUOTE, like ADA-USDC")
            if product.alias and product.alias not in self.products:
                raise ValueError(f"products.{name}.alias {product.alias!r} must name another product of this file")
            if product.alias and self.products[product.alias].alias:
                raise ValueError(f"products.{name}.alias {product.alias!r} must not itself have an alias")
        return self
