"""CoinTracker's form: every column and no other, so it has no place for an order's id.

https://support.cointracker.io/hc/en-us/articles/4413071299729-Convert-your-transaction-history-to-CoinTracker-CSV
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from dustman.exports.cells import Row, quantity_and_currency
from views.trades import Movement, Trade

COLUMNS: Final = (
    "Date",
    "Received Quantity",
    "Received Currency",
    "Sent Quantity",
    "Sent Currency",
    "Fee Amount",
    "Fee Currency",
    "Tag",
)


def rows(movements: Iterable[Movement]) -> Iterator[Row]:
    """Yield a row for each movement."""
    for movement in movements:
        trade = movement if isinstance(movement, Trade) else None
        yield (
            f"{movement.at:%m/%d/%Y %H:%M:%S}",
            *quantity_and_currency(movement.received),
            *quantity_and_currency(trade.sent if trade else None),
            *quantity_and_currency(trade.fee if trade else None),
            "" if trade else "staking",
        )
