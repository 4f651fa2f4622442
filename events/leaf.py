"""The leaf: an event as the tree hashes it, every column of it, in the bytes that its proof brings along.

It is one line of JSON (RFC 8259) in UTF-8: keys sorted, no spaces, times in RFC 3339 with six digits of a second,
`data` the fact's canonical JSON as it stands in the log. Whoever has the line needs no rule to hash it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from events.codec import rfc3339
from events.log import Recorded
from events.tree import Rows, frontier


class _Leaf(msgspec.Struct, frozen=True):
    causation_id: str | None
    correlation_id: str
    data: msgspec.Raw
    event_id: str
    occurred_at: datetime | str
    position: int
    recorded_at: datetime | str
    stream: str
    type: str
    type_version: int
    version: int


def leaf(record: Recorded) -> bytes:
    """Return the leaf of an event, without a line end."""
    return _JSON.encode(
        _Leaf(
            record.causation_id,
            record.correlation_id,
            msgspec.Raw(record.data),
            record.event_id,
            _moment(record.occurred_at),
            record.position,
            _moment(record.recorded_at),
            record.stream,
            record.type,
            record.type_version,
            record.version,
        )
    )


def _moment(moment: datetime) -> datetime | str:
    """Leave to the encoder what it writes like `rfc3339`, at less cost: times in UTC that are not whole seconds."""
    return moment if moment.microsecond and moment.tzinfo is UTC else rfc3339(moment)


def grown(fresh: Sequence[Recorded], rows: Rows) -> list[tuple[int, bytes]]:
    """Return the rows of the tree that new events at the end of the log add, by position.

    A store calls this where it assigns positions, before anybody else can, and writes rows and events together.
    """
    tree = frontier(fresh[0].position - 1, rows)
    return [(record.position, tree.add(leaf(record))) for record in fresh]


_JSON: Final = msgspec.json.Encoder()
