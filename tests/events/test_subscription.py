"""A group of workers is handed every event at least once, whatever happens to them, to Redis and to the stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
import redis

from events.catalogue import UnknownType
from events.facts import ConversionsResumed
from events.feed import Feed
from events.log import CorruptLog
from events.memory import MemoryLog
from events.subscription import Delivery, Subscription
from tests.events.clocks import SetClock
from tests.events.samples import new
from tests.redis_server import RedisServer

GROUP = "converter"
IDLE = 0.4


class Stage:
    """A log, its feed with a window of ten, and consumers of one group; short idle time."""

    def __init__(self, server: RedisServer, clients: Iterator[redis.Redis]) -> None:
        self.server = server
        self._clients = clients
        self.client = next(clients)
        self.log = MemoryLog("6f1c", SetClock())
        self.feed = Feed(self.client, self.log.identity, window=10)

    def grow(self, count: int) -> None:
        head = self.log.head()
        self.log.append("main", head, [new(str(head + number)) for number in range(1, count + 1)])
        self.feed.publish_pending(self.log)

    def consumer(self, name: str = "one", **options: Any) -> Subscription:
        options = {"idle": IDLE, "batch": 4, "most_deliveries": 3} | options
        return Subscription(next(self._clients), self.log, GROUP, name, **options)

    def checkpoint(self) -> int:
        return self.log.checkpoint(GROUP)

    def parked(self) -> list[dict[bytes, bytes]]:
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], self.client.xrange(f"dustman:parked:{GROUP}"))
        return [fields for _, fields in entries]


@pytest.fixture
def stage(redis_server: RedisServer, clients: Iterator[redis.Redis]) -> Stage:
    return Stage(redis_server, clients)


def taken(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.recorded.position for delivery in deliveries]


def drain(consumer: Subscription, rounds: int = 1000) -> list[int]:
    """Handle all there is and return the positions."""
    handled: list[int] = []
    for _ in range(rounds):
        deliveries = consumer.take()
        if not deliveries:
            return handled
        for delivery in deliveries:
            with consumer.handling(delivery) as recorded:
                handled.append(recorded.position)
    raise AssertionError(f"no end after {rounds} rounds: {handled[-20:]}")


def test_take__new_group__begins_with_the_first_event_of_the_log(stage: Stage) -> None:
    stage.grow(7)
    consumer = stage.consumer()
    first = consumer.take()
    assert taken(first) == [1, 2, 3, 4]
    assert [delivery.recorded for delivery in first] == list(stage.log.read(until=4))
    assert [delivery.deliveries for delivery in first] == [1, 1, 1, 1]
    assert drain(consumer) == [1, 2, 3, 4, 5, 6, 7]
    assert (drain(consumer), stage.checkpoint()) == ([], 7)


def test_take__unanswered__is_handed_out_again_first(stage: Stage) -> None:
    stage.grow(6)
    consumer = stage.consumer()
    first = consumer.take()
    consumer.done(first[1])
    assert taken(consumer.take()) == [1, 3, 4]
    assert drain(consumer) == [1, 3, 4, 5, 6]


def test_take__more_than_the_window_behind__is_filled_in_from_the_log(stage: Stage) -> None:
    stage.grow(3)
    consumer = stage.consumer()
    assert drain(consumer) == [1, 2, 3]
    stage.grow(200)
    stage.grow(30)
    assert drain(consumer) == list(range(4, 234))
    assert stage.checkpoint() == 233


def test_take__two_consumers__share_and_only_both_together_move_the_checkpoint(stage: Stage) -> None:
    stage.grow(8)
    one, two = stage.consumer("one", idle=60), stage.consumer("two", idle=60)
    first, second = one.take(), two.take()
    assert (taken(first), taken(second)) == ([1, 2, 3, 4], [5, 6, 7, 8])
    assert drain(two) == [5, 6, 7, 8]
    assert stage.checkpoint() == 0
    assert drain(one) == [1, 2, 3, 4]
    assert stage.checkpoint() == 8


def test_take__two_consumers_far_behind__share_what_the_log_fills_in(stage: Stage) -> None:
    stage.grow(100)
    one, two = stage.consumer("one", idle=60), stage.consumer("two", idle=60)
    first, second = one.take(), two.take()
    assert not set(taken(first)) & set(taken(second))
    assert sorted(drain(one) + drain(two)) == list(range(1, 101))
    assert stage.checkpoint() in (100, 96), "the last batch counts at the next take"
    one.take()
    assert stage.checkpoint() == 100


def test_take__restarted_consumer__gets_its_own_unanswered_events_first_and_at_once(stage: Stage) -> None:
    stage.grow(9)
    dead = stage.consumer("one", idle=60)
    dead.done(dead.take()[0])
    again = stage.consumer("one", idle=60)
    deliveries = again.take()
    assert taken(deliveries) == [2, 3, 4]
    assert [delivery.deliveries for delivery in deliveries] == [2, 2, 2]
    assert drain(again) == [2, 3, 4, 5, 6, 7, 8, 9]


def test_take__dead_consumer__is_inherited_after_the_idle_time(stage: Stage) -> None:
    stage.grow(4)
    stage.consumer("dead").take()
    heir = stage.consumer("heir")
    assert taken(heir.take()) == []
    time.sleep(IDLE + 0.05)
    deliveries = heir.take()
    assert (taken(deliveries), deliveries[0].deliveries) == ([1, 2, 3, 4], 2)
    assert drain(heir) == [1, 2, 3, 4]
    heir.take()
    assert stage.checkpoint() == 4


def test_take__dead_consumers_events_trimmed__are_inherited_from_the_log(stage: Stage) -> None:
    stage.grow(6)
    stage.consumer("dead").take()
    stage.grow(40)
    time.sleep(IDLE + 0.05)
    heir = stage.consumer("heir", idle=1)
    time.sleep(1)
    assert sorted(drain(heir)) == list(range(1, 47))
    assert stage.checkpoint() == 46


def test_take__heir_of_trimmed_events_dies_too__they_are_inherited_again(stage: Stage) -> None:
    stage.grow(4)
    stage.consumer("dead").take()
    stage.grow(40)
    time.sleep(IDLE + 0.05)
    assert taken(stage.consumer("heir").take()) == [1, 2, 3, 4]
    time.sleep(IDLE + 0.05)
    assert set(drain(stage.consumer("last"))) == set(range(1, 45))
    assert stage.checkpoint() == 44


def test_take__own_pending_events_trimmed__come_back_from_the_log(stage: Stage) -> None:
    stage.grow(6)
    stage.consumer("one", idle=60).take()
    stage.grow(40)
    again = stage.consumer("one", idle=60)
    assert taken(again.take()) == [1, 2, 3, 4]
    assert drain(again) == list(range(1, 47))
    assert stage.checkpoint() == 46


def test_take__wiped_redis__begins_again_at_the_checkpoint(stage: Stage) -> None:
    stage.grow(6)
    consumer = stage.consumer()
    drain(consumer)
    stage.grow(3)
    consumer.done(consumer.take()[0])
    stage.server.wipe()
    stage.grow(40)
    assert drain(consumer)[:2] == [8, 9], "what it holds already"
    assert drain(stage.consumer("two")) == []
    assert stage.checkpoint() == 49


def test_take__wiped_and_nobody_published_yet__waits_and_loses_nothing(stage: Stage) -> None:
    stage.grow(5)
    consumer = stage.consumer()
    consumer.take()
    stage.server.wipe()
    other = stage.consumer("two")
    assert taken(other.take()) == []
    stage.grow(50)
    assert sorted(set(drain(other) + drain(consumer))) == list(range(1, 56))
    assert stage.checkpoint() == 55


def test_take__redis_killed__is_an_error_and_afterwards_everything_goes_on(stage: Stage) -> None:
    stage.grow(9)
    consumer = stage.consumer()
    held = consumer.take()
    stage.server.kill()
    with pytest.raises(redis.ConnectionError):
        consumer.done(held[0])
    stage.server.start()
    stage.feed.publish_pending(stage.log)
    assert set(drain(consumer)) == set(range(1, 10))
    assert stage.checkpoint() == 9


def test_take__answer_lost_on_the_way__own_pending_events_are_read_again(stage: Stage) -> None:
    stage.grow(9)
    consumer = stage.consumer(idle=60)
    drain(consumer)
    stage.grow(3)
    stage.consumer("one", idle=60).take()  # Redis gave these to "one", and this consumer never heard of it
    assert drain(consumer) == []
    with stage.server.frozen(), pytest.raises(redis.TimeoutError):
        consumer.take()
    assert drain(consumer) == [10, 11, 12]


def test_take__deleted_from_middle_and_end__is_filled_in_from_the_log(stage: Stage) -> None:
    stage.grow(9)
    stage.client.xdel(stage.feed.key, "3-0", "4-0", "7-0", "9-0")
    assert sorted(drain(stage.consumer())) == list(range(1, 10))


def test_take__forged_entry__is_read_from_the_log_or_stops(stage: Stage) -> None:
    stage.grow(2)
    consumer = stage.consumer()
    drain(consumer)
    stage.log.append("main", 2, [new("3")])
    stage.client.xadd(stage.feed.key, {"type": "dust_detected", "event": "{}"}, id="3-0")
    [delivery] = consumer.take()
    assert (delivery.recorded.type, delivery.recorded.event_id) == ("conversions_halted", "3")
    consumer.done(delivery)
    stage.client.xadd(stage.feed.key, {"type": "dust_detected", "event": "{}"}, id="4-0")
    with pytest.raises(CorruptLog, match="position 4 is in the feed of 6f1c but not in its log"):
        consumer.take()


def test_take__only_some_types__answers_for_the_others_itself(stage: Stage) -> None:
    stage.grow(6)
    stage.log.append("main", 6, [new("7", ConversionsResumed("main"))])
    stage.grow(12)
    consumer = stage.consumer(types=["conversions_resumed"])
    assert drain(consumer) == [7]
    assert stage.checkpoint() == 19


def test_subscription__misspelt_type__is_refused_with_the_words_there_are(stage: Stage) -> None:
    with pytest.raises(UnknownType, match=r"'dust_detekted' is not in the catalogue, which has .*dust_detected"):
        stage.consumer(types=["dust_detekted"])


def test_failed__handler_raises__the_event_is_tried_later_and_others_go_on(stage: Stage) -> None:
    stage.grow(3)
    consumer = stage.consumer()
    [first, second, third] = consumer.take()
    with pytest.raises(ZeroDivisionError), consumer.handling(second):
        raise ZeroDivisionError("broken")
    consumer.done(first)
    consumer.done(third)
    stage.grow(2)
    assert drain(consumer) == [4, 5]
    assert stage.checkpoint() == 1
    time.sleep(IDLE + 0.05)
    [again] = consumer.take()
    assert (again.recorded.position, again.deliveries) == (2, 2)
    assert drain(consumer) == [2]
    consumer.take()
    assert (stage.checkpoint(), stage.parked()) == (5, [])


def poison(consumer: Subscription, position: int) -> list[int]:
    """Handle what there is, failing always at one position."""
    handled: list[int] = []
    for _ in range(100):
        deliveries = consumer.take()
        if not deliveries:
            return handled
        for delivery in deliveries:
            if delivery.recorded.position == position:
                consumer.failed(delivery, ValueError("cannot read this"))
            else:
                consumer.done(delivery)
                handled.append(delivery.recorded.position)
    raise AssertionError("no end")


@pytest.mark.parametrize("grown", [6, 60], ids=["from the stream", "from the log"])
def test_failed__as_often_as_allowed__is_parked_with_error_and_event(stage: Stage, grown: int) -> None:
    stage.grow(grown)
    consumer = stage.consumer()
    assert sorted(poison(consumer, 2)) == [1, *range(3, grown + 1)]
    for _ in range(4):
        time.sleep(IDLE + 0.05)
        assert poison(consumer, 2) == []
    [fields] = stage.parked()
    assert fields[b"error"] == b"ValueError: cannot read this"
    assert (fields[b"position"], fields[b"deliveries"], fields[b"type"]) == (b"2", b"3", b"conversions_halted")
    assert b'"position":"2"' in fields[b"event"]
    assert stage.checkpoint() == 1, "a wipe must not lose what is parked"
    stage.server.wipe()
    stage.grow(1)
    assert 2 in drain(consumer)
    assert stage.checkpoint() == grown + 1


def test_take__consumer_dies_of_an_event__is_parked_after_its_tries(stage: Stage) -> None:
    stage.grow(2)
    for expected in (1, 2, 3):
        deliveries = stage.consumer("one", idle=60).take()
        assert [delivery.deliveries for delivery in deliveries] == [expected] * 2
    survivor = stage.consumer("one", idle=60)
    assert taken(survivor.take()) == []
    assert [fields[b"error"] for fields in stage.parked()] == [b"was handed out 3 times and never answered for"] * 2
    stage.grow(1)
    assert drain(survivor) == [3]


def test_take__with_patience__returns_when_an_event_arrives(stage: Stage) -> None:
    consumer = stage.consumer(idle=60)
    drain(consumer)
    publisher = threading.Timer(0.3, stage.grow, args=(1,))
    publisher.start()
    started = time.monotonic()
    assert taken(consumer.take(wait=5)) == [1]
    assert 0.2 < time.monotonic() - started < 2
    publisher.join()


def test_take__with_patience_and_no_event__returns_nothing_in_time(stage: Stage) -> None:
    consumer = stage.consumer()
    started = time.monotonic()
    assert consumer.take(wait=1.2) == []
    assert 1.1 < time.monotonic() - started < 2.5


def test_groups__two__each_get_every_event(stage: Stage) -> None:
    stage.grow(5)
    auditor = Subscription(stage.client, stage.log, "auditor", "one", idle=60)
    assert drain(stage.consumer()) == drain(auditor) == [1, 2, 3, 4, 5]
    assert stage.log.checkpoint("auditor") == 5


def test_reopen__events_in_hand_from_log_and_stream__are_handed_out_in_order_before_the_next(stage: Stage) -> None:
    stage.grow(40)
    dead = stage.consumer("one", batch=7, idle=60)
    seen: list[int] = []
    while not seen or seen[-1] < 33:
        deliveries = dead.take()
        seen += [delivery.recorded.position for delivery in deliveries]
        for delivery in deliveries:
            if delivery.recorded.position not in (9, 10, 29, 33):
                dead.done(delivery)
        dead._open.clear()
    heir = stage.consumer("one", batch=7, idle=60)
    again: list[int] = []
    heir.reopen()
    while len(again) < 4 + 40 - seen[-1]:
        for delivery in heir.take():
            again.append(delivery.recorded.position)
            heir.done(delivery)
    assert again == [9, 10, 29, 33, *range(seen[-1] + 1, 41)]
    heir.take()
    assert stage.checkpoint() == 40
