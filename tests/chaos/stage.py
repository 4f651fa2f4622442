"""The main job as it runs for an owner, with everything in reach of a killer: Redis, venue, workers and beat."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import redis

from domain.account import Account
from domain.commands import Command, Declare
from domain.decision import fingerprint
from dustman import pulse
from dustman.child import Child, Job
from dustman.crew import Crew
from dustman.demo.stage import Venue, set_up, start_workers
from dustman.roles import ROLES
from dustman.settings import Settings
from dustman.wiring import now, open_log
from events.facts import AccountWentLive, DryRunCompleted, DustDetected, Fact
from events.feed import stream_key
from events.log import EventLog, Recorded
from events.money import Amount
from tests.chaos.subscriber import Subscriber
from tests.dustman.remains import living
from tests.redis_server import RedisServer
from workers.handling import ACCOUNTS, Streams

ACCOUNT = "main"
SCENARIO = Path(__file__).with_name("scenario.yaml")
# Everything as quick as settings allow: a scan is due every other second, a lost order is given up after three.
SETTINGS = """\
log: {{url: "sqlite:///{directory}/dustman.db"}}
redis: {{url: "{redis}"}}
limits: {{requests_per_second: "200", seconds_between_conversions: "0.15"}}
reconcile: {{every: 1 s, never_arrived_after: 3 s}}
accounts:
  main:
    venue: coinbase
    base_url: "https://{base_url}"
    ca_file: "{ca_file}"
    key: "{key}"
    schedule: every 2 s
    caps: {{per_sweep: "100", per_day: "10000"}}
"""
CRUMBS = {"ADA": "0.21", "XLM": "0.7", "DOGE": "0.8", "ALGO": "0.4", "GRT": "0.81", "CHZ": "1.6"}
GROUP = "converter"
# Nothing takes that long: it bounds a test that would fail. What a process took and died with lies for 90 s at most,
# unless one in its place comes for it earlier.
BOUND = 150.0


@dataclass
class Stage:
    """What runs. `mark` is the log's position at the last provocation, `diary` what was done to it since."""

    crew: Crew
    directory: Path
    config: Path
    settings: Settings
    redis: RedisServer
    venue: Venue
    workers: Mapping[str, Child]
    log: EventLog
    subscriber: Subscriber
    mark: int = 0
    diary: list[str] = field(default_factory=list)
    streams: Streams[Account, Command] = field(init=False)

    def __post_init__(self) -> None:
        self.streams = Streams(ACCOUNTS, self.log, now, lambda: None)

    def provoke(self, crumbs: Collection[str] = tuple(CRUMBS)) -> None:
        """Bring crumbs into the account: the next scan finds dust."""
        self.mark = self.log.head()
        self.diary.clear()
        self.deposit(crumbs)

    def deposit(self, crumbs: Collection[str]) -> None:
        for currency in crumbs:
            self.venue.deposit(currency, CRUMBS[currency])

    def trouble(self, **fault: object) -> None:
        """Have the venue misbehave from now on."""
        self._post("/faults", {"faults": [fault]})

    def calm(self) -> None:
        """Have the venue behave again."""
        with urlopen(Request(f"{self.venue.admin_url}/faults", method="DELETE"), timeout=5) as reply:
            reply.read()

    @contextmanager
    def troubled(self, **fault: object) -> Iterator[Callable[[], bool]]:
        """Have the venue misbehave within the block; yields whether a request has met it by now."""
        self.trouble(**fault)
        yield lambda: any(each["struck"] for each in self.venue.get("/faults")["faults"])
        self.calm()

    def news(self) -> list[Recorded]:
        """Read what happened since the provocation."""
        return list(self.log.read(after=self.mark))

    def count(self, kind: type[Fact]) -> int:
        return sum(isinstance(recorded.fact, kind) for recorded in self.news())

    def waits_for(self, kind: type[Fact], times: int = 1) -> None:
        """Return as soon as a fact is in the log so many times since the provocation."""
        self.until(lambda: self.count(kind) >= times, f"{kind.__name__} x {times}")

    def rests(self) -> None:
        """Return when nothing is left to do."""
        self.until(self.at_rest, "everything comes to rest")

    def until(self, true: Callable[[], bool], what: str, within: float = BOUND) -> None:
        """Wait for something; after `within` seconds fail with what was said last."""
        deadline = time.monotonic() + within
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {within:g} s\n{self.last_words()}")
            time.sleep(0.01)

    def last_words(self) -> str:
        """Show the end of the story and of each worker's log, for whoever must find out what went wrong."""
        told = [*self.diary]
        told += [f"{each.position} {each.recorded_at:%H:%M:%S.%f} {each.fact}"[:300] for each in self.news()[-25:]]
        for child in self.crew.children:
            told += [f"-- {child.job.name} {child.ending()}", *child.last_lines()]
        return "\n".join([*told, "-- taken and not answered", *self.unanswered()])

    def unanswered(self) -> list[str]:
        """Tell which announcements the converters have taken, and under which name."""
        with plain_redis(self) as client:
            pending = client.xpending_range(stream_key(self.log.identity), GROUP, "-", "+", 10)
        return [str(entry) for entry in pending]

    def again(self, name: str) -> None:
        """Kill a role's processes at once, and start it anew."""
        self.workers[name].kill()
        self.workers[name].start()

    def pool(self, name: str) -> set[int]:
        """Return the processes of a role's pool, without the one that leads them."""
        return living(self.workers[name].pid) - {self.workers[name].pid}

    def job(self, name: str) -> Job:
        """Return what a role's process runs."""
        return ROLES[name].job(self.config, self.directory, dict(os.environ))

    @contextmanager
    def second(self, name: str) -> Iterator[None]:
        """Have another worker of a role, at work beside the one that is there, within the block."""
        began, sign = time.time(), self.directory / "run" / f"{name}-2.pulse"
        job = self.job(name)
        other = self.crew.start(
            replace(job, name=f"{name}-2", environment={**job.environment, pulse.VARIABLE: str(sign)})
        )
        try:
            self.until(lambda: pulse.last(sign) >= began, f"a second {name} is at work")
            yield
        finally:
            other.kill()

    def sign_of(self, name: str) -> float:
        """Return when a role last gave a sign of life, in seconds since the epoch."""
        return pulse.last(self.directory / "run" / f"{name}.pulse")

    def all_consume_since(self, moment: float) -> None:
        """Return when every role has given a sign of life after a moment."""
        self.until(lambda: all(self.sign_of(name) > moment for name in self.workers), "every role is at work again")

    def lose_redis(self) -> None:
        """Kill Redis, and its file with it."""
        self.redis.kill()
        for kept in self.redis.directory.glob("appendonly*"):
            if kept.is_dir():
                shutil.rmtree(kept)
            else:
                kept.unlink()

    def crumbs_left(self) -> bool:
        balances = self.venue.get("/ledger")["balances"]
        return any(currency in balances[account] for currency in CRUMBS for account in ("user", "hold"))

    def at_rest(self) -> bool:
        """Say whether every crumb is sold, every sweep ended and every announcement answered."""
        if self.streams.load(ACCOUNT).state.sweep is not None or self.crumbs_left():
            return False
        announced = [each.position for each in self.news() if isinstance(each.fact, DustDetected)]
        return self.log.checkpoint(GROUP) >= max(announced, default=0)

    def _post(self, path: str, body: object) -> None:
        request = Request(f"{self.venue.admin_url}{path}", data=json.dumps(body).encode(), method="POST")
        with urlopen(request, timeout=5) as reply:
            reply.read()


@contextmanager
def staged(directory: Path, roles: Collection[str] = tuple(ROLES)) -> Iterator[Stage]:
    """Set everything up, live and at work."""
    with (
        pytest.MonkeyPatch.context() as environment,
        RedisServer(directory / "redis", durable=True) as server,
        Crew(directory / "log") as crew,
    ):
        environment.setenv("DUSTMAN_REDIS_URL", server.url().removesuffix("/0"))
        ground = set_up(crew, directory, SETTINGS, str(SCENARIO))
        log = open_log(ground.settings)
        _go_live(log, ground.settings)
        ground = start_workers(crew, ground, directory, roles)
        subscriber = Subscriber(ground.settings.redis.feed_url)
        subscriber.start()
        try:
            yield Stage(
                crew, directory, ground.config, ground.settings, server, ground.venue, ground.workers, log, subscriber
            )
        finally:
            subscriber.end()
            log.close()


def plain_redis(stage: Stage) -> Any:
    """A client as any other service would have it."""
    return redis.Redis.from_url(stage.settings.redis.feed_url, decode_responses=True)


def _go_live(log: EventLog, settings: Settings) -> None:
    policy = settings.account(ACCOUNT).policy()
    mark = fingerprint(policy)
    streams = Streams(ACCOUNTS, log, now, lambda: None)
    for fact in (
        DryRunCompleted(ACCOUNT, mark, 0, 0, Amount(Decimal(0), policy.target), now()),
        AccountWentLive(ACCOUNT, mark, policy.sweep_cap, policy.day_cap, policy.currency),
    ):
        streams.handle(ACCOUNT, Declare(fact, type(fact).__name__), "stage")
