"""Three records of one story held against each other: the live view, the replay, the venue's own ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from events.log import EventLog
from events.money import exactly_sum
from views.ledger import Ledger, ledger_of
from views.lots import Lots, lots_of

USER = "user"


@dataclass(frozen=True, slots=True)
class Row:
    """One asset: what each record says its balance has moved by."""

    asset: str
    live: Decimal
    replayed: Decimal
    venue: Decimal

    @property
    def agrees(self) -> bool:
        """Say whether all three are the same number."""
        return self.live == self.replayed == self.venue


@dataclass(frozen=True, slots=True)
class Audit:
    """The comparison: assets, lots, and orders against filled legs."""

    rows: tuple[Row, ...]
    lots_agree: bool
    orders: int
    doubled: int

    @property
    def passed(self) -> bool:
        """Say whether nothing differs."""
        return all(row.agrees for row in self.rows) and self.lots_agree and self.doubled == 0


@dataclass(frozen=True, slots=True)
class Statement:
    """What the venue itself says: how balances moved, how many orders it made, and how many of them were doubled."""

    moved: Mapping[str, Decimal]
    orders: int
    doubled: int


def audit(account: str, live_ledger: Ledger, live_lots: Lots, log: EventLog, statement: Statement) -> Audit:
    """Replay the log from nothing and compare."""
    replayed_ledger, replayed_lots = ledger_of(log.read()), lots_of(log.read())
    live, replayed = live_ledger.get(account, {}), replayed_ledger.get(account, {})
    zero = Decimal(0)
    rows = tuple(
        Row(asset, live.get(asset, zero), replayed.get(asset, zero), statement.moved.get(asset, zero))
        for asset in sorted({*live, *replayed, *statement.moved})
    )
    return Audit(rows, live_lots.rows == replayed_lots.rows, statement.orders, statement.doubled)


def exchange_statement(ledger: Any, orders: Any) -> Statement:
    """Read the simulated exchange's own ledger and orders."""
    keys = [order["client_order_id"] for order in orders["orders"] if Decimal(order["filled_size"]) > 0]
    return Statement(_moved_by_orders(ledger), len(keys), len(keys) - len(set(keys)))


def _moved_by_orders(ledger: Mapping[str, Any]) -> dict[str, Decimal]:
    """Add up what the venue moved for orders and conversions; deposits from outside are not our doing."""
    moved: dict[str, Decimal] = {}
    for movement in ledger["movements"]:
        if movement["reason"] == "deposit":
            continue
        quantity, asset = Decimal(movement["quantity"]), f"coinbase:{movement['asset']}"
        for side, sign in (("debit", -1), ("credit", 1)):
            if movement[side] == USER:
                moved[asset] = exactly_sum(moved.get(asset, Decimal(0)), sign * quantity)
    return {asset: change for asset, change in moved.items() if change}
