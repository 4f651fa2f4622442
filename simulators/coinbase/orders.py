"""Market orders: what the venue checks, what it executes, and what it remembers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from events.money import floor_to
from simulators.coinbase.market import Market, closed, currencies
from simulators.coinbase.pricing import Grid, Take, buy, buy_for, buy_for_exactly, sell
from simulators.coinbase.refusals import Failure
from simulators.coinbase.scenario import ProductForm, Scenario
from simulators.coinbase.state import Fill, Order, Side, VenueState
from simulators.coinbase.wallets import Wallets
from simulators.exchange.arithmetic import ZERO, exactly, is_multiple
from simulators.exchange.book import Book
from simulators.exchange.identity import Ids
from simulators.exchange.ledger import FEES, USER, VENUE, Ledger
from simulators.exchange.state import total


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a client asks for. `configuration` is kept as it came, since replies echo it."""

    product_id: str
    side: Side
    base_size: Decimal | None
    quote_size: Decimal | None
    configuration: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What goes differently this time: part of the size, an empty book, a late settlement, a reason to refuse."""

    fraction: Decimal | None = None
    empty_book: bool = False
    settle_seconds: Decimal | None = None
    refusal: str = ""


ORDINARY = Circumstances()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order would do now: the failures that forbid it, the book it meets, and what it takes from it."""

    failures: tuple[str, ...]
    book: Book
    takes: tuple[Take, ...]

    @property
    def size(self) -> Decimal:
        """Return the base units traded."""
        return total(take.size for take in self.takes)

    @property
    def value(self) -> Decimal:
        """Return the quote currency traded, before fees."""
        return total(take.value for take in self.takes)

    @property
    def fee(self) -> Decimal:
        """Return the commission in quote currency."""
        return total(take.fee for take in self.takes)


class Orders:
    """The desk for market orders, immediate or cancelled; no other kind is served."""

    def __init__(
        self, scenario: Scenario, state: VenueState, market: Market, wallets: Wallets, ledger: Ledger, ids: Ids
    ) -> None:
        self._scenario = scenario
        self._state = state
        self._market = market
        self._wallets = wallets
        self._ledger = ledger
        self._ids = ids
        self._by_client = {order.client_order_id: order for order in state.orders.values()}

    def all(self) -> list[Order]:
        """List the orders, newest first."""
        return list(reversed(self._state.orders.values()))

    def find(self, order_id: str) -> Order | None:
        """Find an order by the venue's id."""
        return self._state.orders.get(order_id)

    def earlier(self, client_order_id: str) -> Order | None:
        """Find the order that a client's id already belongs to."""
        return self._by_client.get(client_order_id)

    @exactly()
    def estimate(self, request: OrderRequest, circumstances: Circumstances = ORDINARY) -> Estimate:
        """Check an order and price it; nothing moves."""
        product = self._market.find(request.product_id)
        if product is None:
            return Estimate((Failure.PRODUCT_ID,), Book(), ())
        book = Book() if circumstances.empty_book else self._market.book(request.product_id)
        shut = closed(product)
        if shut is not None:
            return Estimate((shut,), book, ())
        if not _configured(request):
            return Estimate((Failure.ORDER_CONFIG,), book, ())
        takes = self._takes(request, product, book)
        failures = (circumstances.refusal, *self._failures(request, product, book, takes))
        return Estimate(tuple(dict.fromkeys(filter(None, failures))), book, takes)

    @exactly()
    def place(
        self, client_order_id: str, request: OrderRequest, now: datetime, circumstances: Circumstances = ORDINARY
    ) -> Order | Estimate:
        """Execute an order at once; the estimate comes back when it is rejected."""
        estimate = self.estimate(request, circumstances)
        if estimate.failures:
            return estimate
        takes, whole = estimate.takes, _whole(request, estimate)
        if circumstances.fraction is not None:
            part = self._part(request, circumstances.fraction)
            takes = self._takes(part, self._market.product(request.product_id), estimate.book)
            whole = False
        delay = self._scenario.settle_seconds if circumstances.settle_seconds is None else circumstances.settle_seconds
        order = Order(
            self._ids.next("order"),
            client_order_id,
            request.product_id,
            request.side,
            request.base_size,
            request.quote_size,
            now,
            now + timedelta(seconds=float(delay)),
            "FILLED" if whole else "CANCELLED",
            [self._fill(take, now) for take in takes],
        )
        self._state.orders[order.order_id] = order
        self._by_client[client_order_id] = order
        self._settle(order)
        return order

    def _takes(self, request: OrderRequest, product: ProductForm, book: Book) -> tuple[Take, ...]:
        grid = Grid(product.base_increment, self._wallets.places(currencies(request.product_id)[1]))
        rate = self._scenario.taker_fee
        if request.side == "SELL":
            return sell(book.bids, request.base_size or ZERO, grid, rate)
        if request.quote_size is not None:
            spend = buy_for_exactly if self._scenario.quote_sized_fills == "exact" else buy_for
            return spend(book.asks, request.quote_size, grid, rate)
        return buy(book.asks, request.base_size or ZERO, grid, rate)

    def _part(self, request: OrderRequest, fraction: Decimal) -> OrderRequest:
        increment = self._market.product(request.product_id).base_increment
        base = None if request.base_size is None else floor_to(request.base_size * fraction, increment)
        quote = None if request.quote_size is None else request.quote_size * fraction
        return OrderRequest(request.product_id, request.side, base, quote, request.configuration)

    def _failures(
        self, request: OrderRequest, product: ProductForm, book: Book, takes: tuple[Take, ...]
    ) -> Iterator[str]:
        if request.quote_size is not None:
            yield from _quote_failures(request.quote_size, product)
        if request.base_size is not None:
            yield from _base_failures(request.base_size, product)
        levels = book.bids if request.side == "SELL" else book.asks
        if not levels:
            yield Failure.NO_LIQUIDITY
        elif request.quote_size is not None and not takes:
            yield Failure.QUOTE_TOO_SMALL
        if self._scenario.quote_minimum_binds_sells and request.side == "SELL" and book.bid is not None:
            worth = (request.base_size or ZERO) * book.bid
            if worth < product.quote_min_size:
                yield Failure.QUOTE_TOO_SMALL
        if self._cost(request, takes) > self._wallets.available(_paid_in(request)):
            yield Failure.INSUFFICIENT_FUND

    def _cost(self, request: OrderRequest, takes: tuple[Take, ...]) -> Decimal:
        if request.side == "SELL":
            return request.base_size or ZERO
        if request.quote_size is not None:
            return request.quote_size
        return total(take.value + take.fee for take in takes)

    def _fill(self, take: Take, now: datetime) -> Fill:
        return Fill(self._ids.next("entry"), self._ids.next("trade"), take.price, take.size, take.value, take.fee, now)

    def _settle(self, order: Order) -> None:
        """Move the money of every fill: the traded amounts between user and venue, the commission to the fees."""
        base, quote = currencies(order.product_id)
        gives, gets = (base, quote) if order.side == "SELL" else (quote, base)
        self._wallets.wallet(gets)
        for fill in order.fills:
            quantities = {base: fill.size, quote: fill.value}
            self._move(fill, USER, VENUE, gives, quantities[gives], "trade", order)
            self._move(fill, VENUE, USER, gets, quantities[gets], "trade", order)
            self._move(fill, USER, FEES, quote, fill.commission, "fee", order)

    def _move(
        self, fill: Fill, debit: str, credit: str, asset: str, quantity: Decimal, reason: str, order: Order
    ) -> None:
        if quantity > 0:  # a value may round down to nothing
            self._ledger.move(fill.time, debit, credit, asset, quantity, reason, order.order_id)


def _paid_in(request: OrderRequest) -> str:
    base, quote = currencies(request.product_id)
    return base if request.side == "SELL" else quote


def _configured(request: OrderRequest) -> bool:
    """Say whether there is exactly one size, and for a sale the base size."""
    if request.side == "SELL":
        return request.base_size is not None and request.quote_size is None
    return (request.base_size is None) != (request.quote_size is None)


def _quote_failures(size: Decimal, product: ProductForm) -> Iterator[str]:
    if not is_multiple(size, product.quote_increment):
        yield Failure.QUOTE_PRECISION
    if size < product.quote_min_size or size <= 0:
        yield Failure.QUOTE_TOO_SMALL
    if size > product.quote_max_size:
        yield Failure.QUOTE_TOO_LARGE


def _base_failures(size: Decimal, product: ProductForm) -> Iterator[str]:
    if not is_multiple(size, product.base_increment):
        yield Failure.SIZE_PRECISION
    if size < product.base_min_size or size <= 0:
        yield Failure.BASE_TOO_SMALL
    if size > product.base_max_size:
        yield Failure.BASE_TOO_LARGE


def _whole(request: OrderRequest, estimate: Estimate) -> bool:
    """Say whether the book held enough. An order by quote size is whole while the book still has more to give."""
    if request.base_size is not None:
        return estimate.size == request.base_size
    return estimate.size < total(level.size for level in estimate.book.asks)
