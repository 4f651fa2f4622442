"""What may stand in a cell: exact numbers, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain
from typing import Final

from events.money import Amount, plain

Row = Sequence[str]

# https://owasp.org/www-community/attacks/CSV_Injection, with the forms of full width that some programs fold.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

# https://standards.chainagnostic.org/CAIPs/caip-19
ON_CHAIN: Final = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}/[-a-z0-9]{3,8}:[-.%a-zA-Z0-9]{1,128}")


def guarded(text: str) -> str:
    """Put an apostrophe before text that would begin a formula: anybody can deploy a token with such a name."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def currency(asset: str) -> str:
    """Name an asset as importers do: an exchange's by its code, a token on a chain by its whole CAIP-19 name."""
    return guarded(asset if ON_CHAIN.fullmatch(asset) else asset.partition(":")[2])


def quantity_and_currency(amount: Amount | None) -> tuple[str, str]:
    """Write an amount as two cells, empty where there is none."""
    return (plain(amount.quantity), currency(amount.asset)) if amount else ("", "")


def encoded(columns: Row, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield a header and rows as CSV (RFC 4180) in UTF-8, line by line."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in chain([columns], rows):
        writer.writerow(row)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
