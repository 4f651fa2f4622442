"""Approving what a strategy instructed: its accounts are read anew, and announce what of it still holds.

The approval is on record before anything is read, and what came of it after the last account was told: so an approval
that a crash or an outage interrupted is gone on with, by whoever comes next, until its time is up. Of several who go on
with it at once the first to write in an account's stream is believed, and the others leave it to that one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from domain.equity import Doubt, Equity, Survey
from domain.errors import ConfigurationError, RefusedByPolicy
from domain.measurement import Occasion, exceeds, marching, snapshot
from domain.release import Release, instructed_only, release, still_there
from domain.strategy import Approve, Cancel, Expire, RecordRelease, refusal
from events.facts import (
    DustDetected,
    DustInstructed,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsReleased,
)
from events.log import Recorded
from workers.announcing import announce
from workers.desk import Desk
from workers.overdue import GRACE
from workers.surveying import gas_of, occasion_of, surveys_of

LONGEST: Final = 200
# What the clocks of two machines may differ by.
SKEW: Final = timedelta(seconds=60)
# How often an account is read again that others keep writing to; then it is left to whoever comes next.
ROUNDS: Final = 5


def approve(desk: Desk, strategy: str, by: str, words: str = "", measure_id: str | None = None) -> Sequence[Recorded]:
    """Approve what waits, or what a measurement instructed if that is what waits, and announce what still holds.

    Raises `RefusedByPolicy` where that does not wait, and of an account that can't be read `VenueUnavailable`: then the
    approval is on record, and the reconciler announces.
    """
    which = _which(desk, strategy, measure_id)
    command = Approve(which, _named("by", by), _text("words", words), desk.clock(), desk.worker)
    recorded = desk.strategies.handle(strategy, command, which)
    if not any(isinstance(each.fact, InstructionsApproved) for each in recorded):
        raise RefusedByPolicy(refusal(desk.strategies.load(strategy).state, measure_id or which))
    return [*recorded, *_released(desk, strategy)]


def cancel(desk: Desk, strategy: str, by: str, words: str = "", measure_id: str | None = None) -> Sequence[Recorded]:
    """Cancel what waits, or what a measurement instructed if that is what waits; else `RefusedByPolicy`."""
    which = _which(desk, strategy, measure_id)
    command = Cancel(which, _named("by", by), _text("words", words), desk.clock(), desk.worker)
    recorded = desk.strategies.handle(strategy, command, which)
    if not any(isinstance(each.fact, InstructionsCancelled) for each in recorded):
        raise RefusedByPolicy(refusal(desk.strategies.load(strategy).state, measure_id or which))
    return recorded


def expire(desk: Desk, strategy: str) -> Sequence[Recorded]:
    """Put on record that time is up for what waits, if it is."""
    waiting = desk.strategies.load(strategy).state.waiting
    if waiting is None:
        return []
    return desk.strategies.handle(strategy, Expire(waiting.measure_id, desk.clock()), waiting.measure_id)


def resume(desk: Desk, strategy: str) -> Sequence[Recorded]:
    """Go on with an approval that was interrupted; one that is young is left to whoever gave it."""
    unreleased = desk.strategies.load(strategy).state.unreleased
    if unreleased is None or desk.clock() - unreleased[1].approved_at <= GRACE:
        return []
    return _released(desk, strategy)


def _which(desk: Desk, strategy: str, measure_id: str | None) -> str:
    """Return the measurement that is meant; an empty id is no word for whatever waits."""
    waiting = desk.strategies.load(desk.charter(strategy).name).state.waiting
    if measure_id is None:
        return waiting.measure_id if waiting else ""
    if not measure_id.strip():
        raise ConfigurationError("measure_id: is empty; name the measurement that instructed what is decided on")
    return measure_id


def _named(key: str, text: str) -> str:
    if not text.strip():
        raise ConfigurationError(f"{key}: is empty; name who decides, in up to {LONGEST} characters")
    return _text(key, text)


def _text(key: str, text: str) -> str:
    if len(text) > LONGEST or any(0xD800 <= ord(each) <= 0xDFFF for each in text):
        raise ConfigurationError(f"{key}: {text[:20]!r}... is not a text of up to {LONGEST} characters")
    return text


def _released(desk: Desk, strategy: str) -> Sequence[Recorded]:
    """Announce what of an approval still holds, and record what came of it once every account could be told.

    An account that others have written to since it was read is read again, unless what they wrote is this very
    release: then it is theirs to end.
    """
    recorded: list[Recorded] = []
    for _ in range(ROUNDS):
        unreleased = desk.strategies.load(strategy).state.unreleased
        if unreleased is None:
            break
        said, overtaken = _told(desk, unreleased[0])
        recorded += said
        if not overtaken or overtaken in _announced(desk, unreleased[0]):
            break
    return recorded


def _told(desk: Desk, told: DustInstructed) -> tuple[Sequence[Recorded], str]:
    """Read all accounts once and tell them; return what was recorded, and in which account others were faster.

    One of which nothing is announced is told so too, so that nobody else announces anything on an older reading.
    """
    versions = {each.account: desk.streams.load(each.account).version for each in told.instructions}
    announced = _announced(desk, told)
    surveys, found = _found(desk, told, announced)
    recorded: list[Recorded] = []
    for survey in surveys:
        account = survey.reading.account
        if account in announced or account not in versions:
            continue
        trigger = found.trigger(account, told)
        reading = marching(survey, found.chosen.get(account, {})).reading
        said = announce(desk, reading, survey.policy, trigger, told.measure_id, versions[account])
        if not said:
            return recorded, account
        recorded += said
    idle = found.chosen.keys() - {each.fact.account for each in recorded if isinstance(each.fact, DustDetected)}
    reasons = (found.sentence, *(f"{account}: nothing of it can be sold now" for account in sorted(idle)))
    sentence = "; ".join(reason for reason in reasons if reason)
    sold = tuple(each for each in found.instructions if each.account not in idle)
    fact = InstructionsReleased(told.strategy, told.measure_id, sold, told.currency, sentence, desk.clock())
    return [*recorded, *desk.strategies.handle(told.strategy, RecordRelease(fact), told.measure_id)], ""


def _found(desk: Desk, told: DustInstructed, announced: Collection[str]) -> tuple[Sequence[Survey], Release]:
    """Read the accounts anew and say what of the instructions still holds."""
    done = tuple(each for each in told.instructions if each.account in announced)
    if told.approval_until is not None and desk.clock() >= told.approval_until:
        return [], Release(done, {}, "its time was up before its accounts could be read")
    occasion = occasion_of(desk, told.strategy, desk.clock())
    surveys = surveys_of(desk, occasion, automatic=True)
    equity = desk.equity(told.strategy).equity(surveys, occasion.currency, desk.clock())
    if isinstance(equity, Doubt):
        return surveys, Release(done, {}, equity.sentence)
    return _judged(desk, occasion, told, surveys, equity, announced)


def _judged(
    desk: Desk,
    occasion: Occasion,
    told: DustInstructed,
    surveys: Sequence[Survey],
    equity: Equity,
    announced: Collection[str],
) -> tuple[Sequence[Survey], Release]:
    found = snapshot(occasion.charter, surveys)
    capped = [instructed_only(told, survey) for survey in surveys]
    there = still_there(occasion, told, capped)
    gas = gas_of(desk, capped, there) if announced or exceeds(found, occasion.charter, equity) else {}
    return capped, release(occasion, told, found, equity, capped, gas, announced)


def _announced(desk: Desk, told: DustInstructed) -> frozenset[str]:
    """Name the accounts that have announced their part already."""
    return frozenset(
        recorded.fact.account
        for recorded in desk.log.read(after=desk.log.position_at(told.instructed_at - SKEW))
        if isinstance(recorded.fact, DustDetected) and recorded.fact.live and recorded.correlation_id == told.measure_id
    )
