"""A segment: events of a log, old enough to lie in a file of their own, packed and never changed again.

The file is frames of Zstandard (RFC 8878), so that `zstdcat` shows it: each the leaves of up to `FRAME` events, one a
line. A skippable frame at the end holds the index: whose log it is, where each frame begins, and its SHA-256. Whoever
knows the digest of the index can tell whether any byte of the file was changed.
"""

from __future__ import annotations

import os
import struct
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from events.admission import EPOCH
from events.catalogue import EventType
from events.codec import decode
from events.leaf import leaf
from events.log import CorruptLog, Recorded

FRAME: Final = 1_000
# 117 bytes an event; 3 packs three times as fast into 140, 19 takes forty times as long for 103.
LEVEL: Final = 9
# A skippable frame: its magic number and the size of what it holds, which here ends with its own size again.
MAGIC: Final = 0x184D2A5D
_HEAD: Final = struct.Struct("<II")
_TAIL: Final = struct.Struct("<I")


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """Where a frame's bytes are, its first event's position and time of record, and how many bytes it unpacks to."""

    first: int
    recorded_at: datetime
    offset: int
    size: int
    unpacked: int
    digest: bytes


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a segment holds: positions `first` to `last`, and the last version of each stream."""

    identity: str
    first: int
    last: int
    last_at: datetime
    streams: dict[str, int]
    frames: list[Frame]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    causation_id: str | None
    correlation_id: str
    data: msgspec.Raw
    event_id: str
    occurred_at: datetime
    position: int
    recorded_at: datetime
    stream: str
    type: str
    type_version: int
    version: int


class Segment:
    """The segment in the file at `path`, whose index has the SHA-256 `digest`; `CorruptLog` names the file."""

    def __init__(self, path: Path, digest: bytes) -> None:
        self.path, self.digest = path, digest

    @cached_property
    def index(self) -> Index:
        """Return what the segment holds."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL.size))
                length = _whole(_TAIL, file.read())
                begin = size - _TAIL.size - length - _HEAD.size
                file.seek(max(0, begin))
                content = file.read()
        except OSError as error:
            raise self._corrupt(f"cannot be read, {error.strerror}") from error
        body = content[_HEAD.size : -_TAIL.size]
        if begin < 0 or content[: _HEAD.size] != _HEAD.pack(MAGIC, length + _TAIL.size):
            raise self._corrupt("has no index at its end")
        if sha256(body).digest() != self.digest:
            raise self._corrupt("is not the one that was sealed: its index is another")
        index = _INDEX.decode(body)
        if begin != index.frames[-1].offset + index.frames[-1].size:
            raise self._corrupt("has another size than its index says")
        return index

    def read(self, after: int, until: int) -> Iterator[Recorded]:
        """Yield the segment's events with `after < position <= until`."""
        frames = self.index.frames
        for number in range(max(0, bisect_right(frames, after + 1, key=_first) - 1), len(frames)):
            if frames[number].first > until:
                return
            for line in self._lines(frames[number]):
                recorded = self._recorded(line)
                if after < recorded.position <= until:
                    yield recorded

    def position_at(self, moment: datetime) -> int:
        """Return the last position recorded at or before a moment, the one before the segment when there is none."""
        number = bisect_right(self.index.frames, moment, key=_at)
        if not number:
            return self.index.first - 1
        found = self.index.frames[number - 1]
        lines = self._lines(found)
        return found.first - 1 + bisect_right(lines, moment, key=lambda line: self._recorded(line).recorded_at)

    def _lines(self, frame: Frame) -> list[bytes]:
        try:
            with self.path.open("rb") as file:
                file.seek(frame.offset)
                packed = file.read(frame.size)
        except OSError as error:
            raise self._corrupt(f"cannot be read, {error.strerror}") from error
        if sha256(packed).digest() != frame.digest:
            raise self._corrupt(f"was changed where position {frame.first} begins")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=frame.unpacked).splitlines()

    def _recorded(self, line: bytes) -> Recorded:
        read = _LINE.decode(line)
        data = bytes(read.data)
        try:
            fact = decode(EventType(read.type, read.type_version), data)
        except ValueError as error:
            raise self._corrupt(f"position {read.position} cannot be read: {error}") from error
        return Recorded(
            read.position,
            read.stream,
            read.version,
            read.event_id,
            read.type,
            read.type_version,
            data,
            fact,
            read.occurred_at,
            read.recorded_at,
            read.correlation_id,
            read.causation_id,
        )

    def _corrupt(self, what: str) -> CorruptLog:
        return CorruptLog(f"segment {self.path}: {what}")


def write(directory: Path, identity: str, records: Iterable[Recorded]) -> Segment:
    """Write events to a file named by their positions; it appears whole and on disk, over one that was left there."""
    directory.mkdir(mode=0o700, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".zst", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            index = Index(identity, 0, 0, EPOCH, {}, [])
            remaining = iter(records)
            while page := list(islice(remaining, FRAME)):
                index = _grown(index, page, packed := _packed(page), file.tell())
                file.write(packed)
            body = _JSON.encode(index)
            file.write(_HEAD.pack(MAGIC, len(body) + _TAIL.size) + body + _TAIL.pack(len(body)))
            file.flush()
            os.fsync(file.fileno())
        # The digest is a part of the name: only the same bytes ever replace a segment that the log refers to.
        digest = sha256(body).digest()
        path = directory / f"{index.first:012}-{index.last:012}-{digest.hex()[:16]}.zst"
        Path(name).replace(path)
        _sync(directory)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink(missing_ok=True)
        raise
    return Segment(path, digest)


def _packed(page: list[Recorded]) -> bytes:
    return zstandard.ZstdCompressor(level=LEVEL).compress(_unpacked(page))


def _unpacked(page: list[Recorded]) -> bytes:
    return b"".join(leaf(recorded) + b"\n" for recorded in page)


def _grown(index: Index, page: list[Recorded], packed: bytes, offset: int) -> Index:
    size = len(_unpacked(page))
    frame = Frame(page[0].position, page[0].recorded_at, offset, len(packed), size, sha256(packed).digest())
    return Index(
        index.identity,
        index.first or page[0].position,
        page[-1].position,
        page[-1].recorded_at,
        {**index.streams, **{recorded.stream: recorded.version for recorded in page}},
        [*index.frames, frame],
    )


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole(form: struct.Struct, content: bytes) -> int:
    return int(form.unpack(content)[0]) if len(content) == form.size else 0


def _first(frame: Frame) -> int:
    return frame.first


def _at(frame: Frame) -> datetime:
    return frame.recorded_at


_JSON: Final = msgspec.json.Encoder()
_INDEX: Final = msgspec.json.Decoder(Index)
_LINE: Final = msgspec.json.Decoder(_Line)
