"""The envelope: a recorded event as other services see it, CloudEvents 1.0 in JSON.

Attributes follow https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. Its integers have 32 bits, which
a position may outgrow, so position and stream version are text.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from events.codec import rfc3339
from events.log import Recorded, Written

SOURCE: Final = "urn:dustman:"
SCHEMA: Final = "urn:dustman:schema:"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS: Final = 1_000_000


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes in the order they are written; `data` is the fact's bytes as they stand in the log."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    dataschema: str
    position: str
    streamversion: str
    recordedtime: str
    correlationid: str
    causationid: str | UnsetType = UNSET
    data: msgspec.Raw


def cloud_event(recorded: Recorded | Written, identity: str) -> bytes:
    """Return the event of the log `identity` as CloudEvents JSON; `source` and `id` name it for ever."""
    return _JSON.encode(
        CloudEvent(
            specversion="1.0",
            id=recorded.event_id,
            source=f"{SOURCE}{identity}",
            type=recorded.type,
            subject=recorded.stream,
            time=_time(recorded.occurred_at),
            datacontenttype="application/json",
            dataschema=f"{SCHEMA}{recorded.type}:{recorded.type_version}",
            position=str(recorded.position),
            streamversion=str(recorded.version),
            recordedtime=_time(recorded.recorded_at),
            correlationid=recorded.correlation_id,
            causationid=UNSET if recorded.causation_id is None else recorded.causation_id,
            data=msgspec.Raw(recorded.data),
        )
    )


def _time(moment: datetime | int) -> str:
    """Write a time of the record, which has it as microseconds since 1970 where nobody asked for more."""
    if isinstance(moment, datetime):
        return rfc3339(moment)
    seconds, microseconds = divmod(moment, MICROSECONDS)
    return f"{_second(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


_JSON: Final = msgspec.json.Encoder()
