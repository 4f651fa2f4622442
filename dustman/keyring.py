"""The key that signs a log's checkpoints, in a file of its own, and the keys that it took the place of.

The first line is the signer, secret; every further line is a verifier key that is still believed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ConfigurationError
from dustman.secret import conceal
from events.checkpoint import BadKey, SignerKey, VerifierKey, parsed_key


@dataclass(frozen=True, slots=True)
class Keyring:
    """One key that signs, and those that signed before it."""

    signer: SignerKey
    replaced: tuple[VerifierKey, ...] = ()

    @property
    def trusted(self) -> tuple[VerifierKey, ...]:
        """Return every key whose signature counts, the signer's first."""
        return (self.signer.verifier, *self.replaced)

    def rotated(self) -> Keyring:
        """Return a ring with a new signer under the same name; the old one is still believed."""
        return Keyring(_new_signer(self.signer.name), self.trusted)


def read_keyring(path: Path) -> Keyring | None:
    """Read the file, or return None when there is none; `ConfigurationError` names the line that is no key."""
    try:
        mode, lines = path.stat().st_mode, path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"audit.key: {path} cannot be read: {error}") from None
    if mode & 0o077:
        raise ConfigurationError(f"audit.key: {path} can be read by others than its owner; `chmod 600` it")
    keys = []
    for number, line in enumerate(lines, start=1):
        try:
            keys.append(parsed_key(line))
        except BadKey as bad:
            raise ConfigurationError(f"audit.key: line {number} of {path} {bad}") from None
    match keys:
        case [SignerKey() as signer, *others]:
            conceal(lines[0])
            replaced = tuple(key for key in others if isinstance(key, VerifierKey))
            if len(replaced) == len(others):
                return Keyring(signer, replaced)
    raise ConfigurationError(f"audit.key: {path} must hold one PRIVATE+KEY+… in its first line and verifier keys below")


def make_keyring(path: Path, name: str) -> Keyring:
    """Make the file with a new key, readable by its owner alone, or read the one that is there."""
    _write(path, Keyring(_new_signer(name)), _link_unless_there)
    ring = read_keyring(path)
    if ring is None:
        raise ConfigurationError(f"audit.key: {path} was removed while it was made")
    return ring


def replace_keyring(path: Path, ring: Keyring) -> None:
    """Put a ring in the place of the one in the file."""
    _write(path, ring, os.replace)


def _new_signer(name: str) -> SignerKey:
    return SignerKey(name, secrets.token_bytes(32))


def _write(path: Path, ring: Keyring, put: Callable[[Path, Path], object]) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write("\n".join(map(str, (ring.signer, *ring.replaced))) + "\n")
                file.flush()
                os.fsync(file.fileno())
            put(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"audit.key: {path} cannot be written, {error.strerror}") from None


def _link_unless_there(draft: Path, path: Path) -> None:
    """Give the draft its name, unless another process was faster."""
    if not path.exists():
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
