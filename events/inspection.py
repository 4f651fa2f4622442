"""The inspection of a whole log: bytes, order, versions, tree and signatures, and where something is wrong.

Each event is decoded to its canonical form, hashed anew and held against the tree; each signed head is opened and held
against the root of the events it covers. Heads that a witness keeps elsewhere show a log that was rewritten whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from events.checkpoint import BadCheckpoint, Checkpoint, VerifierKey, opened, origin
from events.leaf import leaf
from events.log import CorruptLog, ProvableLog, Recorded
from events.tree import EMPTY, HASH_SIZE, Frontier

PAGE = 500


@dataclass
class Findings:
    """What an inspection came to: `broken` and `doubtful` are sentences, empty when all is well."""

    events: int = 0
    root: bytes = EMPTY
    vouched: int = 0
    broken: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint that a known key signed, and where it was found."""

    place: str
    checkpoint: Checkpoint


def inspect(
    log: ProvableLog, keys: Collection[VerifierKey], witnessed: Sequence[tuple[str, bytes]] | None = None
) -> Findings:
    """Inspect all of a log; `witnessed` are notes kept elsewhere, each with the place it comes from, if one was asked.

    `vouched` is the last position that a signed head covers. Without keys no head can be judged, which is doubtful.
    """
    findings = Findings()
    findings.broken.extend(log.damage())
    heads = list(_stored(log, keys, findings))
    if witnessed is not None:
        heads += _witnessed(log, witnessed, keys, findings)
    for head in heads:
        if head.checkpoint.origin != origin(log.identity):
            findings.broken.append(f"{head.place} is of {head.checkpoint.origin}; this log is {origin(log.identity)}")
    _walk(log, heads, findings)
    return findings


def _stored(log: ProvableLog, keys: Collection[VerifierKey], findings: Findings) -> Iterator[Head]:
    try:
        notes = log.signed_heads()
    except CorruptLog as corrupt:
        findings.broken.append(str(corrupt))
        return
    if notes and not keys:
        findings.doubtful.append(f"{len(notes)} signed heads cannot be judged without a key")
        return
    for number, note in enumerate(notes, start=1):
        try:
            yield Head(f"signed head {number}", opened(note, keys))
        except BadCheckpoint as bad:
            findings.broken.append(f"signed head {number}: {bad}")


def _witnessed(
    log: ProvableLog, witnessed: Sequence[tuple[str, bytes]], keys: Collection[VerifierKey], findings: Findings
) -> Iterator[Head]:
    """A note that no key vouches for is no evidence against the log, nor for it.

    A witness may serve other logs too, whose notes tell nothing of this one; but it must have some of this one.
    """
    ours = origin(log.identity)
    if not any(_of(note, ours) for _, note in witnessed):
        findings.doubtful.append(f"the witness remembers no checkpoint of {ours}")
    for place, note in witnessed:
        try:
            yield Head(place, opened(note, keys))
        except BadCheckpoint as bad:
            if _of(note, ours):
                findings.doubtful.append(f"{place}: {bad}")


def _of(note: bytes, name: str) -> bool:
    return note.startswith(f"{name}\n".encode())


def _walk(log: ProvableLog, heads: Sequence[Head], findings: Findings) -> None:
    """Hash every event in order; what cannot be read ends the walk."""
    tree, orderly, wrong = Frontier(0, []), _Order(), 0
    covering: dict[int, list[Head]] = {}
    for head in heads:
        covering.setdefault(head.checkpoint.size, []).append(head)
    _compare(tree, covering, findings)
    try:
        end = log.head()
        events = log.read(until=end)
        while page := list(islice(events, PAGE)):
            rows = log.tree([record.position for record in page])
            for record in page:
                findings.broken.extend(orderly.breaches(record))
                made, kept = tree.add(leaf(record)), rows.get(record.position, b"")
                if made[:HASH_SIZE] != kept[:HASH_SIZE]:
                    wrong = record.position
                    findings.broken.append(f"position {wrong}: the event is not what the tree has of it")
                elif made != kept and wrong <= record.position - _leaves_under(made):
                    # A wrong event makes every node above it differ: only what it does not explain is told.
                    findings.broken.append(f"position {record.position}: the tree's nodes there are not its events'")
                _compare(tree, covering, findings)
        if tree.size != end:
            raise CorruptLog(f"position {tree.size + 1} is missing")
    except CorruptLog as corrupt:
        findings.broken.append(str(corrupt))
    findings.events, findings.root = tree.size, tree.root()
    findings.broken.extend(
        f"{head.place} covers {head.checkpoint.size} events, of which {tree.size} are there"
        for head in heads
        if head.checkpoint.size > tree.size
    )


def _leaves_under(row: bytes) -> int:
    """Return how many events the highest node of a position's row covers, all of them up to that position."""
    return 1 << (len(row) // HASH_SIZE - 1)


def _compare(tree: Frontier, covering: Mapping[int, Sequence[Head]], findings: Findings) -> None:
    """Hold the heads of this size against the tree; one that contradicts takes the others' word away."""
    if not (heads := covering.get(tree.size, ())):
        return
    root = tree.root()
    if contradicting := [head for head in heads if head.checkpoint.root != root]:
        findings.broken.extend(
            f"{head.place} was signed over {tree.size} events that are not these; "
            f"what follows position {findings.vouched} was rewritten"
            for head in contradicting
        )
    else:
        findings.vouched = tree.size


class _Order:
    """What the event before, and the one before in the same stream, demand of the next."""

    def __init__(self) -> None:
        self._recorded_at: datetime | None = None
        self._versions: dict[str, int] = {}

    def breaches(self, record: Recorded) -> Iterator[str]:
        if self._recorded_at and record.recorded_at <= self._recorded_at:
            yield f"position {record.position}: was recorded no later than the one before it"
        if record.version != self._versions.get(record.stream, 0) + 1:
            yield f"position {record.position}: its version {record.version} is not the next of stream {record.stream}"
        self._recorded_at, self._versions[record.stream] = record.recorded_at, record.version
