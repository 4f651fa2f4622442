"""A wallet's real workers, with a real Redis, killed in the middle of sweeps on a chain with blocks of a second."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from dustman.child import Child, Job
from dustman.crew import Crew
from dustman.demo.stage import WORKERS_READY
from dustman.roles import ROLES
from dustman.wiring import now
from events.facts import TransactionSigned
from events.values import Purpose
from simulators.chain.chain import LocalChain
from tests.campaign import CAMPAIGN
from tests.dustman.remains import living
from tests.redis_server import RedisServer
from tests.wallets.owner import DUSTS, Owner, owner
from tests.wallets.stand import dust
from tests.wallets.steps import TRAP
from tests.wallets.weather import KILLS, SEED, SEND

LOTS = 3
# Nothing takes that long: it bounds a test that would fail.
BOUND = 150.0
# How often another role may be faster to the step at which one is to die.
TRIES = 5
STEPS = {
    "converter": (
        "append LegRequested",
        "eth_sendRawTransaction",
        "append TransactionIncluded",
        "SweepCompleted",
    ),
    "reconciler": ("eth_getTransactionReceipt", "append TransactionIncluded", "append TransactionSettled"),
}
TRAPS = [(role, f"{when} {step}") for role, steps in STEPS.items() for step in steps for when in ("before", "after")]
FEW = [
    ("converter", "after append LegRequested"),
    ("converter", "after eth_sendRawTransaction"),
    ("reconciler", "before append TransactionSettled"),
]
# What may befall a broadcast besides.
FAULTS = (
    {"kind": "bad_gateway", "when": "after"},
    {"kind": "reset", "when": "before"},
    {"kind": "cut_json"},
    {"kind": "swallowed"},
    {"kind": "duplicated"},
)


@dataclass
class Stage:
    """What runs; `rounds` counts how often crumbs were given so far, `diary` has what was done since."""

    chain: LocalChain
    crew: Crew
    directory: Path
    owner: Owner
    workers: Mapping[str, Child]
    rounds: int = 0
    diary: list[str] = field(default_factory=list)

    def provoke(self) -> int:
        """Bring crumbs into the wallet, so that the next scan finds dust; return how many sales were signed before."""
        before = self.signed()
        self.diary.clear()
        self.owner.books.add(dust(LOTS, self.rounds * LOTS % DUSTS))
        self.rounds += 1
        return before

    def signed(self) -> int:
        """Count the sales that were signed."""
        signed = self.owner.books.facts(TransactionSigned)
        return len([each for each in signed if each.transaction.purpose is Purpose.SWEEP])

    def is_settled(self) -> bool:
        """Say whether all is sold and nothing open; whoever died meanwhile is started again."""
        for role in self.workers.values():
            if not role.running:
                role.start()
        return self.owner.sold_out() and self.owner.at_rest()

    def until_settled(self) -> None:
        """Wait until every crumb is sold and nothing is open; then the ledgers must agree."""
        self.until(self.is_settled, "everything comes to rest")
        self.owner.assert_settled("; ".join(self.diary))

    def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + BOUND
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {BOUND:g} s\n{self.last_words()}")
            time.sleep(0.05)

    def until_moment(self, events: int) -> None:
        """Wait until so many more events are in the log, or everything is sold."""
        moment = self.owner.log.head() + events
        self.until(lambda: self.owner.log.head() >= moment or self.owner.sold_out(), "the next moment")

    def until_sprung(self, trap: Path, over: Callable[[], bool]) -> None:
        self.until(lambda: not trap.exists() or over(), f"somebody dies {trap.name}, or it is too late for that")

    def until_signed(self, before: int) -> None:
        self.until(lambda: self.signed() > before, "a sale is signed")

    def last_words(self) -> str:
        told = [*self.diary, *(f"{each.recorded_at} {each.fact}"[:300] for each in [*self.owner.log.read()][-25:])]
        for child in self.crew.children:
            told += [f"-- {child.job.name} {child.ending()}", *child.last_lines()]
        return "\n".join(told)

    def trap(self, role: str) -> Path:
        return self.directory / f"trap-{role}"

    def kill_somebody(self, chance: Random) -> None:
        """Kill a role's processes at once, or one of the converter's pool."""
        role = chance.choice(["converter", "converter", "pool", "reconciler", "relay", "detector"])
        self.diary.append(f"{now():%H:%M:%S.%f} kill {role}")
        if role == "pool":
            pool = sorted(living(self.workers["converter"].pid) - {self.workers["converter"].pid})
            os.kill(chance.choice(pool), signal.SIGKILL)
        else:
            self.workers[role].kill()
            self.workers[role].start()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("kills")
    with (
        LocalChain() as chain,
        RedisServer(directory / "redis", durable=True) as redis,
        Crew(directory / "log") as crew,
        owner(chain, directory, redis.url().removesuffix("/0"), confirmations=2) as at,
    ):
        chain.automine(False)
        chain.rpc("evm_setIntervalMining", 1)
        workers = {name: crew.start(_job(name, at, directory)) for name in ROLES}
        crew.settle(WORKERS_READY)
        try:
            yield Stage(chain, crew, directory, at, workers)
        finally:
            for worker in workers.values():
                worker.kill()


def _job(name: str, at: Owner, directory: Path) -> Job:
    job = ROLES[name].job(at.config, directory, dict(os.environ))
    words = ["tests.wallets.trapped" if word == "dustman.service" else word for word in job.command]
    return replace(job, command=words, environment={**job.environment, TRAP: str(directory / f"trap-{name}")})


@pytest.mark.parametrize(("role", "place"), TRAPS if CAMPAIGN else FEW)
def test_worker__killed_at_a_step_of_a_sweep__loses_nothing_and_pays_nothing_twice(
    stage: Stage, role: str, place: str
) -> None:
    trap = stage.trap(role)
    trap.write_text(place)
    for _ in range(TRIES):
        before = stage.provoke()
        if role == "reconciler":  # it has to do alone what the converter is faster at
            stage.until_signed(before)
            stage.workers["converter"].kill()
        over = stage.owner.is_idle if role == "reconciler" else stage.is_settled
        stage.until_sprung(trap, over)
        stage.until_settled()
        if not trap.exists():
            return
    pytest.fail(f"in {TRIES} sweeps the {role} never came {place}")


@pytest.mark.parametrize("number", range(KILLS), ids=lambda number: f"{SEED}-{number}")
def test_workers__killed_at_random_moments__lose_nothing_and_pay_nothing_twice(stage: Stage, number: int) -> None:
    chance = Random(f"{SEED}-{number}")
    stage.provoke()
    if chance.random() < 0.5:
        stage.owner.books.proxy.inject(method=SEND, calls="1", **chance.choice(FAULTS))
    for _ in range(chance.randint(1, 4)):
        stage.until_moment(chance.randint(0, 6))
        stage.kill_somebody(chance)
    stage.owner.books.proxy.calm()
    stage.until_settled()
