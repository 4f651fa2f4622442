"""The description of feed and webhooks by AsyncAPI 3, for tools and people. `python -m events.asyncapi` writes it.

There is no binding for Redis streams, so a message's payload is an entry's two fields, `type` and `event`; `event` is
text that holds a CloudEvent (https://www.asyncapi.com/docs/reference/specification/v3.0.0). Schemas are JSON Schema
2020-12, whose `contentSchema` says what such a text holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from events.catalogue import FACT_OF, EventType
from events.feed import POINTER
from events.schemas import TIME, file_name, told

PAGE: Final = Path("docs/reference/asyncapi.yaml")
FORMAT: Final = "application/schema+json;version=2020-12"
MEDIA: Final = "application/cloudevents+json"
# The version of what subscribers rely on: address, fields, envelope. Types have versions of their own.
CONTRACT: Final = "1.1.0"

POSITION: Final = {"type": "string", "pattern": "^[1-9][0-9]*$"}
ENVELOPE: Final[dict[str, Any]] = {
    "description": "CloudEvents 1.0 in JSON. `source` and `id` together name the event for ever.",
    "type": "object",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"description": "Follows from the event's cause.", "type": "string", "minLength": 1},
        "source": {"description": "The log's identity.", "type": "string", "pattern": "^urn:dustman:.+$"},
        "type": {"description": "The word of the catalogue.", "type": "string", "minLength": 1},
        "subject": {"description": "The stream: one an account, one a strategy.", "type": "string", "minLength": 1},
        "time": TIME | {"description": "When it happened. " + TIME["description"]},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"description": "The `$id` of the schema of `data`.", "type": "string", "format": "uri"},
        "position": POSITION | {"description": "Its place in the log, from 1, without holes."},
        "streamversion": POSITION | {"description": "Its place in the subject, from 1, without holes."},
        "recordedtime": TIME | {"description": "When it was recorded; strictly grows with the position."},
        "correlationid": {"description": "What it is part of.", "type": "string"},
        "causationid": {"description": "The event that brought it about; may be absent.", "type": "string"},
        "data": {"type": "object"},
    },
}
ENVELOPE["required"] = [name for name in ENVELOPE["properties"] if name != "causationid"]
ENVELOPE["additionalProperties"] = False

# Where it leads is for the owner to say, so its address is unknown.
WEBHOOK: Final[dict[str, Any]] = {
    "address": None,
    "title": "A URL of the settings' `webhooks`",
    "description": "One event in each POST, as CloudEvents 1.0 in structured mode; at least once, in order.",
    "servers": [{"$ref": "#/servers/receiver"}],
    "messages": {"webhook": {"$ref": "#/components/messages/webhook"}},
}
POST: Final[dict[str, Any]] = {
    "name": "webhook",
    "title": "An event of any type, signed as Standard Webhooks says",
    "contentType": MEDIA,
    "headers": {
        "type": "object",
        "properties": {
            "webhook-id": {"description": "The event's `id`, the same at every try.", "type": "string"},
            "webhook-timestamp": {"description": "When it was sent, in seconds since 1970.", "type": "string"},
            "webhook-signature": {
                "description": "HMAC-SHA256 of id, time-stamp and body with dots between; of each secret one.",
                "type": "string",
                "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$",
            },
        },
        "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    },
    "payload": {"schemaFormat": FORMAT, "schema": {"$ref": "#/components/schemas/envelope/schema"}},
}


def document() -> dict[str, Any]:
    """Return the whole description."""
    types = sorted(FACT_OF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Dustman's feed",
            "version": CONTRACT,
            "description": (
                "Every event of Dustman's log, in its order, as entries of one Redis stream, and as POSTs to webhooks."
            ),
        },
        "servers": {
            "redis": {
                "host": "localhost:6379",
                "protocol": "redis",
                "description": "The Redis of the settings' `redis.url`, database of the feed.",
            },
            "receiver": {
                "host": "receiver.example.com",
                "protocol": "https",
                "description": "A host of the settings' `webhooks`.",
            },
        },
        "channels": {"feed": _channel(types), "webhook": WEBHOOK},
        "operations": {
            "publish": {
                "action": "send",
                "channel": {"$ref": "#/channels/feed"},
                "summary": "XADD of each event after it is in the log. Subscribers only read.",
            },
            "post": {
                "action": "send",
                "channel": {"$ref": "#/channels/webhook"},
                "summary": "POST of each event, each after the one before was answered with a status of 200 to 299.",
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
            },
        },
        "components": {
            "messages": {_key(each): _message(each) for each in types} | {"webhook": POST},
            "schemas": {"envelope": {"schemaFormat": FORMAT, "schema": ENVELOPE}},
        },
    }


def page() -> str:
    """Return the description as YAML."""
    return yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def _channel(types: list[EventType]) -> dict[str, Any]:
    return {
        "address": f"{POINTER}:{{log}}",
        "title": "The stream of one log",
        "description": (
            f"A Redis stream; the key `{POINTER}` holds the name of the current one. An entry's id is `<position>-0`. "
            "The stream holds the newest events: read older ones, or ones that are missing, from the log with "
            "`dustman events --json --after POSITION`."
        ),
        "servers": [{"$ref": "#/servers/redis"}],
        "parameters": {"log": {"description": "The log's identity; another log is another stream."}},
        "messages": {_key(each): {"$ref": f"#/components/messages/{_key(each)}"} for each in types},
    }


def _message(event_type: EventType) -> dict[str, Any]:
    word, version = event_type
    return {
        "name": word,
        "title": str(event_type),
        "summary": told(FACT_OF[event_type]).split("\n")[0],
        "payload": {
            "schemaFormat": FORMAT,
            "schema": {
                "type": "object",
                "properties": {
                    "type": {"const": word},
                    "event": {
                        "type": "string",
                        "contentMediaType": MEDIA,
                        "contentSchema": {
                            "allOf": [{"$ref": "#/components/schemas/envelope/schema"}],
                            "properties": {
                                "type": {"const": word},
                                "dataschema": {"const": f"urn:dustman:schema:{word}:{version}"},
                                "data": {"$ref": f"./schemas/{file_name(event_type)}"},
                            },
                        },
                    },
                },
                "required": ["type", "event"],
            },
        },
    }


def _key(event_type: EventType) -> str:
    return f"{event_type.word}-v{event_type.version}"


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which many tools cannot read."""

    def ignore_aliases(self, _: Any) -> bool:
        """Write what occurs twice twice."""
        return True


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
