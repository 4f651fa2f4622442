"""The plan of ETH for a trade: what of which token becomes ETH, at least cost or by rank.

The plan makes exactly so much ETH that the trade, what is promised to other trades, the gas kept beside it and the
conversion's own gas are covered; what its costs leave of the buffer is converted too. So what leaves is never worth
more than what is needed and the buffer, where need has the costs in it that are higher than the buffer. If all
together is not enough nothing is converted, nor where waiting for it takes too long, nor where no ETH pays for its gas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, localcontext
from itertools import combinations
from typing import Final

from domain.treasury import DIGITS, WEI, Curve, Token, Treasury, available_of, ceil_to, funding_of, gas_reserve, waiting
from events.money import exactly_less, exactly_sum, floor_to, plain
from events.records import replace as changed
from events.values import Funding, FundingAnswer, FundingMode, FundingSource, Policy

# What part of a token that goes whole is left unspent, since a price moves a little before it is paid.
ROOM: Final = Decimal("0.002")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Conversion:
    """Exactly `output` ETH for `spent` of a token as quoted, and for `most` of it at the most; `price` is a unit's.

    `before` transactions have to be final before the one that brings it, `after` follow.
    """

    token: Token
    product: str
    spent: Decimal
    most: Decimal
    output: Decimal
    price: Decimal
    before: int = 0
    after: int = 0

    @property
    def value(self) -> Decimal:
        """Return what leaves as quoted, in the policy's currency."""
        return self.spent * self.price


@dataclass(frozen=True, slots=True)
class Impossible:
    """What may be converted is not enough, and why; or only that there is too little time for it now."""

    reason: str
    answer: FundingAnswer = FundingAnswer.NOT_POSSIBLE


@dataclass(frozen=True, slots=True)
class _Supply:
    """What a token may give: `available` of it for at most `most` ETH, at `gas`, over ways that keep the slippage."""

    source: FundingSource
    token: Token
    price: Decimal
    available: Decimal
    curves: tuple[Curve, ...]
    most: Decimal
    gas: Decimal

    @property
    def upfront(self) -> Decimal:
        """Return what ETH has to be there for its gas."""
        return max(curve.upfront for curve in self.curves)

    def usable(self, curve: Curve, funding: Funding) -> Decimal:
        """Return how much of the token a way may be planned to cost."""
        if curve.fixed:
            return self.available
        return floor_to(self.available / (1 + min(ROOM, funding.slippage)), self.token.increment)

    def best(self, output: Decimal) -> tuple[Decimal, Curve] | None:
        """Return what `output` costs over the way that asks the least."""
        costs = [
            (spent, curve)
            for curve in self.curves
            if (spent := curve.spent_for(output, self.token.increment)) is not None
        ]
        return min(costs, key=lambda found: found[0], default=None)


def plan(
    treasury: Treasury,
    policy: Policy,
    shortage: Decimal,
    allowance: Decimal,
    within: timedelta | None = None,
    overrun: Decimal = _NOTHING,
) -> list[Conversion] | Impossible:
    """Plan what makes `shortage` ETH and its own gas, of at most `allowance` in the policy's currency.

    `within` is how long that may take, None for as long as it does; `overrun` is what the buffer has paid for already.
    """
    funding = funding_of(policy)
    funding = changed(funding, buffer=max(_NOTHING, exactly_less(funding.buffer, overrun)))
    with localcontext(prec=DIGITS):
        supplies, capped, late = _supplies(treasury, policy), False, list[timedelta]()
        best: list[Conversion] | None = None
        for chosen in _choices(supplies, funding, shortage):
            found = _filled(chosen, treasury, funding, shortage)
            if found is None:
                continue
            if _value(found) > allowance:
                capped = True
                continue
            takes = duration(found, treasury)
            if within is not None and takes > max(within, timedelta(0)):
                late.append(takes)
                continue
            if best is None or _value(found) < _value(best):
                best = found
            if funding.mode is FundingMode.PRIORITIES:
                break
        if best is None and within is not None and late:
            return Impossible(_late(min(late), within, treasury), FundingAnswer.NOT_NOW)
        if best is None:
            return Impossible(_unpaid(supplies, treasury) or _why(policy, allowance, capped))
        return _with_buffer(best, supplies, treasury, funding, shortage, allowance)


def duration(conversions: Sequence[Conversion], treasury: Treasury) -> timedelta:
    """Return how long it takes until the last brings its ETH, which then a block holds; the others are final."""
    if not conversions or not treasury.block_time:
        return timedelta(0)
    final = sum(each.before + 1 + each.after for each in conversions[:-1]) + conversions[-1].before
    return waiting(treasury.block_time, final * treasury.confirmations + 1)


def largest(treasury: Treasury, policy: Policy, promised: Decimal, allowance: Decimal) -> Decimal:
    """Return the most ETH that a trade could have after all costs, with the gas that is kept beside it."""
    funding = funding_of(policy)
    with localcontext(prec=DIGITS):
        left, made = max(allowance, _NOTHING), _NOTHING
        for supply in sorted(_supplies(treasury, policy), key=lambda each: _rate(each, each.most)):
            within = floor_to(left / supply.price, supply.token.increment)
            output, spends = max(
                (curve.output_for(spends := min(supply.usable(curve, funding), within)), spends)
                for curve in supply.curves
            )
            if output > supply.gas and supply.upfront <= treasury.ether + made:
                made += output - supply.gas
                left -= spends * supply.price
        made = max(_NOTHING, made - treasury.base_gas)
        kept = exactly_sum(promised, gas_reserve(funding, treasury.gas_price))
        return max(_NOTHING, floor_to(exactly_less(treasury.ether + made, kept), WEI))


def _supplies(treasury: Treasury, policy: Policy) -> list[_Supply]:
    """List what tokens may give; one that would not even pay for its gas gives nothing."""
    funding, tokens, found = funding_of(policy), {token.asset: token for token in treasury.tokens}, []
    for source in funding.sources:
        token = tokens.get(source.asset)
        available = available_of(token, source, policy) if token else _NOTHING
        if token is None or token.price is None or available <= 0:
            continue
        curves = tuple(
            kept for curve in token.curves if (kept := _fair(curve, token.price, treasury.worth, funding)).points
        )
        if not curves:
            continue
        gas = max(curve.gas for curve in curves)
        supply = _Supply(source, token, token.price, available, curves, _NOTHING, gas)
        most = max(curve.output_for(supply.usable(curve, funding)) for curve in curves)
        if most > gas:
            found.append(replace(supply, most=most))
    return found


def _fair(curve: Curve, price: Decimal, worth: Decimal, funding: Funding) -> Curve:
    """Keep of a way what costs no more than the slippage above what the prices say."""
    most = worth * (1 + funding.slippage)
    points = tuple(each for each in curve.points if each[1] * price <= each[0] * most)
    return replace(curve, points=points)


def _choices(supplies: Sequence[_Supply], funding: Funding, shortage: Decimal) -> Iterator[Sequence[_Supply]]:
    """Yield which tokens to try together, in the order in which they give: by rank one more each time, or all ways."""
    if funding.mode is FundingMode.PRIORITIES:
        ranked = sorted(supplies, key=lambda each: (-each.source.priority, each.token.asset))
        yield from (ranked[:count] for count in range(1, len(ranked) + 1))
        return
    by_cost = sorted(supplies, key=lambda each: (_rate(each, min(each.most, shortage)), not _fixed(each)))
    for count in range(1, len(by_cost) + 1):
        yield from combinations(by_cost, count)


def _fixed(supply: _Supply) -> bool:
    return any(curve.fixed for curve in supply.curves)


def _rate(supply: _Supply, output: Decimal) -> Decimal:
    found = supply.best(output)
    return found[0] * supply.price / output if found and output > 0 else Decimal("Infinity")


def _filled(
    chosen: Sequence[_Supply], treasury: Treasury, funding: Funding, shortage: Decimal
) -> list[Conversion] | None:
    """Let each give what it can until all is covered; None when it is not, or when one is not needed."""
    left, there, found = shortage + treasury.base_gas, treasury.ether, []
    for supply in chosen:
        wanted = ceil_to(left + supply.gas, WEI)
        gives = min(wanted, supply.most)
        unpaid = supply.upfront > there
        if left <= 0 or unpaid or gives <= supply.gas or (best := supply.best(gives)) is None:
            return None
        spent, curve = min(best[0], supply.available), best[1]
        found.append(_conversion(supply, curve, spent, gives, funding))
        left, there = wanted - gives, there + gives - supply.gas
    return found if left <= 0 else None


def _conversion(supply: _Supply, curve: Curve, spent: Decimal, output: Decimal, funding: Funding) -> Conversion:
    most = spent if curve.fixed else ceil_to(spent * (1 + funding.slippage), supply.token.increment)
    most = min(most, supply.available)
    return Conversion(
        supply.token, curve.product, spent, most, output, supply.price, before=curve.before, after=curve.after
    )


def _value(conversions: Sequence[Conversion]) -> Decimal:
    return exactly_sum(*(each.value for each in conversions))


def _with_buffer(
    found: list[Conversion],
    supplies: Sequence[_Supply],
    treasury: Treasury,
    funding: Funding,
    shortage: Decimal,
    allowance: Decimal,
) -> list[Conversion]:
    """Have the last give more, as far as shortage and buffer, the caps and what there is allow."""
    last = found[-1]
    supply = next(each for each in supplies if each.token.asset == last.token.asset)
    curve = next(each for each in supply.curves if each.product == last.product)
    budget = min(shortage * treasury.worth + funding.buffer, allowance) - _value(found)
    more = floor_to(budget / supply.price, supply.token.increment) if budget > 0 else _NOTHING
    output = curve.output_for(min(supply.usable(curve, funding), exactly_sum(last.spent, more)))
    if output <= last.output:
        return found
    spent = curve.spent_for(output, supply.token.increment)
    assert spent is not None  # `output_for` stays on the curve
    return [*found[:-1], _conversion(supply, curve, min(spent, supply.available), output, funding)]


def _unpaid(supplies: Sequence[_Supply], treasury: Treasury) -> str:
    """Say what is missing where nothing that could be converted can be, for want of ETH for gas; empty else."""
    needed = min((supply.upfront for supply in supplies), default=_NOTHING)
    if needed <= treasury.ether:
        return ""
    missing = plain(ceil_to(needed - treasury.ether, WEI))
    taken = f"gas may take {plain(ceil_to(needed, WEI))} ETH before a conversion brings any"
    return f"{taken}, {plain(treasury.ether)} is there; {missing} more is needed"


def _late(takes: timedelta, within: timedelta, treasury: Treasury) -> str:
    """Say what has to be waited for."""
    waits = f"transactions have to be final one after the other, each in {treasury.confirmations} blocks"
    return f"a conversion takes about {_seconds(takes)} s, since {waits}; {_seconds(within)} s are left for it"


def _seconds(span: timedelta) -> str:
    return f"{max(span, timedelta(0)).total_seconds():.0f}"


def _why(policy: Policy, allowance: Decimal, capped: bool) -> str:
    if capped:
        caps = f"{plain(policy.sweep_cap)} a sweep and {plain(policy.day_cap)} a day"
        return f"the caps of {caps} ({policy.currency}) leave {plain(max(allowance, _NOTHING))} for it"
    return "what may be converted is not enough, reserves, fees, gas and slippage taken off"
