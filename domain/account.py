"""What an account has come to: `evolve(account, fact) -> account`, the fold of its stream.

One account is one stream and one consistency boundary: its scans, its one open sweep, its purse, its permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, assert_never

from domain import lane as lanes
from domain import leg as legs
from domain import purse as purses
from domain import sweep as sweeps
from domain.errors import ImpossibleHistory
from domain.lane import Lane
from domain.leg import Filled, Leg, NeverArrived
from domain.pretrade import worth
from domain.purse import Purse
from domain.sweep import Sweep
from events.facts import (
    AccountFact,
    AccountWentLive,
    ConversionsHalted,
    ConversionsResumed,
    DryRunCompleted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustUnroutable,
    EthReserved,
    FundingCompleted,
    FundingDeclined,
    FundingFact,
    FundingOpened,
    HoldingsKept,
    LegFact,
    LegFilled,
    LegNeverArrived,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    PermissionFact,
    ProceedsCarried,
    ReservationReleased,
    RewardClaimFailed,
    RewardClaimRequested,
    RewardFact,
    RewardsClaimed,
    RewardUnclaimed,
    ScanCompleted,
    ScanFact,
    SweepCompleted,
    TransactionDisplaced,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
    VenueUnreachable,
)
from events.money import Amount, exactly_less, exactly_sum


class Reservation(NamedTuple):
    """ETH promised to a trade; `tx_hash` is the conversion's that made it, empty while there is none."""

    fact: EthReserved
    tx_hash: str = ""

    @property
    def eth(self) -> Decimal:
        """Return what is promised, gas kept beside it included."""
        return exactly_sum(self.fact.amount.quantity, self.fact.gas_reserve.quantity)


class Account(NamedTuple):
    """What an account has come to. `judged` holds each asset's last reason, as said in the log, and each source's of
    rewards. `claim` is under way; `claims` has by source the last that was begun.

    `scanned_until` is the last due time that was answered for, `read_until` the last time for which it was read at all.
    """

    name: str
    scanned_until: datetime | None = None
    read_until: datetime | None = None
    judged: Mapping[str, str] = {}
    learned: Mapping[str, DustUnroutable] = {}
    purse: Purse = Purse({}, ())
    sweep: Sweep | None = None
    lane: Lane = Lane()
    watched: frozenset[str] = frozenset()
    dry_run: str = ""
    live: str = ""
    halted: str = ""
    spent: tuple[date, Decimal] = (date.min, Decimal(0))
    outage: tuple[str, str] = ("", "")
    reservations: Mapping[str, Reservation] = {}
    claim: RewardClaimRequested | None = None
    claims: Mapping[str, str] = {}

    def spent_on(self, day: date) -> Decimal:
        """Return what was put up for sale on a day, at the value that the venue offered, for the daily cap."""
        return self.spent[1] if self.day_of(day) == self.spent[0] else Decimal(0)

    def day_of(self, day: date) -> date:
        """Return the day whose cap counts: the one before the last is over, and only a late clock still names it."""
        return self.spent[0] if (self.spent[0] - day).days == 1 else day

    def spent_beside(self, attempted: Iterable[Leg], day: date) -> Decimal:
        """Return the same without attempts at these legs that never arrived."""
        spent = self.spent_on(day)
        for leg in attempted:
            if isinstance(leg, NeverArrived) and leg.intent.requested_at.date() == day:
                spent = exactly_less(spent, worth(leg.intent.kind, leg.intent.quote))
        return spent

    def leg(self, leg_id: str) -> tuple[Sweep | None, Leg | None]:
        """Return the open sweep and its leg of that id, each None when there is none."""
        return (self.sweep, self.sweep.legs.get(leg_id)) if self.sweep else (None, None)


def evolve(account: Account, fact: AccountFact) -> Account:
    """Apply a fact. One that cannot follow from what came before raises `ImpossibleHistory`."""
    match fact:
        case LegRequested() | LegFilled() | LegRefused() | LegOutcomeUnknown() | LegNeverArrived():
            return _move_leg(account, fact)
        case DustConverted(lot_id=lot_id, proceeds=proceeds):
            purse = _paid_out(account.purse, lot_id, proceeds)
            return _moved(account, account.sweep, purse, account.learned, account.spent, account.outage)
        case ScanCompleted() | HoldingsKept() | VenueUnreachable() | DustDetected() | DustUnroutable():
            return _scan(account, fact)
        case TransactionSigned() | TransactionIncluded() | TransactionReorged() | TransactionDisplaced():
            return account._replace(lane=lanes.evolve(account.lane, fact), outage=("", ""))
        case TransactionSettled():
            sweep = account.sweep.paid(fact) if account.sweep else None
            return account._replace(lane=lanes.evolve(account.lane, fact), sweep=sweep, outage=("", ""))
        case EthReserved() | ReservationReleased() | FundingOpened() | FundingDeclined() | FundingCompleted():
            return _fund(account, fact)
        case RewardUnclaimed() | RewardClaimRequested() | RewardsClaimed() | RewardClaimFailed():
            return _claim(account, fact)
        case SweepCompleted():
            return _closed(account, fact)
        case DryRunCompleted() | AccountWentLive() | ConversionsHalted() | ConversionsResumed():
            return _permit(account, fact)
        case DustConversionFailed() | ProceedsCarried():
            return account  # they tell where the money is; the fills have moved it
        case _:
            assert_never(fact)


def rewards_of(source: str) -> str:
    """Name what is remembered of a source of rewards beside the reasons of assets."""
    return f"rewards:{source}"


def said(fact: DustUnroutable) -> str:
    """Name the reason as it is remembered for the asset, so that only a change of it is said again."""
    return f"unroutable:{fact.reason}"


def _scan(account: Account, fact: ScanFact) -> Account:
    match fact:
        case ScanCompleted(due=due, automatic=automatic):
            # A reading by hand answers for no due time, but those before an account's first reading need no answer.
            answered = due if automatic else account.scanned_until or due
            read = max(due, account.read_until or due)
            return account._replace(scanned_until=answered, read_until=read, outage=("", ""))
        case HoldingsKept(kept=kept):
            judged = {**account.judged, **{each.asset: str(each.reason) for each in kept}}
            return account._replace(judged=judged, watched=account.watched - {each.asset for each in kept})
        case DustUnroutable(asset=asset, learned=learned):
            lessons = {**account.learned, asset: fact} if learned else account.learned
            judged = {**account.judged, asset: said(fact)}
            return account._replace(judged=judged, learned=lessons, watched=account.watched - {asset})
        case DustDetected():
            return _detect(account, fact)
        case VenueUnreachable(operation=operation, about=about):
            return account._replace(outage=(operation, about))
        case _:
            assert_never(fact)


def _detect(account: Account, fact: DustDetected) -> Account:
    judged = {**account.judged, **{lot.asset: "dust" for lot in fact.lots}}
    if not fact.live:
        return account._replace(judged=judged, watched=frozenset(lot.asset for lot in fact.lots))
    return account._replace(judged=judged, sweep=_opened(account, fact))


def _opened(account: Account, fact: DustDetected | FundingOpened) -> Sweep:
    if account.sweep is not None:
        raise ImpossibleHistory(f"sweep {fact.sweep_id} opened while {account.sweep.opened.sweep_id} is open")
    return sweeps.open_sweep(fact)


def _closed(account: Account, fact: SweepCompleted | FundingCompleted) -> Account:
    if account.sweep is None or account.sweep.opened.sweep_id != fact.sweep_id:
        raise ImpossibleHistory(f"sweep {fact.sweep_id} completed, but it is not open")
    return account._replace(sweep=None, lane=lanes.swept(account.lane))


def _fund(account: Account, fact: FundingFact) -> Account:
    match fact:
        case EthReserved(reservation_id=promise):
            return account._replace(reservations={**account.reservations, promise: Reservation(fact)})
        case ReservationReleased(reservation_id=promise):
            left = {name: each for name, each in account.reservations.items() if name != promise}
            return account._replace(reservations=left)
        case FundingOpened():
            return account._replace(sweep=_opened(account, fact))
        case FundingCompleted(reservation_id=promise, tx_hash=tx_hash):
            made = dict(account.reservations)
            if promise in made and made[promise].fact.sweep_id == fact.sweep_id:
                made[promise] = made[promise]._replace(tx_hash=tx_hash)
            return _closed(account, fact)._replace(reservations=made)
        case FundingDeclined():
            return account
        case _:
            assert_never(fact)


def _claim(account: Account, fact: RewardFact) -> Account:
    match fact:
        case RewardUnclaimed(source=source, reason=reason):
            return account._replace(judged={**account.judged, rewards_of(source): str(reason)})
        case RewardClaimRequested(source=source, claim_id=claim_id):
            if account.claim is not None or account.sweep is not None:
                raise ImpossibleHistory(f"claim {claim_id} was requested while another or a sweep is open")
            judged = {key: reason for key, reason in account.judged.items() if key != rewards_of(source)}
            return account._replace(claim=fact, claims={**account.claims, source: claim_id}, judged=judged)
        case RewardsClaimed(claim_id=claim_id) | RewardClaimFailed(claim_id=claim_id):
            if account.claim is None or account.claim.claim_id != claim_id:
                raise ImpossibleHistory(f"claim {claim_id} ended, but it is not under way")
            return account._replace(claim=None)
        case _:
            assert_never(fact)


def _permit(account: Account, fact: PermissionFact) -> Account:
    match fact:
        case DryRunCompleted(fingerprint=mark):
            return account._replace(dry_run=mark)
        case AccountWentLive(fingerprint=mark):
            return account._replace(live=mark, watched=frozenset())
        case ConversionsHalted(reason=reason):
            return account._replace(halted=reason or "halted")
        case ConversionsResumed():
            return account._replace(halted="", lane=lanes.taken_anew(account.lane))
        case _:
            assert_never(fact)


def _move_leg(account: Account, fact: LegFact) -> Account:
    sweep, leg = account.leg(fact.leg_id)
    if sweep is None or leg is None:
        raise ImpossibleHistory(f"leg {fact.leg_id}: {type(fact).__name__}, but no open sweep has it")
    moved = legs.evolve(leg, fact)
    sweep, purse, learned, spent = sweep.moved(moved), account.purse, account.learned, account.spent
    if isinstance(moved, Filled):
        lot_id = moved.plan.lot_id
        if isinstance(sweep.opened, DustDetected):  # what a shortage brings is the trade's, not dust's
            purse = purses.receive(purse, moved, sweep.lot(lot_id) if lot_id else None, sweep.top_up_of(lot_id))
        if moved.plan.spend in learned:
            learned = {asset: lesson for asset, lesson in learned.items() if asset != moved.plan.spend}
    elif isinstance(fact, LegRequested) and legs.is_exit(moved.plan):
        day = account.day_of(fact.requested_at.date())
        spent = day, exactly_sum(account.spent_beside([leg], day), worth(fact.kind, fact.quote))
    return _moved(account, sweep, purse, learned, spent, ("", ""))


def _moved(
    account: Account,
    sweep: Sweep | None,
    purse: Purse,
    learned: Mapping[str, DustUnroutable],
    spent: tuple[date, Decimal],
    outage: tuple[str, str],
) -> Account:
    """Change what a conversion changes; nearly every fact comes here, and `_replace` would take five times as long."""
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
        outage,
        account.reservations,
        account.claim,
        account.claims,
    )


def _paid_out(purse: Purse, lot_id: str, proceeds: Amount) -> Purse:
    """A converted lot leaves the purse; where the target is itself a hub, its proceeds leave the money too."""
    sold = next((lot for lot in purse.owed if lot.lot.lot_id == lot_id), None)
    if sold is None:
        raise ImpossibleHistory(f"lot {lot_id} was converted, but it was never sold")
    owed = tuple([lot for lot in purse.owed if lot.lot.lot_id != lot_id])
    if sold.contribution.asset != proceeds.asset:
        return Purse(purse.money, owed)
    left = exactly_less(purse.of(proceeds.asset), proceeds.quantity)
    return Purse({**purse.money, proceeds.asset: left}, owed)
