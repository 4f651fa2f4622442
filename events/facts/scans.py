"""What a scan came to: what was read, what stays and why, and what is dust."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from events.money import Amount
from events.values import Kept, Lot, PlannedLeg, Policy, Unroutable


class ScanCompleted(msgspec.Struct, frozen=True, gc=False):
    """An account was read whole. Written also when nothing was found; `requests` counts calls to the venue.

    `automatic` is true for a scan that answers for its due time; a look and a sweep that somebody watches do not.
    """

    account: str
    scan_id: str
    due: datetime
    requests: int
    holdings: int
    dust: int
    dust_value: Decimal
    currency: str
    kept: dict[str, int]
    automatic: bool


class HoldingsKept(msgspec.Struct, frozen=True, gc=False):
    """Holdings whose reason to stay changed since the last scan; unchanged ones are not repeated."""

    account: str
    scan_id: str
    kept: tuple[Kept, ...]


class VenueUnreachable(msgspec.Struct, frozen=True, gc=False):
    """A venue could not be read, so nothing is known about dust. Never the same as `no dust`.

    `about` is the scan or the sweep that had to wait; an outage is said once for each.
    """

    account: str
    venue: str
    operation: str
    about: str
    detail: str


class DustDetected(msgspec.Struct, frozen=True, gc=False):
    """Dust was found, with the plan that converts it.

    With `live` true this opens the sweep `sweep_id`; with false the account only watches and nothing will be sold.
    `carried` is proceeds of earlier sweeps that join this one, per hub currency. `total` is in `policy.currency`.
    `strategy` and its `mode` name whose dust it is, both empty for an account that belongs to none.
    """

    account: str
    venue: str
    scan_id: str
    sweep_id: str
    policy: Policy
    fingerprint: str
    lots: tuple[Lot, ...]
    total: Decimal
    carried: tuple[Amount, ...]
    plan: tuple[PlannedLeg, ...]
    live: bool
    strategy: str = ""
    mode: str = ""


class DustUnroutable(msgspec.Struct, frozen=True, gc=False):
    """Dust that nothing converts today; said once for each change of reason.

    `missing` is the amount by which it falls short, where the reason is an amount. `learned` is true when the venue
    refused a leg and its answer, not its product list, taught us. `base_fee` is what a block has to charge less than
    for a unit of gas, in wei, where only gas stands in the way.
    """

    account: str
    asset: str
    quantity: Decimal
    value: Decimal
    currency: str
    reason: Unroutable
    sentence: str
    missing: Amount | None
    learned: bool
    noted_at: datetime
    base_fee: int | None = None


ScanFact = ScanCompleted | HoldingsKept | VenueUnreachable | DustDetected | DustUnroutable
