"""What every simulated exchange remembers, whatever it sells: seed, clock, movements of money, books, ids given out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from simulators.exchange.arithmetic import ZERO, exactly
from simulators.exchange.book import Book


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry of the ledger: `quantity` leaves the debit account and arrives in the credit account."""

    number: int
    time: datetime
    debit: str
    credit: str
    asset: str
    quantity: Decimal
    reason: str
    reference: str


@dataclass(slots=True)
class ExchangeState:
    """What must survive a restart. `opening` holds the balances before the first movement, by account and asset."""

    seed: int
    clock: timedelta
    opening: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    books: dict[str, Book] = field(default_factory=dict)
    issued: dict[str, int] = field(default_factory=dict)


@exactly()
def total(quantities: Iterable[Decimal]) -> Decimal:
    """Add without rounding."""
    return sum(quantities, ZERO)
