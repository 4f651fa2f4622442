"""Koinly's universal form.

https://support.koinly.io/en/articles/9489976-how-to-create-a-custom-csv-file-with-your-data. Sent and received amounts
are without the fee, which Koinly takes from the balance besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from dustman.exports.cells import Row, guarded, quantity_and_currency
from events.money import plain
from views.trades import Movement, Trade

COLUMNS: Final = (
    "Date",
    "Sent Amount",
    "Sent Currency",
    "Received Amount",
    "Received Currency",
    "Fee Amount",
    "Fee Currency",
    "Net Worth Amount",
    "Net Worth Currency",
    "Label",
    "Description",
    "TxHash",
)


def rows(movements: Iterable[Movement]) -> Iterator[Row]:
    """Yield a row for each movement."""
    for movement in movements:
        trade = movement if isinstance(movement, Trade) else None
        yield (
            f"{movement.at:%Y-%m-%d %H:%M:%S} UTC",
            *quantity_and_currency(trade.sent if trade else None),
            *quantity_and_currency(movement.received),
            *quantity_and_currency(trade.fee if trade else None),
            plain(movement.value),
            guarded(movement.currency),
            "" if trade else "reward",
            guarded(movement.sentence),
            guarded(movement.reference),
        )
