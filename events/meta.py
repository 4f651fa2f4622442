"""What a store says of itself in its table `meta`: which log it is, and which schema it has."""

from __future__ import annotations

from typing import Final

from events.log import CorruptLog

MOST_DIGITS: Final = 9


def identity_of(value: str | None, place: object) -> str:
    """Return the identity that the store at `place` has; `CorruptLog` when it has none."""
    if not value:
        raise CorruptLog(f"{place} does not say which log it is: its table meta has no identity")
    return value


def schema_of(value: str | None, place: object, newest: int) -> int:
    """Return the schema that the store at `place` has, from 1 to `newest`; `CorruptLog` says why it has none."""
    if value is None:
        raise CorruptLog(f"{place} does not say how it is laid out: its table meta has no schema")
    if not (value.isascii() and value.isdecimal() and len(value) <= MOST_DIGITS):
        raise CorruptLog(f"{place} has schema {value!r}, which is no number")
    if (schema := int(value)) < 1:
        raise CorruptLog(f"{place} has schema {schema}, which no release wrote")
    if schema > newest:
        raise CorruptLog(f"{place} has schema {schema}, of a newer release; this one reads {newest}")
    return schema
