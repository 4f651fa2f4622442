"""Binance's replies as far as they are read: a missing or mistyped key is an error that names it, a new one is fine.

Amounts travel as strings, times as milliseconds. Field names and meanings: developers.binance.com, Spot and Wallet
REST API.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

Number = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]


class Filter(Struct, frozen=True, rename="camel"):
    """One rule of a market; only what its kind has is set."""

    filter_type: str
    min_qty: Number = "0"
    step_size: Number = "0"
    min_notional: Number = "0"
    apply_to_market: bool = False
    apply_min_to_market: bool = False


class Symbol(Struct, frozen=True, rename="camel"):
    """One market."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    quote_precision: int
    order_types: list[str]
    quote_order_qty_market_allowed: bool
    is_spot_trading_allowed: bool
    filters: list[Filter]


class ExchangeInfo(Struct, frozen=True):
    """All markets, or the one that was asked for."""

    symbols: list[Symbol]


class BookTicker(Struct, frozen=True, rename="camel"):
    """The best prices of one market; a side without orders is zero."""

    symbol: str
    bid_price: Number
    ask_price: Number


class BookTickers(Struct, frozen=True):
    """The best prices of several markets."""

    items: list[BookTicker]


class Depth(Struct, frozen=True):
    """A book: price and size by level, best first."""

    bids: list[tuple[Number, Number]]
    asks: list[tuple[Number, Number]]


class Balance(Struct, frozen=True):
    """What the account has of one asset."""

    asset: str
    free: Number
    locked: Number


class Rates(Struct, frozen=True):
    """The account's usual fees, as fractions."""

    taker: Number


class Account(Struct, frozen=True, rename="camel"):
    """The spot account."""

    balances: list[Balance]
    commission_rates: Rates


class Nothing(Struct, frozen=True):
    """An order that was only tried."""


class Placed(Struct, frozen=True, rename="camel"):
    """As much of the answer to a new order as says that it is ours."""

    order_id: int
    client_order_id: str


class Order(Struct, frozen=True, rename="camel"):
    """One order as the venue keeps it. The double m is the venue's."""

    order_id: int
    client_order_id: str
    symbol: str
    side: str
    type: str
    status: str
    orig_qty: Number
    executed_qty: Number
    cummulative_quote_qty: Number
    orig_quote_order_qty: Number


class Trade(Struct, frozen=True, rename="camel"):
    """One trade of an order."""

    id: int
    order_id: int
    price: Number
    qty: Number
    quote_qty: Number
    commission: Number
    commission_asset: str
    time: int


class Trades(Struct, frozen=True):
    """The trades of an order."""

    items: list[Trade]


class Restrictions(Struct, frozen=True, rename="camel"):
    """What the key may do."""

    enable_reading: bool
    enable_spot_and_margin_trading: bool
    enable_withdrawals: bool
    enable_internal_transfer: bool = False
    permits_universal_transfer: bool = False


class SmallBalance(Struct, frozen=True, rename="camel"):
    """What the dust desk would take of one asset, and what that would bring before the fee and after it."""

    asset: str
    amount_free: Number
    to_target_asset_amount: Number
    to_target_asset_off_exchange: Number


class SmallBalances(Struct, frozen=True, rename="camel"):
    """What the dust desk would take."""

    details: list[SmallBalance]
    dribblet_percentage: Number


class SmallBalanceInBnb(Struct, frozen=True):
    """The same from the classic desk, which pays in BNB."""

    asset: str
    amount_free: Number = field(name="amountFree")
    to_bnb: Number = field(name="toBNB")
    to_bnb_off_exchange: Number = field(name="toBNBOffExchange")


class SmallBalancesInBnb(Struct, frozen=True, rename="camel"):
    """What the classic desk would take."""

    details: list[SmallBalanceInBnb]
    dribblet_percentage: Number


class Converted(Struct, frozen=True, rename="camel"):
    """One asset of a dust conversion. `transfered_amount` is before the service charge; the spelling is the venue's."""

    from_asset: str
    amount: Number
    transfered_amount: Number
    service_charge_amount: Number
    operate_time: int


class Conversion(Struct, frozen=True, rename="camel"):
    """The answer to a dust conversion; it may hold fewer assets than were asked for."""

    transfer_result: list[Converted]


class Dribblet(Struct, frozen=True, rename="camel"):
    """One dust conversion of the log."""

    operate_time: int
    trans_id: int
    user_asset_dribblet_details: list[Converted]


class Dribblets(Struct, frozen=True, rename="camel"):
    """The log of dust conversions: its last hundred rows."""

    total: int
    user_asset_dribblets: list[Dribblet]
