"""The log in memory: for tests of what is pure. It keeps the whole contract but durability."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock

from events.admission import EPOCH, admit, candidates, recorded_after, unread
from events.leaf import grown
from events.log import NewEvent, Recorded, Written


class MemoryLog:
    """An `EventLog` in a list, safe between threads; it ends with its process."""

    def __init__(self, identity: str, clock: Callable[[], datetime]) -> None:
        self._identity = identity
        self._clock = clock
        self._lock = Lock()
        self._events: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}
        self._by_id: dict[str, Recorded] = {}
        self._checkpoints: dict[str, int] = {}
        self._tree: dict[int, bytes] = {}
        self._signed_heads: list[bytes] = []

    @property
    def identity(self) -> str:
        return self._identity

    def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]:
        wanted = candidates(stream, expected, events)
        with self._lock:
            version = len(self._streams.get(stream, ()))
            repeated = admit(wanted, expected, version, self._by_id)
            if repeated is not None:
                return repeated
            fresh = []
            last = self._events[-1].recorded_at if self._events else EPOCH
            for offset, candidate in enumerate(wanted, start=1):
                last = recorded_after(last, self._clock())
                fresh.append(candidate.recorded(len(self._events) + offset, version + offset, last))
            self._tree |= dict(grown(fresh, self.tree)) if fresh else {}
            self._events += fresh
            self._streams.setdefault(stream, []).extend(fresh)
            self._by_id |= {record.event_id: record for record in fresh}
            return fresh

    def stream(self, stream: str, after: int = 0) -> Iterator[Recorded]:
        return iter(self._streams.get(stream, [])[after:])

    def read(self, after: int = 0, until: int | None = None) -> Iterator[Recorded]:
        return iter(self._events[after:until])

    def written(self, after: int, until: int) -> Iterator[Written]:
        return map(unread, self._events[after:until])

    def streams(self) -> Sequence[str]:
        return list(self._streams)

    def head(self) -> int:
        return len(self._events)

    def position_at(self, moment: datetime) -> int:
        return bisect_right(self._events, moment, key=lambda record: record.recorded_at)

    def checkpoint(self, subscriber: str) -> int:
        return self._checkpoints.get(subscriber, 0)

    def save_checkpoint(self, subscriber: str, position: int) -> None:
        with self._lock:
            self._checkpoints[subscriber] = max(position, self.checkpoint(subscriber))

    def tree(self, positions: Collection[int]) -> Mapping[int, bytes]:
        return {position: self._tree[position] for position in positions if position in self._tree}

    def signed_heads(self) -> Sequence[bytes]:
        return list(self._signed_heads)

    def keep_signed_head(self, note: bytes) -> None:
        with self._lock:
            self._signed_heads.append(note)

    def damage(self) -> Iterator[str]:
        """Nothing but events and tree is kept that could be damaged."""
        return iter(())

    def close(self) -> None:
        """Forget nothing: there is nothing to release."""
