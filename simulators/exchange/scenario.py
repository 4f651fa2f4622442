"""Parts of a scenario that any exchange has: books and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol, Self

from pydantic import AwareDatetime, Field, model_validator

from simulators.exchange.book import Book, Level, ladder
from simulators.forms import NotNegative, Positive, Strict


class BookForm(Strict):
    """An order book: level by level, or laid out evenly around `price`. Without either it is empty.

    `depth` is the base quantity offered at each of `levels` levels of a side; best bid and ask lie `spread_bps` apart.
    """

    bids: tuple[tuple[Positive, Positive], ...] = ()
    asks: tuple[tuple[Positive, Positive], ...] = ()
    price: Positive | None = None
    spread_bps: NotNegative = Decimal(20)
    depth: Positive = Decimal(1_000_000)
    levels: int = Field(default=3, ge=1, le=100)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.price is not None and (self.bids or self.asks):
            raise ValueError("takes either bids and asks or a price, not both")
        if list(self.bids) != sorted(self.bids, reverse=True) or list(self.asks) != sorted(self.asks):
            raise ValueError("must list the best level first: bids falling, asks rising")
        if self.bids and self.asks and self.bids[0][0] >= self.asks[0][0]:
            raise ValueError("must not cross: the best bid stays below the best ask")
        return self

    def book(self, increment: Decimal) -> Book:
        """Lay the book out on a price grid of `increment`."""
        if self.price is not None:
            return ladder(self.price, self.spread_bps, self.depth, self.levels, increment)
        return Book(tuple(Level(*bid) for bid in self.bids), tuple(Level(*ask) for ask in self.asks))


class ClockForm(Strict):
    """The venue's clock: it starts at `start` (the real time without one) and runs unless `frozen`."""

    start: AwareDatetime | None = None
    frozen: bool = False

    def begin(self, now: datetime) -> datetime:
        """Say what time it is at the venue when it opens."""
        return self.start or now


class ExchangeScenario(Protocol):
    """What the scenario of any exchange has: API keys, in the exchange's own words, and a clock."""

    @property
    def keys(self) -> Mapping[str, Strict]: ...
    @property
    def clock(self) -> ClockForm: ...
