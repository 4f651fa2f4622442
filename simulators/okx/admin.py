"""The admin port of this venue: orders and conversions, and what changes books and balances."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.errors import ConfigurationError
from simulators.exchange import admin
from simulators.exchange.admin import AdminPort, form_in
from simulators.exchange.arithmetic import trimmed
from simulators.exchange.ledger import HOLD, OUTSIDE, USER
from simulators.exchange.scenario import BookForm
from simulators.forms import Positive, Strict
from simulators.okx import replies
from simulators.okx.exchange import Exchange
from simulators.okx.refusals import ErrorReply
from simulators.okx.replies import Json
from simulators.okx.scenario import KeyForm


class BookChange(BookForm):
    """A new book for a market."""

    market: str


class Deposit(Strict):
    """Money from outside into the trading account; `frozen` sets it aside at once, as an open order would."""

    asset: str
    quantity: Positive
    frozen: bool = False


class KeyWish(KeyForm, admin.KeyWish):
    """A key with these rights."""


class Admin(AdminPort[Exchange]):
    """Serves the admin port of this venue."""

    key_wish = KeyWish

    def own_routes(self) -> Mapping[tuple[str, str], Callable[[bytes], object]]:
        """Add orders and conversions, and what changes books and balances."""
        return {
            ("GET", "/orders"): self.orders,
            ("POST", "/books"): self.set_book,
            ("POST", "/balances"): self.deposit,
        }

    def orders(self, _: bytes = b"") -> Json:
        """Show every order with its trades, and every conversion, newest first."""
        exchange = self._exchange
        return {
            "orders": [
                replies.order(order) | {"trades": [replies.trade(order, trade) for trade in order.trades]}
                for order in exchange.orders.all()
            ],
            "conversions": [replies.converted(each) for each in reversed(exchange.state.conversions)],
        }

    def set_book(self, body: bytes) -> Json:
        """Replace a book."""
        change, markets = form_in(body, BookChange, "POST /books"), self._exchange.markets
        try:
            markets.set_book(change.market, change.book(markets.rules(change.market).tick))
        except ErrorReply:
            known = ", ".join(markets.names())
            raise ConfigurationError(f"POST /books: market: {change.market!r}: must be one of {known}") from None
        return replies.best_prices(change.market, markets.book(change.market), self._exchange.clock.now())

    def deposit(self, body: bytes) -> Json:
        """Bring money in."""
        wish, exchange = form_in(body, Deposit, "POST /balances"), self._exchange
        place = HOLD if wish.frozen else USER
        exchange.ledger.move(exchange.clock.now(), OUTSIDE, place, wish.asset, wish.quantity, "deposit", "")
        free, frozen = (trimmed(exchange.ledger.balance(each, wish.asset)) for each in (USER, HOLD))
        return {"asset": wish.asset, "free": free, "frozen": frozen}
