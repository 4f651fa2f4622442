"""The rules of a webhook: how a message is signed, and what an answer to it means. Pure.

Signatures follow Standard Webhooks, so receivers verify them with libraries there are
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import string
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

MEDIA: Final = "application/cloudevents+json; charset=utf-8"
PREFIX: Final = "whsec_"
ACCEPTED: Final = f"{PREFIX} and 24 to 64 random bytes in Base64"
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 3600.0
# A receiver may ask for more patience than that, but not for ever.
LONGEST_RETRY_AFTER_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Secret:
    """What sender and receiver share; during a change several, of which receivers accept any."""

    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Secret:
        """Read one or more secrets parted by spaces; `ValueError` says the accepted form and shows nothing."""
        keys = tuple(_key(word) for word in text.split())
        if not keys:
            raise ValueError(f"accepted: {ACCEPTED}")
        return cls(keys)


def _key(word: str) -> bytes:
    try:
        key = b64decode(word.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not (word.startswith(PREFIX) and 24 <= len(key) <= 64):
        raise ValueError(f"accepted: {ACCEPTED}")
    return key


def headers(secret: Secret, event_id: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of a message sent `seconds` after 1970. `webhook-id` is the same at every try."""
    message = quote(event_id, safe=string.punctuation.replace("%", ""))
    signed = b".".join((message.encode(), str(seconds).encode(), body))
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in secret.keys)
    return {
        "content-type": MEDIA,
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests),
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said: its HTTP status, or None when there was no answer; `words` say it for people.

    `retry_after` is how many seconds it asked to be left alone.
    """

    status: int | None
    words: str
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has the event."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The receiver is gone for good: send it nothing more until the owner says otherwise."""


@dataclass(frozen=True, slots=True)
class Later:
    """Try again after `seconds`; later events wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It had all its tries: set it aside, and go on with the next."""


Verdict = Delivered | Unwanted | Later | GivenUp


def verdict(answer: Answer, tries: int, most: int, chance: float) -> Verdict:
    """Say what an answer to the try number `tries` of `most` means.

    Pauses double from one second up to an hour; `chance`, from 0 to 1, takes up to half of a pause off, so that
    receivers that were away are not asked by all senders at once.
    """
    match answer.status:
        case int(status) if 200 <= status < 300:
            return Delivered()
        case 410:
            return Unwanted()
        case _ if tries >= most:
            return GivenUp()
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 60), LONGEST_PAUSE_SECONDS) * (1 - chance / 2)
    return Later(max(pause, min(answer.retry_after, LONGEST_RETRY_AFTER_SECONDS)))


def group_of(webhook: str) -> str:
    """Return the group that a webhook reads the feed as; its colon keeps it apart from groups of other services."""
    return f"webhook:{webhook}"


def variable_of(webhook: str) -> str:
    """Return the variable of the environment that holds a webhook's secret."""
    return f"DUSTMAN_WEBHOOK_{webhook.upper().replace('-', '_')}_SECRET"
