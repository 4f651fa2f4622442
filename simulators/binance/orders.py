"""Market orders: what the venue checks, what it executes, and what it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from events.money import floor_to
from simulators.binance import refusals
from simulators.binance.markets import Markets
from simulators.binance.pricing import PLACES, Take, by_size, by_value
from simulators.binance.scenario import Scenario, SymbolForm
from simulators.binance.state import Order, Side, Trade, VenueState
from simulators.exchange.arithmetic import exactly, floor_places, is_multiple
from simulators.exchange.book import Book
from simulators.exchange.ledger import FEES, USER, VENUE, Ledger
from simulators.exchange.state import total

STEP = Decimal(1).scaleb(-PLACES)


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


class Orders:
    """The desk for market orders; no other kind is served."""

    def __init__(self, scenario: Scenario, state: VenueState, markets: Markets, ledger: Ledger) -> None:
        self._scenario = scenario
        self._state = state
        self._markets = markets
        self._ledger = ledger

    def all(self) -> list[Order]:
        """List the orders, newest first."""
        return list(reversed(self._state.orders.values()))

    def by_number(self, symbol: str, number: int) -> Order | None:
        """Find an order of a symbol by the venue's number."""
        found = self._state.orders.get(number)
        return found if found and found.symbol == symbol else None

    def by_client(self, symbol: str, client_order_id: str) -> Order | None:
        """Find the newest order of a symbol that a client's id belongs to."""
        mine = (each for each in self.all() if each.client_order_id == client_order_id)
        return next((each for each in mine if each.symbol == symbol), None)

    @exactly()
    def check(
        self, request: OrderRequest, circumstances: Circumstances = ORDINARY, funded: bool = True
    ) -> tuple[Take, ...]:
        """Check an order, and its cost if it must be `funded`, and say what it would take; raises the venue's no."""
        rules = self._markets.rules(request.symbol)
        book = Book() if circumstances.empty_book else self._markets.book(request.symbol)
        if rules.status != "TRADING":
            raise refusals.ErrorReply(*refusals.CLOSED)
        if not rules.market_orders:
            raise refusals.ErrorReply(-1013, "This order type is not enabled.")
        takes = self._takes(request, rules, book)
        self._check_size(request, rules, book)
        gives = rules.base if request.side == "SELL" else rules.quote
        if funded and self._cost(request, takes) > self._ledger.balance(USER, gives):
            raise refusals.ErrorReply(*refusals.INSUFFICIENT)
        return takes

    @exactly()
    def place(
        self, client_order_id: str, request: OrderRequest, now: datetime, circumstances: Circumstances = ORDINARY
    ) -> Order:
        """Execute an order at once. An id is free again once its order has ended, and market orders end at once."""
        if self._scenario.repeated_order == "refused" and self.by_client(request.symbol, client_order_id):
            raise refusals.ErrorReply(*refusals.DUPLICATE)
        takes, rules = self.check(request, circumstances), self._markets.rules(request.symbol)
        whole = total(take.size for take in takes) == request.quantity if request.quantity else bool(takes)
        if circumstances.fraction is not None:
            takes, whole = self._part(request, rules, circumstances), False
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
            status="FILLED" if whole else "EXPIRED",
            trades=[self._trade(take, request.side, rules) for take in takes],
        )
        self._state.orders[order.order_id] = order
        for trade in order.trades:
            self._settle(order, trade, rules, now)
        return order

    def _takes(self, request: OrderRequest, rules: SymbolForm, book: Book) -> tuple[Take, ...]:
        levels = book.bids if request.side == "SELL" else book.asks
        if request.quote_quantity is not None:
            return by_value(levels, request.quote_quantity, rules.step)
        return by_size(levels, request.quantity or Decimal(0), rules.step)

    def _part(self, request: OrderRequest, rules: SymbolForm, circumstances: Circumstances) -> tuple[Take, ...]:
        assert circumstances.fraction is not None
        quantity, money = request.quantity, request.quote_quantity
        part = OrderRequest(
            request.symbol,
            request.side,
            None if quantity is None else floor_to(quantity * circumstances.fraction, rules.step),
            None if money is None else floor_places(money * circumstances.fraction, PLACES),
        )
        return self._takes(part, rules, self._markets.book(request.symbol))

    def _check_size(self, request: OrderRequest, rules: SymbolForm, book: Book) -> None:
        size, money = request.quantity, request.quote_quantity
        best = book.bid if request.side == "SELL" else book.ask
        if money is not None:
            if not rules.quote_sizes:
                raise refusals.ErrorReply(-1013, "Quote order qty market orders are not support for this symbol.")
            if not is_multiple(money, STEP):
                raise refusals.ErrorReply(-1111, "Parameter 'quoteOrderQty' has too much precision.")
            worth: Decimal | None = money
        else:
            size = size or Decimal(0)
            if not is_multiple(size, STEP):
                raise refusals.ErrorReply(-1111, "Parameter 'quantity' has too much precision.")
            if not (rules.smallest <= size <= rules.largest and is_multiple(size, rules.step)):
                raise refusals.filtered("LOT_SIZE")
            grid = rules.market_step or rules.step
            if not (rules.market_smallest <= size <= rules.market_largest and is_multiple(size, grid)):
                raise refusals.filtered("MARKET_LOT_SIZE")
            worth = None if best is None else size * best
        if rules.binds_market_orders and worth is not None and worth < rules.notional:
            raise refusals.filtered(rules.notional_filter)

    def _cost(self, request: OrderRequest, takes: tuple[Take, ...]) -> Decimal:
        if request.side == "SELL":
            return request.quantity or total(take.size for take in takes)
        return request.quote_quantity or total(take.value for take in takes)

    def _trade(self, take: Take, side: Side, rules: SymbolForm) -> Trade:
        arrives, asset = (take.value, rules.quote) if side == "SELL" else (take.size, rules.base)
        fee = floor_places(arrives * self._scenario.taker_fee, PLACES)
        if self._scenario.fees_in_bnb and (rate := self._markets.worth(asset, "BNB")) is not None:
            in_bnb = floor_places(fee * rate, PLACES)
            if in_bnb <= self._ledger.balance(USER, "BNB"):
                fee, asset = in_bnb, "BNB"
        return Trade(self._number("trade"), take.price, take.size, take.value, fee, asset)

    def _settle(self, order: Order, trade: Trade, rules: SymbolForm, now: datetime) -> None:
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
