"""A parked event is handed out again or given up as its owner decides, and never lost by the deciding."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import redis

from events.feed import Feed
from events.memory import MemoryLog
from events.parked import Parked, groups
from events.subscription import Subscription
from tests.events.clocks import SetClock
from tests.events.samples import new
from tests.redis_server import RedisServer

GROUP = "auditor"
IDLE = 0.05


class Stage:
    """A log of six events in the feed, and a group that fails at some of them at its first and only try."""

    def __init__(self, server: RedisServer, client: redis.Redis) -> None:
        self.server = server
        self.client = client
        self.log = MemoryLog("6f1c", SetClock())
        self.feed = Feed(client, self.log.identity)
        self.parked = Parked(client, self.log.identity, GROUP)
        self.log.append("main", 0, [new(str(number)) for number in range(1, 7)])

    def drain(self, *failing: int) -> list[int]:
        """Handle all there is but the failing ones, and return the positions."""
        self.feed.publish_pending(self.log)
        consumer = Subscription(self.client, self.log, GROUP, "one", idle=IDLE, most_deliveries=1)
        handled: list[int] = []
        while deliveries := consumer.take():
            for delivery in deliveries:
                if delivery.recorded.position in failing:
                    consumer.failed(delivery, ValueError("cannot read this"))
                else:
                    consumer.done(delivery)
                    handled.append(delivery.recorded.position)
        return handled

    def positions(self) -> list[int]:
        return [event.position for event in self.parked]

    def checkpoint(self) -> int:
        return self.log.checkpoint(GROUP)


@pytest.fixture
def stage(redis_server: RedisServer, client: redis.Redis) -> Stage:
    return Stage(redis_server, client)


def test_parked__events_that_failed__are_listed_with_all_that_is_known(stage: Stage) -> None:
    began = datetime.now(UTC)
    assert stage.drain(2, 5) == [1, 3, 4, 6]
    first, second = stage.parked
    assert (first.position, second.position) == (2, 5)
    assert (first.group, first.log, first.type) == (GROUP, "6f1c", "conversions_halted")
    assert (first.deliveries, first.error) == (1, "ValueError: cannot read this")
    assert first.event["position"] == "2"
    assert abs((first.parked_at - began).total_seconds()) < 60
    assert groups(stage.client) == [GROUP]
    assert stage.checkpoint() == 1


def test_retry__a_parked_event__is_handed_out_again_with_all_its_tries(stage: Stage) -> None:
    stage.drain(2, 5)
    assert stage.parked.retry(5)
    assert stage.positions() == [2]
    consumer = Subscription(stage.client, stage.log, GROUP, "two", idle=60, most_deliveries=1)
    [delivery] = consumer.take()
    assert (delivery.recorded.position, delivery.deliveries) == (5, 1)
    consumer.done(delivery)
    assert stage.drain() == []
    assert stage.checkpoint() == 1
    assert stage.parked.retry(2)
    assert stage.drain() == [2]
    assert (stage.positions(), stage.checkpoint()) == ([], 6)


def test_retry__fails_again__is_parked_again(stage: Stage) -> None:
    stage.drain(2)
    assert stage.parked.retry(2)
    assert stage.checkpoint() == 1
    assert stage.drain(2) == []
    assert (stage.positions(), stage.checkpoint()) == ([2], 1)


def test_retry__long_trimmed_from_the_stream__is_handed_out_from_the_log(stage: Stage) -> None:
    stage.drain(2)
    stage.client.xtrim(stage.feed.key, minid="6-0", approximate=False)
    assert stage.parked.retry(2)
    assert stage.drain() == [2]
    assert stage.checkpoint() == 6


def test_retry__consumer_dies_of_it__is_handed_out_once_more_and_parked(stage: Stage) -> None:
    stage.drain(2)
    assert stage.parked.retry(2)
    Subscription(stage.client, stage.log, GROUP, "dead", idle=IDLE, most_deliveries=1).take()
    time.sleep(IDLE + 0.05)
    assert stage.drain() == []
    assert [event.error for event in stage.parked] == ["was handed out 1 times and never answered for"]


def test_drop__a_parked_event__lets_the_checkpoint_pass(stage: Stage) -> None:
    stage.drain(2, 5)
    assert stage.parked.drop(2)
    assert stage.drain() == []
    assert stage.checkpoint() == 4
    assert stage.parked.drop(5)
    assert stage.drain() == []
    assert (stage.positions(), stage.checkpoint()) == ([], 6)


@pytest.mark.parametrize("decision", ["retry", "drop"])
def test_decision__twice_or_about_another_event__changes_nothing(stage: Stage, decision: str) -> None:
    stage.drain(2)
    decide = getattr(stage.parked, decision)
    assert [decide(position) for position in (1, 3, 7, 2, 2)] == [False, False, False, True, False]
    assert stage.drain() == ([2] if decision == "retry" else [])


@pytest.mark.parametrize("decision", ["retry", "drop"])
def test_decision__about_another_logs_event__is_refused(stage: Stage, decision: str) -> None:
    stage.drain(2)
    other = Parked(stage.client, "another", GROUP)
    assert [other.owns(event) for event in other] == [False]
    assert not getattr(other, decision)(2)
    assert stage.positions() == [2]


def test_wiped__with_parked_events__they_are_handed_out_again_by_themselves(stage: Stage) -> None:
    stage.drain(2, 5)
    stage.server.wipe()
    assert (stage.positions(), groups(stage.client)) == ([], [])
    assert not stage.parked.retry(2)
    assert stage.drain() == [2, 3, 4, 5, 6], "from the checkpoint, which the parked events held back"
    assert stage.checkpoint() == 6


def test_wiped__after_a_retry_that_nobody_took__is_handed_out_all_the_same(stage: Stage) -> None:
    stage.drain(2)
    assert stage.parked.retry(2)
    stage.server.wipe()
    assert 2 in stage.drain()
    assert stage.checkpoint() == 6


def test_wiped__after_a_drop_that_the_checkpoint_passed__is_not_handed_out(stage: Stage) -> None:
    stage.drain(2)
    assert stage.parked.drop(2)
    assert stage.drain() == []
    stage.server.wipe()
    assert stage.drain() == []
    assert stage.checkpoint() == 6


def test_parked__redis_down__is_an_error_not_an_empty_list(stage: Stage) -> None:
    stage.server.kill()
    with pytest.raises(redis.ConnectionError):
        stage.positions()
    with pytest.raises(redis.ConnectionError):
        stage.parked.drop(2)
