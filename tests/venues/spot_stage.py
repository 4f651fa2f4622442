"""The venue contract's stage for an exchange whose spot orders carry names of ours: its orders, and what goes wrong.

All twins know the same few coins: ADA sells, BTC is bought, and of DOT there is too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from domain.venue import Order
from events.money import Amount
from events.values import LegKind
from tests.venues.contract import Loss
from tests.venues.exchange_stage import AnyTwin, AnyVenue, ExchangeStage


class SpotStage(ExchangeStage[AnyTwin, AnyVenue]):
    """A stage whose twin makes orders at the endpoint `making` and shows books at those in `books`."""

    making: ClassVar[str]
    books: ClassVar[tuple[str, ...]]

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret whole and in parts, and its name."""
        body = self.secret.replace("-----BEGIN PRIVATE KEY-----", "").strip()
        return [self.secret, body[:18], body[18:36], self.key_name]

    def order(self, kind: LegKind) -> Order:
        """Sell 20 ADA, or buy for 10 USDT."""
        if kind is LegKind.SELL:
            return self.sell("20", "ADA")
        return self.buy("10")

    def buy(self, money: str) -> Order:
        """Buy BTC for so much USDT."""
        market = self._market("BTC", "USDT")
        return self._order(LegKind.BUY, market, Amount(Decimal(money), self._asset("USDT")), self._asset("BTC"))

    def sell(self, size: str, code: str, hub: str = "USDT") -> Order:
        """Sell so much of a currency."""
        market = self._market(code, hub)
        return self._order(LegKind.SELL, market, Amount(Decimal(size), self._asset(code)), self._asset(hub))

    def too_small(self) -> Order:
        """Sell 0.5 DOT, worth 1.30 USDT, of which 5 are the minimum."""
        return self.sell("0.5", "DOT")

    def too_large(self) -> Order:
        """Sell more ADA than there is."""
        return self.sell("100.5", "ADA")

    def empty_the_book(self, order: Order) -> None:
        """Nobody bids or asks for the order's product any more."""
        for endpoint in (*self.books, self.making):
            self.twin.inject(kind="empty_book", endpoint=endpoint, calls="all", product=order.product)

    def fill_in_part(self) -> None:
        """Half of the next order fills."""
        self.twin.inject(kind="partial", endpoint=self.making, fraction="0.5")

    def settle_late(self, span: timedelta) -> None:
        """The next order's trades are listed after a while."""
        self.twin.inject(kind="listed_late", endpoint=self.making, seconds=str(span.total_seconds()))

    def lose_answer(self, kind: LegKind, loss: Loss) -> None:
        """Break the connection instead of answering."""
        self.twin.inject(kind="reset", endpoint=self.making, when="before" if loss is Loss.BEFORE else "after")

    def turn_away(self, kind: LegKind) -> None:
        """Say that it is asked too often."""
        self.twin.inject(kind="rate_limited", endpoint=self.making)

    def _market(self, code: str, hub: str) -> str:
        """Name the market of two currencies."""
        return code + hub

    def _asset(self, code: str) -> str:
        return f"{self.twin.kind.name}:{code}"
