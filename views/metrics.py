"""The log as numbers: a fold whose counters are what a fold of the whole log gives, so no restart sets them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from domain import account as accounts
from domain import strategy as strategies
from domain.account import Account
from domain.leg import Requested, Unknown
from domain.strategy import Strategy
from events.facts import (
    AccountFact,
    ConversionsHalted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustInstructed,
    DustUnroutable,
    EthReserved,
    FundingCompleted,
    FundingDeclined,
    FundingOpened,
    HoldingsKept,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    LegFilled,
    LegNeverArrived,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    ScanCompleted,
    StrategyFact,
    StrategyMeasured,
    StrategyNotMeasured,
    SweepCompleted,
    TransactionReorged,
    TransactionSettled,
    VenueUnreachable,
)
from events.log import Recorded
from events.money import exactly_sum
from events.values import Lot, Policy
from views import measures
from views.measures import Measure

_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)


class Sample(NamedTuple):
    """One number of a metric, with the values of its labels in their order."""

    measure: Measure
    labels: tuple[str, ...]
    value: Decimal


@dataclass(slots=True)
class Metrics:
    """Every number there is, grown in place. Counts are kept by account or strategy; `venues` names an account's venue.

    An account that the settings no longer have keeps the venue that its facts named.
    """

    venues: Mapping[str, str] = field(default_factory=dict)
    position: int = 0
    counts: dict[tuple[Measure, tuple[str, ...]], Decimal] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    strategies: dict[str, Strategy] = field(default_factory=dict)
    scans: dict[str, tuple[ScanCompleted, datetime]] = field(default_factory=dict)
    stuck: dict[str, dict[str, DustUnroutable]] = field(default_factory=dict)
    opened: dict[str, datetime] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        fact = recorded.fact
        self._add(measures.EVENTS, _ONE, recorded.type)
        if isinstance(fact, StrategyFact):
            known = self.strategies.get(fact.strategy) or Strategy(fact.strategy)
            self.strategies[fact.strategy] = strategies.evolve(known, fact)
            self._measured(fact)
        else:
            before = self.accounts.get(fact.account) or Account(fact.account)
            self._scanned(fact, recorded.occurred_at)
            self._converted(fact, before)
            self._asked(fact)
            self._funded(fact, recorded.occurred_at)
            self._stays(fact)
            self.accounts[fact.account] = accounts.evolve(before, fact)
        self.position = recorded.position

    def samples(self) -> Iterator[Sample]:
        """Yield every number that follows from the log."""
        for (measure, labels), value in self.counts.items():
            yield Sample(measure, self._whole(measure, labels), value)
        for name in self.accounts:
            for measure, value, *others in self._state_of(name):
                yield Sample(measure, self._whole(measure, (name, *others)), value)
        for strategy in self.strategies.values():
            yield from _strategy_samples(strategy)

    def _whole(self, measure: Measure, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Put the venue behind the account where the metric has one."""
        if measure.labels[:2] != ("account", "venue"):
            return labels
        name = labels[0]
        return (name, self.venues.get(name) or self._seen.get(name, ""), *labels[1:])

    def _add(self, measure: Measure, value: Decimal, *labels: str) -> None:
        key = measure, labels
        self.counts[key] = exactly_sum(self.counts.get(key, _ZERO), value)

    def _scanned(self, fact: AccountFact, at: datetime) -> None:
        match fact:
            case ScanCompleted(account=name, requests=requests):
                self._add(measures.SCANS, _ONE, name)
                self._add(measures.REQUESTS, Decimal(requests), name)
                self.scans[name] = fact, at
            case VenueUnreachable(account=name, venue=venue, operation=operation):
                self._seen[name] = venue
                self._add(measures.OUTAGES, _ONE, name, operation)
            case DustDetected(account=name, venue=venue, live=live, lots=lots, total=total, policy=policy):
                self._seen[name] = venue
                mode = "live" if live else "watching"
                self._add(measures.DETECTED, Decimal(len(lots)), name, mode)
                self._add(measures.DETECTED_VALUE, total, name, mode, policy.currency)
                if live:
                    self.opened[name] = at
            case ConversionsHalted(account=name):
                self._add(measures.HALTS, _ONE, name)
            case SweepCompleted(account=name):
                self._add(measures.SWEEPS, _ONE, name)
                self.opened.pop(name, None)

    def _converted(self, fact: AccountFact, account: Account) -> None:
        match fact:
            case DustConverted(account=name, value=value, currency=currency, proceeds=proceeds, fees=fees):
                self._add(measures.CONVERTED, _ONE, name)
                self._add(measures.CONVERTED_VALUE, value, name, currency)
                self._add(measures.PROCEEDS, proceeds.quantity, name, proceeds.asset)
                for fee in fees:
                    if _is_own(fee.asset, account.sweep.opened.policy if account.sweep else None):
                        self._add(measures.FEES, fee.quantity, name, fee.asset)
                    else:
                        self._add(measures.OTHER_FEES, _ONE, name)
            case DustConversionFailed(account=name, refusal=refusal, lot_id=lot_id):
                self._add(measures.FAILED, _ONE, name, refusal.code.value)
                if lot := _lot(account, lot_id):
                    self._add(measures.FAILED_VALUE, lot.value, name, refusal.code.value, lot.currency)

    def _asked(self, fact: AccountFact) -> None:
        match fact:
            case LegRequested(account=name):
                self._add(measures.LEGS, _ONE, name, "requested")
            case LegFilled(account=name):
                self._add(measures.LEGS, _ONE, name, "filled")
            case LegOutcomeUnknown(account=name):
                self._add(measures.LEGS, _ONE, name, "unknown")
            case LegNeverArrived(account=name):
                self._add(measures.LEGS, _ONE, name, "never_arrived")
            case LegRefused(account=name, refusal=refusal):
                self._add(measures.LEGS, _ONE, name, "refused")
                self._add(measures.REFUSALS, _ONE, name, refusal.code.value)
            case TransactionSettled(account=name, outcome=outcome, gas_used=gas, fee=fee):
                self._add(measures.TRANSACTIONS, _ONE, name, outcome.value)
                self._add(measures.GAS, Decimal(gas), name)
                if fee:
                    self._add(measures.GAS_FEES, fee.quantity, name, fee.asset)
            case TransactionReorged(account=name):
                self._add(measures.REORGS, _ONE, name)

    def _funded(self, fact: AccountFact, at: datetime) -> None:
        match fact:
            case EthReserved(account=name, answer=answer):
                self._add(measures.RESERVATIONS, _ONE, name, answer.value)
            case FundingDeclined(account=name, answer=answer):
                self._add(measures.DECLINED, _ONE, name, answer.value)
            case FundingOpened(account=name, venue=venue):
                self._seen[name] = venue
                self.opened[name] = at
            case FundingCompleted(account=name, covered=covered, value=value, currency=currency, received=received):
                self._add(measures.FUNDINGS, _ONE, name, "covered" if covered else "fell_short")
                self._add(measures.FUNDED_VALUE, value, name, currency)
                self._add(measures.FUNDED, received.quantity, name)
                self.opened.pop(name, None)

    def _stays(self, fact: AccountFact) -> None:
        """What has no way out stays so until something else is said of the asset."""
        match fact:
            case DustUnroutable(account=name, asset=asset):
                self.stuck.setdefault(name, {})[asset] = fact
            case HoldingsKept(account=name, kept=kept):
                for each in kept:
                    self.stuck.get(name, {}).pop(each.asset, None)
            case DustDetected(account=name, lots=lots):
                for lot in lots:
                    self.stuck.get(name, {}).pop(lot.asset, None)

    def _measured(self, fact: StrategyFact) -> None:
        match fact:
            case StrategyMeasured(strategy=name):
                self._add(measures.MEASUREMENTS, _ONE, name)
            case StrategyNotMeasured(strategy=name, reason=reason):
                self._add(measures.DOUBTS, _ONE, name, reason.value)
            case DustInstructed(strategy=name, instructions=instructions, total=total, currency=currency):
                self._add(measures.INSTRUCTIONS, Decimal(len(instructions)), name)
                self._add(measures.INSTRUCTED, total, name, currency)
                # A counter that begins at 1 shows no increase: its first answer would raise no alert.
                for answer in measures.POSSIBLE_ANSWERS if fact.approval_until else ():
                    self._add(measures.ANSWERS, _ZERO, name, answer)
            case InstructionsApproved(strategy=name):
                self._add(measures.ANSWERS, _ONE, name, "approved")
            case InstructionsCancelled(strategy=name):
                self._add(measures.ANSWERS, _ONE, name, "cancelled")
            case InstructionsExpired(strategy=name):
                self._add(measures.ANSWERS, _ONE, name, "expired")

    def _state_of(self, name: str) -> Iterator[tuple[Measure, Decimal, *tuple[str, ...]]]:
        account = self.accounts[name]
        yield measures.HALTED, Decimal(bool(account.halted))
        yield measures.REACHED, Decimal(account.outage == ("", ""))
        if name in self.scans:
            scan, at = self.scans[name]
            yield measures.SCANNED, _seconds(at)
            yield measures.DUST, scan.dust_value, scan.currency
            for reason, count in scan.kept.items():
                yield measures.KEPT, Decimal(count), reason
        if name in self.opened:
            yield measures.OPEN_SINCE, _seconds(self.opened[name])
        for asset in account.purse.money:
            yield measures.CARRIED, waiting(account, asset), asset
        if account.reservations:
            yield measures.OPEN_RESERVATIONS, Decimal(len(account.reservations))
            yield measures.RESERVED, exactly_sum(*(each.eth for each in account.reservations.values()))
        yield from _open_legs(account)
        yield from _unroutable(self.stuck.get(name, {}))


def waiting(account: Account, asset: str) -> Decimal:
    """Return what of sold lots is in an asset and not the target yet; cents that orders left over are nobody's."""
    return exactly_sum(*(sold.contribution.quantity for sold in account.purse.owed if sold.contribution.asset == asset))


def _open_legs(account: Account) -> Iterator[tuple[Measure, Decimal, str]]:
    asked: dict[str, list[datetime]] = {"requested": [], "unknown": []}
    for leg in account.sweep.legs.values() if account.sweep else ():
        match leg:
            case Unknown(intent=intent):
                asked["unknown"].append(intent.requested_at)
            case Requested(intent=intent):
                asked["requested"].append(intent.requested_at)
    for state, times in asked.items():
        yield measures.OPEN_LEGS, Decimal(len(times)), state
        if times:
            yield measures.OLDEST_LEG, _seconds(min(times)), state


def _unroutable(stuck: Mapping[str, DustUnroutable]) -> Iterator[tuple[Measure, Decimal, *tuple[str, ...]]]:
    lots, values = Counter[str](), dict[tuple[str, str], Decimal]()
    for each in stuck.values():
        lots[each.reason.value] += 1
        key = each.reason.value, each.currency
        values[key] = exactly_sum(values.get(key, _ZERO), each.value)
    for reason, count in lots.items():
        yield measures.UNROUTABLE, Decimal(count), reason
    for (reason, currency), value in values.items():
        yield measures.UNROUTABLE_VALUE, value, reason, currency


def _strategy_samples(strategy: Strategy) -> Iterator[Sample]:
    if (waiting := strategy.waiting) and waiting.approval_until:
        yield Sample(measures.AWAITED, (strategy.name,), _seconds(waiting.approval_until))
    if not (last := strategy.measured):
        return
    name, valued = (strategy.name,), (strategy.name, last.currency)
    yield Sample(measures.RATIO, name, last.ratio)
    yield Sample(measures.THRESHOLD, valued, last.threshold)
    yield Sample(measures.STRATEGY_DUST, valued, last.total)
    yield Sample(measures.UNEXPECTED, valued, exactly_sum(*(lot.value for lot in last.unexpected)))
    yield Sample(measures.EQUITY, valued, last.equity)
    yield Sample(measures.EXCEEDS, name, Decimal(last.exceeds))
    yield Sample(measures.MEASURED, name, _seconds(last.measured_at))


def _is_own(asset: str, policy: Policy | None) -> bool:
    """Say whether an asset is one that the owner or the chain named; a label must not take names from strangers."""
    return "/slip44:" in asset or (policy is not None and asset in (policy.target, *policy.hubs))


def _lot(account: Account, lot_id: str) -> Lot | None:
    """Find a lot of the open sweep, or of an earlier one that is still owed the target."""
    opened = account.sweep.opened.lots if account.sweep else ()
    owed = (sold.lot for sold in account.purse.owed)
    return next((lot for lot in (*opened, *owed) if lot.lot_id == lot_id), None)


def _seconds(at: datetime) -> Decimal:
    return Decimal(str(at.timestamp()))
