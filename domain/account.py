"""What an account has come to: `evolve(account, fact) -> account`, the fold of its stream.

One account is one stream and one consistency boundary: its scans, its one open sweep, its purse, its permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import assert_never

from domain import lane as lanes
from domain import leg as legs
from domain import purse as purses
from domain import sweep as sweeps
from domain.errors import ImpossibleHistory
from domain.lane import Lane
from domain.leg import Filled, Leg, NeverArrived
from domain.purse import Purse, SoldLot
from domain.sweep import Sweep
from events.facts import (
    AccountWentLive,
    ConversionsHalted,
    ConversionsResumed,
    DryRunCompleted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustUnroutable,
    Fact,
    HoldingsKept,
    LegFilled,
    LegNeverArrived,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    ProceedsCarried,
    ScanCompleted,
    SweepCompleted,
    TransactionDisplaced,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
    VenueUnreachable,
)
from events.money import Amount, exactly_less, exactly_sum


@dataclass(frozen=True, slots=True)
class Account:
    """What an account has come to. `judged` holds each asset's last reason, as said in the log.

    `scanned_until` is the last due time that was answered for, `read_until` the last time for which it was read at all.
    """

    name: str
    scanned_until: datetime | None = None
    read_until: datetime | None = None
    judged: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[str, DustUnroutable] = field(default_factory=dict)
    purse: Purse = field(default_factory=lambda: Purse({}, ()))
    sweep: Sweep | None = None
    lane: Lane = field(default_factory=Lane)
    watched: frozenset[str] = frozenset()
    dry_run: str = ""
    live: str = ""
    halted: str = ""
    spent: tuple[date, Decimal] = (date.min, Decimal(0))
    outage: tuple[str, str] = ("", "")

    def spent_on(self, day: date) -> Decimal:
        """Return what was put up for sale on a day, at the value that the venue offered, for the daily cap."""
        return self.spent[1] if self.spent[0] == day else Decimal(0)

    def spent_beside(self, attempted: Iterable[Leg], day: date) -> Decimal:
        """Return the same without attempts at these legs that never arrived."""
        gone = (leg.intent for leg in attempted if isinstance(leg, NeverArrived))
        worths = (sweeps.worth(intent.kind, intent.quote) for intent in gone if intent.requested_at.date() == day)
        return exactly_less(self.spent_on(day), *worths)

    def leg(self, leg_id: str) -> tuple[Sweep | None, Leg | None]:
        """Return the open sweep and its leg of that id, each None when there is none."""
        return (self.sweep, self.sweep.legs.get(leg_id)) if self.sweep else (None, None)


def evolve(account: Account, fact: Fact) -> Account:
    """Apply a fact. One that cannot follow from what came before raises `ImpossibleHistory`."""
    match fact:
        case ScanCompleted(due=due, automatic=automatic):
            # A reading by hand answers for no due time, but those before an account's first reading need no answer.
            answered = due if automatic else account.scanned_until or due
            read = max(due, account.read_until or due)
            return replace(account, scanned_until=answered, read_until=read, outage=("", ""))
        case HoldingsKept(kept=kept):
            judged = {**account.judged, **{each.asset: str(each.reason) for each in kept}}
            return replace(account, judged=judged, watched=account.watched - {each.asset for each in kept})
        case DustUnroutable(asset=asset, learned=learned):
            lessons = {**account.learned, asset: fact} if learned else account.learned
            judged = {**account.judged, asset: said(fact)}
            return replace(account, judged=judged, learned=lessons, watched=account.watched - {asset})
        case DustDetected():
            return _detect(account, fact)
        case LegRequested() | LegFilled() | LegRefused() | LegOutcomeUnknown() | LegNeverArrived():
            return _move_leg(account, fact)
        case (
            TransactionSigned()
            | TransactionIncluded()
            | TransactionReorged()
            | TransactionDisplaced()
            | TransactionSettled()
        ):
            return replace(account, lane=lanes.evolve(account.lane, fact), outage=("", ""))
        case DustConverted(lot_id=lot_id, proceeds=proceeds):
            return replace(account, purse=_paid_out(account.purse, lot_id, proceeds))
        case SweepCompleted(sweep_id=sweep_id):
            if account.sweep is None or account.sweep.opened.sweep_id != sweep_id:
                raise ImpossibleHistory(f"sweep {sweep_id} completed, but it is not open")
            return replace(account, sweep=None)
        case DryRunCompleted(fingerprint=mark):
            return replace(account, dry_run=mark)
        case AccountWentLive(fingerprint=mark):
            return replace(account, live=mark, watched=frozenset())
        case ConversionsHalted(reason=reason):
            return replace(account, halted=reason or "halted")
        case ConversionsResumed():
            return replace(account, halted="", lane=lanes.taken_anew(account.lane))
        case VenueUnreachable(operation=operation, about=about):
            return replace(account, outage=(operation, about))
        case DustConversionFailed() | ProceedsCarried():
            return account  # they tell where the money is; the fills have moved it
        case _:
            assert_never(fact)


def said(fact: DustUnroutable) -> str:
    """Name the reason as it is remembered for the asset, so that only a change of it is said again."""
    return f"unroutable:{fact.reason}"


def _detect(account: Account, fact: DustDetected) -> Account:
    judged = {**account.judged, **{lot.asset: "dust" for lot in fact.lots}}
    if not fact.live:
        return replace(account, judged=judged, watched=frozenset(lot.asset for lot in fact.lots))
    if account.sweep is not None:
        raise ImpossibleHistory(f"sweep {fact.sweep_id} opened while {account.sweep.opened.sweep_id} is open")
    return replace(account, judged=judged, sweep=sweeps.open_sweep(fact))


def _move_leg(account: Account, fact: legs.LegFact) -> Account:
    sweep, leg = account.leg(fact.leg_id)
    if sweep is None or leg is None:
        raise ImpossibleHistory(f"leg {fact.leg_id}: {type(fact).__name__}, but no open sweep has it")
    moved = legs.evolve(leg, fact)
    sweep = Sweep(sweep.opened, {**sweep.legs, fact.leg_id: moved})
    if isinstance(moved, Filled):
        learned = account.learned
        if moved.plan.spend in learned:
            learned = {asset: lesson for asset, lesson in learned.items() if asset != moved.plan.spend}
        lot_id = moved.plan.lot_id
        lot = sweep.lot(lot_id) if lot_id else None
        purse = purses.receive(account.purse, moved, lot, sweep.top_up_of(lot_id))
        return _heard(account, sweep, purse, learned, account.spent)
    if isinstance(fact, LegRequested) and legs.is_exit(moved.plan):
        day = fact.requested_at.date()
        value = exactly_sum(account.spent_beside([leg], day), sweeps.worth(fact.kind, fact.quote))
        return _heard(account, sweep, account.purse, account.learned, (day, value))
    return _heard(account, sweep, account.purse, account.learned, account.spent)


def _heard(
    account: Account,
    sweep: Sweep,
    purse: Purse,
    learned: Mapping[str, DustUnroutable],
    spent: tuple[date, Decimal],
) -> Account:
    """Change what a leg's fact changes; nine of ten facts come here, and `replace` would take four times as long."""
    return Account(
        account.name,
        account.scanned_until,
        account.read_until,
        account.judged,
        learned,
        purse,
        sweep,
        account.lane,
        account.watched,
        account.dry_run,
        account.live,
        account.halted,
        spent,
    )


def _paid_out(purse: Purse, lot_id: str, proceeds: Amount) -> Purse:
    """A converted lot leaves the purse; where the target is itself a hub, its proceeds leave the money too."""
    sold = [lot for lot in purse.owed if lot.lot.lot_id == lot_id]
    if not sold:
        raise ImpossibleHistory(f"lot {lot_id} was converted, but it was never sold")
    owed: tuple[SoldLot, ...] = tuple(lot for lot in purse.owed if lot.lot.lot_id != lot_id)
    if sold[0].contribution.asset != proceeds.asset:
        return Purse(purse.money, owed)
    left = exactly_less(purse.of(proceeds.asset), proceeds.quantity)
    return Purse({**purse.money, proceeds.asset: left}, owed)
