"""The admin port of this venue: orders and dust, and what changes books, balances and keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from domain.errors import ConfigurationError
from simulators.binance import replies
from simulators.binance.exchange import Exchange
from simulators.binance.faults import Faults
from simulators.binance.gate import Gate
from simulators.binance.keys import key_file
from simulators.binance.refusals import ErrorReply
from simulators.binance.replies import Json
from simulators.binance.scenario import KeyForm
from simulators.exchange.admin import AdminPort, form_in
from simulators.exchange.ledger import HOLD, OUTSIDE, USER
from simulators.exchange.mischief import Mischief
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


class KeyWish(KeyForm):
    """A key by a name of the client's choice. The same wish gives the same key."""

    label: str


class Admin(AdminPort):
    """Serves the admin port of this venue."""

    def __init__(self, exchange: Exchange, gate: Gate, mischief: Mischief) -> None:
        super().__init__(exchange, gate, mischief, Faults)
        self._exchange = exchange

    def own_routes(self) -> Mapping[tuple[str, str], Callable[[bytes], object]]:
        """Add orders and dust, and what changes books, balances and keys."""
        return {
            ("GET", "/orders"): self.orders,
            ("POST", "/books"): self.set_book,
            ("POST", "/balances"): self.deposit,
            ("POST", "/keys"): self.issue_key,
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

    def issue_key(self, body: bytes) -> Json:
        """Issue an API key, in the form of a key file."""
        wish = form_in(body, KeyWish, "POST /keys")
        key = self._exchange.issue_key(wish.label, frozenset(wish.permissions), wish.algorithm)
        issued: Json = json.loads(key_file(self._exchange.state.seed, key))
        return issued
