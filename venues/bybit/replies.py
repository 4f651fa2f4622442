"""Bybit's replies as far as they are read: a missing or mistyped key is an error that names it, a new one is fine.

Amounts and times travel as strings, times in milliseconds; what does not apply is an empty string. Field names and
meanings: bybit-exchange.github.io/docs/v5.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct, field

Number = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
Some = Annotated[str, Meta(pattern=r"^(-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)?$")]
Millis = Annotated[str, Meta(pattern=r"^[0-9]{1,16}$")]


def number(text: str) -> Decimal:
    """Read an amount; one that does not apply is zero."""
    return Decimal(text or 0)


class Lot(Struct, frozen=True, rename="camel"):
    """A market's increments and minimums; `minOrderAmt` is in quote currency."""

    base_precision: Number
    quote_precision: Number
    min_order_amt: Number
    min_order_qty: Some = ""


class Instrument(Struct, frozen=True, rename="camel"):
    """One market."""

    symbol: str
    base_coin: str
    quote_coin: str
    status: str
    lot_size_filter: Lot


class Instruments(Struct, frozen=True):
    """All markets, or the one that was asked for."""

    items: list[Instrument] = field(name="list")


class Ticker(Struct, frozen=True):
    """The best prices of one market; a side without orders is empty or zero."""

    symbol: str
    bid: Some = field(name="bid1Price")
    ask: Some = field(name="ask1Price")


class Tickers(Struct, frozen=True):
    """The best prices of all markets, or of the one that was asked for."""

    items: list[Ticker] = field(name="list")


class Book(Struct, frozen=True):
    """A book: price and size by level, best first."""

    bids: list[tuple[Number, Number]] = field(name="b")
    asks: list[tuple[Number, Number]] = field(name="a")


class Coin(Struct, frozen=True, rename="camel"):
    """What the account has of one coin.

    `wallet_balance` has in it what is locked by orders, what secures positions (`total_…_im`), and what was borrowed.
    """

    coin: str
    wallet_balance: Some
    locked: Some = ""
    spot_borrow: Some = ""
    total_order: Some = field(name="totalOrderIM", default="")
    total_position: Some = field(name="totalPositionIM", default="")


class Wallet(Struct, frozen=True, rename="camel"):
    """One account."""

    account_type: str
    coin: list[Coin]


class Wallets(Struct, frozen=True):
    """The accounts of the kind that was asked for: one."""

    items: list[Wallet] = field(name="list")


class FeeRate(Struct, frozen=True, rename="camel"):
    """What the account pays on one market, as a fraction."""

    symbol: str
    taker_fee_rate: Number


class FeeRates(Struct, frozen=True):
    """The same for the market that was asked for."""

    items: list[FeeRate] = field(name="list")


class Placed(Struct, frozen=True, rename="camel"):
    """The answer to a new order: it was accepted, not yet made."""

    order_id: str
    order_link_id: str


class Order(Struct, frozen=True, rename="camel"):
    """One order as the venue keeps it; `qty` is in what `market_unit` says, base units where it says nothing."""

    order_id: str
    order_link_id: str
    symbol: str
    side: str
    order_type: str
    order_status: str
    qty: Number
    cum_exec_qty: Some
    cum_exec_value: Some
    created_time: Millis
    market_unit: str = ""
    reject_reason: str = ""


class Orders(Struct, frozen=True):
    """The orders that were asked for, newest first."""

    items: list[Order] = field(name="list")


class ExtraFee(Struct, frozen=True, rename="camel"):
    """A tax on a trade, where there is such a tax."""

    fee_coin: str
    fee: Some


class Execution(Struct, frozen=True, rename="camel"):
    """One trade of an order. Its extra fees come as a list, as JSON in a string, or not at all."""

    exec_id: str
    order_id: str
    exec_price: Number
    exec_qty: Number
    exec_value: Number
    exec_fee: Some
    fee_currency: Annotated[str, Meta(min_length=1)]
    exec_time: Millis
    exec_type: str = "Trade"
    extra_fees: list[ExtraFee] | str | None = None


class Executions(Struct, frozen=True, rename="camel"):
    """A page of trades, newest first."""

    items: list[Execution] = field(name="list")
    next_page_cursor: str = ""


class Key(Struct, frozen=True, rename="camel"):
    """The key that asks: what it may do, by area; `read_only` is 1 for one that may not trade."""

    read_only: int
    permissions: dict[str, list[str] | None]


class SmallCoin(Struct, frozen=True, rename="camel"):
    """A coin that is worth less than 10 USDT; `support_convert` is 1 where it would be taken."""

    from_coin: str
    support_convert: int
    available_balance: Some


class SmallCoins(Struct, frozen=True, rename="camel"):
    """Every such coin, and what may be paid in."""

    small_asset_coins: list[SmallCoin]
    support_to_coins: list[str]


class Fee(Struct, frozen=True, rename="camel"):
    """What is kept of the proceeds, in their coin."""

    fee_coin: str
    amount: Some


class Tax(Struct, frozen=True, rename="camel"):
    """What is kept for the state where there is such a tax."""

    total_amount: Some = ""
    fee_coin: str = ""


class QuotedCoin(Struct, frozen=True, rename="camel"):
    """What would be taken of one coin, and what would arrive for it once the fee is taken off."""

    from_coin: str
    support_convert: int
    available_balance: Some
    to_coin: str
    to_amount: Some
    fee_info: Fee | None = None
    tax_fee_info: Tax | None = None


class QuotedCoins(Struct, frozen=True, rename="camel"):
    """The coins of a quote, and until when it may be confirmed."""

    quote_expire_time: Millis
    exchange_coins: list[QuotedCoin]


class SmallQuote(Struct, frozen=True, rename="camel"):
    """A quote for many coins; its id is that of the exchange it may become."""

    quote_id: str
    result: QuotedCoins


class Confirmed(Struct, frozen=True, rename="camel"):
    """The answer to a confirmation: the exchange is under way."""

    quote_id: str
    status: str


class Exchanged(Struct, frozen=True, rename="camel"):
    """What became of one coin of an exchange; `to_amount` is what arrived, after the fee."""

    from_coin: str
    from_amount: Some
    to_coin: str
    to_amount: Some
    fee_coin: str
    fee_amount: Some
    status: str
    tax_fee_info: Tax | None = None


class ExchangeRecord(Struct, frozen=True, rename="camel"):
    """One exchange of small balances."""

    exchange_tx_id: str
    status: str
    sub_records: list[Exchanged]


class ExchangeRecords(Struct, frozen=True):
    """The exchanges that were asked for."""

    records: list[ExchangeRecord]
