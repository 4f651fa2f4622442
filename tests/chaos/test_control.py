"""The harness can lose: whoever breaks a rule of the house is found out by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from events.facts import SweepCompleted
from tests.chaos.stage import Stage, staged
from tests.chaos.subscriber import Subscriber
from tests.chaos.verdict import assert_each_leg_has_one_order, assert_whole, audited


def test_subscriber__that_comes_back_to_a_wiped_feed_and_listens_from_now_on__misses_events(stage: Stage) -> None:
    stage.provoke()
    stage.redis.wipe()
    assert_whole(stage)
    careless = Subscriber(stage.settings.redis.feed_url, last="$")
    careless.start()
    stage.until(lambda: bool(careless.seen), "it hears something")
    careless.end()
    heard = {position for position, _ in careless.seen}
    swept = {recorded.position for recorded in stage.news() if isinstance(recorded.fact, SweepCompleted)}
    assert swept
    assert not swept & heard


def test_converter__that_answers_doubt_with_another_order__is_found_to_have_paid_twice(tmp_path: Path) -> None:
    with staged(tmp_path, roles=("detector", "beat")) as stage:
        real = stage.job("converter")
        words = ["tests.chaos.naive" if word == "dustman.service" else word for word in real.command]
        stage.crew.start(replace(real, command=words))
        stage.trouble(kind="timeout", endpoint="create_order", product="BTC-USDC", when="after", seconds="0.2")
        stage.provoke()
        stage.waits_for(SweepCompleted)
        assert not audited(stage).passed
        with pytest.raises(AssertionError):
            assert_each_leg_has_one_order(stage)
