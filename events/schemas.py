"""JSON Schemas of events, from catalogue, docstrings and field types. `python -m events.schemas` writes them.

One for each type and version, by JSON Schema 2020-12 (https://json-schema.org/draft/2020-12). A schema's `$id` is what
the envelope of such an event says in `dataschema`. It admits exactly the forms that the codec writes.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec

from events.catalogue import FACT_OF, EventType

DIRECTORY: Final = Path("docs/reference/schemas")
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

NUMBER: Final[Schema] = {
    "description": "An exact decimal number: digits without an exponent.",
    "type": "string",
    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
}
TIME: Final[Schema] = {
    "description": "RFC 3339 in UTC with six digits of a second.",
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
}
COUNT: Final[Schema] = {
    "description": "An integer of 64 bits.",
    "type": "integer",
    "minimum": -(2**63) + 1,
    "maximum": 2**63 - 1,
}
PLAIN: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    Decimal: {"$ref": "#/$defs/number"},
    datetime: {"$ref": "#/$defs/time"},
    int: {"$ref": "#/$defs/count"},
}
SHARED: Final[Mapping[str, Schema]] = {"number": NUMBER, "time": TIME, "count": COUNT}


def file_name(event_type: EventType) -> str:
    """Return the name of a type's file."""
    return f"{event_type.word}-v{event_type.version}.json"


def files() -> dict[str, str]:
    """Return the text of every schema by its file's name."""
    return {
        file_name(event_type): json.dumps(schema(event_type), indent=2, ensure_ascii=False) + "\n"
        for event_type in sorted(FACT_OF)
    }


def schema(event_type: EventType) -> Schema:
    """Return the schema of the `data` of a type's events."""
    fact = FACT_OF[event_type]
    definitions: dict[str, Schema] = {}
    body = _record(fact, definitions)
    return {
        "$schema": DIALECT,
        "$id": f"urn:dustman:schema:{event_type.word}:{event_type.version}",
        "title": str(event_type),
        **body,
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }


def told(form: type) -> str:
    """Return what a fact or value says of itself."""
    return inspect.cleandoc(form.__doc__ or "")


def _record(form: type[msgspec.Struct], definitions: dict[str, Schema]) -> Schema:
    hints = get_type_hints(form)
    names = list(form.__struct_fields__)
    return {
        "description": told(form),
        "type": "object",
        "properties": {name: _form(hints[name], definitions) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def _form(annotation: Any, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of an annotation; what it names is added to the definitions."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in PLAIN:
        plain = PLAIN[annotation]
        if "$ref" in plain:
            name = plain["$ref"].rsplit("/", 1)[-1]
            definitions[name] = dict(SHARED[name])
        return dict(plain)
    if origin is tuple:
        return {"type": "array", "items": _form(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _form(arguments[1], definitions)}
    if NoneType in arguments:
        others = [_form(part, definitions) for part in arguments if part is not NoneType]
        return {"anyOf": [*others, {"type": "null"}]}
    return _named(annotation, definitions)


def _named(form: type[StrEnum | msgspec.Struct], definitions: dict[str, Schema]) -> Schema:
    if form.__name__ not in definitions:
        definitions[form.__name__] = (
            {"description": told(form), "enum": [str(word) for word in form]}
            if issubclass(form, StrEnum)
            else _record(form, definitions)
        )
    return {"$ref": f"#/$defs/{form.__name__}"}


def write(directory: Path = DIRECTORY) -> None:
    """Write every schema anew."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
