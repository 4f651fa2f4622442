"""What a claim brings, and why none is made."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from events.money import Amount


class Unclaimed(StrEnum):
    """Why a reward is not claimed now."""

    NOTHING = "nothing"
    NO_NET_GAIN = "no_net_gain"
    SALE_NETS_MORE = "sale_nets_more"
    NO_PRICE = "no_price"
    NO_GAS = "no_gas"
    REFUSED = "refused"
    NO_CLAIM_DATA = "no_claim_data"
    NOT_ALLOWED = "not_allowed"


class Reward(msgspec.Struct, frozen=True, gc=False):
    """An amount that a claim brings, and what a simulated sale of it was worth."""

    amount: Amount
    value: Decimal
