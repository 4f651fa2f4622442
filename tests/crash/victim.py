"""A process that runs jobs in children of its own and lets each child kill itself at a chosen step.

Started once (`python -m tests.crash.victim`), it imports everything and forks for each job, so a crash point costs
milliseconds. A step is an append to the log, a publication to the feed or a request to the venue; the child sends
itself SIGKILL just before or just after it. A job is a line of JSON on stdin, its answer a line on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.commands import ConcludeLeg
from domain.errors import NOT_ASKED
from domain.leg import Leg, Requested, Unknown, order_of
from domain.sweep import Sweep
from events.feed import Feed
from events.log import NewEvent, Recorded
from events.sqlite import SQLiteLog
from tests.workers.stand import POLICY, no_feed
from venues.coinbase.venue import Coinbase
from venues.limits import Limiter
from venues.line import Wire
from venues.times import Times
from workers import conducting
from workers.conducting import Ended, conduct, reconcile
from workers.desk import Desk, Mandate
from workers.scanning import scan
from workers.schedule import Every

GRACE = timedelta(seconds=0.5)


@dataclass
class Fuse:
    """Counts steps and kills this process at one of them."""

    at: int
    after: bool
    count: int = 0

    def around(self, name: str, action: Callable[[], Any]) -> Any:
        self.count += 1
        fatal = self.count == self.at
        if fatal and not self.after:
            self._die(name)
        result = action()
        if fatal and self.after:
            self._die(name)
        return result

    def _die(self, name: str) -> None:
        word = "after" if self.after else "before"
        os.write(1, json.dumps({"died": f"{word} {name}"}).encode() + b"\n")
        os.kill(os.getpid(), signal.SIGKILL)


class FusedLog(SQLiteLog):
    """The real log, with each append a step."""

    fuse: Fuse

    def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Sequence[Recorded]:
        told = ", ".join(type(event.fact).__name__ for event in events)
        recorded: Sequence[Recorded] = self.fuse.around(
            f"append {told}", lambda: super(FusedLog, self).append(stream, expected, events)
        )
        return recorded


def desk_of(job: dict[str, Any], fuse: Fuse) -> Desk:
    """The desk of a worker that has just started, with its steps counted."""
    clock = lambda: datetime.now(UTC)  # noqa: E731 - a clock is a value here
    log = FusedLog(Path(job["db"]), clock)
    log.fuse = fuse
    feed = Feed(Redis(port=job["redis"], socket_timeout=2, retry=Retry(NoBackoff(), 0)), log.identity)

    def venue(_: str) -> Coinbase:
        return Coinbase(
            job["key"]["name"],
            job["key"]["privateKey"],
            base_url=job["base_url"],
            ca_file=Path(job["ca_file"]),
            limiter=Limiter("key", None, requests_per_second=Decimal(900), seconds_between_conversions=Decimal(0)),
            times=Times(timeout=(20.0, 20.0), retry_pauses=(0.02,), settling=(0.02, 0.05), never_arrived_after=GRACE),
            convert_never_arrived_after=GRACE,
        )

    send = Wire.send

    def counted(self: Wire, request: Any, *args: Any, **kwargs: Any) -> Any:
        path = request.path_url.split("?")[0].removeprefix("/api/v3/brokerage")
        return fuse.around(f"{request.method} {path}", lambda: send(self, request, *args, **kwargs))

    Wire.send = counted  # type: ignore[method-assign]
    return Desk(
        worker=str(uuid.uuid4()),
        log=log,
        mandates={"main": Mandate("main", "coinbase", POLICY, Every(60))},
        open_venue=venue,
        clock=clock,
        sleep=time.sleep,
        publish=lambda: fuse.around("publish", lambda: feed.publish_pending(log)),
        nudge=lambda _queue, _account: None,
        announcements=no_feed,
        hold=timedelta(0),
    )


def send_again(desk: Desk, account: str, sweep: Sweep, leg: Leg) -> bool:
    """What Dustman never does: meet a lost answer with a new order under a new key."""
    assert isinstance(leg, Requested | Unknown)
    order = replace(order_of(leg.intent), key=str(uuid.uuid4()), requested_at=desk.clock())
    answer = desk.venue(account).execute(order)
    desk.streams.handle(account, ConcludeLeg(leg.plan.leg_id, leg.intent.attempt, answer), "naive")
    return True


def work(job: dict[str, Any], fuse: Fuse) -> None:
    """Do what the workers do for one scan, from wherever the log says that things stand."""
    desk = desk_of(job, fuse)
    if job.get("naive"):
        conducting._settle = send_again
    scan(desk, "main", datetime.fromisoformat(job["due"]), automatic=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        # On a busy machine an intent may become too old to be sent; as for a worker, that is for the next task.
        with suppress(*NOT_ASKED):
            reconcile(desk, "main")
            if conduct(desk, "main", desk.clock() + timedelta(seconds=20)) is Ended.RESTING:
                break
        time.sleep(0.05)
    os.write(1, json.dumps({"done": fuse.count}).encode() + b"\n")


def serve(work: Callable[[dict[str, Any], Fuse], None]) -> None:
    """Answer jobs until stdin ends. A child that was not killed must end by itself."""
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            work(job, Fuse(job["at"], job["after"]))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status != 0:
            os.write(1, json.dumps({"failed": status}).encode() + b"\n")


if __name__ == "__main__":
    serve(work)
