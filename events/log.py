"""The event log: the contract every store keeps, and its errors. One conformance suite runs over all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from events.facts import Fact


class LogConflict(Exception):
    """The stream moved on since it was read: load it again and decide again."""


class EventIdConflict(Exception):
    """An event id came twice with different content: the producer's ids are not functions of their cause."""


class CorruptLog(Exception):
    """The log holds something it must not: unknown types, gaps, unreadable bytes. Stop and look."""


class LogUnavailable(Exception):
    """The store did not accept the append within its deadline (locked, full, read-only, away).

    Nothing was written, unless a server went away while it answered: repeat the append, what was done is recognised.
    """


class StoreMisconfigured(Exception):
    """A path or a server's setting with which the record cannot be kept; the owner must mend it, no retry helps."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before it is recorded. `event_id` is a pure function of its cause, so a repetition is recognised."""

    event_id: str
    fact: Fact
    occurred_at: datetime
    correlation_id: str
    causation_id: str | None = None


class Recorded(msgspec.Struct, frozen=True):
    """An event in the log. `position` is global, dense, from 1; `version` counts within the stream, from 1.

    `recorded_at` strictly grows with the position. `type` and `type_version` are stable words of the catalogue; `data`
    is the fact's exact bytes, and `fact` what they mean.
    """

    position: int
    stream: str
    version: int
    event_id: str
    type: str
    type_version: int
    data: bytes
    fact: Fact
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str
    causation_id: str | None


class Written(NamedTuple):
    """An event as its store has it, its fact not read: the fields of `Recorded`, times in microseconds since 1970."""

    position: int
    stream: str
    version: int
    event_id: str
    type: str
    type_version: int
    data: bytes
    occurred_at: int
    recorded_at: int
    correlation_id: str
    causation_id: str | None


class EventLog(Protocol):
    """An append-only sequence of events, cut into streams.

    Append is atomic and idempotent: when every id is already there, in that stream with the same type and data, the
    old records are returned whatever `expected` says. Otherwise a stream whose version is not `expected` raises
    `LogConflict`, and an id that is already there raises `EventIdConflict`. No append waits longer for other writers
    than its deadline.
    """

    @property
    def identity(self) -> str:
        """Name this log for ever, different for every log ever made; the feed's epoch."""
        ...

    def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]: ...

    def stream(self, stream: str, after: int = 0) -> Iterator[Recorded]:
        """Yield the stream's events with a version above `after`, in order."""
        ...

    def read(self, after: int = 0, until: int | None = None) -> Iterator[Recorded]:
        """Yield all events with `after < position <= until`, in order, in bounded memory."""
        ...

    def written(self, after: int, until: int) -> Iterator[Written]:
        """Yield the same as `read`, in a tenth of the time, for who copies events and need not understand them."""
        ...

    def streams(self) -> Sequence[str]: ...

    def head(self) -> int:
        """Return the last position, 0 for an empty log."""
        ...

    def position_at(self, moment: datetime) -> int:
        """Return the last position recorded at or before `moment`, 0 when there is none."""
        ...

    def checkpoint(self, subscriber: str) -> int:
        """Return the position a subscriber has finished, 0 when it never said."""
        ...

    def save_checkpoint(self, subscriber: str, position: int) -> None:
        """Keep the position a subscriber has finished; a checkpoint never goes back."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class ProvableLog(EventLog, Protocol):
    """A log that keeps the Merkle tree of its events (`events.tree`) and the signed heads of it."""

    def tree(self, positions: Collection[int]) -> Mapping[int, bytes]:
        """Return the rows of the tree that there are for positions."""
        ...

    def signed_heads(self) -> Sequence[bytes]:
        """Return the checkpoints that were signed, in that order, as `keep_signed_head` got them."""
        ...

    def keep_signed_head(self, note: bytes) -> None: ...

    def damage(self) -> Iterator[str]:
        """Say what is wrong with the store itself, beyond what its events and its tree tell."""
        ...
