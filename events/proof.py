"""The proof that an event is in the log, in C2SP's tlog-proof text: whoever has it and the log's key needs no log."""

from __future__ import annotations

import base64
from collections.abc import Collection

from events.checkpoint import VerifierKey, opened
from events.leaf import leaf
from events.log import CorruptLog, ProvableLog
from events.tree import BadProof, inclusion, leaf_hash, root_of_inclusion

HEADER = "c2sp.org/tlog-proof@v1"


def proof(log: ProvableLog, position: int, note: bytes, keys: Collection[VerifierKey]) -> str:
    """Prove the event at `position` by a signed checkpoint that covers it; the event itself is the proof's `extra`.

    `CorruptLog` when the event and the tree do not lead to the checkpoint's root.
    """
    checkpoint = opened(note, keys)
    [record] = log.read(after=position - 1, until=position)
    hashed, index = leaf(record), position - 1
    siblings = inclusion(index, checkpoint.size, log.tree)
    try:
        found = root_of_inclusion(leaf_hash(hashed), index, checkpoint.size, siblings)
    except BadProof as bad:
        raise CorruptLog(f"position {position} cannot be proven: {bad}") from bad
    if found != checkpoint.root:
        raise CorruptLog(f"position {position} is not what the checkpoint of size {checkpoint.size} was signed over")
    lines = [HEADER, f"extra {_base64(hashed)}", f"index {index}", *map(_base64, siblings), "", note.decode()]
    return "\n".join(lines)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
