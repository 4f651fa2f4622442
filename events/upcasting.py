"""Upcasting: bytes that an earlier version of a type wrote, as the newest version would have written them.

What is stored, and hashed, stays as it is; only its reading changes. An upcaster takes the fields of its version and
returns those of the next, so a change to the newest version touches none of the older ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import msgspec

from events.catalogue import EventType, UnknownType

Fields = dict[str, Any]
Upcaster = Callable[[Fields], Fields]


class Upcasting:
    """The way from each version that was ever released to the newest, `current`.

    `ValueError` when a version has no way, or one that leads nowhere.
    """

    def __init__(self, current: Collection[EventType], upcasters: Mapping[EventType, Upcaster]) -> None:
        self._newest = {event_type.word: event_type for event_type in current}
        self._upcasters = dict(upcasters)
        versions = {*current, *upcasters}
        for event_type in upcasters:
            if event_type in current or EventType(event_type.word, event_type.version + 1) not in versions:
                raise ValueError(f"the upcaster of {event_type} leads to no version of the catalogue")
        for word, version in current:
            if version > 1 and EventType(word, version - 1) not in upcasters:
                raise ValueError(f"{word} v{version - 1} was released, and has no upcaster to {word} v{version}")

    def __call__(self, event_type: EventType, data: bytes) -> tuple[EventType, bytes]:
        """Return the newest version and its bytes; `UnknownType` or `ValueError` for what was never written."""
        if event_type not in self._upcasters:
            newest = self._newest.get(event_type.word)
            known = f", whose newest is v{newest.version}" if newest else ""
            raise UnknownType(
                f"{event_type} is not in the catalogue{known}: a newer release wrote it, or no release did; "
                "read this log with the release that wrote it"
            )
        fields = _FIELDS.decode(data)
        if _JSON.encode(fields) != data:
            raise ValueError("the bytes are not canonical: keys not sorted and unique, or spaces or escapes too many")
        while upcaster := self._upcasters.get(event_type):
            fields = upcaster(fields)
            event_type = EventType(event_type.word, event_type.version + 1)
        return event_type, _JSON.encode(fields)


def _refuse_float(text: str) -> None:
    raise ValueError(f"{text} is not an integer; the log has no other bare numbers")


_JSON: Final = msgspec.json.Encoder(order="sorted")
_FIELDS: Final = msgspec.json.Decoder(Fields, float_hook=_refuse_float)
