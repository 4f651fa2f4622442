"""Redis killed, emptied and frozen in the middle of sweeps: the log is elsewhere, so nothing is lost with it."""

from __future__ import annotations

import time

from events.facts import LegRequested
from tests.chaos.stage import Stage
from tests.chaos.verdict import assert_whole


def test_redis__killed_during_a_scan_and_started_again_with_its_data__workers_carry_on(stage: Stage) -> None:
    with stage.troubled(kind="slow", endpoint="list_products", seconds="1") as struck:
        stage.provoke()
        stage.until(struck, "a scan is under way")
        stage.redis.restart()
    stage.all_consume_since(time.time())
    assert_whole(stage)


def test_redis__killed_during_an_order_and_started_again_without_its_data__workers_carry_on(stage: Stage) -> None:
    with stage.troubled(kind="slow", endpoint="create_order", seconds="1") as struck:
        stage.provoke()
        stage.until(struck, "an order is under way")
        stage.lose_redis()
        stage.redis.start()
    stage.all_consume_since(time.time())
    assert_whole(stage)


def test_redis__away_while_a_worker_ends_all_that_it_holds__the_worker_takes_tasks_again(stage: Stage) -> None:
    reconciler = stage.workers["reconciler"]
    with stage.troubled(kind="slow", endpoint="create_order", seconds="1") as struck:
        stage.provoke()
        stage.until(struck, "an order is under way")
        stage.workers["converter"].kill()
    with stage.troubled(kind="slow", endpoint="list_orders", seconds="1") as struck:
        stage.until(struck, "the reconciler asks what became of it")
        stage.redis.kill()
        stage.until(lambda: "Couldn't ack" in reconciler.log.read_text(), "the reconciler's task ends")
    stage.redis.start()
    stage.workers["converter"].start()
    stage.all_consume_since(time.time())
    assert_whole(stage)


def test_redis__emptied_again_and_again_under_load__brings_every_event_all_the_same(stage: Stage) -> None:
    stage.provoke()
    for times in range(1, 5):
        stage.waits_for(LegRequested, times)
        stage.redis.wipe()
    assert_whole(stage)


def test_redis__frozen_for_longer_than_any_time_out__workers_carry_on(stage: Stage) -> None:
    stage.provoke()
    stage.waits_for(LegRequested)
    with stage.redis.frozen():
        time.sleep(6)
    stage.all_consume_since(time.time())
    assert_whole(stage)
