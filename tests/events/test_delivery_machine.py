"""Whatever order things happen in, no event is passed over: a model of a group against a real Redis."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from events.feed import Feed
from events.memory import MemoryLog
from events.subscription import Delivery, Subscription
from tests.events.clocks import SetClock
from tests.events.samples import new
from tests.redis_server import RedisServer

STEPS = settings(max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = st.sampled_from(["one", "two", "three"])


class Deliveries(RuleBasedStateMachine):
    """Three consumers that take, answer, fail and die, while the stream is trimmed, cut, wiped and rebuilt."""

    server: ClassVar[RedisServer]

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.server.wipe()
        self.client = self.stack.enter_context(self.server.client())
        self.log = MemoryLog("6f1c", SetClock())
        self.feed = Feed(self.client, self.log.identity, window=6)
        self.consumers: dict[str, Subscription] = {}
        self.held: dict[str, list[Delivery]] = {}
        self.handled: set[int] = set()

    def consumer(self, name: str, idle: float = 60) -> Subscription:
        if name not in self.consumers:
            self.consumers[name] = Subscription(
                self.client, self.log, "group", name, batch=3, idle=idle, most_deliveries=10_000
            )
        return self.consumers[name]

    @rule(count=st.integers(1, 12), publish=st.booleans())
    def append(self, count: int, publish: bool) -> None:
        head = self.log.head()
        self.log.append("main", head, [new(str(head + number)) for number in range(count)])
        if publish:
            self.feed.publish_pending(self.log)

    @rule(name=NAMES)
    def take(self, name: str) -> None:
        self.held[name] = list(self.consumer(name).take())

    @rule(name=NAMES, index=st.integers(0, 2))
    def handle(self, name: str, index: int) -> None:
        if index < len(self.held.get(name, [])):
            delivery = self.held[name].pop(index)
            self.handled.add(delivery.recorded.position)
            self.consumer(name).done(delivery)

    @rule(name=NAMES, index=st.integers(0, 2))
    def fail(self, name: str, index: int) -> None:
        if index < len(self.held.get(name, [])):
            self.consumer(name).failed(self.held[name].pop(index), ValueError("not today"))

    @rule(name=NAMES, idle=st.sampled_from([0.0, 60.0]))
    def die_and_restart(self, name: str, idle: float) -> None:
        self.consumers.pop(name, None)
        self.held.pop(name, None)
        self.consumer(name, idle)

    @rule()
    def wipe(self) -> None:
        self.client.flushall()

    @rule(back=st.integers(0, 6))
    def lose_an_entry(self, back: int) -> None:
        self.client.xdel(self.feed.key, f"{max(1, self.feed.last() - back)}-0")

    @rule()
    def trim_to_one(self) -> None:
        self.client.xtrim(self.feed.key, maxlen=1, approximate=False)

    @invariant()
    def checkpoint_passes_over_nothing(self) -> None:
        assert set(range(1, self.log.checkpoint("group") + 1)) <= self.handled

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        self.feed.publish_pending(self.log)
        last = Subscription(self.client, self.log, "group", "last", batch=5, idle=0.0, most_deliveries=10_000)
        while deliveries := last.take():
            for delivery in deliveries:
                self.handled.add(delivery.recorded.position)
                last.done(delivery)
        assert self.handled == set(range(1, self.log.head() + 1))
        assert self.log.checkpoint("group") == self.log.head()
        self.stack.close()


def test_group__any_order_of_events_and_accidents__passes_over_nothing() -> None:
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as server:
        Deliveries.server = server
        run_state_machine_as_test(Deliveries, settings=STEPS)
