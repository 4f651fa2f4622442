"""The forms there are, and how each is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import BinaryIO, Final

from dustman.exports import cointracker, koinly, rotki_events, rotki_trades, tables
from dustman.exports.cells import Row, encoded
from dustman.period import Period
from events.archive import lines
from events.facts import account_of
from events.log import EventLog, Recorded
from views.trades import Movement, movements_of


class Form(StrEnum):
    """What `--format` accepts."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    KOINLY = "koinly"
    COINTRACKER = "cointracker"
    ROTKI_TRADES = "rotki-trades"
    ROTKI_EVENTS = "rotki-events"


TAX: Final[dict[Form, tuple[Row, Callable[[Iterable[Movement]], Iterator[Row]]]]] = {
    Form.KOINLY: (koinly.COLUMNS, koinly.rows),
    Form.COINTRACKER: (cointracker.COLUMNS, cointracker.rows),
    Form.ROTKI_TRADES: (rotki_trades.COLUMNS, rotki_trades.rows),
    Form.ROTKI_EVENTS: (rotki_events.COLUMNS, rotki_events.rows),
}


def write(form: Form, log: EventLog, account: str, period: Period, file: BinaryIO) -> int:
    """Write what the log has, of one account or (`""`) of all, and return how many events or rows that is."""
    if form in TAX:
        columns, rows = TAX[form]
        return _write_lines(encoded(columns, rows(_movements(log, account, period))), file) - 1
    after, until = period.bounds(log)
    records = _events(log, account, after, until)
    if form is Form.PARQUET:
        return tables.write_parquet(records, file)
    if form is Form.CSV:
        return _write_lines(encoded(tables.COLUMNS, tables.rows(records)), file) - 1
    return _write_lines(lines(records, log.identity), file) - 1


def _write_lines(written: Iterable[bytes], file: BinaryIO) -> int:
    count = 0
    for line in written:
        file.write(line)
        count += 1
    return count


def _events(log: EventLog, account: str, after: int, until: int) -> Iterator[Recorded]:
    for recorded in log.read(after=after, until=until):
        if not account or account_of(recorded.fact) == account:
            yield recorded


def _movements(log: EventLog, account: str, period: Period) -> Iterator[Movement]:
    """A trade is in the period of its execution; what it needs to be understood may lie before."""
    for movement in movements_of(log.read()):
        if (not account or movement.account == account) and period.holds(movement.position, movement.at):
            yield movement
