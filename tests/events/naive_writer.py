"""A writer as one makes it at first: `python naive_writer.py FILE` inserts for ever, in the order of its own clock."""

import sqlite3
import sys
import time

if __name__ == "__main__":
    link = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
    while True:
        at = time.time_ns()
        link.execute("BEGIN IMMEDIATE")
        link.execute("INSERT INTO naive VALUES (?)", (at,))
        link.execute("COMMIT")
