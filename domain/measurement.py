"""A measurement: a strategy's dust over all its accounts, held against its equity, and whether it is sold now.

It is sold when it is worth strictly more than the strategy's share of equity, and when something is left after fees
and gas. What is not sold is told with what is missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from domain.charter import Charter
from domain.commands import Trigger
from domain.dust import Dust, judge, still_holds
from domain.equity import Doubt, Equity, Survey
from domain.identity import measure_id
from domain.instruction import Gas, instruction, replaced
from domain.strategy import RecordMeasurement
from domain.venue import Product
from events.facts import DustInstructed, StrategyMeasured, StrategyNotMeasured
from events.money import exactly_less, exactly_sum, rounded
from events.records import replace
from events.values import Instruction, Keep, Kept, MeasuredLot

PLACES = Decimal("0.000000000001")


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a strategy is measured, for which due time, and how long what is instructed waits for approval, if so."""

    charter: Charter
    due: datetime
    now: datetime
    currency: str
    approval: timedelta | None = None

    @property
    def measure_id(self) -> str:
        """Name the measurement by what it was asked for."""
        return measure_id(self.charter.name, self.due)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was found: dust by account, and what of it no strategy expects or nothing prices."""

    dust: Mapping[str, tuple[Dust, ...]]
    unexpected: Mapping[str, tuple[Dust, ...]]
    unpriced: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        """The value of all dust."""
        return exactly_sum(*(piece.value for pieces in self.dust.values() for piece in pieces))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a measurement makes happen: what is recorded of the strategy, and the chosen products by account."""

    command: RecordMeasurement
    chosen: Mapping[str, Mapping[str, Product | None]]

    def trigger(self, account: str) -> Trigger | None:
        """Return what the account is told to sell, None where nothing."""
        told = self.command.outcome
        if account not in self.chosen:
            return None
        return Trigger(told.strategy, told.mode, frozenset(self.chosen[account]))


def snapshot(charter: Charter, surveys: Sequence[Survey]) -> Snapshot:
    """Find the dust of a strategy; what one that expects no rewards finds is unexpected and no dust of its."""
    found: dict[str, tuple[Dust, ...]] = {}
    unpriced: list[str] = []
    for survey in surveys:
        reading, policy = survey.reading, replace(survey.policy, expects_rewards=True)
        judged = [judge(holding, policy, reading.market, reading.automatic) for holding in reading.holdings]
        pieces = [each for each in judged if isinstance(each, Dust)]
        found[reading.account] = tuple(sorted(pieces, key=lambda piece: (-piece.value, piece.asset)))
        unpriced += [each.asset for each in judged if isinstance(each, Kept) and each.reason in _NO_PRICE]
    nothing: dict[str, tuple[Dust, ...]] = {}
    dust, unexpected = (found, nothing) if charter.expects_rewards else (nothing, found)
    return Snapshot(dust, unexpected, tuple(unpriced))


_NO_PRICE = (Keep.UNPRICED, Keep.NOT_TRADABLE)


def exceeds(found: Snapshot, charter: Charter, equity: Equity) -> bool:
    """Say whether dust is worth strictly more than the strategy's share of its equity."""
    return found.total > threshold_of(charter, equity)


def unmeasured(occasion: Occasion, doubt: Doubt) -> Verdict:
    """Say why nothing is held against equity, so nothing is sold."""
    charter = occasion.charter
    told = StrategyNotMeasured(
        charter.name, occasion.measure_id, occasion.due, occasion.now, charter.mode, doubt.reason, doubt.sentence
    )
    return Verdict(RecordMeasurement(told), {})


def measured(
    occasion: Occasion, found: Snapshot, equity: Equity, surveys: Sequence[Survey], gas: Mapping[str, Gas]
) -> Verdict:
    """Hold dust against equity; `gas` is by account, of those on a chain, needed only where dust exceeds its share."""
    charter, over = occasion.charter, exceeds(found, occasion.charter, equity)
    chosen: dict[str, dict[str, Product | None]] = {}
    told: list[Instruction] = []
    for survey in surveys if over else ():
        for piece, (way, product) in ways(survey, found, charter, gas.get(survey.reading.account)):
            told.append(way)
            chosen.setdefault(way.account, {})[piece.asset] = product
    net = exactly_sum(*(each.net for each in told))
    outcome = _outcome(occasion, found, equity, surveys, gas, net)
    if not outcome.triggered:
        return Verdict(RecordMeasurement(outcome), {})
    instructed = DustInstructed(
        strategy=charter.name,
        measure_id=occasion.measure_id,
        mode=charter.mode,
        instructions=tuple(told),
        total=exactly_sum(*(each.value for each in told)),
        net=net,
        currency=occasion.currency,
        instructed_at=occasion.now,
        approval_until=occasion.now + occasion.approval if occasion.approval else None,
    )
    return Verdict(RecordMeasurement(outcome, instructed), chosen)


def ways(
    survey: Survey, found: Snapshot, charter: Charter, gas: Gas | None
) -> Iterator[tuple[Dust, tuple[Instruction, Product | None]]]:
    """Yield the lots of an account that go, and their way: the largest first, as far as its caps reach."""
    allowance = survey.allowance
    for piece in () if survey.closed else found.dust.get(survey.reading.account, ()):
        learned = survey.learned.get(piece.asset)
        if piece.value > allowance or (learned and still_holds(learned, piece, survey.reading.now)):
            continue
        if way := instruction(piece, survey, charter, gas):
            allowance = exactly_less(allowance, piece.value)
            yield piece, way


def marching(survey: Survey, chosen: Mapping[str, Product | None]) -> Survey:
    """Return an account's reading in which the chosen lots can go their chosen way only."""
    market = replaced(survey.reading.market, chosen)
    return dataclasses.replace(survey, reading=dataclasses.replace(survey.reading, market=market))


def _outcome(
    occasion: Occasion,
    found: Snapshot,
    equity: Equity,
    surveys: Sequence[Survey],
    gas: Mapping[str, Gas],
    net: Decimal,
) -> StrategyMeasured:
    charter, total = occasion.charter, found.total
    threshold = threshold_of(charter, equity)
    over = total > threshold
    with localcontext(prec=80):
        ratio = (total / equity.value).quantize(PLACES)
    return StrategyMeasured(
        strategy=charter.name,
        measure_id=occasion.measure_id,
        due=occasion.due,
        measured_at=occasion.now,
        mode=charter.mode,
        currency=occasion.currency,
        lots=_lots(found.dust, surveys),
        unexpected=_lots(found.unexpected, surveys),
        unpriced=found.unpriced,
        total=total,
        equity=equity.value,
        source=equity.source,
        ratio=ratio,
        threshold=threshold,
        exceeds=over,
        missing=Decimal(0) if over else exactly_less(threshold, total),
        net=net,
        triggered=net > 0,
        sentence="" if net > 0 else why_not(occasion, found, surveys, gas, threshold),
    )


def why_not(
    occasion: Occasion, found: Snapshot, surveys: Sequence[Survey], gas: Mapping[str, Gas], threshold: Decimal
) -> str:
    """Say why nothing of what was found is sold."""
    money = occasion.currency
    if found.total <= threshold:
        missing = exactly_less(threshold, found.total)
        return f"{rounded(missing)} {money} below {rounded(threshold)} {money}; it is sold when it is over that"
    holders = [survey for survey in surveys if found.dust.get(survey.reading.account)]
    reasons = [survey.closed for survey in holders if survey.closed]
    reasons += [sentence for each in gas.values() for sentence in each.dropped.values()]
    for survey in holders:
        if all(piece.value > survey.allowance for piece in found.dust[survey.reading.account]):
            caps = f"leave {rounded(max(survey.allowance, Decimal(0)))} {money}, less than its smallest lot"
            reasons.append(f"{survey.reading.account}: the caps of a sweep and a day {caps}")
    if reasons:
        return "; ".join(dict.fromkeys(reasons))
    return "fees and gas would take all of it, or no market takes so little; it waits for more, or for cheaper gas"


def _lots(dust: Mapping[str, tuple[Dust, ...]], surveys: Sequence[Survey]) -> tuple[MeasuredLot, ...]:
    venues = {survey.reading.account: survey.reading.venue for survey in surveys}
    return tuple(
        MeasuredLot(account, venues[account], piece.asset, piece.free, piece.price, piece.value, piece.source)
        for account, pieces in dust.items()
        for piece in pieces
    )


def threshold_of(charter: Charter, equity: Equity) -> Decimal:
    """Return what dust must be worth more than to be sold."""
    with localcontext(prec=200):
        return equity.value * charter.delta
