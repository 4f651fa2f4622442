"""ETH for a trade: what is short, what of other tokens may become ETH, and the plan that costs least.

A token's reserve always stays. The plan makes exactly so much ETH that the trade, what is promised to other trades, the
gas kept beside it and the conversion's own gas are covered; what its costs leave of the buffer is converted too. So
what leaves is never worth more than what is needed and the buffer, where need has the costs in it that are higher than
the buffer. If all together is not enough nothing is converted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal, localcontext
from itertools import combinations
from typing import Final, Protocol, runtime_checkable

from events.money import exactly_less, exactly_sum, floor_to, plain
from events.values import Block, Funding, FundingMode, FundingSource, Policy

WEI: Final = Decimal(1).scaleb(-18)
# What part of a token that goes whole is left unspent, since a price moves a little before it is paid.
ROOM: Final = Decimal("0.002")
_NOTHING: Final = Decimal(0)
_DIGITS: Final = 80


@dataclass(frozen=True, slots=True)
class Curve:
    """One way from a token to ETH: what it costs to get an exact amount, in tokens, and its gas in ETH.

    `points` are pairs of ETH and tokens, both growing. A pool asks the more for a unit the more it gives, so between
    two points the straight line is never below what it asks. A `fixed` rate is the same when it is paid.
    """

    product: str
    gas: Decimal
    points: tuple[tuple[Decimal, Decimal], ...]
    fixed: bool = False

    def spent_for(self, output: Decimal, increment: Decimal) -> Decimal | None:
        """Return what `output` costs, rounded up; None beyond what was asked about."""
        before = (_NOTHING, _NOTHING)
        for point in self.points:
            if output <= point[0]:
                part = (output - before[0]) / (point[0] - before[0])
                return ceil_to(before[1] + (point[1] - before[1]) * part, increment)
            before = point
        return None

    def output_for(self, spent: Decimal) -> Decimal:
        """Return what `spent` is enough for, rounded down to a wei; at most the last point's."""
        before = (_NOTHING, _NOTHING)
        for point in self.points:
            if spent < point[1]:
                part = (spent - before[1]) / (point[1] - before[1])
                return floor_to(before[0] + (point[0] - before[0]) * part, WEI)
            before = point
        return before[0]


@dataclass(frozen=True, slots=True)
class Token:
    """What an account has of a token; `price` in the policy's currency, None where nothing says what it is worth."""

    asset: str
    held: Decimal
    price: Decimal | None
    increment: Decimal
    curves: tuple[Curve, ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Treasury:
    """An account's ETH and the tokens that may become it, at one block.

    One ETH is worth `worth` in the policy's currency. `gas_price` is the most that a unit of gas may cost, in ETH;
    `base_gas` is what a conversion costs besides its swaps. Curves end at `asked` ETH.
    """

    head: Block
    at: datetime
    ether: Decimal
    worth: Decimal
    tokens: tuple[Token, ...]
    gas_price: Decimal
    base_gas: Decimal
    asked: Decimal


@runtime_checkable
class Treasurer(Protocol):
    """A venue that says what an account has for trades. Raises `VenueUnavailable` when it cannot be read."""

    def treasury(self, funding: Funding, asked: Decimal) -> Treasury:
        """Read it in one request, with what up to `asked` ETH would cost. Moves nothing."""
        ...

    def is_latest(self, block: Block) -> bool:
        """Say whether nothing has come after a block."""
        ...


@dataclass(frozen=True, slots=True)
class Conversion:
    """Exactly `output` ETH for `spent` of a token as quoted, and for `most` of it at the most; `price` is a unit's."""

    token: Token
    product: str
    spent: Decimal
    most: Decimal
    output: Decimal
    price: Decimal

    @property
    def value(self) -> Decimal:
        """Return what leaves as quoted, in the policy's currency."""
        return self.spent * self.price


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has of an asset, worth `value` in the policy's currency; of that `reserve` always stays.

    `available` may become ETH, or of ETH go into trades. `doubt` says why there is no value.
    """

    asset: str
    held: Decimal
    value: Decimal | None
    reserve: Decimal
    available: Decimal
    available_value: Decimal
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What an account could do for a trade now: `largest` is the most ETH that it could have after all costs.

    `total` and values are in `currency`; `promised` and `gas_reserve` are ETH that other trades and gas take.
    """

    account: str
    currency: str
    total: Decimal
    balances: tuple[Balance, ...]
    available_value: Decimal
    promised: Decimal
    gas_reserve: Decimal
    largest: Decimal
    block: Block
    read_at: datetime
    age_seconds: int


@dataclass(frozen=True, slots=True)
class Impossible:
    """What may be converted is not enough, and why."""

    reason: str


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


def ceil_to(quantity: Decimal, increment: Decimal) -> Decimal:
    """Round up to a multiple of `increment`."""
    with localcontext(prec=_DIGITS):
        return (quantity / increment).to_integral_value(ROUND_CEILING) * increment


def gas_reserve(funding: Funding, gas_price: Decimal) -> Decimal:
    """Return the ETH that is kept beside a trade for its gas."""
    with localcontext(prec=_DIGITS):
        return max(funding.least_gas, funding.gas_multiple * funding.gas * gas_price)


def available_of(token: Token, source: FundingSource, policy: Policy) -> Decimal:
    """Return how much of a token may be converted: what is beyond its reserve; nothing where it has no price."""
    if not token.price or token.price <= 0:
        return _NOTHING
    with localcontext(prec=_DIGITS):
        stays = ceil_to(source.reserve / token.price, token.increment)
        kept = (each.quantity for each in policy.reserves if each.asset == token.asset)
        return max(_NOTHING, floor_to(exactly_less(token.held, max([stays, *kept])), token.increment))


def available(treasury: Treasury, policy: Policy) -> dict[str, Decimal]:
    """Return by asset how much may be converted."""
    sources = {source.asset: source for source in _funding(policy).sources}
    return {token.asset: available_of(token, sources[token.asset], policy) for token in treasury.tokens}


def plan(treasury: Treasury, policy: Policy, shortage: Decimal, allowance: Decimal) -> list[Conversion] | Impossible:
    """Plan what makes `shortage` ETH and its own gas, of at most `allowance` in the policy's currency."""
    funding = _funding(policy)
    with localcontext(prec=_DIGITS):
        supplies, capped = _supplies(treasury, policy), False
        best: list[Conversion] | None = None
        for chosen in _choices(supplies, funding, shortage):
            found = _filled(chosen, treasury, funding, shortage)
            if found is None:
                continue
            if _value(found) > allowance:
                capped = True
                continue
            if best is None or _value(found) < _value(best):
                best = found
            if funding.mode is FundingMode.PRIORITIES:
                break
        if best is None:
            return Impossible(_why(policy, allowance, capped))
        return _with_buffer(best, supplies, treasury, funding, shortage, allowance)


def largest(treasury: Treasury, policy: Policy, promised: Decimal, allowance: Decimal) -> Decimal:
    """Return the most ETH that a trade could have after all costs, with the gas that is kept beside it."""
    funding = _funding(policy)
    with localcontext(prec=_DIGITS):
        left, made = max(allowance, _NOTHING), _NOTHING
        for supply in sorted(_supplies(treasury, policy), key=lambda each: _rate(each, each.most)):
            within = floor_to(left / supply.price, supply.token.increment)
            output, spends = max(
                (curve.output_for(spends := min(supply.usable(curve, funding), within)), spends)
                for curve in supply.curves
            )
            if output > supply.gas:
                made += output - supply.gas
                left -= spends * supply.price
        made = max(_NOTHING, made - treasury.base_gas)
        kept = exactly_sum(promised, gas_reserve(funding, treasury.gas_price))
        return max(_NOTHING, floor_to(exactly_less(treasury.ether + made, kept), WEI))


def convertible(treasury: Treasury, policy: Policy) -> Decimal:
    """Return what all that may be converted is worth in ETH, before costs: so far quotes have to reach."""
    sources = {source.asset: source for source in _funding(policy).sources}
    with localcontext(prec=_DIGITS):
        values = (
            available_of(token, sources[token.asset], policy) * token.price for token in treasury.tokens if token.price
        )
        return ceil_to(exactly_sum(*values) / treasury.worth, WEI)


def status(
    account: str, treasury: Treasury, policy: Policy, promised: Decimal, allowance: Decimal, now: datetime
) -> Status:
    """Say what an account could do for a trade; `treasury` has quotes for all that is convertible."""
    funding = _funding(policy)
    with localcontext(prec=_DIGITS):
        ether_value = treasury.ether * treasury.worth
        beyond = max(_NOTHING, ether_value - funding.eth_reserve)
        ether = Balance(
            funding.coin,
            treasury.ether,
            ether_value,
            funding.eth_reserve,
            floor_to(beyond / treasury.worth, WEI),
            beyond,
        )
        sources = {source.asset: source for source in funding.sources}
        others = [_balance(token, sources[token.asset], policy) for token in treasury.tokens]
        return Status(
            account=account,
            currency=policy.currency,
            total=exactly_sum(*(each.value for each in (ether, *others) if each.value is not None)),
            balances=(ether, *others),
            available_value=exactly_sum(*(each.available_value for each in others)),
            promised=promised,
            gas_reserve=gas_reserve(funding, treasury.gas_price),
            largest=largest(treasury, policy, promised, allowance),
            block=treasury.head,
            read_at=treasury.at,
            age_seconds=max(0, int((now - treasury.at).total_seconds())),
        )


def _balance(token: Token, source: FundingSource, policy: Policy) -> Balance:
    available = available_of(token, source, policy)
    worth = token.price if token.price is not None else _NOTHING
    value = None if token.price is None else token.held * worth
    return Balance(token.asset, token.held, value, source.reserve, available, available * worth, token.doubt)


def _funding(policy: Policy) -> Funding:
    if policy.funding is None:
        raise ValueError("policy: has no funding, so nothing is converted for trades")
    return policy.funding


def _supplies(treasury: Treasury, policy: Policy) -> list[_Supply]:
    """List what tokens may give; one that would not even pay for its gas gives nothing."""
    funding, tokens, found = _funding(policy), {token.asset: token for token in treasury.tokens}, []
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
    left, found = shortage + treasury.base_gas, []
    for supply in chosen:
        wanted = ceil_to(left + supply.gas, WEI)
        gives = min(wanted, supply.most)
        if left <= 0 or gives <= supply.gas or (best := supply.best(gives)) is None:
            return None
        spent, curve = min(best[0], supply.available), best[1]
        found.append(_conversion(supply, curve, spent, gives, funding))
        left = wanted - gives
    return found if left <= 0 else None


def _conversion(supply: _Supply, curve: Curve, spent: Decimal, output: Decimal, funding: Funding) -> Conversion:
    most = spent if curve.fixed else ceil_to(spent * (1 + funding.slippage), supply.token.increment)
    return Conversion(supply.token, curve.product, spent, min(most, supply.available), output, supply.price)


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


def _why(policy: Policy, allowance: Decimal, capped: bool) -> str:
    if capped:
        caps = f"{plain(policy.sweep_cap)} a sweep and {plain(policy.day_cap)} a day"
        return f"the caps of {caps} ({policy.currency}) leave {plain(max(allowance, _NOTHING))} for it"
    return "what may be converted is not enough, reserves, fees, gas and slippage taken off"
