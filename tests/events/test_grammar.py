"""What is shown to be canonical without being written anew is what would be written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from events.catalogue import type_of
from events.codec import UnfitFact, decode, encode
from events.exactness import exactness
from events.facts import ConversionsHalted, DustUnroutable, Fact, LegFilled, ScanCompleted
from events.grammar import matcher
from events.values import Unroutable
from tests.events.samples import AT, SAMPLES, facts

MATCHERS = {type(sample): matcher(type(sample)) for sample in SAMPLES}
EXACT = {type(sample): exactness(type(sample)) for sample in SAMPLES}
REGULAR = [sample for sample in SAMPLES if not isinstance(sample, ScanCompleted)]
# What JSON and our forms are made of, and what nearly is.
PIECES = [bytes([byte]) for byte in b'"\\{}[]:,.-+eE0123456789TZnul \n\x00\x1f\x7f']
SPELLINGS = [
    b'"', b"\\", b"\\/", b"\\u0041", b"\\u001f", b"\\u001F", b"\\u0008", b"\\b", b"\\u000a", b"\\u007f", b"\x7f",
    b"\xc3\xa9", b"\xff", b"\xed\xa0\x80", b"0", b"00", b"-0", b"-", b"1E-8", b".", b"0.0", b"null",
    b"true", b" ", b"\n", b",",
    b"9" * 60, b"2026-02-30", b"24:00:00", b"23:59:60", b"0000", b"+00:00", b"Z",
]  # fmt: skip


def plainly(fact: Fact) -> bytes:
    """Write a fact by the rule alone: whatever the writer makes of a fact whose match would have said nothing."""
    return msgspec.json.encode(_plain(fact), order="sorted")


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case tuple():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case str() | int() | None:
            return value
        case _:
            return {name: _plain(getattr(value, name)) for name in value.__slots__}


@settings(max_examples=300)
@given(facts())
def test_encode__any_fact__is_what_the_rule_alone_writes(fact: Fact) -> None:
    assert encode(fact) == plainly(fact)


@settings(max_examples=1500, deadline=None)
@given(sample=st.sampled_from(SAMPLES), data=st.data())
def test_decode__bytes_changed_anywhere__are_refused_or_are_what_is_written_of_them(
    sample: Fact, data: st.DataObject
) -> None:
    written = encode(sample)
    start = data.draw(st.integers(0, len(written)))
    end = data.draw(st.integers(start, min(len(written), start + 12)))
    piece = data.draw(st.sampled_from([*SPELLINGS, *PIECES]) | st.binary(max_size=4))
    changed = written[:start] + piece + written[end:]
    assume(changed != written)
    try:
        fact = decode(type_of(sample), changed)
    except UnfitFact:
        return
    assert plainly(fact) == changed


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(REGULAR), st.data())
def test_matcher__one_bit_flipped__a_match_decodes_to_what_is_written_of_it(sample: Fact, data: st.DataObject) -> None:
    written = encode(sample)
    bit = data.draw(st.integers(0, len(written) * 8 - 1))
    changed = (int.from_bytes(written) ^ 1 << bit).to_bytes(len(written))
    if not MATCHERS[type(sample)](changed):
        return
    try:
        read = msgspec.json.decode(changed, type=type(sample))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    assert plainly(read) == changed


@pytest.mark.parametrize("sample", REGULAR, ids=lambda sample: type_of(sample).word)
def test_matcher__what_is_written__is_known_without_being_written_anew(sample: Fact) -> None:
    assert MATCHERS[type(sample)](encode(sample))
    assert EXACT[type(sample)](sample)


def test_matcher__a_mapping__is_never_known() -> None:
    [scan] = [sample for sample in SAMPLES if isinstance(sample, ScanCompleted)]
    assert not MATCHERS[ScanCompleted](encode(scan))
    unsorted = encode(scan).replace(b'"above_threshold":297,"target":1', b'"target":1,"above_threshold":297')
    with pytest.raises(UnfitFact, match="keys are not sorted"):
        decode(type_of(scan), unsorted)


class Subtext(str):
    """Text of a type of its own."""


def test_exactness__another_type_anywhere__is_not_exact() -> None:
    [filled] = [sample for sample in SAMPLES if isinstance(sample, LegFilled)]
    [unroutable] = [sample for sample in SAMPLES if isinstance(sample, DustUnroutable)]
    exact = EXACT[LegFilled]
    assert exact(filled)
    fill, execution = filled.fill, filled.fill.executions[0]
    others: list[dict[str, Any]] = [
        {"account": Subtext("main")},
        {"fill": ("o-1",)},
        {"fill": _with(fill, fees=list(fill.fees))},
        {"fill": _with(fill, executions=(execution, "x"))},
        {"fill": _with(fill, executions=(_with(execution, price=1),))},
        {"fill": _with(fill, executions=(_with(execution, traded_at=AT.replace(tzinfo=None)),))},
    ]
    for other in others:
        assert not exact(_with(filled, **other))
    assert not exact(ConversionsHalted("main", "x"))
    exact = EXACT[DustUnroutable]
    assert not exact(_with(unroutable, reason=str(Unroutable.BELOW_MINIMUM)))
    assert not exact(_with(unroutable, missing="1"))
    assert exact(_with(unroutable, missing=None))


def _with(value: Any, **changed: Any) -> Any:
    """Change fields, whatever their types."""
    return replace(value, **changed)


def test_encode__a_zone_of_seconds_off_utc__is_written_as_the_moment_it_is() -> None:
    """The JSON library rounds such a zone to minutes."""
    [unroutable] = [sample for sample in SAMPLES if isinstance(sample, DustUnroutable)]
    odd = datetime(2026, 3, 1, 2, 0, 10, 5, tzinfo=timezone(timedelta(seconds=10)))
    assert b'"noted_at":"2026-03-01T02:00:00.000005Z"' in encode(replace(unroutable, noted_at=odd))
