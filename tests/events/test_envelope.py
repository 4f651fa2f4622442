"""Other services see CloudEvents 1.0, whose data are the log's own bytes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime

import pytest

from events.catalogue import type_of
from events.envelope import cloud_event
from events.facts import Fact
from events.log import Recorded
from events.memory import MemoryLog
from tests.events.clocks import SetClock
from tests.events.samples import SAMPLES, new


def recorded(fact: Fact, causation_id: str | None = "cause-1") -> Recorded:
    log = MemoryLog("one", SetClock())
    [record] = log.append("main", 0, [replace(new("a"), fact=fact, causation_id=causation_id)])
    return record


@pytest.mark.parametrize("fact", SAMPLES, ids=lambda fact: type_of(fact).word)
def test_cloud_event__every_type__carries_the_exact_bytes(fact: Fact) -> None:
    record = recorded(fact)
    event = cloud_event(record, "6f1c")
    assert event.endswith(b'"data":' + record.data + b"}")
    assert json.loads(event)["data"] == json.loads(record.data)


def test_cloud_event__attributes__are_those_of_the_specification() -> None:
    record = recorded(SAMPLES[0])
    event = json.loads(cloud_event(record, "6f1c"))
    del event["data"]
    assert event == {
        "specversion": "1.0",
        "id": "a",
        "source": "urn:dustman:6f1c",
        "type": "scan_completed",
        "subject": "main",
        "time": "2026-03-01T02:00:00.000000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:dustman:schema:scan_completed:1",
        "position": "1",
        "streamversion": "1",
        "recordedtime": "2026-03-01T00:00:00.000000Z",
        "correlationid": "correlation-1",
        "causationid": "cause-1",
    }
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event)
    assert datetime.fromisoformat(event["time"]) == record.occurred_at


def test_cloud_event__no_cause__leaves_the_attribute_out() -> None:
    assert "causationid" not in json.loads(cloud_event(recorded(SAMPLES[0], None), "6f1c"))
