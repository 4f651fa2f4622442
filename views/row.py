"""A lot as its owner sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from events.money import Amount


class LotState(StrEnum):
    """Where a lot is in its life."""

    WATCHED = "watched"
    OPEN = "open"
    CARRIED = "carried"
    CONVERTED = "converted"
    FAILED = "failed"


@dataclass(slots=True)
class LotRow:
    """A lot as its owner sees it; only a fold changes it. `positions` are those of the events that tell its story."""

    account: str
    sweep_id: str
    lot_id: str
    asset: str
    quantity: Decimal
    value: Decimal
    currency: str
    state: LotState
    sentence: str = ""
    proceeds: Amount | None = None
    fees: tuple[Amount, ...] = ()
    order_ids: tuple[str, ...] = ()
    slippage_bps: Decimal | None = None
    money: tuple[Amount, ...] = ()
    positions: tuple[int, ...] = ()
    changed_at: datetime | None = None
