"""Weather: what a seed has happen to a wallet and its workers, in a time that passes only when somebody waits.

One worker goes on until it waits; then the next thing happens: a provider fails, blocks come, go by or are replaced,
the worker dies before or after a step, another one acts in the middle of a step. Nothing else moves, so a seed is the
same story each time. What the workers are there for is its subclasses' matter: dust to sweep, trades to fund.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from domain.errors import NOT_ASKED
from domain.lane import Idle
from events.facts import TransactionSigned
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.wallets import fuse
from tests.wallets.fuse import Crash, Fuse
from tests.wallets.stand import ACCOUNT, GWEI, Stand
from workers import conducting
from workers.conducting import Ended
from workers.desk import Desk

# How many seeds, and from which on; and whether this is a campaign, for which nothing takes too long.
ROUNDS = int(os.environ.get("WEATHER_ROUNDS", "12"))
SEED = int(os.environ.get("CHAOS_SEED", "7702"))
KILLS = int(os.environ.get("CHAOS_ROUNDS", "2"))
SEND = "eth_sendRawTransaction"
# Every kind of request that a wallet makes.
METHODS = (
    "any",
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    SEND,
)
WHENEVER = ("bad_gateway", "rate_limited", "timeout", "reset", "refused")
SENDING = ("swallowed", "duplicated")
FAULTS = (*WHENEVER, *SENDING, "cut_json", "cut_body", "stale_head", "wrong_chain")
REFUSALS = ("nonce too low", "already known", "replacement transaction underpriced", "execution aborted")
BLOCK_TIME = timedelta(seconds=12)
STEPS = 30


def fault(random: Random) -> dict[str, object]:
    """One failure of a provider; half of those that strike a method strike the broadcast, where most is at stake."""
    kind, first = random.choice(FAULTS), random.randint(1, 8)
    method = SEND if kind in SENDING or random.random() < 0.5 else random.choice(METHODS)
    given: dict[str, object] = {
        "kind": kind,
        "method": method,
        "calls": "1-2" if method == SEND else random.choice([f"{first}", f"{first}-{first + 2}"]),
    }
    if kind in WHENEVER:
        given["when"] = random.choice(["before", "after"])
    match kind:
        case "timeout":  # the proxy hangs up before the client would, which is the same to it and takes no time
            given["seconds"] = "0.02"
        case "stale_head":
            given |= {"method": "any", "blocks": random.randint(1, 3), "frozen": random.random() < 0.3}
        case "wrong_chain":
            given |= {"method": "any", "calls": "1-4", "chain_id": 1}
        case "refused":
            given |= {"code": -32000, "message": random.choice(REFUSALS)}
    return given


def time_of(chain: LocalChain) -> datetime:
    """Return when the latest block was made."""
    return datetime.fromtimestamp(int(chain.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16), UTC)


@dataclass
class Weather(ABC):
    """What happens to one wallet; `met` counts it. `spare` is its second endpoint."""

    chain: LocalChain
    built: Stand
    spare: ChainProxy
    random: Random
    met: Counter[str]
    left: int = STEPS
    # Why transactions wait: "" when they do not, else whether blocks go by without them or none comes at all.
    stuck: str = ""
    busy: bool = False

    def __post_init__(self) -> None:
        self.built.sleep = self.sleep
        self.chain.automine(False)
        self.floor = self.chain.block_number()
        self.mined_at: datetime = self.built.clock()
        happens: Mapping[Callable[[], None], int] = {
            self.provider_fails: 6,
            self.spare_fails: 2,
            self.transactions_stick: 3,
            self.transactions_go: 3,
            self.time_goes_by: 3,
            self.blocks_are_replaced: 4,
            self.pool_forgets: 2,
            self.worker_dies: 4,
            self.another_acts: 3,
            self.gas_rises: 2,
            self.market_moves: 1,
            self.more_arrives: 1,
        }
        self._happens, self._weights = list(happens), list(happens.values())

    def rage(self) -> None:
        """Let workers come and go until the steps are used up."""
        desk = self.built.fresh()
        while self.left > 0:
            self.step()
            self.pass_time(self.random.uniform(1, 15))
            desk = self.work(desk)
        self.met.update({f"fault {kind}": times for kind, times in self.built.proxy.struck().items()})
        self.met.update({f"fault {kind}": times for kind, times in self.spare.struck().items()})
        self.met.update({"fault": (self.built.proxy.struck() + self.spare.struck()).total()})

    def calm(self) -> None:
        """The weather is over: workers finish what is left."""
        self.built.proxy.calm()
        self.spare.calm()
        Fuse.disarm()
        self.left, self.stuck = 0, ""
        desk = self.built.fresh()
        for _ in range(60):
            self.pass_time(2 * BLOCK_TIME.total_seconds())
            try:
                ended = self.built.conduct(desk)
            except NOT_ASKED:  # this node refuses what offers less than the block's charge; each block lowers that
                continue
            known = desk.streams.load(ACCOUNT).state
            if known.halted:
                return
            if ended is Ended.RESTING and known.sweep is None and isinstance(known.lane.state, Idle):
                if self.make_up(desk):
                    continue
                self.met.update(self.built.proxy.refused() + self.spare.refused())
                return
        raise AssertionError(f"not settled: {self.built.types()[-8:]} {self.built.halted}")

    def work(self, desk: Desk) -> Desk:
        """Let a worker go on; where it died, its place is taken."""
        try:
            ended = self.built.conduct(desk)
        except NOT_ASKED:
            self.met["outage"] += 1
            return desk
        except Crash:
            self.met["crash"] += 1
            return self.built.fresh()
        if ended is not Ended.RESTING or desk.streams.load(ACCOUNT).state.sweep is not None:
            return desk
        try:
            self.begin(desk)
        except NOT_ASKED:
            self.met["outage"] += 1
        except Crash:
            self.met["crash"] += 1
            return self.built.fresh()
        return desk

    @abstractmethod
    def begin(self, desk: Desk) -> None:
        """Give workers that are done something to do, if there is more."""

    @abstractmethod
    def make_up(self, desk: Desk) -> bool:
        """Begin once more, in calm, what was begun and came to nothing; return whether there was something."""

    @abstractmethod
    def market_moves(self) -> None:
        """By more than a sale allows: what is under way reverts, if it comes after."""

    @abstractmethod
    def more_arrives(self) -> None:
        """More of what is just being sold: it is there to be sold twice."""

    def step(self) -> None:
        """Have one thing happen."""
        self.left -= 1
        (happens,) = self.random.choices(self._happens, self._weights)
        happens()

    def sleep(self, seconds: float) -> None:
        """A worker waits: more may happen meanwhile."""
        if self.left > 0 and not self.busy and self.random.random() < 0.6:
            self.step()
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Let the clock go on, and the blocks come that are due."""
        self.built.clock.ahead += timedelta(seconds=seconds)
        now = self.built.clock()
        due = min(int((now - self.mined_at) / BLOCK_TIME), 3)
        if not due or self.stuck == "no blocks":
            return
        self.mined_at = now
        if self.stuck:
            self.chain.pass_over(due, at=now)
        else:
            self.chain.mine(due, at=now)

    def provider_fails(self) -> None:
        self.built.proxy.inject(**fault(self.random))

    def spare_fails(self) -> None:
        self.spare.inject(**fault(self.random))

    def transactions_stick(self) -> None:
        self.stuck = self.random.choice(["passed over", "no blocks"])

    def transactions_go(self) -> None:
        self.stuck = ""

    def time_goes_by(self) -> None:
        """Longer than a transaction's patience, or than its deadline."""
        self.built.clock.ahead += timedelta(minutes=self.random.choice([4, 4, 11]))

    def blocks_are_replaced(self) -> None:
        """Never as many as make a transaction final; dropped, or waiting again; sometimes somebody sells first."""
        depth = self.random.randint(1, self.built.wallet().rules.confirmations - 1)
        if self.chain.block_number() - depth < self.floor:
            return
        repooled = self.random.random() < 0.6
        self.chain.reorg(depth, repooled=repooled)
        self.met["repooled" if repooled else "not repooled"] += 1
        if self.random.random() < 0.3:
            self.market_moves()

    def pool_forgets(self) -> None:
        for each in self.built.facts(TransactionSigned)[-1:]:
            self.met["drop"] += self.chain.rpc("anvil_dropTransaction", each.transaction.tx_hash) is not None

    def worker_dies(self) -> None:
        Fuse.arm(self.random.choice(fuse.KINDS), self.random.choice(fuse.MOMENTS), self.random.randint(1, 10))

    def another_acts(self) -> None:
        """A second worker does its part between two steps of the first."""
        kind, when, step = self.random.choice(fuse.KINDS), self.random.choice(fuse.MOMENTS), self.random.randint(1, 10)
        Fuse.arm(kind, when, step, self._act_between)

    def gas_rises(self) -> None:
        self.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(self.random.randint(1, 3) * GWEI))

    def give(self, gifts: Mapping[str, int]) -> None:
        """Give the wallet more; a block that is replaced never held it."""
        self.built.add(gifts)
        self.floor = self.chain.block_number()

    def _act_between(self) -> None:
        self.busy = True
        other = self.built.fresh()
        try:
            if self.random.random() < 0.5:
                self.built.conduct(other)
            else:
                conducting.reconcile(other, ACCOUNT)
            self.met["between"] += 1
        except NOT_ASKED:
            self.met["outage"] += 1
        finally:
            self.busy = False
