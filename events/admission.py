"""Admission: what an append may do, decided before anything is written. Every store asks the same rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from events.catalogue import EventType, type_of
from events.codec import encode
from events.log import EventIdConflict, LogConflict, NewEvent, Recorded, Written

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


class Candidate(msgspec.Struct, frozen=True):
    """A new event with its type and canonical bytes, ready to be recorded in `stream`."""

    stream: str
    event: NewEvent
    type: EventType
    data: bytes

    def same_as(self, recorded: Recorded) -> bool:
        """Tell whether the record is a repetition of this: same stream, type and data.

        What an earlier version recorded is a repetition when it means the same fact.
        """
        if (self.stream, self.type.word) != (recorded.stream, recorded.type):
            return False
        if self.type.version != recorded.type_version:
            return self.event.fact == recorded.fact
        return self.data == recorded.data

    def recorded(self, position: int, version: int, recorded_at: datetime) -> Recorded:
        return Recorded(
            position=position,
            stream=self.stream,
            version=version,
            event_id=self.event.event_id,
            type=self.type.word,
            type_version=self.type.version,
            data=self.data,
            fact=self.event.fact,
            occurred_at=self.event.occurred_at,
            recorded_at=recorded_at,
            correlation_id=self.event.correlation_id,
            causation_id=self.event.causation_id,
        )


def candidates(stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Candidate]:
    """Encode events before any lock is taken; `ValueError` names what no store can record."""
    if not stream:
        raise ValueError("stream: '' is empty; name the account")
    _refuse_nul("stream", stream)
    if expected < 0:
        raise ValueError(f"expected: {expected} is below 0, the version of a stream without events")
    seen: set[str] = set()
    for event in events:
        for name, value in (("event_id", event.event_id), ("correlation_id", event.correlation_id)):
            if not value:
                raise ValueError(f"{name}: '' is empty; every event has one")
            _refuse_nul(name, value)
        _refuse_nul("causation_id", event.causation_id or "")
        if event.occurred_at.tzinfo is None:
            raise ValueError(f"occurred_at: {event.occurred_at!r} has no time zone; give it in UTC")
        if event.event_id in seen:
            raise EventIdConflict(f"event id {event.event_id} comes twice in one append")
        seen.add(event.event_id)
    return [Candidate(stream, event, type_of(event.fact), encode(event.fact)) for event in events]


def _refuse_nul(name: str, value: str) -> None:
    """Refuse what one of the stores, PostgreSQL, cannot keep in a text (its manual, Character Types)."""
    if "\0" in value:
        raise ValueError(f"{name}: {value!r} holds the character NUL; leave it out")


def admit(
    wanted: Sequence[Candidate], expected: int, version: int, known: Mapping[str, Recorded]
) -> Sequence[Recorded] | None:
    """Return the old records of a repetition, or None when the candidates may be written at `version`.

    `known` holds the recorded events that have an id of a candidate. Raises `LogConflict`, then `EventIdConflict`.
    """
    old = [known.get(candidate.event.event_id) for candidate in wanted]
    repeated = [record for candidate, record in zip(wanted, old, strict=True) if record and candidate.same_as(record)]
    if len(repeated) == len(wanted):
        return repeated
    if version != expected:
        raise LogConflict(f"stream {wanted[0].stream}: version is {version}, expected {expected}")
    for record in old:
        if record:
            raise EventIdConflict(
                f"event id {record.event_id} is taken by {record.type} at position {record.position}, "
                f"version {record.version} of stream {record.stream}"
            )
    return None


def recorded_after(previous: datetime, now: datetime) -> datetime:
    """Return when the next event counts as recorded: now, or a microsecond after the previous one if that is later."""
    return max(now, previous + TICK)


def ticks(moment: datetime) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // TICK


def unread(record: Recorded) -> Written:
    """Return an event that was read as if it had only been copied."""
    return Written(
        record.position,
        record.stream,
        record.version,
        record.event_id,
        record.type,
        record.type_version,
        record.data,
        ticks(record.occurred_at),
        ticks(record.recorded_at),
        record.correlation_id,
        record.causation_id,
    )
