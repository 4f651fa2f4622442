"""What became of each piece of dust: one row a lot, and one for each holding that stayed and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from events.facts import (
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustUnroutable,
    HoldingsKept,
    LegFilled,
    LegNeverArrived,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    ProceedsCarried,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.log import Recorded
from events.money import Amount
from events.values import Kept


class LotState(StrEnum):
    """Where a lot is in its life."""

    WATCHED = "watched"
    OPEN = "open"
    CARRIED = "carried"
    CONVERTED = "converted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LotRow:
    """A lot as its owner sees it. `positions` are those of the events that tell its story."""

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


@dataclass(slots=True)
class Lots:
    """All lots by id, and what stays by (account, asset). Grows in place: a long log has many lots.

    A lot that is only watched goes when the next scan says something else of its asset.
    """

    rows: dict[str, LotRow] = field(default_factory=dict)
    staying: dict[tuple[str, str], Kept | DustUnroutable] = field(default_factory=dict)
    _lots_of_leg: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _legs_of_hash: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _watched: dict[tuple[str, str], str] = field(default_factory=dict)

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        match recorded.fact:
            case DustDetected() as fact:
                self._announce(fact, recorded)
            case HoldingsKept(account=account, kept=kept):
                for holding in kept:
                    self._stay(account, holding)
            case DustUnroutable(account=account) as fact:
                self._stay(account, fact)
            case LegRequested() | LegFilled() | LegRefused() | LegOutcomeUnknown() | LegNeverArrived() as fact:
                self._move(fact.leg_id, recorded)
            case TransactionSigned(transaction=signed, legs=legs, replaces=first):
                self._legs_of_hash[signed.tx_hash] = legs or self._legs_of_hash.get(first, ())
                self._follow(signed.tx_hash, recorded)
            case TransactionIncluded() | TransactionReorged() | TransactionSettled() as fact:
                self._follow(fact.tx_hash, recorded)
            case DustConverted() as fact:
                self._convert(fact, recorded)
            case DustConversionFailed(lot_id=lot_id, refusal=refusal, money=money):
                self._change(lot_id, recorded, state=LotState.FAILED, sentence=refusal.sentence, money=money)
            case ProceedsCarried(lots=carried, sentence=sentence):
                for each in carried:
                    failed = self.rows[each.lot_id].state is LotState.FAILED
                    state = LotState.FAILED if failed else LotState.CARRIED
                    self._change(each.lot_id, recorded, state=state, sentence=sentence, money=(each.proceeds,))

    def _follow(self, tx_hash: str, recorded: Recorded) -> None:
        for leg_id in self._legs_of_hash.get(tx_hash, ()):
            self._move(leg_id, recorded)

    def _move(self, leg_id: str, recorded: Recorded) -> None:
        for lot_id in self._lots_of_leg.get(leg_id, ()):
            self._change(lot_id, recorded)

    def _stay(self, account: str, why: Kept | DustUnroutable) -> None:
        self.staying[account, why.asset] = why
        self._forget(account, why.asset)

    def _forget(self, account: str, asset: str) -> None:
        if lot_id := self._watched.pop((account, asset), None):
            del self.rows[lot_id]

    def _announce(self, fact: DustDetected, recorded: Recorded) -> None:
        state = LotState.OPEN if fact.live else LotState.WATCHED
        for account, asset in [seen for seen in self._watched if seen[0] == fact.account]:
            self._forget(account, asset)
        for lot in fact.lots:
            self.staying.pop((fact.account, lot.asset), None)
            row = LotRow(
                fact.account, fact.sweep_id, lot.lot_id, lot.asset, lot.quantity, lot.value, lot.currency, state
            )
            self.rows[lot.lot_id] = row
            self._change(lot.lot_id, recorded)
            if not fact.live:
                self._watched[fact.account, lot.asset] = lot.lot_id
        whole = tuple(lot.lot_id for lot in fact.lots)
        self._lots_of_leg.update({leg.leg_id: (leg.lot_id,) if leg.lot_id else whole for leg in fact.plan})

    def _convert(self, fact: DustConverted, recorded: Recorded) -> None:
        self._change(
            fact.lot_id,
            recorded,
            state=LotState.CONVERTED,
            sentence="",
            quantity=fact.quantity,
            value=fact.value,
            proceeds=fact.proceeds,
            fees=fact.fees,
            order_ids=fact.order_ids,
            slippage_bps=fact.slippage_bps,
            money=(),
        )

    def _change(self, lot_id: str, recorded: Recorded, **changes: Any) -> None:
        row = self.rows[lot_id]
        positions = (*row.positions, recorded.position)
        self.rows[lot_id] = replace(row, positions=positions, changed_at=recorded.occurred_at, **changes)


def lots_of(log: Iterable[Recorded]) -> Lots:
    """Fold a whole log."""
    lots = Lots()
    for recorded in log:
        lots.apply(recorded)
    return lots
