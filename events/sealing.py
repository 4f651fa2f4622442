"""Sealing: old events move from the log's table into segments, and the log stays whole at every moment.

A segment is written, is on disk, is read back and held against the Merkle tree; then one transaction registers it and
lets its events leave. Whoever stops in between leaves a file that nothing refers to, which the next sealing replaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from events.leaf import leaf
from events.log import CorruptLog
from events.segments import Segment, write
from events.sqlite import SQLiteLog
from events.tree import HASH_SIZE, leaf_hash

# So small that its transaction keeps no writer waiting for long.
SEGMENT: Final = 10_000


def seal(log: SQLiteLog, until: int, size: int = SEGMENT) -> Iterator[Segment]:
    """Seal events up to position `until`, in segments of `size`, and yield each; what does not fill one stays.

    The log's last event is never sealed. Raises `CorruptLog`, and seals nothing more, when an event is not what the
    tree has of it, and `LogConflict` when somebody else seals at the same time.
    """
    until = min(until, log.head() - 1)
    while (after := log.sealed_until()) + size <= until:
        segment = write(log.segments_directory, log.identity, log.read(after, after + size))
        _check(Segment(segment.path, segment.digest), log, after, size)
        log.put_away(segment)
        yield segment


def _check(segment: Segment, log: SQLiteLog, after: int, size: int) -> None:
    """Read a segment back from its file, event by event."""
    count = 0
    for count, recorded in enumerate(segment.read(after, after + size), start=1):
        kept = log.tree([recorded.position]).get(recorded.position, b"")
        if recorded.position != after + count or leaf_hash(leaf(recorded)) != kept[:HASH_SIZE]:
            raise CorruptLog(f"segment {segment.path}: position {after + count} is not what the tree has of it")
    if count != size:
        raise CorruptLog(f"segment {segment.path}: has {count} events, not {size}")
