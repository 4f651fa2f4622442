"""Measuring a strategy: all its accounts are read, its dust is held against its equity, and sold where it exceeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from domain.charter import Charter
from domain.commands import Trigger
from domain.decision import fingerprint
from domain.equity import Doubt, Equity, Survey
from domain.errors import NOT_ASKED
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
from domain.strategy import RecordMeasurement
from events.facts import DustInstructed, StrategyMeasured
from events.log import Recorded
from events.values import Unmeasured
from workers import announcing, approving, claiming, scanning
from workers.desk import Desk
from workers.schedule import latest_due
from workers.surveying import gas_of, occasion_of, surveys_of


def measure(desk: Desk, strategy: str, due: datetime, automatic: bool = True) -> Sequence[Recorded]:
    """Measure a strategy for the moment it was due; a measurement that was made already is not made again.

    Accounts that cannot be read are recorded as such, and the error raised again. New dust nudges the converter. While
    rewards are being claimed nothing is measured: the due time stays unanswered, and is made up for when that is over.
    """
    known = desk.strategies.load(strategy).state
    if known.due_until is not None and due <= known.due_until:
        return []
    if claims := [account for account in desk.charter(strategy).accounts if claiming.under_way(desk, account, due)]:
        for account in claims:
            desk.nudge("convert", account)
        return []
    occasion = occasion_of(desk, strategy, due)
    try:
        surveys, found, verdict = _measured(desk, occasion, automatic)
    except NOT_ASKED as outage:
        told = unmeasured(occasion, Doubt(Unmeasured.VENUE_UNREACHABLE, str(outage)))
        desk.strategies.handle(strategy, told.command, occasion.measure_id)
        raise
    recorded = desk.strategies.handle(strategy, verdict.command, occasion.measure_id)
    if not recorded:
        return []
    now = verdict if _is_due_now(recorded) else Verdict(verdict.command, {})
    after = [each for survey in surveys for each in _told(desk, survey, now, found, occasion)]
    return [*recorded, *after, *approving.resume(desk, strategy)]


def measure_latest(desk: Desk, strategy: str) -> Sequence[Recorded]:
    """Measure a strategy for its latest due time."""
    interval = desk.intervals[desk.charter(strategy).name]
    return measure(desk, strategy, latest_due(interval, desk.clock()))


def look(desk: Desk, strategy: str) -> Verdict:
    """Measure a strategy now without recording it, so that nothing waits for approval.

    Its instructions are those that would be, were its accounts live.
    """
    occasion = dataclasses.replace(occasion_of(desk, strategy, desk.clock()), approval=None)
    surveys, found, equity = _found(desk, occasion, automatic=True)
    verdict = _judged(desk, occasion, surveys, found, equity)
    opened = [survey if _is_live(desk, survey) else dataclasses.replace(survey, closed="") for survey in surveys]
    if verdict.command.instructed or opened == surveys:
        return verdict
    would_be = _judged(desk, occasion, opened, found, equity).command.instructed
    return Verdict(RecordMeasurement(verdict.command.outcome, would_be), {})


def _is_live(desk: Desk, survey: Survey) -> bool:
    return desk.streams.load(survey.reading.account).state.live == fingerprint(survey.policy)


def _measured(desk: Desk, occasion: Occasion, automatic: bool) -> tuple[Sequence[Survey], Snapshot, Verdict]:
    surveys, found, equity = _found(desk, occasion, automatic)
    return surveys, found, _judged(desk, occasion, surveys, found, equity)


def _found(desk: Desk, occasion: Occasion, automatic: bool) -> tuple[Sequence[Survey], Snapshot, Equity | Doubt]:
    surveys = surveys_of(desk, occasion, automatic)
    found = snapshot(occasion.charter, surveys)
    return surveys, found, desk.equity(occasion.charter.name).equity(surveys, occasion.currency, desk.clock())


def _judged(
    desk: Desk, occasion: Occasion, surveys: Sequence[Survey], found: Snapshot, equity: Equity | Doubt
) -> Verdict:
    if isinstance(equity, Doubt):
        return unmeasured(occasion, equity)
    gas = gas_of(desk, surveys, found) if exceeds(found, occasion.charter, equity) else {}
    return measured(occasion, found, equity, surveys, gas)


def _is_due_now(recorded: Sequence[Recorded]) -> bool:
    """Say whether what was instructed is announced at once: it was recorded, and waits for nobody's approval."""
    return any(isinstance(each.fact, DustInstructed) and each.fact.approval_until is None for each in recorded)


def _told(desk: Desk, survey: Survey, verdict: Verdict, found: Snapshot, occasion: Occasion) -> Sequence[Recorded]:
    """Record an account's reading, and announce what of it is to be sold, or would be if the account were live."""
    account = survey.reading.account
    trigger = verdict.trigger(account) or _watched(survey, verdict, found, occasion.charter)
    reading = marching(survey, verdict.chosen.get(account, {})).reading
    return announcing.announce(desk, reading, survey.policy, trigger, occasion.measure_id)


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
