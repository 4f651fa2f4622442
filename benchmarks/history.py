"""A long log to measure with: real sweeps of the simulated venue, again and again with other ids and times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from itertools import count, islice
from random import Random
from uuid import UUID

from msgspec.structs import replace

from benchmarks.ground import COINS, Ground
from domain.identity import stream_of
from dustman.demo.stage import ACCOUNT
from events.admission import TICK
from events.catalogue import EventType
from events.codec import decode, rfc3339
from events.log import Recorded
from events.restore import restore
from events.sqlite import SQLiteLog

# So many different sweeps follow each other before the first comes again, more than a block of a segment holds.
SWEEPS = 24
YEAR_ONE = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN = timedelta(hours=1)
KEPT = 100_000
IDENTITY = "5b0a7e5e-0000-4000-8000-0000000000ac"
UUID_OR_TIME = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]{15}Z"
)


def history(ground: Ground, length: int) -> SQLiteLog:
    """Return a log of so many events; a long one is made once and kept for later runs."""
    place = ground.directory.parent if length >= KEPT else ground.directory
    path = place / f"history-{length}.db"
    if not path.exists():
        restore(path, IDENTITY, islice(records(_sweeps(ground, length)), length), ground.desk.clock)
    return SQLiteLog(path, ground.desk.clock)


def _sweeps(ground: Ground, length: int) -> list[Sequence[Recorded]]:
    """Let the workers sweep until there are enough; each time other amounts of the crumbs are there."""
    random, sweeps = Random(1), list[Sequence[Recorded]]()
    while len(sweeps) < SWEEPS and sum(map(len, sweeps)) < length:
        sweeps.append(ground.sweep({coin: Decimal(random.randrange(60, 101)) / 100 for coin in COINS}))
    return sweeps


def records(sweeps: Sequence[Sequence[Recorded]]) -> Iterator[Recorded]:
    """Yield the sweeps for ever, as one dense log."""
    last, position = YEAR_ONE - BETWEEN, 0
    for turn in count():
        for sweep in sweeps:
            shift = last + BETWEEN - sweep[0].recorded_at
            for recorded in sweep:
                position += 1
                again = _again(recorded, turn, shift)
                last = max(again.recorded_at, last + TICK)
                yield replace(again, position=position, version=position, recorded_at=last)


def _again(recorded: Recorded, turn: int, shift: timedelta) -> Recorded:
    """Return an event as it would stand in another turn: the same in every amount, with ids and times of its own."""

    def other(found: re.Match[bytes]) -> bytes:
        text = found.group()
        if text.endswith(b"Z"):
            return rfc3339(datetime.fromisoformat(text.decode()) + shift).encode()
        return str(UUID(bytes=blake2b(text + b"%d" % turn, digest_size=16).digest())).encode()

    def other_id(text: str) -> str:
        return UUID_OR_TIME.sub(other, text.encode()).decode()

    data = UUID_OR_TIME.sub(other, recorded.data)
    return replace(
        recorded,
        stream=stream_of(ACCOUNT),
        event_id=other_id(recorded.event_id),
        data=data,
        fact=decode(EventType(recorded.type, recorded.type_version), data),
        occurred_at=recorded.occurred_at + shift,
        recorded_at=recorded.recorded_at + shift,
        correlation_id=other_id(recorded.correlation_id),
        causation_id=other_id(recorded.causation_id) if recorded.causation_id else None,
    )
