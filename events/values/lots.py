"""What of an account is dust, where that came from, and why the rest stays."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from events.money import Amount


class Keep(StrEnum):
    """Why a holding that is not dust stays where it is."""

    TARGET = "target"
    EXCLUDED = "excluded"
    ZERO = "zero"
    ON_HOLD = "on_hold"
    RESERVED = "reserved"
    NOT_TRADABLE = "not_tradable"
    UNPRICED = "unpriced"
    ABOVE_THRESHOLD = "above_threshold"
    NOT_ADMITTED = "not_admitted"
    OVER_CAP = "over_cap"
    QUARANTINED = "quarantined"
    BELONGS = "belongs"
    UNEXPECTED = "unexpected"
    NOT_INSTRUCTED = "not_instructed"


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A holding that stays, with the sentence that says why and what would change it."""

    asset: str
    quantity: Decimal
    reason: Keep
    sentence: str


class Unroutable(StrEnum):
    """Why dust has no way out today."""

    BELOW_MINIMUM = "below_minimum"
    NO_ROUTE = "no_route"
    NO_NET_GAIN = "no_net_gain"
    REFUSED_BY_VENUE = "refused_by_venue"
    COOLDOWN = "cooldown"


class Source(StrEnum):
    """Where a lot came from, as an event on its chain proves; `leftover` where nothing is proven."""

    LEFTOVER = "leftover"
    TRANSFER = "transfer"
    KING_CLAIM = "king_claim"
    KING_REDEEM = "king_redeem"
    EIGENLAYER_CLAIM = "eigenlayer_claim"


class Proof(msgspec.Struct, frozen=True, gc=False):
    """The transaction whose event proves where something came from: its hash, and the block that holds it."""

    tx_hash: str
    block: int


class Lot(msgspec.Struct, frozen=True, gc=False):
    """One piece of dust: what would be sold, its price and value in `currency`, and where it came from.

    `proof` is the event on chain that says so; without one the source is `leftover`. What came from several sources
    bears the word of the greatest part of what is there.
    """

    lot_id: str
    asset: str
    quantity: Decimal
    price: Decimal
    value: Decimal
    currency: str
    source: Source = Source.LEFTOVER
    proof: Proof | None = None


class CarriedLot(msgspec.Struct, frozen=True, gc=False):
    """A sold lot that waits for its buy: `proceeds` still in hub currency, `received` of the target so far."""

    lot_id: str
    proceeds: Amount
    received: Decimal
