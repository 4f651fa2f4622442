"""A release: what of approved instructions still holds when their accounts are read anew.

What was approved is the lots, each up to its quantity. The strategy's dust must still exceed its share of equity, and
something must be left of them after fees and gas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.commands import Trigger
from domain.equity import Equity, Survey
from domain.instruction import Gas
from domain.measurement import Occasion, Snapshot, exceeds, snapshot, threshold_of, ways, why_not
from domain.venue import Product
from events.facts import DustInstructed
from events.money import exactly_less, exactly_sum, ticker
from events.values import Instruction


@dataclass(frozen=True, slots=True)
class Release:
    """What is announced of approved instructions, the chosen products by account, and why the rest is not."""

    instructions: tuple[Instruction, ...]
    chosen: Mapping[str, Mapping[str, Product | None]]
    sentence: str

    def trigger(self, account: str, told: DustInstructed) -> Trigger | None:
        """Return what the account is told to sell, None where nothing."""
        return Trigger(told.strategy, told.mode, frozenset(self.chosen[account])) if account in self.chosen else None


def instructed_only(told: DustInstructed, survey: Survey) -> Survey:
    """Return an account's reading without what it has of the instructed assets beyond their approved quantities."""
    most = {each.asset: each.quantity for each in told.instructions if each.account == survey.reading.account}
    holdings = tuple(
        dataclasses.replace(holding, available=min(holding.available, most[holding.asset]))
        if holding.asset in most
        else holding
        for holding in survey.reading.holdings
    )
    return dataclasses.replace(survey, reading=dataclasses.replace(survey.reading, holdings=holdings))


def still_there(occasion: Occasion, told: DustInstructed, surveys: Sequence[Survey]) -> Snapshot:
    """Find what of the instructed lots is still dust; `surveys` are of `instructed_only`."""
    lots = {(each.account, each.asset) for each in told.instructions}
    found = snapshot(occasion.charter, surveys)
    dust = {
        account: tuple(piece for piece in pieces if (account, piece.asset) in lots)
        for account, pieces in found.dust.items()
    }
    return Snapshot(dust, {}, ())


def release(
    occasion: Occasion,
    told: DustInstructed,
    found: Snapshot,
    equity: Equity,
    surveys: Sequence[Survey],
    gas: Mapping[str, Gas],
    announced: Collection[str],
) -> Release:
    """Hold approved instructions against what is there: `found` is all dust, `surveys` are of `instructed_only`.

    Accounts that are `announced` already have had their part and get no other; what they sell is dust no more, so the
    others' parts follow whatever share of equity is left.
    """
    done = tuple(each for each in told.instructions if each.account in announced)
    waiting = [each for each in told.instructions if each.account not in announced]
    charter = occasion.charter
    there = still_there(occasion, told, surveys)
    if waiting and not done and not exceeds(found, charter, equity):
        return Release(done, {}, why_not(occasion, found, surveys, gas, threshold_of(charter, equity)))
    chosen: dict[str, dict[str, Product | None]] = {}
    fresh: list[Instruction] = []
    for survey in surveys:
        account = survey.reading.account
        if account in announced:
            continue
        for piece, (way, product) in ways(survey, there, charter, gas.get(account)):
            fresh.append(way)
            chosen.setdefault(account, {})[piece.asset] = product
    if exactly_sum(*(each.net for each in fresh)) <= 0:
        fresh, chosen = [], {}
    taken = {(each.account, each.asset) for each in fresh}
    left = [each for each in waiting if (each.account, each.asset) not in taken]
    return Release((*done, *fresh), chosen, "; ".join(_why(each, there, surveys, gas) for each in left))


def _why(told: Instruction, there: Snapshot, surveys: Sequence[Survey], gas: Mapping[str, Gas]) -> str:
    """Say why an approved lot is not announced."""
    what = f"{ticker(told.asset)} in {told.account}"
    piece = next((each for each in there.dust.get(told.account, ()) if each.asset == told.asset), None)
    survey = next((each for each in surveys if each.reading.account == told.account), None)
    if survey is None:
        return f"{what}: the account is none of the strategy's"
    if survey.closed:
        return f"{what}: {survey.closed}"
    if piece is None:
        return f"{what} is no dust, or gone"
    if exactly_less(survey.allowance, piece.value) < 0:
        return f"{what}: the caps of a sweep and a day leave less than it is worth"
    costs = gas.get(told.account)
    if costs and told.asset in costs.dropped:
        return f"{what}: {costs.dropped[told.asset]}"
    return f"{what}: fees and gas would take all of it, or no market takes so little"
