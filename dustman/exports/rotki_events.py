"""rotki's generic events, times in milliseconds: what was received for nothing. Trades belong to rotki's trades."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from dustman.exports.cells import Row, guarded, quantity_and_currency
from events.admission import EPOCH
from views.trades import Income, Movement

COLUMNS: Final = ("Type", "Location", "Currency", "Amount", "Fee", "Fee Currency", "Description", "Timestamp")


def rows(movements: Iterable[Movement]) -> Iterator[Row]:
    """Yield a row for each income."""
    for movement in movements:
        if isinstance(movement, Income):
            amount, currency = quantity_and_currency(movement.received)
            description = guarded(f"{movement.sentence}, {movement.reference}")
            at = str(milliseconds(movement.at))
            yield ("Income", guarded(movement.venue), currency, amount, "", "", description, at)


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970 UTC."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
