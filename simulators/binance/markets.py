"""The markets: their filters, their books, and what one asset is worth in another."""

from __future__ import annotations

from decimal import Decimal

from simulators.binance.refusals import INVALID_SYMBOL, ErrorReply
from simulators.binance.scenario import SymbolForm
from simulators.binance.state import VenueState
from simulators.exchange.arithmetic import exactly
from simulators.exchange.book import Book

BRIDGES = ("USDT", "USDC", "BTC")


class Markets:
    """Symbols by name, in the scenario's order."""

    def __init__(self, symbols: dict[str, SymbolForm], state: VenueState) -> None:
        self._symbols = symbols
        self._state = state

    def names(self) -> list[str]:
        """List the symbols."""
        return list(self._symbols)

    def find(self, name: str) -> SymbolForm | None:
        """Find a symbol's rules."""
        return self._symbols.get(name)

    def rules(self, name: str) -> SymbolForm:
        """Return a symbol's rules; raises the venue's no for one it does not have."""
        if (found := self.find(name)) is None:
            raise ErrorReply(*INVALID_SYMBOL)
        return found

    def book(self, name: str) -> Book:
        """Return a symbol's book."""
        return self._state.books.get(name, Book())

    def set_book(self, name: str, book: Book) -> None:
        """Replace a symbol's book."""
        self.rules(name)
        self._state.books[name] = book

    def move_prices(self, name: str, factor: Decimal) -> None:
        """Multiply all prices of a book."""
        self.set_book(name, self.book(name).moved(factor, self.rules(name).tick))

    @exactly()
    def worth(self, asset: str, target: str) -> Decimal | None:
        """Say what one unit brings in another asset at the best prices, directly or over one bridge."""
        if (direct := self._direct(asset, target)) is not None:
            return direct
        for bridge in BRIDGES:
            first, second = self._direct(asset, bridge), self._direct(bridge, target)
            if first is not None and second is not None:
                return first * second
        return None

    def _direct(self, asset: str, target: str) -> Decimal | None:
        if asset == target:
            return Decimal(1)
        bid = self.book(asset + target).bid
        ask = self.book(target + asset).ask
        return bid if bid is not None else (1 / ask if ask else None)
