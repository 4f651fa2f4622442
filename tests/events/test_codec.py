"""One form in bytes for every fact, and no other is read or written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from events.catalogue import FACT_OF, UPCASTERS, EventType, UnknownType, known_type, type_of
from events.codec import UnfitFact, decode, encode, rfc3339
from events.facts import DustConverted, Fact
from events.records import replace
from tests.events.samples import AT, SAMPLES, facts, halt

GOLDEN = Path(__file__).parent / "golden"
[CONVERTED] = [sample for sample in SAMPLES if isinstance(sample, DustConverted)]
TYPE = type_of(CONVERTED)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type_of(sample).word)
def test_golden__every_type__is_the_same_bytes_both_ways(sample: Fact) -> None:
    word, version = type_of(sample)
    golden = (GOLDEN / f"{word}.v{version}.json").read_bytes()
    assert encode(sample) == golden
    assert decode(EventType(word, version), golden) == sample


def test_golden__files__are_every_version_that_was_released() -> None:
    released = {*FACT_OF, *UPCASTERS}
    assert {path.name for path in GOLDEN.iterdir()} == {f"{word}.v{version}.json" for word, version in released}


@pytest.mark.parametrize("event_type", sorted({*FACT_OF, *UPCASTERS}), ids=str)
def test_golden__every_version__is_a_fact_for_ever_and_no_other_bytes_are(event_type: EventType) -> None:
    golden = (GOLDEN / f"{event_type.word}.v{event_type.version}.json").read_bytes()
    assert type(decode(event_type, golden)) is FACT_OF[known_type(event_type.word)]
    for other in (golden + b" ", golden.replace(b":", b": ", 1), golden[:-1], b"{}", b"[]", b""):
        with pytest.raises(UnfitFact, match=str(event_type)):
            decode(event_type, other)


@settings(max_examples=300)
@given(facts())
def test_codec__any_fact__comes_back_equal_from_canonical_bytes(fact: Fact) -> None:
    data = encode(fact)
    read = decode(type_of(fact), data)
    assert read == fact
    assert encode(read) == data
    plain = json.loads(data, parse_float=_refuse_float)
    assert json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() == data


def _refuse_float(text: str) -> None:
    raise AssertionError(f"a float is in the bytes: {text}")


def test_encode__tiny_and_huge_numbers__have_no_exponent() -> None:
    fact = replace(CONVERTED, quantity=Decimal("1E-18"), unsold=Decimal("1E+3"), value=Decimal("-0E-2"))
    plain = json.loads(encode(fact))
    assert (plain["quantity"], plain["unsold"], plain["value"]) == ("0.000000000000000001", "1000", "-0.00")


def test_rfc3339__another_zone__is_written_in_utc_with_microseconds() -> None:
    assert rfc3339(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T22:00:00.000000Z"
    assert rfc3339(datetime(999, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == "0999-01-01T00:00:00.000001Z"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"value": 0.45}, "value: 0.45"),
        ({"value": Decimal("NaN")}, "value: Decimal('NaN')"),
        ({"value": Decimal("Infinity")}, "value: Decimal('Infinity')"),
        ({"value": Decimal("1E+300")}, "value: Decimal('1E+300')"),
        ({"value": 1}, "value: 1"),
        ({"asset": None}, "asset: None"),
        ({"asset": "\ud800"}, "asset: '\\ud800'"),
        ({"order_ids": ["o-1"]}, "order_ids: ['o-1']"),
        ({"order_ids": ("o-1", 2)}, "order_ids[1]: 2"),
        (
            {"executions": (replace(CONVERTED.executions[0], traded_at=datetime(2026, 1, 1)),)},  # noqa: DTZ001
            "executions[0].traded_at: datetime.datetime(2026, 1, 1, 0, 0)",
        ),
        ({"proceeds": ("1", "coinbase:BTC")}, "proceeds: ('1', 'coinbase:BTC')"),
    ],
)
def test_encode__unfit_value__is_refused_with_type_field_and_value(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(UnfitFact) as refused:
        encode(replace(CONVERTED, **changed))
    assert str(refused.value).startswith(f"dust_converted v1: field {field} is not ")


@pytest.mark.parametrize(
    ("word", "changed", "field"),
    [
        ("scan_completed", {"requests": True}, "requests: True"),
        ("scan_completed", {"requests": 2**63}, "requests: 9223372036854775808"),
        ("scan_completed", {"automatic": 1}, "automatic: 1"),
        ("scan_completed", {"kept": [("target", 1)]}, "kept: [('target', 1)]"),
        ("scan_completed", {"kept": {"target": 1.5}}, "kept['target']: 1.5"),
        ("scan_completed", {"kept": {1: 1}}, "kept[1]: 1"),
        (
            "scan_completed",
            {"due": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},
            "due: datetime.datetime(1, 1, 1, 0, 0, tzinfo",
        ),
        ("dust_unroutable", {"reason": "below_minimum"}, "reason: 'below_minimum'"),
    ],
)
def test_encode__unfit_value_of_other_forms__is_refused_as_well(word: str, changed: dict[str, Any], field: str) -> None:
    [sample] = [sample for sample in SAMPLES if type_of(sample).word == word]
    with pytest.raises(UnfitFact) as refused:
        encode(replace(sample, **changed))
    assert str(refused.value).startswith(f"{type_of(sample)}: field {field}")


def _edited(**changed: Any) -> bytes:
    plain = json.loads(encode(CONVERTED)) | changed
    return json.dumps({key: value for key, value in plain.items() if value != "gone"}, **CANONICAL).encode()


CANONICAL: dict[str, Any] = {"sort_keys": True, "ensure_ascii": False, "separators": (",", ":")}


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (_edited(value=0.45), "field value: 0.45"),
        (_edited(value="4.5E-1"), "field value: '4.5E-1'"),
        (_edited(value="NaN"), "field value: Decimal('NaN')"),
        (_edited(value="gone"), "`value`"),
        (_edited(colour="red"), "field colour: unknown, with the value 'red'"),
        (_edited(fees=[{"asset": "coinbase:BTC", "quantity": "1", "x": 1}]), "field fees[0].x: unknown"),
        (_edited(fees=[{"asset": "coinbase:BTC", "quantity": "NaN"}]), "fees[0]"),
        (
            _edited(executions=[json.loads(encode(CONVERTED))["executions"][0] | {"traded_at": "2026-01-01"}]),
            "traded_at",
        ),
        (
            _edited(executions=[json.loads(encode(CONVERTED))["executions"][0] | {"traded_at": "2026-01-01T00:00:00"}]),
            "field executions[0].traded_at: datetime.datetime(2026, 1, 1, 0, 0)",
        ),
        (
            _edited(
                executions=[json.loads(encode(CONVERTED))["executions"][0] | {"traded_at": "2026-01-01T00:00:00Z"}]
            ),
            "field executions[0].traded_at: '2026-01-01T00:00:00Z'",
        ),
        (encode(CONVERTED) + b" ", "keys are not sorted"),
        (encode(CONVERTED).replace(b'"unsold":"0"', b'"unsold":"0","unsold":"0"'), "keys are not sorted"),
        (encode(CONVERTED)[:-1], "truncated"),
        (b"\xff", "malformed"),
        (b"[]", "array"),
    ],
)
def test_decode__other_bytes__are_refused_with_type_and_field(data: bytes, named: str) -> None:
    with pytest.raises(UnfitFact) as refused:
        decode(TYPE, data)
    assert str(refused.value).startswith("dust_converted v1: ")
    assert named in str(refused.value)


def test_decode__field_with_a_default__is_still_required() -> None:
    [detected] = [sample for sample in SAMPLES if type_of(sample).word == "dust_detected"]
    plain = json.loads(encode(detected))
    del plain["policy"]["minimum_gain"]
    with pytest.raises(UnfitFact, match=r"dust_detected v2: field policy\.minimum_gain: missing"):
        decode(type_of(detected), json.dumps(plain, **CANONICAL).encode())


def test_decode__unknown_type_or_version__is_refused_by_name() -> None:
    with pytest.raises(UnknownType, match="dust_eaten v1 is not in the catalogue"):
        decode(EventType("dust_eaten", 1), b"{}")
    with pytest.raises(UnknownType, match="conversions_halted v2"):
        decode(EventType("conversions_halted", 2), encode(halt("x")))


def test_encode__aware_time_of_another_zone__equals_its_utc_form() -> None:
    moved = replace(CONVERTED.executions[0], traded_at=AT.astimezone(timezone(timedelta(hours=-3))))
    in_utc = replace(CONVERTED.executions[0], traded_at=AT)
    assert encode(replace(CONVERTED, executions=(moved,))) == encode(replace(CONVERTED, executions=(in_utc,)))
