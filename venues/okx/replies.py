"""OKX's replies as far as they are read: a missing or mistyped key is an error that names it, a new one is fine.

Every number and every time travels as text; a side of a market without orders, and what is not known yet, is empty.
Field names and meanings: okx.com/docs-v5, Trading Account, Order Book Trading, Public Data.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

Number = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
Maybe = Annotated[str, Meta(pattern=r"^(-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)?$")]
Millis = Annotated[str, Meta(pattern=r"^[0-9]{1,15}$")]
Serial = Annotated[str, Meta(pattern=r"^[0-9]{1,30}$")]

Row = TypeVar("Row")


class Rows(Struct, Generic[Row], frozen=True):
    """What the venue puts under `data`: always a list, also of one."""

    items: list[Row]


class One(Struct, Generic[Row], frozen=True):
    """The same where exactly one is meant."""

    items: Annotated[list[Row], Meta(min_length=1, max_length=1)]

    @property
    def only(self) -> Row:
        """Return it."""
        return self.items[0]


class Instrument(Struct, frozen=True, rename="camel"):
    """One market. Sizes are in base currency."""

    inst_id: str
    base_ccy: str
    quote_ccy: str
    lot_sz: Maybe
    min_sz: Maybe
    tick_sz: Maybe
    state: str


class Ticker(Struct, frozen=True, rename="camel"):
    """The best prices of one market."""

    inst_id: str
    bid_px: Maybe
    ask_px: Maybe


class Book(Struct, frozen=True):
    """A book: price, size, and two fields that are not read, by level, best first."""

    bids: list[tuple[Number, Number, str, str]]
    asks: list[tuple[Number, Number, str, str]]


class Balance(Struct, frozen=True, rename="camel"):
    """What the trading account has of one currency."""

    ccy: str
    avail_bal: Maybe
    frozen_bal: Maybe


class Account(Struct, frozen=True):
    """The trading account; what is all zero is left out by the venue."""

    details: list[Balance]


class Fee(Struct, frozen=True):
    """What the account pays on a market, as a fraction; below zero it is charged, above it is given."""

    taker: Number


class Configuration(Struct, frozen=True):
    """What the key may do: words with commas between them."""

    perm: str


class Placed(Struct, frozen=True, rename="camel"):
    """As much of the answer to a new order as says that it is ours."""

    ord_id: str
    cl_ord_id: str


class Order(Struct, frozen=True, rename="camel"):
    """One order as the venue keeps it."""

    ord_id: str
    cl_ord_id: str
    inst_id: str
    side: str
    ord_type: str
    tgt_ccy: str
    sz: Number
    state: str
    acc_fill_sz: Maybe


class Trade(Struct, frozen=True, rename="camel"):
    """One trade of an order. A fee below zero is charged."""

    trade_id: str
    bill_id: Serial
    ord_id: str
    fill_px: Number
    fill_sz: Number
    fee: Number
    fee_ccy: Annotated[str, Meta(min_length=1)]
    ts: Millis


class Small(Struct, frozen=True, rename="camel"):
    """A small balance that easy convert would take."""

    from_ccy: str
    from_amt: Number


class Convertible(Struct, frozen=True, rename="camel"):
    """What easy convert would take, and what it pays in."""

    from_data: list[Small]
    to_ccy: list[str]


class Converted(Struct, frozen=True, rename="camel"):
    """One currency of an easy convert: `status` is running, filled or failed, `acct` where its proceeds are."""

    from_ccy: str
    fill_from_sz: Maybe
    to_ccy: str
    fill_to_sz: Maybe
    status: str
    u_time: Millis
    acct: str = ""
