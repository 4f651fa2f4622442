"""A witness: a place out of the log's reach that remembers checkpoints, so that a log rewritten whole is caught."""

from __future__ import annotations

import os
import time
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from domain.errors import ConfigurationError
from dustman.secret import redacted
from events.checkpoint import BadCheckpoint, notes

# Seconds that a witness may keep silent, and may take for all it remembers.
PATIENCE, MOST_TIME = 10, 60.0
# A checkpoint has some 250 bytes; who signs each hour for a century has as much as this.
MOST_REMEMBERED = 2**28


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
    _answer(Request(url, note, {"Content-Type": "text/plain; charset=utf-8"}, method="POST"), "--url")


def remembered(place: str) -> list[tuple[str, bytes]]:
    """Return the checkpoints that a witness's file, or the answer at its address, has, each with its place there."""
    shown = redacted(place)
    text = _answer(Request(place), "--witness") if "://" in place else _read(Path(place))
    try:
        return [(f"{shown}, checkpoint {number}", note) for number, note in enumerate(notes(text), start=1)]
    except BadCheckpoint as bad:
        raise ConfigurationError(f"{shown}: {bad}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read, {error.strerror}") from None


def _answer(request: Request, option: str) -> bytes:
    """Return the body of the answer, which must come in time and from that very address."""
    shown = redacted(request.full_url)
    if not _trustworthy(request.full_url):
        raise ConfigurationError(
            f"{option} {shown}: is not an address such as https://witness.example/checkpoints; "
            "http:// is for this machine alone"
        )
    try:
        with build_opener(_NoRedirect).open(request, timeout=PATIENCE) as response:
            return _body(response, shown)
    except HTTPError as refused:
        refused.close()
        raise WitnessUnavailable(f"{shown}: answered {refused.code}") from None
    except (OSError, HTTPException) as error:
        raise WitnessUnavailable(f"{shown}: does not answer, {getattr(error, 'reason', error)}") from None


def _body(response: HTTPResponse, shown: str) -> bytes:
    body, end = bytearray(), time.monotonic() + MOST_TIME
    while piece := response.read1(2**16):
        body += piece
        if len(body) > MOST_REMEMBERED or time.monotonic() > end:
            raise WitnessUnavailable(
                f"{shown}: answers more than {MOST_REMEMBERED} bytes, or for longer than {MOST_TIME:.0f} s"
            )
    if response.length:
        raise WitnessUnavailable(f"{shown}: ended its answer {response.length} bytes early")
    return bytes(body)


def _trustworthy(url: str) -> bool:
    """Say whether nobody on the way can change what is sent or answered: over TLS, or on this machine."""
    try:
        parts = urlsplit(url)
        if not parts.hostname or parts.port == 0:  # reading the port raises ValueError when it is none
            return False
        here = parts.hostname == "localhost" or (parts.scheme == "http" and ip_address(parts.hostname).is_loopback)
        return parts.scheme == "https" or (parts.scheme == "http" and here)
    except ValueError:
        return False


class _NoRedirect(HTTPRedirectHandler):
    """Takes an answer that sends elsewhere as a refusal: only the address that the owner named is the witness."""

    def redirect_request(self, *_: Any) -> None:
        return None
