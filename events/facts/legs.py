"""What became of one request to a venue, from the intent to the answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from events.money import Amount
from events.values import Fill, LegKind, Quote, Refusal


class LegRequested(msgspec.Struct, frozen=True, gc=False):
    """The intent: on record before the venue hears of it. `key` is the idempotency key, a pure function of the leg.

    With `output` exactly so much is to arrive, for at most `spend`.
    """

    account: str
    sweep_id: str
    leg_id: str
    key: str
    kind: LegKind
    product: str
    spend: Amount
    receive: str
    quote: Quote
    attempt: int
    requested_at: datetime
    output: Decimal | None = None


class LegFilled(msgspec.Struct, frozen=True, gc=False):
    """The venue did it, in whole or in part; `fill` was read back and agrees with the intent."""

    account: str
    sweep_id: str
    leg_id: str
    fill: Fill


class LegRefused(msgspec.Struct, frozen=True, gc=False):
    """The leg was not made: the venue said no, or our own check did just before asking."""

    account: str
    sweep_id: str
    leg_id: str
    refusal: Refusal


class LegOutcomeUnknown(msgspec.Struct, frozen=True, gc=False):
    """The answer was lost or is not final. Only asking settles it; nothing is sent in its place."""

    account: str
    sweep_id: str
    leg_id: str
    detail: str


class LegNeverArrived(msgspec.Struct, frozen=True, gc=False):
    """The venue knows nothing of the leg and can no longer come to know: it may be asked again, under the same key."""

    account: str
    sweep_id: str
    leg_id: str
    attempt: int


LegFact = LegRequested | LegFilled | LegRefused | LegOutcomeUnknown | LegNeverArrived
