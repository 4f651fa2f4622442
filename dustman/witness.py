"""A witness: a place out of the log's reach that remembers checkpoints, so that a log rewritten whole is caught."""

from __future__ import annotations

import os
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from domain.errors import ConfigurationError
from dustman.secret import redacted
from events.checkpoint import BadCheckpoint, notes

PATIENCE = 10


class WitnessUnavailable(Exception):
    """The witness did not take the checkpoint, or not for certain; it may be given again."""


def append(path: Path, note: bytes) -> None:
    """Put a checkpoint at the end of a file, durably."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WitnessUnavailable(f"{path}: cannot be written, {error.strerror}") from None


def post(url: str, note: bytes) -> None:
    """Send a checkpoint by POST; any answer of 200 to 299 means that it was taken."""
    shown = redacted(url)
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigurationError(f"--url {shown}: is not an address such as https://witness.example/checkpoints")
    request = Request(url, note, {"Content-Type": "text/plain; charset=utf-8"}, method="POST")
    try:
        with urlopen(request, timeout=PATIENCE):
            return
    except HTTPError as refused:
        refused.close()
        raise WitnessUnavailable(f"{shown}: answered {refused.code}") from None
    except (OSError, HTTPException) as error:
        raise WitnessUnavailable(f"{shown}: {error}") from None


def remembered(path: Path) -> list[tuple[str, bytes]]:
    """Return the checkpoints of a witness's file, each with its place there."""
    try:
        return [(f"{path}, checkpoint {number}", note) for number, note in enumerate(notes(path.read_bytes()), start=1)]
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read, {error.strerror}") from None
    except BadCheckpoint as bad:
        raise ConfigurationError(f"{path}: {bad}") from None
