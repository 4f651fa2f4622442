"""What became of each piece of dust: one row a lot, and one for each holding that stayed and why.

A lot that has become the target, or whose coins were never sold, has nothing more to come once its sweep is completed.
Its row is closed: it is counted, and put away behind the rows that may still change, which are always few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain

from domain.errors import ImpossibleHistory
from events.facts import (
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustUnroutable,
    FundingCompleted,
    HoldingsKept,
    LegFilled,
    LegNeverArrived,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    ProceedsCarried,
    RewardClaimFailed,
    RewardsClaimed,
    SweepCompleted,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.log import Recorded
from events.money import exactly_sum
from events.values import Kept
from views.closed import Closed
from views.row import LotRow, LotState


@dataclass(slots=True)
class Tally:
    """An account's closed lots: how many ended in each state, and what was received of each target."""

    lots: dict[str, int] = field(default_factory=dict)
    received: dict[str, Decimal] = field(default_factory=dict)

    def add(self, row: LotRow) -> None:
        """Count a row."""
        self.lots[row.state.value] = self.lots.get(row.state.value, 0) + 1
        if row.proceeds:
            asset = row.proceeds.asset
            self.received[asset] = exactly_sum(self.received.get(asset, Decimal(0)), row.proceeds.quantity)


@dataclass(slots=True)
class Lots:
    """All lots, and what stays by (account, asset). Grows in place: a long log has many lots.

    `closed` holds the rows that are final in the order in which they became so, `tallies` sums them up by account, and
    `live` has all others by id. A lot that is only watched goes when the next scan says something else of its asset.
    """

    live: dict[str, LotRow] = field(default_factory=dict)
    closed: Closed = field(default_factory=Closed)
    tallies: dict[str, Tally] = field(default_factory=dict)
    staying: dict[tuple[str, str], Kept | DustUnroutable] = field(default_factory=dict)
    plans: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    carried_by: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    watched: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def rows(self) -> Mapping[str, LotRow]:
        """Return every row by its lot's id."""
        return {row.lot_id: row for row in self}

    def __iter__(self) -> Iterator[LotRow]:
        """Yield every row, the closed ones first."""
        return chain(self.closed, self.live.values())

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        match recorded.fact:
            case LegRequested() | LegFilled() | LegRefused() | LegOutcomeUnknown() | LegNeverArrived() as fact:
                self._tell([fact.leg_id], fact.sweep_id, recorded)
            case DustConverted() as fact:
                self._convert(fact, recorded)
            case DustDetected() as fact:
                self._announce(fact, recorded)
            case HoldingsKept(account=account, kept=kept):
                for holding in kept:
                    self._stay(account, holding)
            case DustUnroutable(account=account) as fact:
                self._stay(account, fact)
            case TransactionSigned(transaction=signed, legs=legs, replaces=first):
                carried_by = self.carried_by.setdefault(recorded.fact.sweep_id, {})
                carried_by[signed.tx_hash] = legs or carried_by.get(first, ())
                self._tell(carried_by[signed.tx_hash], recorded.fact.sweep_id, recorded)
            case TransactionIncluded() | TransactionReorged() | TransactionSettled() as fact:
                legs = self.carried_by.get(fact.sweep_id, {}).get(fact.tx_hash, ())
                self._tell(legs, fact.sweep_id, recorded)
            case RewardsClaimed(claim_id=claim_id) | RewardClaimFailed(claim_id=claim_id):
                self.carried_by.pop(claim_id, None)
            case DustConversionFailed(lot_id=lot_id, refusal=refusal, money=money):
                row = self._told(lot_id, recorded)
                row.state, row.sentence, row.money = LotState.FAILED, refusal.sentence, money
            case ProceedsCarried(lots=carried, sentence=sentence):
                for each in carried:
                    row = self._told(each.lot_id, recorded)
                    if row.state is not LotState.FAILED:
                        row.state = LotState.CARRIED
                    row.sentence, row.money = sentence, (each.proceeds,)
            case SweepCompleted() as fact:
                self._complete(fact)
            case FundingCompleted(sweep_id=sweep_id):
                self.carried_by.pop(sweep_id, None)

    def _tell(self, legs: Iterable[str], sweep: str, recorded: Recorded) -> None:
        plan = self.plans.get(sweep, {})
        for leg_id in legs:
            for lot_id in plan.get(leg_id, ()):
                self._told(lot_id, recorded)

    def _stay(self, account: str, why: Kept | DustUnroutable) -> None:
        self.staying[account, why.asset] = why
        self._forget(account, why.asset)

    def _forget(self, account: str, asset: str) -> None:
        if lot_id := self.watched.pop((account, asset), None):
            del self.live[lot_id]

    def _announce(self, fact: DustDetected, recorded: Recorded) -> None:
        state = LotState.OPEN if fact.live else LotState.WATCHED
        for account, asset in [seen for seen in self.watched if seen[0] == fact.account]:
            self._forget(account, asset)
        for lot in fact.lots:
            self.staying.pop((fact.account, lot.asset), None)
            row = LotRow(
                fact.account, fact.sweep_id, lot.lot_id, lot.asset, lot.quantity, lot.value, lot.currency, state
            )
            self.live[lot.lot_id] = row
            self._told(lot.lot_id, recorded)
            if not fact.live:
                self.watched[fact.account, lot.asset] = lot.lot_id
        if fact.live:
            whole = tuple(lot.lot_id for lot in fact.lots)
            self.plans[fact.sweep_id] = {leg.leg_id: (leg.lot_id,) if leg.lot_id else whole for leg in fact.plan}

    def _convert(self, fact: DustConverted, recorded: Recorded) -> None:
        row = self._told(fact.lot_id, recorded)
        row.state, row.sentence, row.money = LotState.CONVERTED, "", ()
        row.quantity, row.value, row.proceeds = fact.quantity, fact.value, fact.proceeds
        row.fees, row.order_ids, row.slippage_bps = fact.fees, fact.order_ids, fact.slippage_bps

    def _told(self, lot_id: str, recorded: Recorded) -> LotRow:
        """Return the row of a lot that an event tells of."""
        row = self.live.get(lot_id)
        if row is None:
            raise ImpossibleHistory(f"position {recorded.position}: {recorded.type} of lot {lot_id}, which is not open")
        row.positions = (*row.positions, recorded.position)
        row.changed_at = recorded.occurred_at
        return row

    def _complete(self, fact: SweepCompleted) -> None:
        self.plans.pop(fact.sweep_id, None)
        self.carried_by.pop(fact.sweep_id, None)
        for lot_id, row in list(self.live.items()):
            if row.account == fact.account and _is_final(row):
                self.closed.append(self.live.pop(lot_id))
                self.tallies.setdefault(fact.account, Tally()).add(row)


def _is_final(row: LotRow) -> bool:
    """A lot that failed is still owed the target if it was sold: then its money is in another asset than its own."""
    if row.state is LotState.FAILED:
        return all(amount.asset == row.asset for amount in row.money)
    return row.state is LotState.CONVERTED


def lots_of(log: Iterable[Recorded]) -> Lots:
    """Fold a whole log."""
    lots = Lots()
    for recorded in log:
        lots.apply(recorded)
    return lots
