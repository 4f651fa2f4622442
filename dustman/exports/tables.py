"""Events as a table for analysis: a column for each part of the envelope, the fact as the JSON it is recorded in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, Final

from domain.errors import ConfigurationError
from dustman.exports.cells import Row, guarded
from events.codec import rfc3339
from events.facts import account_of
from events.log import Recorded

COLUMNS: Final = (
    "position",
    "recorded_at",
    "occurred_at",
    "account",
    "type",
    "type_version",
    "stream",
    "version",
    "event_id",
    "correlation_id",
    "causation_id",
    "data",
)
# Rows that are in memory at a time, and in one row group of a Parquet file.
GROUP: Final = 10_000


def rows(records: Iterable[Recorded]) -> Iterator[Row]:
    """Yield a row of text for each event; times are RFC 3339 in UTC."""
    for recorded in records:
        yield (
            str(recorded.position),
            rfc3339(recorded.recorded_at),
            rfc3339(recorded.occurred_at),
            guarded(account_of(recorded.fact)),
            recorded.type,
            str(recorded.type_version),
            guarded(recorded.stream),
            str(recorded.version),
            guarded(recorded.event_id),
            guarded(recorded.correlation_id),
            guarded(recorded.causation_id or ""),
            recorded.data.decode(),
        )


def write_parquet(records: Iterable[Recorded], file: BinaryIO) -> int:
    """Write the events as Parquet (zstd) and return how many; times are microseconds in UTC, `data` is JSON text."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError("--format parquet needs the extra `export`: pip install -e '.[export]'") from None
    count_type, time_type = pyarrow.int64(), pyarrow.timestamp("us", "UTC")
    others = dict.fromkeys(("position", "version", "type_version"), count_type)
    others |= dict.fromkeys(("recorded_at", "occurred_at"), time_type)
    schema = pyarrow.schema([(name, others.get(name, pyarrow.string())) for name in COLUMNS])
    remaining, count = iter(records), 0
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(remaining, GROUP)):
            cells = [_typed(recorded) for recorded in group]
            columns = [list(column) for column in zip(*cells, strict=True)]
            writer.write_table(pyarrow.table(columns, schema=schema))
            count += len(group)
    return count


def _typed(recorded: Recorded) -> tuple[object, ...]:
    return (
        recorded.position,
        recorded.recorded_at,
        recorded.occurred_at,
        account_of(recorded.fact),
        recorded.type,
        recorded.type_version,
        recorded.stream,
        recorded.version,
        recorded.event_id,
        recorded.correlation_id,
        recorded.causation_id,
        recorded.data.decode(),
    )
