"""Who signs a log's checkpoints: under the log's own name, and nothing that contradicts what was signed before."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from domain.errors import ConfigurationError
from dustman.keyring import Keyring, make_keyring, read_keyring, replace_keyring
from events.checkpoint import BadCheckpoint, Checkpoint, SignerKey, VerifierKey, opened, origin
from events.log import CorruptLog, EventLog, ProvableLog
from events.tree import root


def provable(log: EventLog) -> ProvableLog:
    """Return the log as one that can prove itself; `ConfigurationError` when its store keeps no tree."""
    if not isinstance(log, ProvableLog):
        raise ConfigurationError("log.url: this store keeps no tree of its events, so they cannot be proven")
    return log


def keyring_of(log: ProvableLog, path: Path) -> Keyring:
    """Return the ring that signs for a log; its file is made at first use.

    `ConfigurationError` when it is another log's, or when it is gone although it has signed.
    """
    name = origin(log.identity)
    ring = read_keyring(path)
    if ring is None:
        if log.signed_heads():
            raise ConfigurationError(
                f"audit.key: there is no {path}, which has signed for this log; bring it back from a backup, or "
                "make a new one with `dustman audit key --rotate`"
            )
        ring = make_keyring(path, name)
    if ring.signer.name != name:
        raise ConfigurationError(f"audit.key: {path} is the key of {ring.signer.name}, this log is {name}")
    return ring


def rotated_keyring_of(log: ProvableLog, path: Path) -> Keyring:
    """Return the ring with a new signer, which is in the file now; one that was lost cannot be among the replaced."""
    if read_keyring(path) is None:
        return make_keyring(path, origin(log.identity))
    ring = keyring_of(log, path).rotated()
    replace_keyring(path, ring)
    return ring


def signed_head(log: ProvableLog, ring: Keyring, covering: int) -> bytes:
    """Return a checkpoint by the signer over at least `covering` events: the newest kept, else a new one over all."""
    kept = log.signed_heads()
    for number, note in enumerate(kept, start=1):
        checkpoint = vouched(f"signed head {number}", note, ring.trusted)
        if root(checkpoint.size, log.tree) != checkpoint.root:
            raise CorruptLog(f"signed head {number} was signed over {checkpoint.size} events that are not these")
    if kept and _is_by(ring.signer, kept[-1]) and opened(kept[-1], ring.trusted).size >= covering:
        return kept[-1]
    size = log.head()
    note = Checkpoint(origin(log.identity), size, root(size, log.tree)).signed(ring.signer)
    log.keep_signed_head(note)
    return note


def vouched(place: str, note: bytes, keys: Collection[VerifierKey]) -> Checkpoint:
    """Return what a kept note says; `CorruptLog` when no key vouches for it."""
    try:
        return opened(note, keys)
    except BadCheckpoint as bad:
        raise CorruptLog(f"{place}: {bad}") from bad


def _is_by(signer: SignerKey, note: bytes) -> bool:
    try:
        opened(note, [signer.verifier])
    except BadCheckpoint:
        return False
    return True
