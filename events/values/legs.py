"""What is asked of a venue, what it offers, and its answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from events.money import Amount


class LegKind(StrEnum):
    """What a leg asks of the venue."""

    TOP_UP = "top_up"
    SELL = "sell"
    CONVERT = "convert"
    BUY = "buy"
    SWAP = "swap"
    DUST = "dust"


class PlannedLeg(msgspec.Struct, frozen=True, gc=False):
    """One request to one venue, as planned.

    `spend` leaves the account and `receive` arrives. `quantity` is of `spend`; None when it follows from legs before
    it. `increment` and `minimum` are the venue's for `spend`. `lot_id` is None for legs that serve the whole sweep.
    Where exactly `output` is to arrive, `quantity` is the most that may be spent for it.
    """

    leg_id: str
    kind: LegKind
    product: str
    spend: str
    receive: str
    lot_id: str | None
    quantity: Decimal | None
    increment: Decimal
    minimum: Decimal
    output: Decimal | None = None


class Quote(msgspec.Struct, frozen=True, gc=False):
    """What the venue offers for a leg: `spend` leaves in all, `receive` arrives after fees."""

    spend: Amount
    receive: Amount
    fees: tuple[Amount, ...]
    price: Decimal
    reference: str
    expires_at: datetime | None = None


class Execution(msgspec.Struct, frozen=True, gc=False):
    """One trade of an order: price in quote currency per base unit, size in base units, fee in `fee.asset`."""

    trade_id: str
    price: Decimal
    size: Decimal
    fee: Amount
    traded_at: datetime


class Fill(msgspec.Struct, frozen=True, gc=False):
    """What the venue did: `spent` left the account in all and `received` arrived in all, fees included in them."""

    order_id: str
    spent: Amount
    received: Amount
    fees: tuple[Amount, ...]
    executions: tuple[Execution, ...]


class RefusalCode(StrEnum):
    """Why a leg was not made. The venue's own word is kept beside it."""

    BELOW_MINIMUM = "below_minimum"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    NO_LIQUIDITY = "no_liquidity"
    NO_NET_GAIN = "no_net_gain"
    NO_LONGER_DUST = "no_longer_dust"
    NOT_TRADABLE = "not_tradable"
    POLICY_CHANGED = "policy_changed"
    OVER_CAP = "over_cap"
    NOT_PERMITTED = "not_permitted"
    NEVER_ARRIVED = "never_arrived"
    COOLDOWN = "cooldown"
    OTHER = "other"


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The venue's or our own no: a code, a sentence, the venue's word, and what is missing where that is known.

    `base_fee` is what a block has to charge less than for a unit of gas, in wei, where only gas stands in the way.
    """

    code: RefusalCode
    sentence: str
    venue_code: str = ""
    missing: Amount | None = None
    base_fee: int | None = None
