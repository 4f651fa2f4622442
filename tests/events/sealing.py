"""A log of which most is always sealed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from events.log import LogConflict, NewEvent, Recorded
from events.sealing import seal
from events.sqlite import SQLiteLog


class SealingLog(SQLiteLog):
    """A `SQLiteLog` that seals after each append, in small segments, what can be sealed."""

    def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]:
        """Append, then seal."""
        recorded = super().append(stream, expected, events)
        size = max(1, (self.head() - self.sealed_until()) // 3)
        with suppress(LogConflict):  # another thread sealed it
            for _ in seal(self, self.head(), size):
                pass
        return recorded
