"""Coinbase's replies as far as they are read: a missing or mistyped key is an error that names it, a new one is fine.

Numbers travel as strings. Field names and meanings: Advanced Trade REST reference,
https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

Number = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
# Empty where the venue has nothing to say yet.
NumberOrEmpty = Annotated[str, Meta(pattern=r"^(-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)?$")]


class Money(Struct, frozen=True):
    """An amount in a currency that is named by its code."""

    value: Number
    currency: str


class Wallet(Struct, frozen=True):
    """One wallet; the venue calls it an account."""

    uuid: str
    currency: str
    available_balance: Money
    hold: Money
    active: bool
    type: str
    ready: bool
    platform: str = "ACCOUNT_PLATFORM_CONSUMER"
    deleted_at: str | None = None


class WalletReply(Struct, frozen=True):
    """Get account."""

    account: Wallet


class Wallets(Struct, frozen=True):
    """List accounts, one page."""

    accounts: list[Wallet]
    has_next: bool
    cursor: str


class Market(Struct, frozen=True):
    """One product."""

    product_id: str
    base_currency_id: str
    quote_currency_id: str
    base_increment: Number
    quote_increment: Number
    base_min_size: Number
    quote_min_size: Number
    status: str
    trading_disabled: bool
    is_disabled: bool
    cancel_only: bool
    limit_only: bool
    post_only: bool
    auction_mode: bool
    view_only: bool = False


class Markets(Struct, frozen=True):
    """List products."""

    products: list[Market]


class Level(Struct, frozen=True):
    """One price of an order book."""

    price: Number


class Book(Struct, frozen=True):
    """The best prices of one product."""

    product_id: str
    bids: list[Level]
    asks: list[Level]


class Books(Struct, frozen=True):
    """Best bid and ask."""

    pricebooks: list[Book]


class Preview(Struct, frozen=True):
    """What an order would do. `order_total` is what moves in quote currency, fees included: paid or received."""

    errs: list[str | dict[str, Any]]
    order_total: NumberOrEmpty = ""
    commission_total: NumberOrEmpty = ""
    base_size: NumberOrEmpty = ""
    quote_size: NumberOrEmpty = ""
    est_average_filled_price: NumberOrEmpty = ""


class Accepted(Struct, frozen=True):
    """The order that the venue says it made."""

    order_id: str


class Rejected(Struct, frozen=True):
    """Why it made none; the reasons that begin with UNKNOWN say nothing."""

    error: str = ""
    message: str = ""
    error_details: str = ""
    preview_failure_reason: str = ""
    new_order_failure_reason: str = ""


class Created(Struct, frozen=True):
    """Create order."""

    success: bool
    success_response: Accepted | None = None
    error_response: Rejected | None = None


class Size(Struct, frozen=True):
    """The size of a market order, in base or in quote currency."""

    base_size: Number | None = None
    quote_size: Number | None = None


class Configuration(Struct, frozen=True):
    """How an order was to be made; only market orders are read."""

    market_market_ioc: Size | None = None


class Order(Struct, frozen=True):
    """One order as the venue keeps it."""

    order_id: str
    client_order_id: str
    product_id: str
    side: str
    order_configuration: Configuration
    status: str
    settled: bool
    filled_size: NumberOrEmpty
    filled_value: NumberOrEmpty
    total_fees: NumberOrEmpty
    number_of_fills: NumberOrEmpty
    reject_reason: str | None = None
    reject_message: str | None = None
    cancel_message: str | None = None


class OrderReply(Struct, frozen=True):
    """Get order."""

    order: Order


class OrderName(Struct, frozen=True):
    """As much of a listed order as tells whose it is; the others on the page may be of any kind."""

    order_id: str
    client_order_id: str


class OrderNames(Struct, frozen=True):
    """List orders, one page."""

    orders: list[OrderName]
    has_next: bool
    cursor: str = ""


class Trade(Struct, frozen=True):
    """One fill of an order. With `size_in_quote`, `size` is in quote currency; `commission` always is."""

    trade_id: str
    order_id: str
    price: Number
    size: Number
    commission: Number
    size_in_quote: bool
    trade_time: datetime
    trade_type: str


class Trades(Struct, frozen=True):
    """List fills, one page; the last one names no next."""

    fills: list[Trade]
    cursor: str = ""

    @property
    def has_next(self) -> bool:
        """Say whether another page follows."""
        return bool(self.cursor)


class Fee(Struct, frozen=True):
    """A fee of a conversion."""

    amount: Money


class Reason(Struct, frozen=True):
    """Why a conversion was not made."""

    message: str = ""
    code: str = ""


class Conversion(Struct, frozen=True):
    """A convert trade: `total` leaves the source, `amount` lands in the target. A refused one may have no id."""

    id: str = ""
    status: str = ""
    total: Money | None = None
    amount: Money | None = None
    total_fee: Fee | None = None
    cancellation_reason: Reason | None = None


class ConversionReply(Struct, frozen=True):
    """Convert quote, commit and get."""

    trade: Conversion


class Rights(Struct, frozen=True):
    """Key permissions."""

    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_uuid: str


class Complaint(Struct, frozen=True):
    """The body of an HTTP error."""

    error: str = ""
    message: str = ""
    error_details: str = ""
