"""What became of a trade's request for ETH."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from events.money import Amount
from events.values import FundingAnswer, Lot, PlannedLeg, Policy, Release


class EthReserved(msgspec.Struct, frozen=True, gc=False):
    """ETH of the account is promised to one trade, until `expires_at`, and to no other.

    `amount` is what the trade asked for, `gas_reserve` what is kept beside it. With `answer` covered it was there, with
    converted the sweep `sweep_id` makes it of other tokens.
    """

    account: str
    reservation_id: str
    trade: str
    amount: Amount
    gas_reserve: Amount
    answer: FundingAnswer
    sweep_id: str
    reserved_at: datetime
    expires_at: datetime


class ReservationReleased(msgspec.Struct, frozen=True, gc=False):
    """A trade's ETH is promised to nobody any more."""

    account: str
    reservation_id: str
    trade: str
    why: Release


class FundingOpened(msgspec.Struct, frozen=True, gc=False):
    """A trade lacks ETH: the sweep `sweep_id` makes exactly what the plan says, of at most what the plan says.

    `shortage` is what is missing; `buffer` of it may be more, in `policy.currency`, in which one ETH is worth `worth`.
    A lot's quantity is what is expected to be converted of it, its leg's the most. `total` is in `policy.currency`.
    """

    account: str
    venue: str
    sweep_id: str
    reservation_id: str
    trade: str
    policy: Policy
    fingerprint: str
    shortage: Amount
    worth: Decimal
    lots: tuple[Lot, ...]
    total: Decimal
    plan: tuple[PlannedLeg, ...]
    head: int
    opened_at: datetime


class FundingDeclined(msgspec.Struct, frozen=True, gc=False):
    """A trade got no ETH, and why; it may go on with what is there.

    Where it is not possible, `gap` is what is missing after all that may be converted, and `largest` the most ETH that
    a trade could have; both are None where that is not known now.
    """

    account: str
    trade: str
    amount: Amount
    answer: FundingAnswer
    reason: str
    gap: Amount | None
    largest: Amount | None
    declined_at: datetime


class FundingCompleted(msgspec.Struct, frozen=True, gc=False):
    """A conversion for a trade has ended: `received` arrived, gas taken off, for `spent`. `covered` says it is enough.

    `tx_hash` is empty where nothing was converted; `reason` says why it fell short.
    """

    account: str
    sweep_id: str
    reservation_id: str
    trade: str
    spent: tuple[Amount, ...]
    received: Amount
    value: Decimal
    currency: str
    covered: bool
    tx_hash: str
    reason: str


FundingFact = EthReserved | ReservationReleased | FundingOpened | FundingDeclined | FundingCompleted
