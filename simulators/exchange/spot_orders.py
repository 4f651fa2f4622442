"""Market orders of a spot account: what they take, what moves for them, and what is remembered of them.

An exchange adds what it checks, what it charges, and when it takes an id of the client's for a repetition.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, Literal, Protocol, TypeVar

from events.money import floor_to
from simulators.exchange.arithmetic import exactly, floor_places
from simulators.exchange.book import Book
from simulators.exchange.ledger import FEES, USER, VENUE, Ledger
from simulators.exchange.markets import Markets
from simulators.exchange.pricing import Take, by_size, by_value
from simulators.exchange.refusals import TurnedAway
from simulators.exchange.state import ExchangeState, total

Side = Literal["BUY", "SELL"]


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of an order: size in base units, value in quote currency, commission in an asset of its own."""

    trade_id: int
    price: Decimal
    size: Decimal
    value: Decimal
    commission: Decimal
    commission_asset: str


@dataclass(slots=True)
class Order:
    """A market order and what became of it. Its trades are listed from `listed_at` on, itself from `known_at` on.

    `whole` says whether nothing of it was left over when it ended.
    """

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    quote_quantity: Decimal
    created: datetime
    known_at: datetime
    listed_at: datetime
    whole: bool
    trades: list[Trade]

    @property
    def filled(self) -> Decimal:
        """Add up what was traded, in base units."""
        return total(trade.size for trade in self.trades)

    @property
    def value(self) -> Decimal:
        """Add up what was traded, in quote currency."""
        return total(trade.value for trade in self.trades)


@dataclass(slots=True)
class SpotState(ExchangeState):
    """What an exchange with spot orders remembers; orders by number."""

    orders: dict[int, Order] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a client asks for: a size in base units, or in quote currency, the other one None."""

    symbol: str
    side: Side
    quantity: Decimal | None
    quote_quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What goes differently this time: part of the size, an empty book, lookups that lag behind the order."""

    fraction: Decimal | None = None
    empty_book: bool = False
    listed_late: Decimal = Decimal(0)
    known_late: Decimal = Decimal(0)


ORDINARY = Circumstances()


class SpotRules(Protocol):
    """What is known of any market."""

    @property
    def base(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def step(self) -> Decimal: ...
    @property
    def tick(self) -> Decimal: ...


Rules = TypeVar("Rules", bound=SpotRules)


class SpotOrders(ABC, Generic[Rules]):
    """The desk for market orders; no other kind is served. Values are kept to `places` decimal places."""

    def __init__(self, state: SpotState, markets: Markets[Rules], ledger: Ledger, places: int) -> None:
        self._state = state
        self._markets = markets
        self._ledger = ledger
        self._places = places

    @abstractmethod
    def _check(self, request: OrderRequest, rules: Rules, book: Book) -> None:
        """Raise the exchange's no to an order that its market does not take."""

    @abstractmethod
    def _check_new(self, client_order_id: str, request: OrderRequest) -> None:
        """Raise the exchange's no to an id of the client's that it takes for a repetition."""

    @abstractmethod
    def _unfunded(self) -> TurnedAway:
        """Say what the exchange answers to an order for more than there is."""

    @abstractmethod
    def _commission(self, arrives: Decimal, asset: str) -> tuple[Decimal, str]:
        """Say what is charged for a trade that brings so much, and in what."""

    def all(self) -> list[Order]:
        """List the orders, newest first."""
        return list(reversed(self._state.orders.values()))

    def by_number(self, symbol: str, number: int) -> Order | None:
        """Find an order of a market by the exchange's number."""
        found = self._state.orders.get(number)
        return found if found and found.symbol == symbol else None

    def by_client(self, symbol: str, client_order_id: str) -> Order | None:
        """Find the newest order of a market that a client's id belongs to."""
        mine = (each for each in self.all() if each.client_order_id == client_order_id)
        return next((each for each in mine if each.symbol == symbol), None)

    @exactly()
    def check(
        self, request: OrderRequest, circumstances: Circumstances = ORDINARY, funded: bool = True
    ) -> tuple[Take, ...]:
        """Check an order, and its cost if it must be `funded`, and say what it would take; raises the exchange's no."""
        rules = self._markets.rules(request.symbol)
        book = Book() if circumstances.empty_book else self._markets.book(request.symbol)
        takes = self._takes(request, rules, book)
        self._check(request, rules, book)
        gives = rules.base if request.side == "SELL" else rules.quote
        if funded and _cost(request, takes) > self._ledger.balance(USER, gives):
            raise self._unfunded()
        return takes

    @exactly()
    def place(
        self, client_order_id: str, request: OrderRequest, now: datetime, circumstances: Circumstances = ORDINARY
    ) -> Order:
        """Execute an order at once."""
        self._check_new(client_order_id, request)
        takes, rules = self.check(request, circumstances), self._markets.rules(request.symbol)
        whole = total(take.size for take in takes) == request.quantity if request.quantity else bool(takes)
        if circumstances.fraction is not None:
            takes, whole = self._part(request, rules, circumstances.fraction), False
        order = Order(
            order_id=self._number("order"),
            client_order_id=client_order_id,
            symbol=request.symbol,
            side=request.side,
            quantity=request.quantity or total(take.size for take in takes),
            quote_quantity=request.quote_quantity or Decimal(0),
            created=now,
            known_at=now + timedelta(seconds=float(circumstances.known_late)),
            listed_at=now + timedelta(seconds=float(circumstances.listed_late)),
            whole=whole,
            trades=[self._trade(take, request.side, rules) for take in takes],
        )
        self._state.orders[order.order_id] = order
        for trade in order.trades:
            self._settle(order, trade, rules, now)
        return order

    def _takes(self, request: OrderRequest, rules: Rules, book: Book) -> tuple[Take, ...]:
        levels = book.bids if request.side == "SELL" else book.asks
        if request.quote_quantity is not None:
            return by_value(levels, request.quote_quantity, rules.step, self._places)
        return by_size(levels, request.quantity or Decimal(0), rules.step, self._places)

    def _part(self, request: OrderRequest, rules: Rules, fraction: Decimal) -> tuple[Take, ...]:
        quantity, money = request.quantity, request.quote_quantity
        part = OrderRequest(
            request.symbol,
            request.side,
            None if quantity is None else floor_to(quantity * fraction, rules.step),
            None if money is None else floor_places(money * fraction, self._places),
        )
        return self._takes(part, rules, self._markets.book(request.symbol))

    def _trade(self, take: Take, side: Side, rules: Rules) -> Trade:
        arrives, asset = (take.value, rules.quote) if side == "SELL" else (take.size, rules.base)
        return Trade(self._number("trade"), take.price, take.size, take.value, *self._commission(arrives, asset))

    def _settle(self, order: Order, trade: Trade, rules: Rules, now: datetime) -> None:
        """Move the traded amounts between user and venue, the commission to the fees."""
        gives, gets = (rules.base, rules.quote) if order.side == "SELL" else (rules.quote, rules.base)
        moved, reference = {rules.base: trade.size, rules.quote: trade.value}, str(order.order_id)
        for debit, credit, asset, quantity, reason in (
            (USER, VENUE, gives, moved[gives], "trade"),
            (VENUE, USER, gets, moved[gets], "trade"),
            (USER, FEES, trade.commission_asset, trade.commission, "fee"),
        ):
            if quantity > 0:
                self._ledger.move(now, debit, credit, asset, quantity, reason, reference)

    def _number(self, kind: str) -> int:
        self._state.issued[kind] = self._state.issued.get(kind, 0) + 1
        return self._state.issued[kind]


def _cost(request: OrderRequest, takes: tuple[Take, ...]) -> Decimal:
    if request.side == "SELL":
        return request.quantity or total(take.size for take in takes)
    return request.quote_quantity or total(take.value for take in takes)
