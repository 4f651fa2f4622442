"""Market orders as this venue checks and charges them: against the filters of their market."""

from __future__ import annotations

from decimal import Decimal

from simulators.binance import refusals
from simulators.binance.markets import PLACES, Markets
from simulators.binance.scenario import Scenario, SymbolForm
from simulators.binance.state import VenueState
from simulators.exchange.arithmetic import floor_places, is_multiple
from simulators.exchange.book import Book
from simulators.exchange.ledger import USER, Ledger
from simulators.exchange.spot_orders import OrderRequest, SpotOrders

STEP = Decimal(1).scaleb(-PLACES)


class Orders(SpotOrders[SymbolForm]):
    """The desk for market orders. An id is free again once its order has ended, and market orders end at once."""

    def __init__(self, scenario: Scenario, state: VenueState, markets: Markets, ledger: Ledger) -> None:
        super().__init__(state, markets, ledger, PLACES)
        self._scenario = scenario

    def _check_new(self, client_order_id: str, request: OrderRequest) -> None:
        if self._scenario.repeated_order == "refused" and self.by_client(request.symbol, client_order_id):
            raise refusals.ErrorReply(*refusals.DUPLICATE)

    def _check(self, request: OrderRequest, rules: SymbolForm, book: Book) -> None:
        if rules.status != "TRADING":
            raise refusals.ErrorReply(*refusals.CLOSED)
        if not rules.market_orders:
            raise refusals.ErrorReply(-1013, "This order type is not enabled.")
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
            _check_lot(size, rules)
            worth = None if best is None else size * best
        if rules.binds_market_orders and worth is not None and worth < rules.notional:
            raise refusals.filtered(rules.notional_filter)

    def _unfunded(self) -> refusals.ErrorReply:
        return refusals.ErrorReply(*refusals.INSUFFICIENT)

    def _commission(self, arrives: Decimal, asset: str) -> tuple[Decimal, str]:
        fee = floor_places(arrives * self._scenario.taker_fee, PLACES)
        if self._scenario.fees_in_bnb and (rate := self._markets.worth(asset, "BNB")) is not None:
            in_bnb = floor_places(fee * rate, PLACES)
            if in_bnb <= self._ledger.balance(USER, "BNB"):
                return in_bnb, "BNB"
        return fee, asset


def _check_lot(size: Decimal, rules: SymbolForm) -> None:
    if not is_multiple(size, STEP):
        raise refusals.ErrorReply(-1111, "Parameter 'quantity' has too much precision.")
    if not (rules.smallest <= size <= rules.largest and is_multiple(size, rules.step)):
        raise refusals.filtered("LOT_SIZE")
    grid = rules.market_step or rules.step
    if not (rules.market_smallest <= size <= rules.market_largest and is_multiple(size, grid)):
        raise refusals.filtered("MARKET_LOT_SIZE")
