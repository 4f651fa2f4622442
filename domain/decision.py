"""What a command makes happen on an account: `decide(command, account) -> facts`.

A command that was carried out before, or that the account has moved beyond, makes nothing happen.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import assert_never

from domain import batch, identity, pretrade
from domain import claim as claims
from domain import conversion as conversions
from domain import leg as legs
from domain import reservation as reservations
from domain import sweep as sweeps
from domain import transaction as transactions
from domain.account import Account, rewards_of, said
from domain.commands import (
    Command,
    ConcludeBatch,
    ConcludeLeg,
    Declare,
    DeclineLeg,
    ExpireReservations,
    FinishSweep,
    NoteUnclaimed,
    ObserveLane,
    RecordOutage,
    RecordScan,
    ReleaseEth,
    ReplaceTransaction,
    RequestBatch,
    RequestBundle,
    RequestClaim,
    RequestEth,
    RequestLeg,
    RequestRetraction,
)
from domain.lane import Idle, owed
from domain.leg import Leg
from domain.scan import Findings, Reading, carried_alone_suffices, find, still_there
from domain.settlement import settle
from domain.sweep import Finish, Observe, Rest, Step, Sweep
from events.facts import (
    AccountFact,
    AccountWentLive,
    ConversionsHalted,
    ConversionsResumed,
    DryRunCompleted,
    DustDetected,
    FundingOpened,
    HoldingsKept,
    PermissionFact,
    ScanCompleted,
    VenueUnreachable,
)
from events.money import Amount
from events.values import Keep, Policy, Refusal, Unclaimed


def fingerprint(policy: Policy) -> str:
    """Name a policy by its content: a dry run and a go-live belong to exactly one. SHA-256, 16 hex digits."""
    return sha256(repr(policy).encode()).hexdigest()[:16]


def next_step(account: Account) -> Step:
    """Say what the account needs next: what is in flight comes before the open sweep."""
    if not isinstance(account.lane.state, Idle):
        return Observe()
    if account.sweep is None:
        return Rest()
    step = sweeps.next_step(account.sweep, account.purse, bool(account.halted))
    return sweeps.owing(step, asset) if (asset := owed(account.lane)) else step


def findings(account: Account, reading: Reading, policy: Policy, only: Collection[str] | None = None) -> Findings:
    """Judge a reading against the policy and what the account has learned, without recording anything."""
    return find(reading, policy, account.learned, account.purse.money, account.spent_on(reading.now.date()), only)


def decide(command: Command, account: Account) -> list[AccountFact]:
    """Decide what a command makes happen; a repetition makes nothing happen."""
    match command:
        case RecordScan():
            return _record_scan(command, account)
        case RecordOutage(venue, operation, about, detail):
            said_already = account.outage == (operation, about)
            return [] if said_already else [VenueUnreachable(account.name, venue, operation, about, detail)]
        case RequestLeg():
            return _request_leg(command, account)
        case DeclineLeg(leg_id, refusal):
            sweep, leg = account.leg(leg_id)
            return list(legs.decline(leg, account.name, sweep.opened.sweep_id, refusal)) if sweep and leg else []
        case ConcludeLeg():
            return _conclude(command, account)
        case ConcludeBatch(answers):
            return [fact for each in answers for fact in _conclude(each, account)]
        case RequestBundle():
            return transactions.request(command, account)
        case RequestRetraction():
            return transactions.retract(command, account)
        case RequestClaim():
            return transactions.claim(command, account)
        case NoteUnclaimed(waiting, policy, now):
            before = account.judged
            news = (each for each in waiting if _is_unclaimed_news(before.get(rewards_of(each.source)), each.reason))
            return [claims.told(account.name, each, policy, now) for each in news]
        case RequestBatch():
            return batch.request(command, account)
        case ReplaceTransaction():
            return transactions.replace(command, account)
        case ObserveLane():
            return transactions.observe(command, account)
        case FinishSweep(sweep_id, now):
            if account.sweep is None or account.sweep.opened.sweep_id != sweep_id:
                return []
            return _finish(account.sweep, account, now) if next_step(account) == Finish() else []
        case RequestEth():
            return reservations.request(command, account)
        case ReleaseEth():
            return reservations.release(command, account)
        case ExpireReservations(now):
            return list(reservations.expired(account, now))
        case Declare(fact):
            return _declare(fact, account)
        case _:
            assert_never(command)


def _conclude(command: ConcludeLeg, account: Account) -> list[AccountFact]:
    sweep, leg = account.leg(command.leg_id)
    if not sweep or not isinstance(leg, legs.Requested | legs.Unknown) or leg.intent.attempt != command.attempt:
        return []
    return list(legs.conclude(leg, account.name, sweep.opened.sweep_id, command.answer))


def _finish(sweep: Sweep, account: Account, now: datetime) -> list[AccountFact]:
    """A sweep that dust opened answers for its lots, one that a shortage opened for its trade."""
    if isinstance(sweep.opened, FundingOpened):
        return conversions.settle(sweep, sweep.opened, account)
    return list(settle(sweep, account.purse, now))


def _record_scan(command: RecordScan, account: Account) -> list[AccountFact]:
    reading, policy = command.reading, command.policy
    automatic = reading.automatic and command.announce
    answered = account.scanned_until if automatic else account.read_until
    if answered is not None and reading.due <= answered:
        return []
    trigger = command.trigger
    found = findings(account, reading, policy, trigger.assets if trigger else None)
    facts: list[AccountFact] = []
    changed = tuple(kept for kept in found.kept if _is_news(kept.asset, kept.reason, account))
    if changed:
        facts.append(HoldingsKept(reading.account, reading.scan_id, changed))
    facts.extend(each for each in found.stuck if account.judged.get(each.asset) != said(each))
    if command.announce and (detected := _detected(command, found, account)):
        facts.append(detected)
    completed = ScanCompleted(
        account=reading.account,
        scan_id=reading.scan_id,
        due=reading.due,
        requests=reading.requests,
        holdings=len(reading.holdings),
        dust=len(found.lots),
        dust_value=found.total,
        currency=policy.currency,
        kept=found.counts() | ({"unroutable": len(found.stuck)} if found.stuck else {}),
        automatic=automatic,
    )
    return [*facts, completed]


def _is_news(asset: str, reason: Keep, account: Account) -> bool:
    """An empty wallet that never held anything is counted, not told."""
    before = account.judged.get(asset)
    return before != reason and not (before is None and reason is Keep.ZERO)


def _is_unclaimed_news(before: str | None, reason: Unclaimed) -> bool:
    """A source that never had anything is not told of."""
    return before != reason and not (before is None and reason is Unclaimed.NOTHING)


def _detected(command: RecordScan, found: Findings, account: Account) -> DustDetected | None:
    reading, policy, trigger = command.reading, command.policy, command.trigger
    mark = fingerprint(policy)
    live = account.live == mark
    assets = frozenset(lot.asset for lot in found.lots)
    money = account.purse.money
    if account.sweep is not None:
        return None
    there = still_there(reading, policy, money)
    if live and (account.halted or not (assets or carried_alone_suffices(policy, there, reading.market))):
        return None
    if not live and (not assets or assets == account.watched):
        return None
    return DustDetected(
        account=reading.account,
        venue=reading.venue,
        scan_id=reading.scan_id,
        sweep_id=identity.sweep_id(reading.scan_id),
        policy=policy,
        fingerprint=mark,
        lots=found.lots,
        total=found.total,
        carried=tuple(Amount(money[hub], hub) for hub in policy.hubs if money.get(hub, 0) > 0),
        plan=found.legs,
        live=live,
        strategy=trigger.strategy if trigger else "",
        mode=trigger.mode if trigger else "",
    )


def _request_leg(command: RequestLeg, account: Account) -> list[AccountFact]:
    sweep, leg = account.leg(command.leg_id)
    if sweep is None or leg is None or account.halted or command.attempt != legs.next_attempt(leg):
        return []
    if no := _objection(command, leg, sweep, account):
        return list(legs.decline(leg, account.name, sweep.opened.sweep_id, no))
    return list(legs.request(leg, account.name, sweep.opened.sweep_id, command.spend, command.quote, command.now))


def _objection(command: RequestLeg, leg: Leg, sweep: Sweep, account: Account) -> Refusal | None:
    if no := pretrade.policy_changed(command.fingerprint, sweep, account.live):
        return no
    # What a top-up was bought for was within the caps when it was planned; to keep it now would only lose the top-up.
    counts = legs.is_exit(leg.plan) and sweep.top_up_of(leg.plan.lot_id) is None
    if counts and (no := _over_cap(command, leg, sweep, account)):
        return no
    return pretrade.objection(leg, command.spend, command.quote, sweep, account.purse)


def _over_cap(command: RequestLeg, leg: Leg, sweep: Sweep, account: Account) -> Refusal | None:
    beside = pretrade.sold_beside([command.leg_id], sweep)
    today = account.spent_beside([leg], command.now.date())
    return pretrade.over_cap(pretrade.worth(leg.plan.kind, command.quote), beside, today, sweep.opened.policy)


def _declare(fact: PermissionFact, account: Account) -> list[AccountFact]:
    match fact:
        case AccountWentLive():
            return [] if account.live == fact.fingerprint or account.dry_run != fact.fingerprint else [fact]
        case ConversionsHalted():
            return [] if account.halted else [fact]
        case ConversionsResumed():
            return [fact] if account.halted else []
        case DryRunCompleted():
            return [fact]
        case _:
            assert_never(fact)
