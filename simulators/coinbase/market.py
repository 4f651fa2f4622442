"""The markets: their rules, their books, and whether they take a market order now."""

from __future__ import annotations

from decimal import Decimal

from simulators.coinbase.refusals import ErrorReply, Failure, not_found
from simulators.coinbase.scenario import ProductForm
from simulators.coinbase.state import VenueState
from simulators.exchange.book import Book


class Market:
    """Products by name. X-USD and X-USDC share a book where one is the other's alias."""

    def __init__(self, products: dict[str, ProductForm], state: VenueState) -> None:
        self._products = products
        self._state = state

    def names(self) -> list[str]:
        """List the products, in the scenario's order."""
        return list(self._products)

    def find(self, name: str) -> ProductForm | None:
        """Find a product's rules."""
        return self._products.get(name)

    def product(self, name: str) -> ProductForm:
        """Return a product's rules; raises the venue's 404 for one it does not have."""
        found = self.find(name)
        if found is None:
            raise not_found(f"ProductID '{name}' could not be found")
        return found

    def book(self, name: str) -> Book:
        """Return the book that a product trades on."""
        return self._state.books.get(self._book_name(name), Book())

    def aliases(self, name: str) -> list[str]:
        """List the products that trade on this one's book."""
        return [other for other, product in self._products.items() if product.alias == name]

    def set_book(self, name: str, book: Book) -> None:
        """Replace the book that a product trades on."""
        self._state.books[self._book_name(name)] = book

    def move_prices(self, name: str, factor: Decimal) -> None:
        """Multiply all prices of the book that a product trades on."""
        self.set_book(name, self.book(name).moved(factor, self.price_increment(name)))

    def price_increment(self, name: str) -> Decimal:
        """Return the price grid of the book that a product trades on."""
        product = self.product(self._book_name(name))
        return product.price_increment or product.quote_increment

    def _book_name(self, name: str) -> str:
        return self.product(name).alias or name


def currencies(name: str) -> tuple[str, str]:
    """Split a product's name into base and quote currency."""
    base, quote = name.split("-")
    return base, quote


def closed(product: ProductForm) -> Failure | None:
    """Say why a product takes no market order now; raises the venue's 403 while it takes limit orders only."""
    if product.limit_only or product.post_only:
        raise ErrorReply(403, "PERMISSION_DENIED", "Orderbook is in limit only mode")
    if product.is_disabled or product.view_only or product.status != "online":
        return Failure.UNTRADABLE
    if product.trading_disabled:
        return Failure.TRADING_DISABLED
    if product.cancel_only or product.auction_mode:
        return Failure.HALTED
    return None
