"""Proofs that need no log, only its key: that an event is in it, and that it still begins as it did at an earlier size.

The first is C2SP's tlog-proof text (https://c2sp.org/tlog-proof). The second is what C2SP's tlog-witness takes to sign
a checkpoint that follows one it knows (https://c2sp.org/tlog-witness, add-checkpoint).
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence

from events.checkpoint import VerifierKey, opened
from events.leaf import leaf
from events.log import CorruptLog, ProvableLog
from events.tree import (
    BadProof,
    check_consistency,
    consistency,
    inclusion,
    leaf_hash,
    root,
    root_of_inclusion,
)

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
    return _text([HEADER, f"extra {_base64(hashed)}", f"index {index}"], siblings, note)


def growth(log: ProvableLog, old: int, note: bytes, keys: Collection[VerifierKey]) -> str:
    """Prove that the events a signed checkpoint covers begin with the first `old`, unchanged.

    `CorruptLog` when the tree does not lead to the checkpoint's root. Of no events there is nothing to prove, so the
    proof from 0 has no hashes.
    """
    checkpoint = opened(note, keys)
    hashes = consistency(old, checkpoint.size, log.tree) if old else []
    try:
        if old:
            check_consistency(old, root(old, log.tree), checkpoint.size, checkpoint.root, hashes)
    except BadProof as bad:
        raise CorruptLog(
            f"the checkpoint of size {checkpoint.size} cannot be proven to follow size {old}: {bad}"
        ) from bad
    return _text([f"old {old}"], hashes, note)


def _text(head: Sequence[str], hashes: Sequence[bytes], note: bytes) -> str:
    return "\n".join([*head, *map(_base64, hashes), "", note.decode()])


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
