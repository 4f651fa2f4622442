"""Gusts: accidents by a seed that strike a wallet between the steps of its workers, in the time of this machine."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

from domain.errors import NOT_ASKED
from domain.lane import Idle
from events.facts import TransactionSigned
from simulators.chain.chain import LocalChain
from tests.wallets.fuse import Crash, Fuse
from tests.wallets.stand import ACCOUNT, GWEI, Stand
from tests.wallets.weather import METHODS, REFUSALS, WHENEVER
from workers.conducting import Ended

KINDS = (*WHENEVER, "cut_json", "cut_body", "swallowed", "duplicated", "stale_head")
STEPS = 24
CONFIRMATIONS = 3


def fault(random: Random) -> dict[str, object]:
    kind, first = random.choice(KINDS), random.randint(1, 12)
    given: dict[str, object] = {
        "kind": kind,
        "method": "eth_sendRawTransaction" if kind in ("swallowed", "duplicated") else random.choice(METHODS),
        "calls": random.choice([f"{first}", f"{first}-{first + 2}"]),
    }
    if kind in WHENEVER:
        given["when"] = random.choice(["before", "after"])
    if kind == "timeout":
        given["seconds"] = "0.6"
    if kind == "stale_head":
        given |= {"method": "any", "blocks": random.randint(1, 3), "frozen": random.random() < 0.3}
    if kind == "refused":
        given |= {"code": -32000, "message": random.choice(REFUSALS)}
    return given


def weather(chain: LocalChain, built: Stand, random: Random, met: Counter[str]) -> None:
    """Let things happen while workers come and go."""
    first, desk = chain.block_number(), built.desk
    for _ in range(STEPS):
        strike(chain, built, random, first, met)
        try:
            built.conduct(desk)
        except NOT_ASKED:
            continue
        except Crash:
            met["crash"] += 1
            desk = built.fresh()
        finally:
            Fuse.disarm()


def strike(chain: LocalChain, built: Stand, random: Random, first: int, met: Counter[str]) -> None:
    """Have one thing happen; reorganisations are never as deep as what is called final."""
    match random.randint(0, 13):
        case 0 | 1 | 2:
            built.proxy.inject(**fault(random))
        case 3 | 4:
            chain.automine(False)
        case 5:
            chain.automine(True)
            chain.mine()
        case 6 | 7 if chain.block_number() > first + CONFIRMATIONS:
            chain.reorg(random.randint(1, CONFIRMATIONS - 1))
        case 8 | 9:
            built.clock.ahead += timedelta(minutes=random.choice([4, 4, 11]))
        case 10:
            Fuse.arm(random.choice(["request", "append"]), random.choice(["before", "after"]), random.randint(1, 8))
        case 11:
            chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(random.randint(1, 3) * GWEI))
        case 12:
            for each in built.facts(TransactionSigned)[-1:]:
                met["drop"] += chain.rpc("anvil_dropTransaction", each.transaction.tx_hash) is not None
        case _:
            chain.mine()


def calm(chain: LocalChain, built: Stand) -> None:
    """The weather is over: workers finish what is left."""
    chain.automine(True)
    desk = built.fresh()
    for _ in range(60):
        chain.mine(2)
        try:
            ended = built.conduct(desk)
        except NOT_ASKED:  # this node refuses what offers less than the block's charge; each block lowers that
            continue
        known = desk.streams.load(ACCOUNT).state
        if ended is Ended.RESTING and known.sweep is None and isinstance(known.lane.state, Idle):
            return
    raise AssertionError(f"not settled: {built.types()[-8:]} {built.halted}")
