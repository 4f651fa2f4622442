"""Checkpoints: a tree's size and root, signed, in the text that C2SP's tlog-checkpoint and signed-note define.

Keys are written as Go's `sumdb/note` writes them (https://pkg.go.dev/golang.org/x/mod/sumdb/note), so that its tools
read ours.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from events.tree import HASH_SIZE

ED25519: Final = b"\x01"
_KEY: Final = re.compile(r"(?P<secret>PRIVATE\+KEY\+)?(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")
_NOTE: Final = re.compile(r"(?P<text>(?:[^\n]+\n){3,})\n(?P<signatures>(?:— [^\n]+\n)+)")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class BadKey(ValueError):
    """A text that is no Ed25519 key of a signed note."""


class BadCheckpoint(ValueError):
    """A text that is no checkpoint, or one that no known key has signed."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key, and the name it signs under."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.public)}"


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A whole key; `str` of it is secret."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self._private().public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a note's text as its line carries it, key id first."""
        return self.verifier.id + self._private().sign(text)

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def __str__(self) -> str:
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{_base64(ED25519 + self.seed)}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The first `size` events of the log `origin` hash to `root`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    def signed(self, key: SignerKey) -> bytes:
        """Return the checkpoint as a note with one signature."""
        text = self.text()
        return f"{text}\n— {key.name} {_base64(key.sign(text.encode()))}\n".encode()


def origin(identity: str) -> str:
    """Return the name under which the log of this identity signs."""
    return f"dustman/{identity}"


def parsed_key(text: str) -> VerifierKey | SignerKey:
    """Read a key, either half; the error does not repeat it."""
    match = _KEY.fullmatch(text)
    raw = _bytes(match["key"]) if match else b""
    if not match or len(raw) != 33 or raw[:1] != ED25519:
        raise BadKey("is not a key such as name+1a2b3c4d+AbC…=, with PRIVATE+KEY+ before it for a signer")
    key = SignerKey(match["name"], raw[1:]) if match["secret"] else VerifierKey(match["name"], raw[1:])
    if (key.verifier if isinstance(key, SignerKey) else key).id.hex() != match["id"]:
        raise BadKey(f"is not a key: {match['id']} is not its id")
    return key


def opened(note: bytes, keys: Collection[VerifierKey]) -> Checkpoint:
    """Return what a note says, once one of the keys has vouched for it and none of them objects.

    A signature by a key that is not among them counts for nothing; a false one by a known key refuses the note.
    """
    try:
        match = _NOTE.fullmatch(note.decode())
    except UnicodeDecodeError:
        match = None
    if match is None:
        raise BadCheckpoint("it is not a signed note of an origin, a size and a root")
    vouched = [_vouches(line, match["text"], keys) for line in match["signatures"].splitlines()]
    if not any(vouched):
        raise BadCheckpoint("none of its signatures is by a known key")
    name, size, root, *_ = match["text"].splitlines()
    if not _NUMBER.fullmatch(size) or len(_bytes(root)) != HASH_SIZE:
        raise BadCheckpoint("its size or its root is not one")
    return Checkpoint(name, int(size), _bytes(root))


def notes(text: bytes) -> Iterator[bytes]:
    """Cut a file of checkpoints, one after the other, into its notes; `BadCheckpoint` says what is none."""
    start = 0
    pattern = re.compile(_NOTE.pattern.encode())
    while start < len(text):
        match = pattern.match(text, start)
        if match is None:
            raise BadCheckpoint(f"what begins at byte {start} is no checkpoint")
        yield match[0]
        start = match.end()


def _vouches(line: str, text: str, keys: Collection[VerifierKey]) -> bool:
    _, name, signature = (*line.split(" "), "", "")[:3]
    raw = _bytes(signature)
    if len(line.split(" ")) != 3 or len(raw) <= 4:
        raise BadCheckpoint("one of its signature lines is none")
    for key in keys:
        if (key.name, key.id) == (name, raw[:4]):
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], text.encode())
            except InvalidSignature:
                raise BadCheckpoint(f"its signature by {key.name}+{key.id.hex()} is false") from None
            return True
    return False


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    """Decode standard base64, or return nothing when the text is not its one form."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if _base64(raw) == text else b""
