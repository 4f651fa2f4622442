"""The archive: a log as lines of JSON, lossless, and back.

Each event is a line, byte for byte the CloudEvent of the feed. The last line is the seal: whose log it is, how many
events there are, and the SHA-256 of every byte before it, so that a file that was cut or changed is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import BinaryIO, Final

import msgspec
from msgspec import UNSET

from events.admission import EPOCH, refuse_unfit
from events.catalogue import EventType
from events.codec import decode
from events.envelope import SCHEMA, SOURCE, CloudEvent, cloud_event
from events.log import CorruptLog, Recorded

# No event comes near it; a file without line ends must not be read into memory whole.
LONGEST_LINE: Final = 2**26


class BrokenArchive(CorruptLog):
    """A file that is not, or not any more, what an export wrote; names the line."""


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: `events` lines came before it, of the log `source`, with the digest `sha256` in hexadecimals."""

    sealed: int
    source: str
    sha256: str


def lines(records: Iterable[Recorded], identity: str) -> Iterator[bytes]:
    """Yield the archive of some events of the log `identity`; only one of all from the first can be read back."""
    digest, count = sha256(), 0
    for recorded in records:
        line = cloud_event(recorded, identity) + b"\n"
        digest.update(line)
        count += 1
        yield line
    yield _JSON.encode(Seal(count, SOURCE + identity, digest.hexdigest())) + b"\n"


def opened(file: BinaryIO) -> tuple[str, Iterator[Recorded]]:
    """Return the identity of an archive's log, and its events, each checked as it is read.

    Raises `BrokenArchive`, at the latest after the last event: nothing of it may be believed before the end.
    """
    numbered = enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1)
    first = next(numbered, None)
    if first is None:
        raise BrokenArchive("line 1: is missing, the file is empty")
    source = _parsed(first[1], 1).source
    if not source.startswith(SOURCE) or source == SOURCE:
        raise BrokenArchive(f"line 1: source {source!r} is not that of a log, {SOURCE}…")
    identity = source.removeprefix(SOURCE)
    return identity, _events(chain([first], numbered), identity)


def _events(numbered: Iterable[tuple[int, bytes]], identity: str) -> Iterator[Recorded]:
    digest, last, number = sha256(), EPOCH, 0
    versions: defaultdict[str, int] = defaultdict(int)
    sealed = False
    for number, line in numbered:
        if sealed:
            raise BrokenArchive(f"line {number}: comes after the seal")
        parsed = _parsed(line, number)
        if isinstance(parsed, Seal):
            _check_seal(parsed, number, identity, digest.hexdigest())
            sealed = True
            continue
        recorded = _recorded(parsed, line, number, identity)
        versions[recorded.stream] += 1
        if recorded.version != versions[recorded.stream]:
            expected = versions[recorded.stream]
            raise BrokenArchive(f"line {number}: streamversion {recorded.version} is not the next, {expected}")
        if recorded.recorded_at <= last:
            raise BrokenArchive(f"line {number}: recordedtime {parsed.recordedtime} is not after the line before")
        last = recorded.recorded_at
        digest.update(line)
        yield recorded
    if not sealed:
        raise BrokenArchive(f"line {number + 1}: the seal is missing, the file was cut off")


def _parsed(line: bytes, number: int) -> CloudEvent | Seal:
    if not line.endswith(b"\n"):
        raise BrokenArchive(f"line {number}: does not end, the file was cut off")
    try:
        return _SEAL.decode(line) if line.startswith(b'{"sealed":') else _EVENT.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenArchive(f"line {number}: is neither an event nor the seal: {error}") from None


def _check_seal(seal: Seal, number: int, identity: str, digest: str) -> None:
    if seal.source != SOURCE + identity:
        raise BrokenArchive(f"line {number}: the seal is of {seal.source!r}, the events are of {SOURCE + identity!r}")
    if seal.sealed != number - 1:
        raise BrokenArchive(f"line {number}: the seal counts {seal.sealed} events, the file has {number - 1}")
    if seal.sha256 != digest:
        raise BrokenArchive(f"line {number}: the digest is not that of the seal, a line before it was changed")


def _recorded(event: CloudEvent, line: bytes, number: int, identity: str) -> Recorded:
    """Read one event; whatever would not be written as exactly this line is refused."""
    if event.position != str(number):
        raise BrokenArchive(f"line {number}: position {event.position!r} is not {number}; a log is dense and in order")
    word, _, type_version = event.dataschema.removeprefix(SCHEMA).rpartition(":")
    data = bytes(event.data)
    try:
        for name in ("id", "subject", "correlationid", "causationid"):
            if (value := getattr(event, name)) is not UNSET:
                refuse_unfit(name, value)
        recorded = Recorded(
            position=number,
            stream=event.subject,
            version=int(event.streamversion),
            event_id=event.id,
            type=word,
            type_version=int(type_version),
            data=data,
            fact=decode(EventType(word, int(type_version)), data),
            occurred_at=datetime.fromisoformat(event.time),
            recorded_at=datetime.fromisoformat(event.recordedtime),
            correlation_id=event.correlationid,
            causation_id=None if event.causationid is UNSET else event.causationid,
        )
        same = cloud_event(recorded, identity) + b"\n" == line
    except (ValueError, OverflowError) as error:
        raise BrokenArchive(f"line {number}: {error}") from None
    if not same:
        raise BrokenArchive(f"line {number}: an export of the log {identity} would not write it so")
    return recorded


_JSON: Final = msgspec.json.Encoder()
_EVENT: Final = msgspec.json.Decoder(CloudEvent)
_SEAL: Final = msgspec.json.Decoder(Seal)
