"""Workers killed, frozen and ended in the middle of sweeps."""

from __future__ import annotations

import os
import signal

from events.facts import LegRequested, SweepCompleted
from tests.chaos.stage import Stage
from tests.chaos.verdict import assert_whole


def test_nothing__dies__is_whole(stage: Stage) -> None:
    stage.provoke()
    stage.waits_for(LegRequested)
    assert_whole(stage)


def test_converter_and_its_pool__killed_in_an_order_and_then_the_reconciler_that_asks__pay_nothing_twice(
    stage: Stage,
) -> None:
    with stage.troubled(kind="slow", endpoint="create_order", seconds="1") as struck:
        stage.provoke()
        stage.until(struck, "an order is under way")
        stage.workers["converter"].kill()
    with stage.troubled(kind="slow", endpoint="list_orders", seconds="2") as struck:
        stage.until(struck, "the reconciler asks what became of it")
        stage.again("reconciler")
    stage.workers["converter"].start()
    assert_whole(stage)


def test_converter__each_process_of_its_pool_killed_alone__is_replaced_and_goes_on(stage: Stage) -> None:
    stage.provoke()
    pool = stage.pool("converter")
    for times, process in enumerate(pool, start=1):
        stage.waits_for(LegRequested, times)
        os.kill(process, signal.SIGKILL)
    assert_whole(stage)
    assert not pool & stage.pool("converter")


def test_converter__frozen_for_longer_than_its_intent_is_held__wakes_up_to_a_finished_sweep(stage: Stage) -> None:
    frozen = stage.workers["converter"].pid
    with stage.troubled(kind="slow", endpoint="create_order", seconds="1") as struck:
        stage.provoke()
        stage.until(struck, "an order is under way")
        os.killpg(frozen, signal.SIGSTOP)
    with stage.second("converter"):
        stage.waits_for(SweepCompleted)
        os.killpg(frozen, signal.SIGCONT)
    assert_whole(stage)


def test_converter__told_to_end_in_the_middle__ends_in_time_and_loses_nothing(stage: Stage) -> None:
    converter = stage.workers["converter"]
    stage.provoke()
    stage.waits_for(LegRequested)
    converter.ask_to_end()
    stage.until(lambda: not converter.running, "it ends", within=stage.crew.grace)
    converter.start()
    assert_whole(stage)


def test_detector__killed_in_the_middle_of_a_scan__scans_anew(stage: Stage) -> None:
    with stage.troubled(kind="slow", endpoint="list_products", seconds="2") as struck:
        stage.provoke()
        stage.until(struck, "the detector reads the markets")
        stage.again("detector")
    assert_whole(stage)


def test_relay_and_beat__killed_in_the_middle_of_a_sweep__come_again(stage: Stage) -> None:
    stage.provoke()
    stage.waits_for(LegRequested)
    stage.again("relay")
    stage.again("beat")
    assert_whole(stage)
