"""What a reader loses that follows the time: the log's own, beside it, is in `test_sqlite`, and loses nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.events import naive_writer


def test_eight_writers__to_a_table_in_the_order_of_time__a_tail_reader_loses_events(tmp_path: Path) -> None:
    path = tmp_path / "naive.db"
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as link:
        link.execute("PRAGMA journal_mode = WAL")
        link.execute("CREATE TABLE naive (at INTEGER NOT NULL)")
        writers = [subprocess.Popen([sys.executable, "-I", naive_writer.__file__, path]) for _ in range(8)]
        seen, lost, deadline = [0], 0, time.monotonic() + 60
        while not lost and time.monotonic() < deadline:
            seen += [at for (at,) in link.execute("SELECT at FROM naive WHERE at > ? ORDER BY at", (seen[-1],))]
            [(written,)] = link.execute("SELECT count(*) FROM naive WHERE at <= ?", (seen[-1],)).fetchall()
            lost = written - len(seen) + 1
        for writer in writers:
            writer.kill()
            writer.wait()
    assert lost > 0, "a reader that follows the time must be able to lose"
