"""Rounds of random accidents at random moments. `make campaign` runs many; a round can be repeated by its seed."""

from __future__ import annotations

import os
from functools import partial
from random import Random

import pytest

from dustman.wiring import now
from tests.chaos.accidents import ACCIDENTS
from tests.chaos.stage import CRUMBS, Stage
from tests.chaos.verdict import assert_whole

SEED = os.environ.get("CHAOS_SEED", "20260301")
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "2"))


@pytest.mark.parametrize("number", range(ROUNDS), ids=lambda number: f"{SEED}-{number}")
def test_campaign__accidents_at_random_moments__end_in_one_story(stage: Stage, number: int) -> None:
    chance = Random(f"{SEED}-{number}")
    stage.provoke(chance.sample(sorted(CRUMBS), chance.randint(2, len(CRUMBS))))
    for _ in range(chance.randint(1, 4)):
        moment = len(stage.news()) + chance.randint(0, 12)
        stage.until(partial(_came, stage, moment), "the next moment")
        name = chance.choice(sorted(ACCIDENTS))
        stage.diary.append(f"{now():%H:%M:%S.%f} {name}")
        ACCIDENTS[name](stage, chance)
    stage.calm()
    assert_whole(stage)


def _came(stage: Stage, moment: int) -> bool:
    return len(stage.news()) >= moment or stage.at_rest()
