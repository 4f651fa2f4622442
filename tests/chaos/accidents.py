"""What may happen to the processes, to Redis and to the venue, at any moment."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from random import Random

from tests.chaos.stage import CRUMBS, Stage

Accident = Callable[[Stage, Random], None]
ROLES = ("detector", "converter", "relay", "reconciler", "beat")
# What may befall an order: before it takes effect, after it, or while nobody waits for it any more.
FAULTS = (
    {"kind": "timeout", "when": "after", "seconds": "0.5"},
    {"kind": "timeout", "when": "before", "seconds": "0.5"},
    {"kind": "reset", "when": "after"},
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "later", "delay": "1"},
    {"kind": "server_error", "when": "after"},
    {"kind": "cut_json"},
    {"kind": "rate_limited"},
    {"kind": "partial", "fraction": "0.5"},
    {"kind": "settled_late", "seconds": "1"},
)


def kill_a_role(stage: Stage, chance: Random) -> None:
    stage.again(chance.choice(ROLES))


def kill_several_roles(stage: Stage, chance: Random) -> None:
    for name in chance.sample(ROLES, chance.randint(2, len(ROLES))):
        stage.again(name)


def kill_one_of_the_pool(stage: Stage, chance: Random) -> None:
    os.kill(chance.choice(sorted(stage.pool("converter"))), signal.SIGKILL)


def kill_the_converter_for_a_while(stage: Stage, chance: Random) -> None:
    stage.workers["converter"].kill()
    time.sleep(chance.uniform(0, 2))
    stage.workers["converter"].start()


def freeze_a_role(stage: Stage, chance: Random) -> None:
    group = stage.workers[chance.choice(ROLES)].pid
    os.killpg(group, signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 7))
    os.killpg(group, signal.SIGCONT)


def end_a_role(stage: Stage, chance: Random) -> None:
    role = stage.workers[chance.choice(ROLES)]
    stage.crew.stop(role)
    role.start()


def empty_redis(stage: Stage, chance: Random) -> None:
    stage.redis.wipe()


def restart_redis(stage: Stage, chance: Random) -> None:
    stage.redis.kill()
    time.sleep(chance.uniform(0, 2))
    stage.redis.start()


def replace_redis(stage: Stage, chance: Random) -> None:
    stage.lose_redis()
    time.sleep(chance.uniform(0, 2))
    stage.redis.start()


def freeze_redis(stage: Stage, chance: Random) -> None:
    with stage.redis.frozen():
        time.sleep(chance.uniform(0.5, 6))


def mistreat_an_order(stage: Stage, chance: Random) -> None:
    stage.trouble(endpoint="create_order", calls=chance.randint(1, 3), **chance.choice(FAULTS))


def bring_more(stage: Stage, chance: Random) -> None:
    stage.deposit([chance.choice(sorted(CRUMBS))])


ACCIDENTS: Mapping[str, Accident] = {
    accident.__name__: accident
    for accident in (
        kill_a_role,
        kill_several_roles,
        kill_one_of_the_pool,
        kill_the_converter_for_a_while,
        freeze_a_role,
        end_a_role,
        empty_redis,
        restart_redis,
        replace_redis,
        freeze_redis,
        mistreat_an_order,
        bring_more,
    )
}
