"""Equity: what a strategy is worth, or why that is not known. Whoever measures dust asks it through one protocol.

Two know it: the holdings and prices of its accounts, or another service that says so. What is said counts if it is
fresh, above zero, a number and in the right currency; a doubt is never taken for a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from domain.dust import Market
from domain.scan import Reading
from events.facts import DustUnroutable
from events.money import exactly_sum, plain, ticker
from events.values import Policy, Unmeasured

COMPUTED: Final = "computed"
# Digits before and behind the point, more than any money is counted in.
MOST_DIGITS: Final = 40
# What a statement may be ahead of our clock.
AHEAD: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Equity:
    """A worth above zero in `currency`, and who says so."""

    value: Decimal
    currency: str
    source: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why nothing is held against equity today."""

    reason: Unmeasured
    sentence: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What another service says that a strategy was worth at a moment; unchecked."""

    equity: Decimal
    currency: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Survey:
    """An account of a strategy as it was read, under its policy, and how much of its dust may be sold now.

    `closed` says why none may, empty where some may: it never went live, is halted, or is being swept. `allowance` is
    what the caps leave; `learned` is what the venue has refused.
    """

    reading: Reading
    policy: Policy
    allowance: Decimal
    learned: Mapping[str, DustUnroutable] = field(default_factory=dict)
    closed: str = ""


class EquitySource(Protocol):
    """Somebody who knows a strategy's equity."""

    def equity(self, surveys: Sequence[Survey], currency: str, now: datetime) -> Equity | Doubt:
        """Say it as of now, in a currency; moves nothing."""
        ...


class Computed:
    """Equity as the sum of what the accounts hold, all of it, at the prices that were read. Debts are not seen."""

    def equity(self, surveys: Sequence[Survey], currency: str, now: datetime) -> Equity | Doubt:  # noqa: ARG002
        """Add up the accounts; what belongs and has no price is a doubt, what does not belong is then worth nothing."""
        total = Decimal(0)
        for survey in surveys:
            policy, market = survey.policy, survey.reading.market
            for holding in survey.reading.holdings:
                quantity = exactly_sum(holding.available, holding.hold)
                if quantity == 0 or holding.quarantine:
                    continue
                price = price_of(holding.asset, policy, market)
                if price is None and holding.asset in (policy.belongs or ()):
                    where = f"{plain(quantity)} {ticker(holding.asset)} in {survey.reading.account}"
                    return Doubt(Unmeasured.EQUITY_UNPRICED, f"{where} has no price, so equity is not known")
                total = exactly_sum(total, quantity * (price or 0))
        return _above_zero(Equity(total, currency, COMPUTED))


def price_of(asset: str, policy: Policy, market: Market) -> Decimal | None:
    """Price one unit in the policy's currency: as it is appraised, as a hub, else by a sale to a hub."""
    if asset in market.appraised:
        return market.appraised[asset]
    if asset in policy.hubs:
        return market.worth_of(asset)
    for hub in policy.hubs:
        product = market.product(asset, hub)
        if product and (bid := market.fair_bid(product)):
            return bid * market.worth_of(hub)
        if (asset, hub) in market.capabilities.convertible:
            return market.worth_of(hub)
    return None


def believed(said: Statement, source: str, max_age: timedelta, currency: str, now: datetime) -> Equity | Doubt:
    """Check what another service says."""
    if not _is_money(said.equity):
        words = f"{source} says that equity is {str(said.equity)[:40]}, which is no amount of money"
        return Doubt(Unmeasured.EQUITY_UNAVAILABLE, words)
    if said.currency != currency:
        words = f"{source} gives equity in {said.currency}, dust is counted in {currency}"
        return Doubt(Unmeasured.EQUITY_UNAVAILABLE, words)
    age = now - said.as_of
    if age > max_age:
        seconds, most = int(age.total_seconds()), int(max_age.total_seconds())
        return Doubt(Unmeasured.EQUITY_STALE, f"equity by {source} is {seconds} s old, at most {most} s count")
    if age < -AHEAD:
        words = f"equity by {source} is of {said.as_of.isoformat()}, which is still to come"
        return Doubt(Unmeasured.EQUITY_STALE, words)
    return _above_zero(Equity(said.equity, currency, source))


def _is_money(value: Decimal) -> bool:
    """Say whether a number has no more digits than any money does."""
    digits = value.as_tuple()
    places = digits.exponent
    return isinstance(places, int) and len(digits.digits) <= MOST_DIGITS and abs(places) <= MOST_DIGITS


def _above_zero(found: Equity) -> Equity | Doubt:
    if found.value > 0:
        return found
    reason = Unmeasured.EQUITY_NEGATIVE if found.value < 0 else Unmeasured.EQUITY_ZERO
    return Doubt(reason, f"equity is {plain(found.value)} {found.currency} ({found.source}), so no share of it is dust")
