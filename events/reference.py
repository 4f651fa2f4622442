"""The reference page of events, from catalogue, docstrings and field types. `python -m events.reference` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from events.catalogue import FACT_OF
from events.envelope import cloud_event
from events.facts import ConversionsHalted
from events.log import NewEvent
from events.memory import MemoryLog
from events.records import is_record
from events.schemas import told

PAGE: Final = Path("docs/reference/events.md")

INTRODUCTION: Final = """\
# Events

Everything that happened, in the past tense and never edited. In the log each event is a row; in the feed it is an entry
of a Redis stream with the fields `type` and `event`. The stream's key stands under `dustman:feed`, an entry's id is
`<position>-0`. `event` is a [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)
object, here `conversions_halted`:
"""

ENVELOPE: Final = """\
| attribute | meaning |
|---|---|
| `source` and `id` | name the event for ever; `source` is the log's identity, `id` follows from the event's cause |
| `type`, `dataschema` | the word below, and the word with its version; a change of meaning is a new version |
| `subject`, `streamversion` | the stream (one for each account and each strategy) and the event's place in it, from 1 |
| `position` | the event's place in the log, from 1, without holes |
| `time`, `recordedtime` | when it happened, and when it was recorded; the second strictly grows with the position |
| `correlationid`, `causationid` | what it is part of, and the event that brought it about; the second may be absent |
| `data` | the fields below, byte for byte as in the log |

## Forms

`data` is JSON with sorted keys and without spaces. Every field is always there; an unknown one is never.

| form | on the wire |
|---|---|
| text | a string |
| number | a string of digits without exponent, exact: `"0.00000001"` |
| time | a string, RFC 3339 in UTC with six digits of a second: `"2026-03-01T02:00:00.000000Z"` |
| count | an integer |
| flag | `true` or `false` |

## Versions

A word and its version mean the same for ever: a field that is added, removed or means something else makes a new
version, and events that are there keep their version, bytes and hashes. In the feed and in exports they stay as they
are, so a reader looks at `dataschema`. Dustman itself, and who subscribes with its Python library, gets every event as
the newest version of its fact. A type or version that this release does not know ends every command that meets it with
exit code 8, the position and the type: a newer release wrote it, which must be used again.

For programs: [JSON Schemas](schemas), one for each type and version, and [AsyncAPI](asyncapi.yaml) for the stream.
"""

PLAIN: Final[dict[Any, str]] = {
    str: "text",
    Decimal: "number",
    datetime: "time",
    int: "count",
    bool: "flag",
}


def page() -> str:
    """Return the whole page."""
    forms = list(_forms())
    parts = [INTRODUCTION, f"```json\n{_example()}\n```\n", ENVELOPE, "## Types\n"]
    for (word, version), fact in sorted(FACT_OF.items()):
        parts.append(f"### {word}\n\nVersion {version}. {told(fact)}\n\n{_table(fact)}")
    parts.append("## Values\n")
    parts += [f"### {form.__name__}\n\n{told(form)}\n\n{_table(form)}" for form in forms if is_record(form)]
    parts.append("## Words\n")
    parts += [f"### {form.__name__}\n\n{told(form)}\n\n{_words(form)}\n" for form in forms if issubclass(form, StrEnum)]
    return "\n".join(parts)


def _example() -> str:
    at = datetime(2026, 3, 1, 2, tzinfo=UTC)
    event = NewEvent(
        "0b7a4c1e-52a5-5c0e-9d0e-6a1f0c1d2e3f", ConversionsHalted("main", "moving house"), at, "owner", None
    )
    [recorded] = MemoryLog("6f1c2d3e-4a5b-4c6d-8e9f-0a1b2c3d4e5f", lambda: at).append("account-main", 0, [event])
    return json.dumps(json.loads(cloud_event(recorded, "6f1c2d3e-4a5b-4c6d-8e9f-0a1b2c3d4e5f")), indent=2)


def _forms() -> Iterator[type]:
    """Yield each value and each enumeration that facts are made of, by name, once."""
    found: dict[str, type] = {}
    waiting: list[Any] = list(FACT_OF.values())
    while waiting:
        for part in _parts(waiting.pop()):
            if part.__name__ not in found:
                found[part.__name__] = part
                waiting.append(part)
    yield from (found[name] for name in sorted(found))


def _parts(form: Any) -> Iterator[type]:
    annotations = list(get_type_hints(form).values()) if is_record(form) else []
    while annotations:
        annotation = annotations.pop()
        annotations += get_args(annotation)
        if is_record(annotation) or (isinstance(annotation, type) and issubclass(annotation, StrEnum)):
            yield annotation


def _table(form: Any) -> str:
    hints = get_type_hints(form)
    rows = [f"| `{name}` | {_said(hints[name])} |" for name in form.__struct_fields__]
    return "\n".join(["| field | form |", "|---|---|", *rows, ""])


def _said(annotation: Any) -> str:
    """Say an annotation in the page's words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in PLAIN:
        return PLAIN[annotation]
    if origin is tuple:
        return f"list of {_said(arguments[0])}"
    if origin is dict:
        return f"object of {_said(arguments[0])} to {_said(arguments[1])}"
    if NoneType in arguments:
        return " or ".join([*(_said(part) for part in arguments if part is not NoneType), "`null`"])
    return f"[{annotation.__name__}](#{annotation.__name__.lower()})"


def _words(form: type[StrEnum]) -> str:
    return ", ".join(f"`{word}`" for word in form)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
