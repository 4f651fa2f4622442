"""The codec: a fact to its one canonical form in bytes, and back.

The form is JSON with sorted keys and no spaces (RFC 8259); decimals are strings without an exponent, times are RFC 3339
in UTC with six digits of a second. Whatever is not in exactly this form is refused on both ways, so equal facts have
equal bytes, and what was read is what was written. Most facts and bytes are shown at little cost to be in it
(`events.exactness`, `events.grammar`); for the rest, what would be written decides.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from events.catalogue import FACT_OF, UPCASTERS, EventType, UnknownType, type_of
from events.exactness import exactness
from events.facts import Fact
from events.grammar import matcher
from events.money import plain
from events.upcasting import Upcasting

MOST_DIGITS: Final = 200
# What an upcaster may raise that meets other fields than those of its version.
_FOREIGN: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)

Write = Callable[[Any], Any]


class UnfitFact(ValueError):
    """A fact, or its bytes, without the form that the log keeps; names the type, the field and the value."""


def encode(fact: Fact) -> bytes:
    """Return the canonical bytes of a fact."""
    event_type = type_of(fact)
    codec = _CODECS[event_type]
    if codec.exact(fact) and codec.canonical(data := _as_it_stands(fact)):
        return data
    try:
        return _JSON.encode(codec.write(fact))
    except _Refused as refused:
        raise UnfitFact(f"{event_type}: {refused}") from None


def decode(event_type: EventType, data: bytes) -> Fact:
    """Return the fact that the bytes mean; `UnknownType` or `UnfitFact` when they are not what `encode` writes.

    What it wrote in an earlier version is read as the newest.
    """
    codec = _CODECS.get(event_type)
    if codec is None:
        return _of_an_earlier_version(event_type, data)
    try:
        fact = codec.read(data)
        if codec.canonical(data):
            return fact
        written = codec.write(fact)
        if _JSON.encode(written) != data:
            raise UnfitFact(f"{event_type}: {_difference(msgspec.json.decode(data), written)}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnfitFact(f"{event_type}: {error}; the bytes are {_shortly(data)}") from None
    except _Refused as refused:
        raise UnfitFact(f"{event_type}: {refused}") from None
    return fact


def _of_an_earlier_version(event_type: EventType, data: bytes) -> Fact:
    try:
        return decode(*_newest(event_type, data))
    except UnknownType:
        raise
    except _FOREIGN as error:
        said = error if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
        raise UnfitFact(f"{event_type}: {said}; the bytes are {_shortly(data)}") from error


@dataclass(frozen=True, slots=True)
class _Codec:
    """What reads and writes facts of one type, and what shows bytes and facts to be beyond doubt."""

    read: Callable[[bytes], Fact]
    write: Write
    canonical: Callable[[bytes], object]
    exact: Callable[[Fact], bool]


class _Refused(ValueError):
    """A value that has no form; gathers the path of its field on the way up."""

    def __init__(self, value: object, accepted: str) -> None:
        super().__init__()
        self.value, self.accepted, self.path = value, accepted, ""

    def within(self, field: str) -> _Refused:
        self.path = f"{field}.{self.path}" if self.path and self.path[0] != "[" else field + self.path
        return self

    def __str__(self) -> str:
        return f"field {self.path}: {self.value!r} is not {self.accepted}"


def _writer(form: Any) -> Write:
    """Build what turns values of one annotated type into plain JSON values, refusing every other value."""
    origin, arguments = get_origin(form), get_args(form)
    if dataclasses.is_dataclass(form):
        return _record(cast(type, form))
    if origin is tuple:
        return _sequence(_writer(arguments[0]))
    if origin is dict:
        return _mapping(_writer(arguments[1]))
    if origin in (Union, types.UnionType) and len(arguments) == 2 and arguments[1] is types.NoneType:
        return _optional(_writer(arguments[0]))
    if isinstance(form, type) and issubclass(form, StrEnum):
        return _word(form)
    return _SCALARS[form]


def _record(form: type) -> Write:
    hints = get_type_hints(form)
    fields = [(field.name, _writer(hints[field.name])) for field in dataclasses.fields(form)]

    def write(value: Any) -> dict[str, Any]:
        if type(value) is not form:
            raise _Refused(value, f"of type {form.__name__}")
        written = {}
        for name, write_field in fields:
            try:
                written[name] = write_field(getattr(value, name))
            except _Refused as refused:
                raise refused.within(name) from None
        return written

    return write


def _sequence(write_item: Write) -> Write:
    def write(value: Any) -> list[Any]:
        if type(value) is not tuple:
            raise _Refused(value, "a tuple")
        written = []
        for index, item in enumerate(value):
            try:
                written.append(write_item(item))
            except _Refused as refused:
                raise refused.within(f"[{index}]") from None
        return written

    return write


def _mapping(write_item: Write) -> Write:
    def write(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _Refused(value, "a dict")
        written = {}
        for key, item in value.items():
            try:
                written[_text(key)] = write_item(item)
            except _Refused as refused:
                raise refused.within(f"[{key!r}]") from None
        return written

    return write


def _optional(write_item: Write) -> Write:
    return lambda value: None if value is None else write_item(value)


def _word(form: type[StrEnum]) -> Write:
    def write(value: Any) -> str:
        if type(value) is not form:
            raise _Refused(value, f"one of {', '.join(form)}")
        return value.value

    return write


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Refused(value, "text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Refused(value, "text that UTF-8 can hold") from None
    return str(value)


def _number(value: Any) -> str:
    if type(value) is not Decimal or not value.is_finite() or abs(value.adjusted()) > MOST_DIGITS:
        raise _Refused(value, f"a finite Decimal of at most {MOST_DIGITS} digits")
    return plain(value)


def _count(value: Any) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise _Refused(value, "an integer of 64 bits")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _Refused(value, "true or false")
    return value


def _moment(value: Any) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _Refused(value, "a datetime with a time zone")
    try:
        return rfc3339(value)
    except OverflowError:
        raise _Refused(value, "a time that UTC has within the years 1 to 9999") from None


def rfc3339(moment: datetime) -> str:
    """Write an aware datetime in UTC with six digits of a second, so that text order is time order."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def _difference(read: Any, written: Any, path: str = "") -> str:
    """Say where the bytes read and the bytes that would have been written first differ."""
    if isinstance(read, Mapping) and isinstance(written, Mapping):
        for name in sorted(read.keys() | written.keys()):
            if name not in written:
                return f"field {path}{name}: unknown, with the value {read[name]!r}"
            if name not in read:
                return f"field {path}{name}: missing"
            if found := _difference(read[name], written[name], f"{path}{name}."):
                return found
    elif isinstance(read, list) and isinstance(written, list):
        for index, (left, right) in enumerate(zip(read, written, strict=True)):
            if found := _difference(left, right, f"{path.rstrip('.')}[{index}]."):
                return found
    elif read != written or type(read) is not type(written):
        return f"field {path.rstrip('.')}: {read!r} is not the canonical {written!r}"
    return "" if path else "keys are not sorted and unique, or there are spaces or escapes that need not be"


def _as_it_stands(fact: Fact) -> bytes:
    """Write an exact fact without a look at its values; canonical or not, or nothing where that cannot be."""
    try:
        return _JSON.encode(fact)
    except (UnicodeEncodeError, OverflowError):
        return b""


def _shortly(data: bytes) -> str:
    return repr(data if len(data) <= 200 else data[:200] + b"...")


_SCALARS: Final[Mapping[Any, Write]] = {
    str: _text,
    Decimal: _number,
    int: _count,
    bool: _flag,
    datetime: _moment,
}
_JSON: Final = msgspec.json.Encoder(order="sorted")
_newest: Final = Upcasting(FACT_OF, UPCASTERS)
_CODECS: Final[Mapping[EventType, _Codec]] = {
    event_type: _Codec(msgspec.json.Decoder(form).decode, _writer(form), matcher(form), exactness(form))
    for event_type, form in FACT_OF.items()
}
