"""A service with books of its own: what each asset's dust came to, every event counted exactly once.

The position is written in the transaction of the entry, so both are there or neither. `python ledger.py BOOKS`
"""

import sqlite3
import sys

import dustman
from events.facts import DustConverted

books = sqlite3.connect(sys.argv[1])
books.execute("CREATE TABLE IF NOT EXISTS entries (position INTEGER PRIMARY KEY, asset TEXT, proceeds TEXT)")
(position,) = books.execute("SELECT coalesce(max(position), 0) FROM entries").fetchone()

for event in dustman.follow(position, types=["dust_converted"]):
    assert isinstance(event.fact, DustConverted)
    with books:
        books.execute(
            "INSERT INTO entries VALUES (?, ?, ?)",
            (event.position, event.fact.asset, format(event.fact.proceeds.quantity, "f")),
        )
