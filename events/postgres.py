"""The log of record in PostgreSQL, for when more than one host writes it.

A function of the server places events under one lock that is held until the commit, so the order of positions is the
order of commits and no reader ever sees a hole. The rules of an append are asked here, as of every store.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from events.admission import TICK, Candidate, admit, candidates, ticks
from events.log import CorruptLog, NewEvent, Recorded, Written
from events.postgres_rows import SELECT, fetched
from events.postgres_server import Link, Server

PAGE: Final = 500

APPEND: Final = """
SELECT version, head, at FROM dustman.append(
    %s, %s, %s, %s::text[], %s::text[], %s::integer[], %s::bytea[], %s::timestamptz[], %s::text[], %s::text[])
"""


class PostgresLog:
    """A `ProvableLog` in the database at `url`, made there by `events.postgres_install.install`.

    See `Server` for who may share it and what its deadline is.
    """

    def __init__(self, url: str, clock: Callable[[], datetime], deadline: float = 5.0) -> None:
        self._clock = clock
        self._server = Server(url, deadline)

    @property
    def identity(self) -> str:
        return str(self._value("SELECT value FROM dustman.meta WHERE name = 'identity'"))

    def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]:
        wanted = candidates(stream, expected, events)
        if not wanted:
            return []
        values = (stream, expected, self._clock(), *columns(wanted))
        [(version, head, at)] = self._rows(APPEND, *values)
        if at is None:
            repeated = admit(wanted, expected, version, self._known(wanted))
            if repeated is None:
                raise CorruptLog(f"{self._server.name}: its function refused what may be appended")
            return repeated
        return [
            candidate.recorded(head + offset, version + offset, at + (offset - 1) * TICK)
            for offset, candidate in enumerate(wanted, start=1)
        ]

    def stream(self, stream: str, after: int = 0) -> Iterator[Recorded]:
        query = f"{SELECT} WHERE name = %s AND version > %s ORDER BY version LIMIT {PAGE}"
        while page := self._page(f"version {after + 1} of stream {stream}", query, stream, after):
            for record in page:
                after += 1
                if record.version != after:
                    raise CorruptLog(f"{self._server.name}: version {after} of stream {stream} is missing")
                yield record

    def read(self, after: int = 0, until: int | None = None) -> Iterator[Recorded]:
        query = f"{SELECT} WHERE position > %s AND position <= %s ORDER BY position LIMIT {PAGE}"
        last = self.head() if until is None else until
        while page := self._page(f"position {after + 1}", query, after, last):
            for record in page:
                after += 1
                if record.position != after:
                    raise CorruptLog(f"{self._server.name}: position {after} is missing")
                yield record

    def written(self, after: int, until: int) -> Iterator[Written]:
        query = f"{SELECT} WHERE position > %s AND position <= %s ORDER BY position LIMIT {PAGE}"
        while page := self._rows(query, after, until):
            for row in page:
                after += 1
                if row[0] != after:
                    raise CorruptLog(f"{self._server.name}: position {after} is missing")
                *fields, occurred_at, recorded_at, correlation_id, causation_id = row
                times = ticks(occurred_at), ticks(recorded_at)
                yield Written._make((*fields, *times, correlation_id, causation_id))

    def streams(self) -> Sequence[str]:
        return [name for (name,) in self._rows("SELECT name FROM dustman.streams ORDER BY id")]

    def head(self) -> int:
        return int(self._value("SELECT coalesce(max(position), 0) FROM dustman.events"))

    def position_at(self, moment: datetime) -> int:
        # Times grow with positions, so the primary key is index enough.
        return bisect_right(range(1, self.head() + 1), moment, key=self._recorded_at)

    def checkpoint(self, subscriber: str) -> int:
        query = "SELECT coalesce(max(position), 0) FROM dustman.checkpoints WHERE subscriber = %s"
        return int(self._value(query, subscriber))

    def save_checkpoint(self, subscriber: str, position: int) -> None:
        self._rows("SELECT dustman.save_checkpoint(%s, %s)", subscriber, position)

    def tree(self, positions: Collection[int]) -> Mapping[int, bytes]:
        rows = self._rows("SELECT position, hashes FROM dustman.events WHERE position = ANY (%s)", list(positions))
        return dict(rows)

    def signed_heads(self) -> Sequence[bytes]:
        rows = self._rows("SELECT number, note FROM dustman.signed_heads ORDER BY number")
        if missing := set(range(1, len(rows) + 1)).difference(number for number, _ in rows):
            raise CorruptLog(f"{self._server.name}: signed head {min(missing)} is missing")
        return [note for _, note in rows]

    def keep_signed_head(self, note: bytes) -> None:
        self._rows("SELECT dustman.keep_signed_head(%s)", note)

    def damage(self) -> Iterator[str]:
        query = "SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0) FROM dustman.events"
        [(count, first, last)] = self._rows(query)
        if (first, last) != (1, count):
            missing = (
                "SELECT min(n) FROM generate_series(1, %s) AS n "
                "WHERE NOT EXISTS (SELECT FROM dustman.events WHERE position = n)"
            )
            yield (
                f"{self._server.name}: position {self._value(missing, count)} is missing: "
                f"there are {count} events, from position {first} to {last}"
            )

    def close(self) -> None:
        self._server.close()

    def _recorded_at(self, position: int) -> datetime:
        moment: datetime = self._value("SELECT recorded_at FROM dustman.events WHERE position = %s", position)
        return moment

    def _known(self, wanted: Sequence[Candidate]) -> Mapping[str, Recorded]:
        ids = [candidate.event.event_id for candidate in wanted]
        page = self._page("an event that is there already", f"{SELECT} WHERE event_id = ANY (%s)", ids)
        return {record.event_id: record for record in page}

    def _page(self, place: str, query: str, *bounds: object) -> Sequence[Recorded]:
        """Fetch a page whole: a reader that pauses between events must not keep a transaction open.

        A page ends before what cannot be read; the next one begins with it, at the `place` that the error names.
        """
        return self._server.asked(
            lambda link: fetched(link.execute(query, bounds, binary=True), self._server.name, place)
        )

    def _value(self, query: str, *values: object) -> Any:
        [(value,)] = self._rows(query, *values)
        return value

    def _rows(self, query: str, *values: object) -> Sequence[tuple[Any, ...]]:
        def ask(link: Link) -> Sequence[tuple[Any, ...]]:
            return link.execute(query, values, binary=True).fetchall()

        return self._server.asked(ask)


def columns(wanted: Sequence[Candidate]) -> tuple[list[object], ...]:
    """Turn events into the arrays that the server's function takes."""
    rows = [
        (
            each.event.event_id,
            each.type.word,
            each.type.version,
            each.data,
            each.event.occurred_at,
            each.event.correlation_id,
            each.event.causation_id,
        )
        for each in wanted
    ]
    return tuple(map(list, zip(*rows, strict=True)))
