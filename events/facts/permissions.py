"""What the owner allowed of an account, and what was stopped."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from events.money import Amount


class DryRunCompleted(msgspec.Struct, frozen=True, gc=False):
    """A plan was priced leg by leg against the venue's own previews; nothing was sold. `net` is in the target."""

    account: str
    fingerprint: str
    lots: int
    refused: int
    net: Amount
    run_at: datetime


class AccountWentLive(msgspec.Struct, frozen=True, gc=False):
    """The owner allowed conversions under exactly this policy."""

    account: str
    fingerprint: str
    sweep_cap: Decimal
    day_cap: Decimal
    currency: str


class ConversionsHalted(msgspec.Struct, frozen=True, gc=False):
    """Nothing new is asked of the venue for this account until it is resumed; open legs are still settled."""

    account: str
    reason: str


class ConversionsResumed(msgspec.Struct, frozen=True, gc=False):
    """The halt is over."""

    account: str


PermissionFact = DryRunCompleted | AccountWentLive | ConversionsHalted | ConversionsResumed
