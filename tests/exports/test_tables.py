"""Events as tables: every cell is what the log has."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import replace

import pyarrow.parquet
import pytest

from domain.errors import ConfigurationError
from dustman.exports import tables
from dustman.exports.forms import Form, write
from dustman.period import Period
from events.codec import rfc3339
from events.facts import ConversionsHalted, account_of
from events.log import EventLog
from events.memory import MemoryLog
from tests.events.clocks import SetClock
from tests.events.samples import SAMPLES, new


@pytest.fixture
def log() -> EventLog:
    clock = SetClock()
    log = MemoryLog("log-1", clock)
    for number, fact in enumerate([*SAMPLES, ConversionsHalted("=cmd", "+x")]):
        log.append("main", number, [replace(new(f"id-{number}", fact), causation_id="c" if number % 2 else None)])
        clock.move(0.25)
    return log


def written(form: Form, log: EventLog, account: str = "", period: Period | None = None) -> io.BytesIO:
    file = io.BytesIO()
    write(form, log, account, period or Period(), file)
    return io.BytesIO(file.getvalue())


def test_csv__of_every_type__has_each_part_of_the_envelope(log: EventLog) -> None:
    rows = list(csv.DictReader(io.StringIO(written(Form.CSV, log).getvalue().decode())))
    assert list(rows[0]) == list(tables.COLUMNS)
    for row, recorded in zip(rows, log.read(), strict=True):
        assert (int(row["position"]), int(row["version"])) == (recorded.position, recorded.version)
        assert (row["type"], int(row["type_version"])) == (recorded.type, recorded.type_version)
        assert row["data"].encode() == recorded.data
        assert row["recorded_at"] == rfc3339(recorded.recorded_at)
        assert row["account"].removeprefix("'") == account_of(recorded.fact)
        assert row["causation_id"] == (recorded.causation_id or "")
    assert rows[-1]["account"] == "'=cmd"


@pytest.mark.parametrize("group", [1, 4, 10_000])
def test_parquet__of_every_type__reads_back_as_it_was_recorded(
    log: EventLog, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "GROUP", group)
    file = pyarrow.parquet.ParquetFile(written(Form.PARQUET, log))
    rows = file.read().to_pylist()
    assert file.num_row_groups == -(-len(rows) // group)
    for row, recorded in zip(rows, log.read(), strict=True):
        assert row["data"].encode() == recorded.data
        assert (row["position"], row["recorded_at"]) == (recorded.position, recorded.recorded_at)
        assert (row["occurred_at"], row["account"]) == (recorded.occurred_at, account_of(recorded.fact))
        assert row["causation_id"] == recorded.causation_id


def test_parquet__of_no_events__has_the_columns(log: EventLog) -> None:
    table = pyarrow.parquet.read_table(written(Form.PARQUET, log, account="nobody"))
    assert (table.num_rows, table.column_names) == (0, list(tables.COLUMNS))


def test_parquet__without_its_library__names_the_extra(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="extra `export`"):
        written(Form.PARQUET, log)


def test_events__of_an_account_and_a_period__are_those_recorded_then(log: EventLog) -> None:
    times = [recorded.recorded_at for recorded in log.read()]
    by_time = written(Form.CSV, log, "main", Period(times[3], times[5])).getvalue()
    by_position = written(Form.CSV, log, "main", Period(4, 5)).getvalue()
    assert by_time == by_position
    assert len(by_time.splitlines()) == 3
