"""Surveying a strategy: all its accounts are read at one moment, and what selling from them would cost is simulated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from domain import instruction
from domain.account import Account
from domain.decision import findings, fingerprint
from domain.equity import Survey
from domain.errors import ConfigurationError, VenueUnavailable
from domain.instruction import Gas
from domain.leg import draft
from domain.measurement import Occasion, Snapshot
from events.money import Amount, exactly_less
from events.values import Policy
from workers import scanning
from workers.desk import Desk


def occasion_of(desk: Desk, strategy: str, due: datetime) -> Occasion:
    """Say when a strategy is looked at and what for; `ConfigurationError` names the strategies there are."""
    charter = desk.charter(strategy)
    currency = desk.mandates[charter.accounts[0]].policy.currency
    return Occasion(charter, due, desk.clock(), currency, desk.approvals.get(charter.name))


def surveys_of(desk: Desk, occasion: Occasion, automatic: bool) -> list[Survey]:
    """Read all accounts of a strategy; what can't be read is recorded as an outage and raised, with its name."""
    return [_survey(desk, account, occasion, automatic) for account in occasion.charter.accounts]


def gas_of(desk: Desk, surveys: Sequence[Survey], found: Snapshot) -> Mapping[str, Gas]:
    """Return what gas would take of the dust that was found, by account, of those where gas is paid."""
    return {survey.reading.account: cost for survey in surveys if (cost := _gas(desk, survey, found))}


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
    if account.claim:
        return f"{account.name} is claiming rewards"
    return f"{account.name} is being swept" if account.sweep else ""


def _gas(desk: Desk, survey: Survey, found: Snapshot) -> Gas | None:
    """Have a chain simulate the sale of all that dust of an account; None where no gas is paid, or none may be sold."""
    account = survey.reading.account
    pieces = found.dust.get(account)
    if survey.closed or not pieces or not desk.is_chain(account):
        return None
    only = frozenset(piece.asset for piece in pieces)
    legs = findings(desk.streams.load(account).state, survey.reading, survey.policy, only).legs
    drafts = [draft(leg, Amount(leg.quantity, leg.spend)) for leg in legs if leg.quantity is not None]
    with _named(account):
        return instruction.gas_of(desk.chain(account).forecast(drafts), drafts) if drafts else None
