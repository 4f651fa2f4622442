"""Market orders as this venue checks and charges them: against lot size and minimum of their market."""

from __future__ import annotations

from decimal import Decimal

from simulators.exchange.arithmetic import floor_places, is_multiple
from simulators.exchange.book import Book
from simulators.exchange.ledger import Ledger
from simulators.exchange.pricing import by_value
from simulators.exchange.spot_orders import OrderRequest, SpotOrders
from simulators.exchange.state import total
from simulators.okx import refusals
from simulators.okx.markets import PLACES, Markets
from simulators.okx.refusals import OrderRefused
from simulators.okx.scenario import MarketForm, Scenario
from simulators.okx.state import VenueState


class Orders(SpotOrders[MarketForm]):
    """The desk for market orders. An id is free again once its order has ended, and market orders end at once."""

    def __init__(self, scenario: Scenario, state: VenueState, markets: Markets, ledger: Ledger) -> None:
        super().__init__(state, markets, ledger, PLACES)
        self._scenario = scenario

    def _check_new(self, client_order_id: str, request: OrderRequest) -> None:
        if self._scenario.repeated_order == "refused" and self.by_client(request.symbol, client_order_id):
            raise OrderRefused(*refusals.DUPLICATE)

    def _check(self, request: OrderRequest, rules: MarketForm, book: Book) -> None:
        if rules.state != "live":
            raise OrderRefused(*refusals.SUSPENDED)
        side = book.bids if request.side == "SELL" else book.asks
        if not side:
            raise OrderRefused(*refusals.NO_OFFER)
        size, money = request.quantity, request.quote_quantity
        if size is not None and not is_multiple(size, rules.step):
            raise OrderRefused(*refusals.OFF_GRID)
        if money is not None:
            if not is_multiple(money, rules.tick):
                raise refusals.wrong("sz")
            size = total(take.size for take in by_value(side, money, rules.step, PLACES))
        if size is None or size < rules.smallest:
            raise OrderRefused(*refusals.TOO_SMALL)

    def _unfunded(self) -> OrderRefused:
        return OrderRefused(*refusals.INSUFFICIENT)

    def _commission(self, arrives: Decimal, asset: str) -> tuple[Decimal, str]:
        return floor_places(arrives * self._scenario.taker_fee, PLACES), asset
