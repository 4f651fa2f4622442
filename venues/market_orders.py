"""Market orders at an exchange that finds them by the client's id: make once, read back, look up.

An id is free again, at some of them at once, when its order has ended; so a second request under one id would trade a
second time. Nothing is sent therefore before the id was looked up, and a request whose answer was lost is over only
when it cannot be taken any more: its signature is good for a few seconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import ClassVar

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending
from events.money import Amount, exactly_less, exactly_sum, floor_to, plain, ticker
from events.values import Execution, Fill, LegKind, Quote, Refusal, RefusalCode
from venues.limits import Limiter
from venues.times import Times, asked_at


@dataclass(frozen=True, slots=True)
class Made:
    """A market order as the venue keeps it, and what it has come to.

    `size` is in what it spends, `filled` in base units, `value` in quote currency; `reason` is the venue's word for an
    end without a fill.
    """

    order_id: str
    key: str
    product: str
    sells: bool
    at_market: bool
    size: Decimal
    state: str
    ended: bool
    filled: Decimal
    value: Decimal
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deal:
    """One trade of an order with its value in quote currency, as the venue reckons it, and what it charges besides."""

    execution: Execution
    value: Decimal
    taxes: tuple[Amount, ...] = ()


class MarketOrders(ABC):
    """Makes and finds market orders of one account; one is sent within `send_within` of its intent or not at all.

    An order older than `remembered` may have been made though the venue does not find it; None where it always would.
    """

    remembered: ClassVar[timedelta | None] = None

    def __init__(self, limiter: Limiter, times: Times, send_within: timedelta) -> None:
        self._limiter, self._times, self._send_within = limiter, times, send_within

    @abstractmethod
    def quote(self, order: Order) -> Quote | Refusal:
        """Reckon what an order would bring, or say why the venue would not take it. Moves nothing."""

    @abstractmethod
    def _find(self, order: Order) -> Made | None:
        """Look the order up by its key; None for one that the venue does not know."""

    @abstractmethod
    def _place(self, order: Order, send_before: datetime) -> str | Refusal:
        """Send the order once, and return the client's id that the answer is about."""

    @abstractmethod
    def _deals(self, made: Made) -> Iterable[Deal]:
        """List the trades of an order, oldest first."""

    @abstractmethod
    def _is_repetition(self, refusal: Refusal) -> bool:
        """Say whether a refusal means that an order with this id was made before."""

    @abstractmethod
    def _explained(self, order: Order, refusal: Refusal) -> Refusal:
        """Add to a refusal by how much the order falls short of the market's minimum, where that is known."""

    def _unfilled(self, made: Made) -> Refusal:
        """Say why an order ended without a fill."""
        sentence = "nobody took the other side: the order ended without a fill"
        return Refusal(RefusalCode.NO_LIQUIDITY, sentence, made.state)

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Make the order once and follow it until it has settled or patience ends."""
        if not order.key:
            raise ValueError("key: '' is empty; the venue would make up an id, and a repetition would trade twice")
        asked = asked_at(order)
        if made := self._find(order):
            return self._follow(order, made)
        self._limiter.conversion()
        placed = self._place(order, asked + self._send_within)
        if isinstance(placed, Refusal):
            return self._rejected(order, placed)
        if placed != order.key:
            raise OutcomeUnknown("the venue's answer to an order is about another one")
        try:
            return self._follow(order, None)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the order was accepted, but could not be read back: {error}") from None

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Look the order up by its key."""
        given_up = self._times.given_up(order)
        if made := self._find(order):
            try:
                return self._reading(order, made)
            except OutcomeUnknown as foreign:
                return Pending(str(foreign))
        if not given_up:
            return Pending("the venue does not know the order yet, and the request may still arrive")
        if self.remembered is not None and self._times.age(order) > self.remembered:
            return Pending("the order is too old for the venue to say that it was never made: look at the trades there")
        return NeverArrived()

    def _rejected(self, order: Order, refusal: Refusal) -> Fill | Refusal | Pending:
        """Believe a rejection, unless it says that the order was made before."""
        if not self._is_repetition(refusal):
            return self._explained(order, refusal)
        try:
            answer = self.outcome(order)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the order was made before, but could not be read back: {error}") from None
        return Pending(refusal.sentence) if isinstance(answer, NeverArrived) else answer

    def _follow(self, order: Order, made: Made | None) -> Fill | Refusal | Pending:
        answer: Fill | Refusal | Pending = Pending("the order was accepted, but is not to be found yet")
        for pause in (0, *self._times.settling):
            self._times.sleep(pause)
            found, made = made or self._find(order), None
            if found and not isinstance(answer := self._reading(order, found), Pending):
                break
        return answer

    def _reading(self, order: Order, made: Made) -> Fill | Refusal | Pending:
        """Say what an order has come to; raises `OutcomeUnknown` when it is not the one that was asked for."""
        if differs := _difference(order, made):
            raise OutcomeUnknown(f"the venue's order under this key has another {differs}")
        if not made.ended:
            return Pending(f"the order is {made.state}")
        if made.filled == 0:
            unsaid = "filled" in made.state.lower()
            return Pending(f"the order is {made.state}, but not by how much") if unsaid else self._unfilled(made)
        deals = list(self._deals(made))
        total = (exactly_sum(*(each.execution.size for each in deals)), exactly_sum(*(each.value for each in deals)))
        if total != (made.filled, made.value):
            return Pending("the order is filled, but its trades do not add up to it yet")
        return _fill(order, made, deals)


def base_and_quote(order: Order) -> tuple[str, str]:
    """Name the assets of the order's market."""
    return (order.spend.asset, order.receive) if order.kind is LegKind.SELL else (order.receive, order.spend.asset)


def side(order: Order) -> str:
    """Return the side of the market that an order takes, in the exchanges' word."""
    return "SELL" if order.kind is LegKind.SELL else "BUY"


def first_difference(facts: dict[str, bool]) -> str:
    """Name the first fact in which an exchange's order is not the one that was asked for, empty when all hold."""
    return next((name for name, same in facts.items() if not same), "")


def unfunded(order: Order, free: Decimal, venue_code: str) -> Refusal | None:
    """Refuse an order for more than is free, in the words that the venue has for it."""
    if order.spend.quantity <= free:
        return None
    sentence = f"{plain(free)} {ticker(order.spend.asset)} is free, it was asked for with {plain(order.spend.quantity)}"
    return Refusal(RefusalCode.INSUFFICIENT_BALANCE, sentence, venue_code)


def reckoned(
    order: Order, levels: Iterable[tuple[str, str]], step: Decimal, fee_rate: Decimal, grain: Decimal
) -> Quote | Refusal:
    """Walk the other side of the book, price and size by level, as the order would; the fee is taken of what arrives.

    `step` is that of base units, `grain` the finest part of a fee.
    """
    sells = order.kind is LegKind.SELL
    left, size, value = order.spend.quantity, Decimal(0), Decimal(0)
    with localcontext(prec=60):
        for price, there in ((Decimal(price), Decimal(size)) for price, size in levels):
            taken = min(there, left if sells else floor_to(left / price, step))
            size, value = size + taken, value + taken * price
            left -= taken if sells else taken * price
        if size <= 0:
            return Refusal(RefusalCode.NO_LIQUIDITY, f"nobody takes the other side on {order.product}", "empty book")
        base, quote = base_and_quote(order)
        spend, gross = (Amount(size, base), value) if sells else (Amount(value, quote), size)
        fee = Amount(floor_to(gross * fee_rate, grain), quote if sells else base)
        return Quote(spend, Amount(gross - fee.quantity, fee.asset), (fee,), value / size, reference="")


def _difference(order: Order, made: Made) -> str:
    """Name what the venue's order differs in from the one that was asked for, empty when it is the same."""
    facts = {
        "client order id": made.key == order.key,
        "market": made.product == order.product,
        "side": made.sells == (order.kind is LegKind.SELL),
        "type": made.at_market,
        "size": made.size == order.spend.quantity,
    }
    return first_difference(facts)


def _fill(order: Order, made: Made, deals: Sequence[Deal]) -> Fill:
    fees: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fee in (fee for deal in deals for fee in (deal.execution.fee, *deal.taxes)):
        fees[fee.asset] = exactly_sum(fees[fee.asset], fee.quantity)
    base, quote = base_and_quote(order)
    sold, paid = Amount(made.filled, base), Amount(made.value, quote)
    spent, received = (sold, paid) if order.kind is LegKind.SELL else (paid, sold)
    return Fill(
        made.order_id,
        Amount(exactly_sum(spent.quantity, fees.get(spent.asset, Decimal(0))), spent.asset),
        Amount(exactly_less(received.quantity, fees.get(received.asset, Decimal(0))), received.asset),
        tuple(Amount(quantity, of) for of, quantity in fees.items()),
        tuple(deal.execution for deal in deals),
    )
