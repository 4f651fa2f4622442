"""The steps of a worker that can be cut: appends to the log, publications to the feed, requests to a node."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from events.feed import Feed
from events.log import EventLog, NewEvent, Recorded
from events.sqlite import SQLiteLog
from venues.evm.rpc import Rpc

# Names the file in which a trap is set.
TRAP = "DUSTMAN_TRAP"


def cut(around: Callable[[str, Callable[[], Any]], Any]) -> None:
    """Have each step of this process go through `around`, which is given its name and what carries it out."""
    append, publish, post = SQLiteLog.append, Feed.publish_pending, Rpc._post

    def appended(log: SQLiteLog, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]:
        told = " ".join(type(event.fact).__name__ for event in events)
        recorded: Sequence[Recorded] = around(f"append {told}", lambda: append(log, stream, expected, events))
        return recorded

    def published(feed: Feed, log: EventLog, most: int | None = None) -> int:
        return int(around("publish", lambda: publish(feed, log, most)))

    def posted(rpc: Rpc, endpoint: Any, body: bytes) -> bytes:
        asked = json.loads(body)
        methods = {call["method"] for call in (asked if isinstance(asked, list) else [asked])}
        answer: bytes = around(f"request {' '.join(sorted(methods))}", lambda: post(rpc, endpoint, body))
        return answer

    SQLiteLog.append = appended  # type: ignore[method-assign, assignment]
    Feed.publish_pending = published  # type: ignore[method-assign, assignment]
    Rpc._post = posted  # type: ignore[method-assign, assignment]
