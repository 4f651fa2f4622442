"""Measuring a strategy: all its accounts are read, its dust is held against its equity, and sold where it exceeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from domain import instruction
from domain.account import Account
from domain.charter import Charter
from domain.commands import RecordScan, Trigger
from domain.decision import findings, fingerprint
from domain.equity import Doubt, Equity, Survey
from domain.errors import NOT_ASKED, ConfigurationError, VenueUnavailable
from domain.instruction import Gas
from domain.leg import draft
from domain.measurement import (
    Occasion,
    Snapshot,
    Verdict,
    exceeds,
    marching,
    measured,
    snapshot,
    unmeasured,
)
from events.facts import DustDetected, StrategyMeasured
from events.log import Recorded
from events.money import Amount, exactly_less
from events.values import Policy, Unmeasured
from workers import claiming, scanning
from workers.desk import Desk
from workers.schedule import latest_due


def measure(desk: Desk, strategy: str, due: datetime, automatic: bool = True) -> Sequence[Recorded]:
    """Measure a strategy for the moment it was due; a measurement that was made already is not made again.

    Accounts that cannot be read are recorded as such, and the error raised again. New dust nudges the converter. While
    rewards are being claimed nothing is measured: the due time stays unanswered, and is made up for.
    """
    known = desk.strategies.load(strategy).state
    if known.due_until is not None and due <= known.due_until:
        return []
    if claims := [account for account in desk.charter(strategy).accounts if claiming.under_way(desk, account, due)]:
        for account in claims:
            desk.nudge("convert", account)
        return []
    occasion = _occasion(desk, strategy, due)
    try:
        surveys, found, verdict = _measured(desk, occasion, automatic)
    except NOT_ASKED as outage:
        told = unmeasured(occasion, Doubt(Unmeasured.VENUE_UNREACHABLE, str(outage)))
        desk.strategies.handle(strategy, told.command, occasion.measure_id)
        raise
    recorded = desk.strategies.handle(strategy, verdict.command, occasion.measure_id)
    if not recorded:
        return []
    after = [each for survey in surveys for each in _told(desk, survey, verdict, found, occasion)]
    return [*recorded, *after]


def measure_latest(desk: Desk, strategy: str) -> Sequence[Recorded]:
    """Measure a strategy for its latest due time."""
    interval = desk.intervals[desk.charter(strategy).name]
    return measure(desk, strategy, latest_due(interval, desk.clock()))


def look(desk: Desk, strategy: str) -> Verdict:
    """Measure a strategy now without recording it."""
    return _measured(desk, _occasion(desk, strategy, desk.clock()), automatic=True)[2]


def _occasion(desk: Desk, strategy: str, due: datetime) -> Occasion:
    charter = desk.charter(strategy)
    return Occasion(charter, due, desk.clock(), desk.mandates[charter.accounts[0]].policy.currency)


def _measured(desk: Desk, occasion: Occasion, automatic: bool) -> tuple[Sequence[Survey], Snapshot, Verdict]:
    charter = occasion.charter
    surveys = [_survey(desk, account, occasion, automatic) for account in charter.accounts]
    found = snapshot(charter, surveys)
    equity = desk.equity(charter.name).equity(surveys, occasion.currency, desk.clock())
    return surveys, found, _judged(desk, occasion, surveys, found, equity)


@contextmanager
def _named(account: str) -> Iterator[None]:
    """Say of an outage whose it is: a strategy has several accounts."""
    try:
        yield
    except VenueUnavailable as outage:
        raise VenueUnavailable(f"{account}: {outage}") from outage
    except ConfigurationError as mistake:
        raise ConfigurationError(f"{account}: {mistake}") from mistake


def _survey(desk: Desk, account: str, occasion: Occasion, automatic: bool) -> Survey:
    policy = desk.mandates[account].policy
    with _named(account):
        reading = scanning.read_or_record_outage(desk, account, occasion.now, automatic)
    known = desk.streams.load(account).state
    left = exactly_less(policy.day_cap, known.spent_on(reading.now.date()))
    return Survey(reading, policy, min(policy.sweep_cap, left), known.learned, _closed(known, policy))


def _closed(account: Account, policy: Policy) -> str:
    """Say why an account sells nothing new now."""
    if account.live != fingerprint(policy):
        return f"{account.name} is not live under this policy; `dustman go-live {account.name}` allows it"
    if account.halted:
        return f"{account.name} is halted ({account.halted})"
    return f"{account.name} is being swept" if account.sweep else ""


def _judged(
    desk: Desk, occasion: Occasion, surveys: Sequence[Survey], found: Snapshot, equity: Equity | Doubt
) -> Verdict:
    if isinstance(equity, Doubt):
        return unmeasured(occasion, equity)
    gas: dict[str, Gas] = {}
    if exceeds(found, occasion.charter, equity):
        gas = {survey.reading.account: cost for survey in surveys if (cost := _gas(desk, survey, found))}
    return measured(occasion, found, equity, surveys, gas)


def _gas(desk: Desk, survey: Survey, found: Snapshot) -> Gas | None:
    """Have a chain simulate the sale of all dust of an account; None where no gas is paid, or nothing may be sold."""
    account = survey.reading.account
    if survey.closed or not found.dust.get(account) or not desk.is_chain(account):
        return None
    legs = findings(desk.streams.load(account).state, survey.reading, survey.policy).legs
    drafts = [draft(leg, Amount(leg.quantity, leg.spend)) for leg in legs if leg.quantity is not None]
    with _named(account):
        return instruction.gas_of(desk.chain(account).propose(drafts), drafts) if drafts else None


def _told(desk: Desk, survey: Survey, verdict: Verdict, found: Snapshot, occasion: Occasion) -> Sequence[Recorded]:
    """Record an account's reading, and announce what of it is to be sold, or would be if the account were live."""
    account = survey.reading.account
    chosen = verdict.chosen.get(account, {})
    trigger = verdict.trigger(account) or _watched(survey, verdict, found, occasion.charter)
    reading = marching(survey, chosen).reading
    command = RecordScan(reading, survey.policy, announce=trigger is not None, trigger=trigger)
    recorded = desk.streams.handle(account, command, occasion.measure_id)
    if any(isinstance(each.fact, DustDetected) and each.fact.live for each in recorded):
        desk.nudge("convert", account)
    return recorded


def _watched(survey: Survey, verdict: Verdict, found: Snapshot, charter: Charter) -> Trigger | None:
    told = verdict.command.outcome
    dust = found.dust.get(survey.reading.account)
    if not isinstance(told, StrategyMeasured) or not told.exceeds or not survey.closed or not dust:
        return None
    return Trigger(charter.name, charter.mode, frozenset(piece.asset for piece in dust))


def scan_or_measure(desk: Desk, account: str, due: datetime, automatic: bool) -> None:
    """Scan an account; one that belongs to strategies is measured with all that they have, since they decide."""
    if not desk.mandates[account].strategies:
        scanning.scan(desk, account, due, automatic)
    for strategy in desk.mandates[account].strategies:
        measure(desk, strategy, due, automatic)
