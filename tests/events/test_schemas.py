"""What schemas and AsyncAPI promise is what subscribers find in Redis, by the judgement of public validators."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import yaml
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from events.asyncapi import PAGE, document, page
from events.catalogue import FACT_OF, UPCASTERS, EventType, type_of
from events.codec import encode
from events.envelope import cloud_event
from events.facts import Fact
from events.feed import POINTER, Feed
from events.memory import MemoryLog
from events.schemas import DIRECTORY, file_name, files, schema
from events.webhook import Secret, headers
from tests.events.clocks import SetClock
from tests.events.samples import SAMPLES, facts, new
from tests.receiver import SECRET
from tests.redis_server import RedisServer

ROOT: Final = Path(__file__).parents[2]
SPECIFICATION: Final = ROOT / "tests/specifications/asyncapi-3.0.0.json"
HERE: Final = "file:///reference/"
DOCUMENT: Final[Any] = yaml.safe_load((ROOT / PAGE).read_text("utf-8"))
WRITTEN: Final = {path.name: path.read_text("utf-8") for path in (ROOT / DIRECTORY).iterdir()}
REGISTRY: Final[Any] = Registry().with_resources(
    [(HERE + "asyncapi.yaml", DRAFT202012.create_resource(DOCUMENT))]
    + [(f"{HERE}schemas/{name}", DRAFT202012.create_resource(json.loads(text))) for name, text in WRITTEN.items()]
)


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker())


def described(message: str, place: str) -> Draft202012Validator:
    return validator({"$ref": f"{HERE}asyncapi.yaml#/components/messages/{message}/payload/schema{place}"})


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def broken(value: Any) -> Iterator[Any]:
    """Every way to lose a field of an object, to add one, or to say a text as something else, one at a time."""
    if isinstance(value, dict):
        yield value | {"surprise": "x"}
        for name, inner in value.items():
            yield {other: each for other, each in value.items() if other != name}
            yield from (value | {name: worse} for worse in broken(inner))
    elif isinstance(value, list):
        yield "a list no more"
        for index, inner in enumerate(value):
            yield from ([*value[:index], worse, *value[index + 1 :]] for worse in broken(inner))
    elif not isinstance(value, float):
        yield 0.5


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """A real entry of every sample, as a plain client reads it."""
    log = MemoryLog("6f1c2d3e-4a5b-4c6d-8e9f-0a1b2c3d4e5f", SetClock())
    log.append("account-main", 0, [new(f"event-{number}", fact) for number, fact in enumerate(SAMPLES)])
    with RedisServer(tmp_path_factory.mktemp("redis")) as server, server.client() as client:
        Feed(client, log.identity).publish_pending(log)
        with redis.Redis(port=server.port, decode_responses=True, socket_timeout=2) as plain:
            found: Any = plain.xrange(plain.get(POINTER))
    return [fields for _, fields in found]


def test_files__in_the_repository__are_what_the_code_would_write() -> None:
    newest = {name: text for name, text in WRITTEN.items() if name not in map(file_name, UPCASTERS)}
    assert files() == newest, "run: make docs"
    assert (ROOT / PAGE).read_text("utf-8") == page(), "run: make docs"


def test_files__one_each__for_every_type_and_version() -> None:
    assert set(WRITTEN) == {file_name(event_type) for event_type in (*FACT_OF, *UPCASTERS)}


@pytest.mark.parametrize("event_type", FACT_OF, ids=str)
def test_schema__every_type__is_a_valid_schema_that_names_itself(event_type: EventType) -> None:
    Draft202012Validator.check_schema(schema(event_type))
    assert schema(event_type)["$id"] == f"urn:dustman:schema:{event_type.word}:{event_type.version}"


@given(facts())
def test_schema__any_fact__admits_what_the_codec_writes(fact: Fact) -> None:
    found = schema(type_of(fact))
    validator(found).validate(json.loads(encode(fact)))


@pytest.mark.parametrize("fact", SAMPLES, ids=lambda fact: type(fact).__name__)
def test_schema__a_field_lost_added_or_of_another_form__is_refused(fact: Fact) -> None:
    check = validator(schema(type_of(fact)))
    data = json.loads(encode(fact))
    admitted = [worse for worse in broken(data) if check.is_valid(worse)]
    free = [worse for worse in admitted if not _differs_only_in_a_mapping(worse, data)]
    assert free == []


def _differs_only_in_a_mapping(worse: Any, data: Any) -> bool:
    """The one object whose names are free: reasons and their counts in `scan_completed`."""
    return {**worse, "kept": None} == {**data, "kept": None} and isinstance(data["kept"], dict)


@pytest.mark.parametrize("number", ["1e-8", "1E+2", ".5", "5.", "+1", "", " 1", "NaN", "٣"])
def test_schema__a_number_in_another_form__is_refused(number: str) -> None:
    check = validator(schema(EventType("account_went_live", 1)))
    fact = next(json.loads(encode(fact)) for fact in SAMPLES if type_of(fact).word == "account_went_live")
    assert not check.is_valid(fact | {"day_cap": number})


def test_asyncapi__as_written__is_valid_by_its_specification() -> None:
    specification = json.loads(SPECIFICATION.read_text("utf-8"))
    Draft7Validator(specification).validate(DOCUMENT)
    assert document() == DOCUMENT


@pytest.mark.parametrize("part", ["asyncapi", "info", "channels", "operations"])
def test_asyncapi__with_a_mistake__is_refused_by_its_specification(part: str) -> None:
    specification = json.loads(SPECIFICATION.read_text("utf-8"))
    assert not Draft7Validator(specification).is_valid(DOCUMENT | {part: {"surprise": 1}})


def test_asyncapi__every_reference__leads_to_something() -> None:
    resolver = REGISTRY.resolver(HERE + "asyncapi.yaml")
    found = set(references(DOCUMENT))
    assert len(found) > 2 * len(FACT_OF)
    assert all(resolver.lookup(reference).contents for reference in found)


def test_entries__of_every_type__are_as_asyncapi_describes_them(entries: list[dict[str, str]]) -> None:
    assert len(entries) == len(SAMPLES)
    for fields in entries:
        event = json.loads(fields["event"])
        message = f"{event['type']}-v{event['dataschema'].rsplit(':', 1)[1]}"
        described(message, "").validate(fields)
        described(message, "/properties/event/contentSchema").validate(event)


def test_entries__under_another_types_message__are_refused(entries: list[dict[str, str]]) -> None:
    check = described("leg_filled-v1", "/properties/event/contentSchema")
    fitting = [fields["type"] for fields in entries if check.is_valid(json.loads(fields["event"]))]
    assert fitting == ["leg_filled"]


def test_entries__with_an_attribute_lost_or_added__are_refused(entries: list[dict[str, str]]) -> None:
    event = json.loads(entries[0]["event"])
    check = described(f"{event['type']}-v1", "/properties/event/contentSchema")
    required = [name for name in event if name != "causationid"]
    assert not any(check.is_valid({n: v for n, v in event.items() if n != name}) for name in required)
    assert not check.is_valid(event | {"surprise": "x"})


def test_entries__of_every_type__are_cloudevents_to_the_official_reader(entries: list[dict[str, str]]) -> None:
    for fields in entries:
        event = JSONFormat().read(CloudEvent, fields["event"])
        assert event.get_type() == fields["type"]
        assert isinstance(event.get_time(), datetime)
        assert event.get_data() == json.loads(fields["event"])["data"]


def test_envelope__without_and_with_a_cause__is_as_described() -> None:
    log = MemoryLog("6f1c", lambda: datetime(2026, 3, 1, tzinfo=UTC))
    for recorded in log.append("account-main", 0, [new("one"), new("two")]):
        event = json.loads(cloud_event(recorded, "6f1c"))
        described("conversions_halted-v1", "/properties/event/contentSchema").validate(event)
        caused = event | {"causationid": "one"}
        described("conversions_halted-v1", "/properties/event/contentSchema").validate(caused)


def test_webhook__what_is_sent__is_as_asyncapi_describes_it(entries: list[dict[str, str]]) -> None:
    message = DOCUMENT["components"]["messages"]["webhook"]
    for entry in entries:
        body = entry["event"].encode()
        sent = headers(Secret.read(f"{SECRET} {SECRET}"), json.loads(body)["id"], 1_700_000_000, body)
        assert sent["content-type"].startswith(message["contentType"])
        validator(message["headers"]).validate(dict(sent))
        described("webhook", "").validate(json.loads(body))
