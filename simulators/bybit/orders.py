"""Market orders as this venue checks and charges them: against the increments and the least value of their market."""

from __future__ import annotations

from decimal import Decimal

from simulators.bybit import refusals
from simulators.bybit.markets import PLACES, Markets
from simulators.bybit.scenario import Scenario, SymbolForm
from simulators.bybit.state import VenueState
from simulators.exchange.arithmetic import floor_places, is_multiple
from simulators.exchange.book import Book
from simulators.exchange.ledger import Ledger
from simulators.exchange.spot_orders import Order, OrderRequest, SpotOrders


class Orders(SpotOrders[SymbolForm]):
    """The desk for market orders. The commission is taken out of what arrives."""

    def __init__(self, scenario: Scenario, state: VenueState, markets: Markets, ledger: Ledger) -> None:
        super().__init__(state, markets, ledger, PLACES)
        self._scenario = scenario

    def named(self, client_order_id: str) -> Order | None:
        """Find the newest order that a client's id belongs to, whatever its market."""
        return next((each for each in self.all() if each.client_order_id == client_order_id), None)

    def _check_new(self, client_order_id: str, request: OrderRequest) -> None:
        del request
        if self._scenario.repeated_order == "refused" and self.named(client_order_id):
            raise refusals.ErrorReply(*refusals.DUPLICATE)

    def _check(self, request: OrderRequest, rules: SymbolForm, book: Book) -> None:
        if rules.status != "Trading":
            raise refusals.ErrorReply(*refusals.CLOSED)
        size, money = request.quantity, request.quote_quantity
        best = book.bid if request.side == "SELL" else book.ask
        if money is not None:
            if not is_multiple(money, rules.quote_step):
                raise refusals.ErrorReply(*refusals.TOO_FINE_VALUE)
            worth: Decimal | None = money
        else:
            size = size or Decimal(0)
            if not is_multiple(size, rules.step):
                raise refusals.ErrorReply(*refusals.TOO_FINE)
            if size < rules.smallest or size <= 0:
                raise refusals.ErrorReply(*refusals.TOO_SMALL)
            worth = None if best is None else size * best
        if worth is not None and worth < rules.least_value:
            raise refusals.ErrorReply(*refusals.TOO_LITTLE)

    def _unfunded(self) -> refusals.ErrorReply:
        return refusals.ErrorReply(*refusals.INSUFFICIENT)

    def _commission(self, arrives: Decimal, asset: str) -> tuple[Decimal, str]:
        return floor_places(arrives * self._scenario.taker_fee, PLACES), asset
