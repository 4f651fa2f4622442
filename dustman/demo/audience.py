"""Who watches the demonstration: a subscriber of the feed that folds its own view and says each event as it comes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis import Redis
from rich.console import Console

from dustman.telling import told
from events.catalogue import EventType
from events.codec import decode
from events.facts import LegRequested, SweepCompleted
from events.log import Recorded
from views.ledger import Ledger, add
from views.lots import Lots

BLOCK_MS = 500
STYLES = {
    "dust_detected": "bold yellow",
    "leg_filled": "green",
    "dust_converted": "bold green",
    "leg_outcome_unknown": "bold red",
    "leg_refused": "red",
    "dust_conversion_failed": "red",
    "sweep_completed": "bold green",
}


def recorded_of(event: bytes) -> Recorded:
    """Read an entry of the feed back into the event that it copies."""
    entry = json.loads(event)
    word, version = entry["dataschema"].split(":")[-2:]
    event_type = EventType(word, int(version))
    data = json.dumps(entry["data"], separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    return Recorded(
        position=int(entry["position"]),
        stream=entry["subject"],
        version=int(entry["streamversion"]),
        event_id=entry["id"],
        type=word,
        type_version=event_type.version,
        data=data,
        fact=decode(event_type, data),
        occurred_at=datetime.fromisoformat(entry["time"]),
        recorded_at=datetime.fromisoformat(entry["recordedtime"]),
        correlation_id=entry["correlationid"],
        causation_id=entry.get("causationid"),
    )


class TooLate(Exception):
    """What the demonstration waits for did not happen in its time."""


@dataclass
class Audience:
    """A view that knows the feed and nothing else: no log, no worker."""

    redis: Redis
    console: Console
    labels: Mapping[str, str] = field(default_factory=dict)
    lots: Lots = field(default_factory=Lots)
    ledger: Ledger = field(default_factory=dict)
    last: str = "0-0"
    sweeps: int = 0
    requested: int = 0

    def watch(self, until: Callable[[Audience], bool], within: float, waiting: str) -> None:
        """Show events until `until` holds; `TooLate` after `within` seconds."""
        deadline = time.monotonic() + within
        with self.console.status(waiting):
            while not until(self):
                if time.monotonic() > deadline:
                    raise TooLate(f"{waiting}: nothing for {within:g} s")
                self._read(until)

    def catch_up(self, position: int, within: float) -> None:
        """Read on until the feed has shown everything up to a position of the log."""
        self.watch(lambda me: int(me.last.split("-")[0]) >= position, within, "reading the rest of the feed")

    def _read(self, until: Callable[[Audience], bool]) -> None:
        stream: Any = self.redis.get("dustman:feed")
        if stream is None:
            time.sleep(BLOCK_MS / 1000)
            return
        reply: Any = self.redis.xread({stream: self.last}, count=1, block=BLOCK_MS)
        for _, entries in reply or ():
            for entry_id, entry in entries:
                self.last = entry_id.decode()
                self._see(recorded_of(entry[b"event"]))
                if until(self):
                    return

    def _see(self, recorded: Recorded) -> None:
        self.lots.apply(recorded)
        add(self.ledger, recorded.fact)
        self.sweeps += isinstance(recorded.fact, SweepCompleted)
        self.requested += isinstance(recorded.fact, LegRequested)
        self.console.print(
            f"{recorded.position:>5}  {recorded.type:<22}  {told(recorded.fact, self.labels)}",
            style=STYLES.get(recorded.type, ""),
            markup=False,
            highlight=False,
        )
