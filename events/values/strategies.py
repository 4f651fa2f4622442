"""What a strategy's dust is measured and instructed by, lot by lot."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from events.money import Amount
from events.values.lots import Source


class Unmeasured(StrEnum):
    """Why a strategy's dust was not held against its equity."""

    EQUITY_ZERO = "equity_zero"
    EQUITY_NEGATIVE = "equity_negative"
    EQUITY_STALE = "equity_stale"
    EQUITY_UNPRICED = "equity_unpriced"
    EQUITY_UNAVAILABLE = "equity_unavailable"
    VENUE_UNREACHABLE = "venue_unreachable"


class MeasuredLot(msgspec.Struct, frozen=True, gc=False):
    """A piece of a strategy's dust where it lies; `price` and `value` are in the measurement's currency."""

    account: str
    venue: str
    asset: str
    quantity: Decimal
    price: Decimal
    value: Decimal
    source: Source


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """How one lot of a strategy's dust is to be converted, as it was reckoned when it was measured.

    `path` names the assets from the lot to the target, `product` the market of its first step. `fees` are estimates;
    `gas` and `net` are in the instructions' currency. `preferred` says whether it goes the path that the strategy
    prefers, or lies at the preferred venue where no path is; `behind` is by how much the best way would have brought
    more, 0 for the best itself. `preference_behind` is by how much less than this way the preferred one would have
    brought, None where it is this one, could not be had, or nothing is preferred. `sentence` says what of the
    preference could not be had or was not worth it, empty where nothing.
    """

    account: str
    venue: str
    asset: str
    quantity: Decimal
    value: Decimal
    path: tuple[str, ...]
    product: str
    estimated: Amount
    fees: tuple[Amount, ...]
    gas: Decimal
    net: Decimal
    expires_at: datetime | None
    preferred: bool
    behind: Decimal
    preference_behind: Decimal | None
    sentence: str
