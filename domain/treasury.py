"""What an account has of ETH and of what may become ETH, and what of that is available: a reserve always stays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Final, Protocol, runtime_checkable

from events.money import exactly_less, exactly_sum, floor_to
from events.values import Block, Funding, FundingSource, Policy

WEI: Final = Decimal(1).scaleb(-18)
DIGITS: Final = 80
# More ETH than there is.
MOST: Final = Decimal(10**9)
AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,18})?")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Curve:
    """One way from a token to ETH: what it costs to get an exact amount, in tokens, and its gas in ETH.

    `points` are pairs of ETH and tokens, both growing. A pool asks the more for a unit the more it gives, so between
    two points the straight line is never below what it asks. A `fixed` rate is the same when it is paid. A way of
    transactions of its own may take `upfront` ETH for gas before it brings any; `before` of them have to be final
    before the one that brings it, and `after` follow it.
    """

    product: str
    gas: Decimal
    points: tuple[tuple[Decimal, Decimal], ...]
    fixed: bool = False
    upfront: Decimal = _NOTHING
    before: int = 0
    after: int = 0

    def spent_for(self, output: Decimal, increment: Decimal) -> Decimal | None:
        """Return what `output` costs, rounded up; None beyond what was asked about."""
        made, paid = _NOTHING, _NOTHING
        with localcontext(prec=DIGITS):
            for more, cost in self.points:
                if output <= more:
                    return ceil_to(paid + (cost - paid) * (output - made) / (more - made), increment)
                made, paid = more, cost
        return None

    def output_for(self, spent: Decimal) -> Decimal:
        """Return what `spent` is enough for, rounded down to a wei; at most the last point's."""
        made, paid = _NOTHING, _NOTHING
        with localcontext(prec=DIGITS):
            for more, cost in self.points:
                if spent < cost:
                    return floor_to(made + (more - made) * (spent - paid) / (cost - paid), WEI)
                made, paid = more, cost
        return made


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
    `base_gas` is what a conversion costs besides its swaps, nothing where each is made by transactions of its own.
    Curves end at `asked` ETH. A transaction waits `block_time` for its block, and is final with `confirmations`.
    """

    head: Block
    at: datetime
    ether: Decimal
    worth: Decimal
    tokens: tuple[Token, ...]
    gas_price: Decimal
    base_gas: Decimal
    asked: Decimal
    block_time: timedelta = timedelta(0)
    confirmations: int = 1


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


def ceil_to(quantity: Decimal, increment: Decimal) -> Decimal:
    """Round up to a multiple of `increment`."""
    with localcontext(prec=DIGITS):
        return (quantity / increment).to_integral_value(ROUND_CEILING) * increment


def waiting(block_time: timedelta, blocks: int) -> timedelta:
    """Return how long blocks take; the longest time there is for more than that."""
    return timedelta.max if block_time and blocks > timedelta.max // block_time else block_time * blocks


def gas_reserve(funding: Funding, gas_price: Decimal) -> Decimal:
    """Return the ETH that is kept beside a trade for its gas."""
    with localcontext(prec=DIGITS):
        return max(funding.least_gas, funding.gas_multiple * funding.gas * gas_price)


def available_of(token: Token, source: FundingSource, policy: Policy) -> Decimal:
    """Return how much of a token may be converted: what is beyond its reserve; nothing where it has no price."""
    if not token.price or token.price <= 0:
        return _NOTHING
    with localcontext(prec=DIGITS):
        stays = ceil_to(source.reserve / token.price, token.increment)
        kept = (each.quantity for each in policy.reserves if each.asset == token.asset)
        return max(_NOTHING, floor_to(exactly_less(token.held, max([stays, *kept])), token.increment))


def available(treasury: Treasury, policy: Policy) -> dict[str, Decimal]:
    """Return by asset how much may be converted."""
    sources = {source.asset: source for source in funding_of(policy).sources}
    return {token.asset: available_of(token, sources[token.asset], policy) for token in treasury.tokens}


def convertible(treasury: Treasury, policy: Policy) -> Decimal:
    """Return what all that may be converted is worth in ETH, before costs: so far quotes have to reach."""
    sources = {source.asset: source for source in funding_of(policy).sources}
    with localcontext(prec=DIGITS):
        values = (
            available_of(token, sources[token.asset], policy) * token.price for token in treasury.tokens if token.price
        )
        return ceil_to(exactly_sum(*values) / treasury.worth, WEI)


def status(
    account: str, treasury: Treasury, policy: Policy, promised: Decimal, largest: Decimal, now: datetime
) -> Status:
    """Say what an account could do for a trade, of which the largest is known."""
    funding = funding_of(policy)
    with localcontext(prec=DIGITS):
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
            largest=largest,
            block=treasury.head,
            read_at=treasury.at,
            age_seconds=max(0, int((now - treasury.at).total_seconds())),
        )


def _balance(token: Token, source: FundingSource, policy: Policy) -> Balance:
    available = available_of(token, source, policy)
    worth = token.price if token.price is not None else _NOTHING
    value = None if token.price is None else token.held * worth
    return Balance(token.asset, token.held, value, source.reserve, available, available * worth, token.doubt)


def funding_of(policy: Policy) -> Funding:
    if policy.funding is None:
        raise ValueError("policy: has no funding, so nothing is converted for trades")
    return policy.funding


def eth(amount: Decimal | str | int) -> Decimal:
    """Read an amount of ETH above zero, exact to the wei; a float is refused, since it is not the number it shows."""
    if isinstance(amount, float | bool):
        raise TypeError(f"required_eth_amount: {amount!r} is not exact; write Decimal('0.1') or '0.1'")
    if isinstance(amount, str) and not AMOUNT.fullmatch(amount):
        raise ValueError(f"required_eth_amount: {amount!r} is not a number of ETH, such as 0.1")
    found = Decimal(amount)
    if not found.is_finite() or not 0 < found < MOST or found != floor_to(found, WEI):
        raise ValueError(f"required_eth_amount: {amount!r} is not a number of ETH above zero, with 18 decimals at most")
    return found
