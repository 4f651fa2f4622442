"""What became of the lots of a sweep, and where its money went."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.money import Amount
from events.values import CarriedLot, Execution, Refusal


class DustConverted(msgspec.Struct, frozen=True, gc=False):
    """A lot has become the target.

    `quantity` was sold, `unsold` was left by a partial fill; `proceeds` is this lot's share, shares add up exactly to
    what was bought. `fees` are this lot's, each in its currency. `slippage_bps` compares fill with quote (negative:
    worse). `value` is the sale's gross value in `currency` at execution.
    """

    account: str
    sweep_id: str
    lot_id: str
    asset: str
    quantity: Decimal
    unsold: Decimal
    proceeds: Amount
    fees: tuple[Amount, ...]
    executions: tuple[Execution, ...]
    order_ids: tuple[str, ...]
    slippage_bps: Decimal
    value: Decimal
    currency: str


class DustConversionFailed(msgspec.Struct, frozen=True, gc=False):
    """A lot did not become the target: why, which legs were done, and where the money is now.

    `money` is empty when the account no longer had what was announced: it went without us.
    """

    account: str
    sweep_id: str
    lot_id: str
    asset: str
    refusal: Refusal
    legs_done: tuple[str, ...]
    money: tuple[Amount, ...]


class ProceedsCarried(msgspec.Struct, frozen=True, gc=False):
    """Proceeds that did not become the target yet; they stay on the account and join the next sweep."""

    account: str
    sweep_id: str
    amount: Amount
    lots: tuple[CarriedLot, ...]
    sentence: str
    missing: Amount | None


class SweepCompleted(msgspec.Struct, frozen=True, gc=False):
    """Every lot of the sweep has its answer; the account may be swept again."""

    account: str
    sweep_id: str
    converted: int
    carried: int
    failed: int
    proceeds: Amount


SweepFact = DustConverted | DustConversionFailed | ProceedsCarried | SweepCompleted
