"""Looking at what an account has for trades: for a request, for its status, for somebody who only wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from domain.funding import Conversion, Impossible, largest, plan
from domain.reservation import allowance, promised
from domain.treasury import Status, Treasury, convertible, funding_of, gas_reserve, status
from events.money import exactly_less, exactly_sum
from events.values import FundingAnswer
from workers.desk import Desk

# How far beyond the need quotes reach: the conversion's own gas and what others may be promised meanwhile.
MARGIN: Final = Decimal("1.2")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request of `amount` ETH would be answered now: what is `short`, and what would be converted or why not."""

    account: str
    amount: Decimal
    held: Decimal
    promised: Decimal
    gas_reserve: Decimal
    short: Decimal
    conversions: tuple[Conversion, ...]
    answer: FundingAnswer
    reason: str
    largest: Decimal


def read(desk: Desk, account: str, amount: Decimal) -> Treasury:
    """Read with quotes up to what would be short were there no ETH at all; twice only where gas has become dear."""
    treasurer, funding = desk.treasurer(account), funding_of(desk.mandate(account).policy)
    others = promised(desk.streams.load(account).state, desk.clock())
    usual = exactly_sum(amount, others, 2 * funding.least_gas)
    treasury = treasurer.treasury(funding, usual * MARGIN)
    needed = exactly_sum(amount, others, gas_reserve(funding, treasury.gas_price))
    return treasury if needed <= usual else treasurer.treasury(funding, needed * MARGIN)


def balance(desk: Desk, account: str) -> Status:
    """Say what an account could do for a trade, by balances that are read once for each block.

    The first time quotes are a second request, since it takes balances to know how far they have to reach.
    """
    treasurer, policy = desk.treasurer(account), desk.mandate(account).policy
    funding = funding_of(policy)
    treasury = desk.seen.get(account)
    if treasury is None or not treasurer.is_latest(treasury.head):
        treasury = treasurer.treasury(funding, treasury.asked if treasury else Decimal(0))
    if (whole := convertible(treasury, policy)) > treasury.asked:
        treasury = treasurer.treasury(funding, whole * MARGIN)
    desk.seen[account] = treasury
    known, now = desk.streams.load(account).state, desk.clock()
    others = promised(known, now)
    most = largest(treasury, policy, others, allowance(known, policy, now))
    return status(account, treasury, policy, others, most, now)


def preview(desk: Desk, account: str, amount: Decimal, within: timedelta) -> Preview:
    """Say what a request would come to, of use `within` some time; nothing is promised, converted or put on record."""
    policy, treasury = desk.mandate(account).policy, read(desk, account, amount)
    known, now = desk.streams.load(account).state, desk.clock()
    others, allowed = promised(known, now), allowance(known, policy, now)
    gas, life = gas_reserve(funding_of(policy), treasury.gas_price), timedelta(seconds=funding_of(policy).life)
    short = max(_NOTHING, exactly_less(exactly_sum(amount, gas, others), treasury.ether))
    found = plan(treasury, policy, short, allowed, min(within, life)) if short else []
    made = FundingAnswer.CONVERTED if short else FundingAnswer.COVERED
    return Preview(
        account=account,
        amount=amount,
        held=treasury.ether,
        promised=others,
        gas_reserve=gas,
        short=short,
        conversions=() if isinstance(found, Impossible) else tuple(found),
        answer=found.answer if isinstance(found, Impossible) else made,
        reason=found.reason if isinstance(found, Impossible) else "",
        largest=largest(treasury, policy, others, allowed),
    )
