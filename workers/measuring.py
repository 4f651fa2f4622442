"""Measuring a strategy: all its accounts are read, its dust is held against its equity, and sold where it exceeds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain import instruction
from domain.account import Account
from domain.charter import Charter
from domain.commands import RecordScan, Trigger
from domain.decision import findings, fingerprint
from domain.equity import Doubt, Equity, Survey
from domain.errors import NOT_ASKED
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
    unreachable,
)
from events.facts import DustDetected, StrategyMeasured
from events.log import Recorded
from events.money import Amount, exactly_less
from events.values import Policy
from workers import scanning
from workers.desk import Desk
from workers.schedule import latest_due


def measure(desk: Desk, strategy: str, due: datetime, automatic: bool = True) -> Sequence[Recorded]:
    """Measure a strategy for the moment it was due; a measurement that was made already is not made again.

    Accounts that cannot be read are recorded as such, and the error raised again. New dust nudges the converter.
    """
    known = desk.strategies.load(strategy).state
    if known.due_until is not None and due <= known.due_until:
        return []
    charter = desk.charter(strategy)
    currency = desk.mandates[charter.accounts[0]].policy.currency
    occasion = Occasion(charter, due, desk.clock(), currency)
    surveys = _surveyed(desk, occasion, automatic)
    found, equity = snapshot(charter, surveys), desk.equity(strategy).equity(surveys, currency, desk.clock())
    verdict = _judged(desk, occasion, surveys, found, equity)
    recorded = desk.strategies.handle(strategy, verdict.command, occasion.measure_id)
    if not recorded:
        return []
    told = [each for survey in surveys for each in _told(desk, survey, verdict, found, occasion)]
    return [*recorded, *told]


def measure_latest(desk: Desk, strategy: str) -> Sequence[Recorded]:
    """Measure a strategy for its latest due time."""
    interval = desk.intervals[desk.charter(strategy).name]
    return measure(desk, strategy, latest_due(interval, desk.clock()))


def look(desk: Desk, strategy: str) -> tuple[Verdict, Sequence[Survey]]:
    """Measure a strategy now without recording anything."""
    charter = desk.charter(strategy)
    currency = desk.mandates[charter.accounts[0]].policy.currency
    occasion = Occasion(charter, desk.clock(), desk.clock(), currency)
    surveys = [_survey(desk, account, occasion, automatic=True) for account in charter.accounts]
    found, equity = snapshot(charter, surveys), desk.equity(strategy).equity(surveys, currency, desk.clock())
    return _judged(desk, occasion, surveys, found, equity), surveys


def _surveyed(desk: Desk, occasion: Occasion, automatic: bool) -> list[Survey]:
    surveys: list[Survey] = []
    for account in occasion.charter.accounts:
        try:
            surveys.append(_survey(desk, account, occasion, automatic))
        except NOT_ASKED as outage:
            told = unreachable(occasion, account, str(outage)).command
            desk.strategies.handle(occasion.charter.name, told, occasion.measure_id)
            raise
    return surveys


def _survey(desk: Desk, account: str, occasion: Occasion, automatic: bool) -> Survey:
    policy = desk.mandates[account].policy
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
