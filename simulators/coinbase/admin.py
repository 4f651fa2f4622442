"""The admin port: what the twin knows, as JSON, and what a test or a demonstration may change while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.errors import ConfigurationError
from simulators.coinbase import order_replies, replies
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.replies import Json
from simulators.coinbase.scenario import KeyForm
from simulators.exchange import admin
from simulators.exchange.admin import AdminPort, form_in
from simulators.exchange.scenario import BookForm
from simulators.forms import Positive, Strict


class BookChange(BookForm):
    """A new book for the book that `product` trades on."""

    product: str


class Deposit(Strict):
    """Money from outside into a wallet; `hold` sets it aside at once, as an open order would."""

    currency: str
    quantity: Positive
    hold: bool = False


class KeyWish(KeyForm, admin.KeyWish):
    """A key with these rights."""


class Admin(AdminPort[Exchange]):
    """Serves the admin port of this venue."""

    key_wish = KeyWish

    def own_routes(self) -> Mapping[tuple[str, str], Callable[[bytes], object]]:
        """Add orders, and what changes books and wallets."""
        return {
            ("GET", "/orders"): self.orders,
            ("POST", "/books"): self.set_book,
            ("POST", "/wallets"): self.deposit,
        }

    def orders(self, _: bytes = b"") -> Json:
        """Show every order with its fills, and every conversion, newest first."""
        now = self._exchange.clock.now()
        return {
            "orders": [
                order_replies.order(self._exchange, order, now)
                | {"fills": [order_replies.fill(self._exchange, order, fill) for fill in order.fills]}
                for order in self._exchange.orders.all()
            ],
            "conversions": [replies.conversion(self._exchange, trade) for trade in self._exchange.conversions.all()],
        }

    def set_book(self, body: bytes) -> Json:
        """Replace a book."""
        change = form_in(body, BookChange, "POST /books")
        market = self._exchange.market
        if market.find(change.product) is None:
            raise ConfigurationError(
                f"POST /books: product: {change.product!r}: must be one of {', '.join(market.names())}"
            )
        market.set_book(change.product, change.book(market.price_increment(change.product)))
        return replies.best_prices(change.product, market.book(change.product), self._exchange.clock.now())

    def deposit(self, body: bytes) -> Json:
        """Bring money in."""
        deposit = form_in(body, Deposit, "POST /wallets")
        self._exchange.wallets.deposit(deposit.currency, deposit.quantity, self._exchange.clock.now(), deposit.hold)
        return replies.account(self._exchange, self._exchange.wallets.wallet(deposit.currency), None)
