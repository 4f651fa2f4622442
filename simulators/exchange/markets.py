"""An exchange's markets: their rules, their books, and what one asset is worth in another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from simulators.exchange.arithmetic import exactly
from simulators.exchange.book import Book
from simulators.exchange.refusals import TurnedAway
from simulators.exchange.state import ExchangeState

BRIDGES = ("USDT", "USDC", "BTC")


class OnGrid(Protocol):
    """Rules of a market that say at least on which grid its prices lie."""

    @property
    def tick(self) -> Decimal: ...


Rules = TypeVar("Rules", bound=OnGrid)


class Markets(ABC, Generic[Rules]):
    """Markets by name, in the scenario's order."""

    def __init__(self, rules: Mapping[str, Rules], state: ExchangeState) -> None:
        self._rules = rules
        self._state = state

    @staticmethod
    @abstractmethod
    def named(base: str, quote: str) -> str:
        """Name the market of a pair as the exchange does."""

    @abstractmethod
    def _unknown(self, name: str) -> TurnedAway:
        """Say what the exchange answers of a market that it does not have."""

    def names(self) -> list[str]:
        """List the markets."""
        return list(self._rules)

    def find(self, name: str) -> Rules | None:
        """Find a market's rules."""
        return self._rules.get(name)

    def rules(self, name: str) -> Rules:
        """Return a market's rules; raises the exchange's no for one it does not have."""
        if (found := self.find(name)) is None:
            raise self._unknown(name)
        return found

    def book(self, name: str) -> Book:
        """Return a market's book."""
        return self._state.books.get(name, Book())

    def set_book(self, name: str, book: Book) -> None:
        """Replace a market's book."""
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
        bid = self.book(self.named(asset, target)).bid
        ask = self.book(self.named(target, asset)).ask
        return bid if bid is not None else (1 / ask if ask else None)
