"""An exchange with spot markets: what it opens with, and what its admin port shows and changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from domain.errors import ConfigurationError
from simulators.exchange.admin import AdminPort, Json, form_in
from simulators.exchange.ledger import HOLD, OUTSIDE, USER
from simulators.exchange.markets import Markets
from simulators.exchange.refusals import TurnedAway
from simulators.exchange.scenario import BookForm
from simulators.exchange.spot_orders import Order, SpotOrders, SpotState
from simulators.exchange.venue import KeyForm, Scenario, SimulatedExchange
from simulators.forms import NotNegative, Positive, Strict

State = TypeVar("State", bound=SpotState)


class BalanceForm(Strict):
    """What the account has of one asset."""

    free: NotNegative = Decimal(0)
    locked: NotNegative = Decimal(0)


class WithBook(Protocol):
    """A market's form."""

    @property
    def tick(self) -> Decimal: ...
    @property
    def book(self) -> BookForm: ...


class SpotExchange(SimulatedExchange[Scenario, State, KeyForm], Generic[Scenario, State, KeyForm]):
    """An exchange with markets and a desk for orders."""

    markets: Markets[Any]
    orders: SpotOrders[Any]


def stock(state: SpotState, balances: Mapping[str, BalanceForm], markets: Mapping[str, WithBook]) -> None:
    """Give a state its first balances and books."""
    state.opening = {
        USER: {asset: balance.free for asset, balance in balances.items()},
        HOLD: {asset: balance.locked for asset, balance in balances.items()},
    }
    for name, market in markets.items():
        state.books[name] = market.book.book(market.tick)


class BookChange(BookForm):
    """A new book for a symbol."""

    symbol: str


class Deposit(Strict):
    """Money from outside into the account; `locked` sets it aside at once, as an open order would."""

    asset: str
    quantity: Positive
    locked: bool = False


Exchange = TypeVar("Exchange", bound=SpotExchange[Any, Any, Any])


class SpotAdmin(AdminPort[Exchange]):
    """Adds orders, and what changes books and balances; an exchange says how it writes them."""

    @abstractmethod
    def _shown(self, order: Order) -> Json:
        """Show an order with its trades."""

    @abstractmethod
    def _small_balances(self) -> list[Json]:
        """Show every exchange of small balances, newest first."""

    @abstractmethod
    def _prices(self, symbol: str) -> Json:
        """Show a symbol's best prices."""

    @abstractmethod
    def _amount(self, quantity: Decimal) -> str:
        """Write an amount."""

    def own_routes(self) -> Mapping[tuple[str, str], Callable[[bytes], object]]:
        """Name them."""
        return {
            ("GET", "/orders"): self.orders,
            ("POST", "/books"): self.set_book,
            ("POST", "/balances"): self.deposit,
        }

    def orders(self, _: bytes = b"") -> Json:
        """Show every order with its trades, and every exchange of small balances, newest first."""
        return {"orders": list(map(self._shown, self._exchange.orders.all())), "dust": self._small_balances()}

    def set_book(self, body: bytes) -> Json:
        """Replace a book."""
        change, markets = form_in(body, BookChange, "POST /books"), self._exchange.markets
        try:
            markets.set_book(change.symbol, change.book(markets.rules(change.symbol).tick))
        except TurnedAway:
            known = ", ".join(markets.names())
            raise ConfigurationError(f"POST /books: symbol: {change.symbol!r}: must be one of {known}") from None
        return self._prices(change.symbol)

    def deposit(self, body: bytes) -> Json:
        """Bring money in."""
        wish, exchange = form_in(body, Deposit, "POST /balances"), self._exchange
        place = HOLD if wish.locked else USER
        exchange.ledger.move(exchange.clock.now(), OUTSIDE, place, wish.asset, wish.quantity, "deposit", "")
        free, locked = (self._amount(exchange.ledger.balance(each, wish.asset)) for each in (USER, HOLD))
        return {"asset": wish.asset, "free": free, "locked": locked}
