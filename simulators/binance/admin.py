"""The admin port of this venue: orders and dust, and what changes books and balances."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.errors import ConfigurationError
from simulators.binance import replies
from simulators.binance.exchange import Exchange
from simulators.binance.refusals import ErrorReply
from simulators.binance.replies import Json
from simulators.binance.scenario import KeyForm
from simulators.exchange import admin
from simulators.exchange.admin import AdminPort, form_in
from simulators.exchange.ledger import HOLD, OUTSIDE, USER
from simulators.exchange.scenario import BookForm
from simulators.forms import Positive, Strict


class BookChange(BookForm):
    """A new book for a symbol."""

    symbol: str


class Deposit(Strict):
    """Money from outside into the spot account; `locked` sets it aside at once, as an open order would."""

    asset: str
    quantity: Positive
    locked: bool = False


class KeyWish(KeyForm, admin.KeyWish):
    """A key with these rights."""


class Admin(AdminPort[Exchange]):
    """Serves the admin port of this venue."""

    key_wish = KeyWish

    def own_routes(self) -> Mapping[tuple[str, str], Callable[[bytes], object]]:
        """Add orders and dust, and what changes books and balances."""
        return {
            ("GET", "/orders"): self.orders,
            ("POST", "/books"): self.set_book,
            ("POST", "/balances"): self.deposit,
        }

    def orders(self, _: bytes = b"") -> Json:
        """Show every order with its trades, and every dust conversion, newest first."""
        exchange = self._exchange
        return {
            "orders": [
                replies.order(order) | {"trades": [replies.trade(order, trade) for trade in order.trades]}
                for order in exchange.orders.all()
            ],
            "dust": [replies.logged(each) | {"clientId": each.client_id} for each in reversed(exchange.state.dust)],
        }

    def set_book(self, body: bytes) -> Json:
        """Replace a book."""
        change, markets = form_in(body, BookChange, "POST /books"), self._exchange.markets
        try:
            markets.set_book(change.symbol, change.book(markets.rules(change.symbol).tick))
        except ErrorReply:
            known = ", ".join(markets.names())
            raise ConfigurationError(f"POST /books: symbol: {change.symbol!r}: must be one of {known}") from None
        return replies.best_prices(change.symbol, markets.book(change.symbol))

    def deposit(self, body: bytes) -> Json:
        """Bring money in."""
        wish, exchange = form_in(body, Deposit, "POST /balances"), self._exchange
        place = HOLD if wish.locked else USER
        exchange.ledger.move(exchange.clock.now(), OUTSIDE, place, wish.asset, wish.quantity, "deposit", "")
        free, locked = (replies.amount(exchange.ledger.balance(each, wish.asset)) for each in (USER, HOLD))
        return {"asset": wish.asset, "free": free, "locked": locked}
