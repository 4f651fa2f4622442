"""rotki's generic trades, times in milliseconds.

rotki names a trade by its location, time and both amounts, and takes rows that are equal in these for one
(`create_group_identifier_from_swap` in https://github.com/rotki/rotki). The later one is therefore written a
millisecond later, as often as needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from dustman.exports.cells import Row, guarded, quantity_and_currency
from dustman.exports.rotki_events import milliseconds
from views.trades import Movement, Trade

COLUMNS: Final = (
    "Location",
    "Spend Currency",
    "Receive Currency",
    "Receive Amount",
    "Spend Amount",
    "Fee",
    "Fee Currency",
    "Description",
    "Timestamp",
)


def rows(movements: Iterable[Movement]) -> Iterator[Row]:
    """Yield a row for each trade; income belongs to rotki's events."""
    taken: set[tuple[object, ...]] = set()
    for movement in movements:
        if not isinstance(movement, Trade):
            continue
        at = milliseconds(movement.at)
        while (key := (movement.venue, at, movement.sent, movement.received)) in taken:
            at += 1
        taken.add(key)
        spend, spend_currency = quantity_and_currency(movement.sent)
        receive, receive_currency = quantity_and_currency(movement.received)
        yield (
            guarded(movement.venue),
            spend_currency,
            receive_currency,
            receive,
            spend,
            *quantity_and_currency(movement.fee),
            guarded(f"{movement.sentence}, {movement.reference}"),
            str(at),
        )
