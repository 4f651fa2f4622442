"""Seeded accidents, several at once: faults of the provider, reorganisations, stuck transactions, dead workers.

`CHAOS_ROUNDS` and `CHAOS_SEED` choose how many and which; whatever happens, no lot is sold twice, none is lost, and the
wallet has what the log says.
"""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from domain.commands import Declare
from domain.errors import NOT_ASKED
from domain.lane import Idle
from events.facts import ConversionsResumed, DustConversionFailed, DustConverted, DustDetected, SweepCompleted
from simulators.chain.chain import LocalChain
from tests.wallets.stand import ACCOUNT, Stand, balanced, dust, stand
from tests.wallets.test_crash import Crash, Fuse, FusedLog, FusedRpc
from workers.conducting import Ended

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "12"))
SEED = int(os.environ.get("CHAOS_SEED", "7702"))
METHODS = ("eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_call", "eth_getTransactionCount", "any")
WHENEVER = ("bad_gateway", "rate_limited", "timeout", "reset", "refused")
KINDS = (*WHENEVER, "cut_json", "cut_body", "swallowed", "stale_head")
STEPS = 14


def fault(random: Random) -> dict[str, object]:
    kind, first = random.choice(KINDS), random.randint(1, 12)
    given: dict[str, object] = {
        "kind": kind,
        "method": "eth_sendRawTransaction" if kind == "swallowed" else random.choice(METHODS),
        "calls": random.choice([f"{first}", f"{first}-{first + 2}"]),
    }
    if kind in WHENEVER:
        given["when"] = random.choice(["before", "after"])
    if kind == "timeout":
        given["seconds"] = "0.6"
    if kind == "stale_head":
        given |= {"method": "any", "blocks": random.randint(1, 3)}
    if kind == "refused":
        given |= {"code": -32000, "message": random.choice(["nonce too low", "already known", "execution aborted"])}
    return given


def weather(chain: LocalChain, built: Stand, random: Random) -> None:
    """Let things happen while workers come and go."""
    for given in [fault(random) for _ in range(random.randint(1, 4))]:
        built.proxy.inject(**given)
    desk = built.desk
    for _ in range(STEPS):
        match random.randint(0, 9):
            case 0:
                chain.automine(False)
            case 1:
                chain.automine(True)
                chain.mine()
            case 2 if chain.block_number() > 13:
                chain.reorg(1)
            case 3:
                built.clock.ahead += timedelta(minutes=random.choice([4, 11]))
            case 4:
                Fuse.kind, Fuse.when = random.choice(["request", "append"]), random.choice(["before", "after"])
                Fuse.left = random.randint(1, 8)
            case _:
                chain.mine()
        try:
            built.conduct(desk)
        except NOT_ASKED:
            continue
        except Crash:
            desk = built.fresh()
        finally:
            Fuse.kind = ""


def calm(chain: LocalChain, built: Stand) -> None:
    """The weather is over: workers finish what is left."""
    built.proxy.calm()
    chain.automine(True)
    desk = built.fresh()
    for turn in range(60):
        chain.mine(2)
        if built.halted:
            told = Declare(ConversionsResumed(ACCOUNT), f"resume/{turn}")
            desk.streams.handle(ACCOUNT, told, "test")
        ended = built.conduct(desk)
        known = desk.streams.load(ACCOUNT).account
        if ended is Ended.RESTING and known.sweep is None and isinstance(known.lane.state, Idle):
            return
    raise AssertionError(f"not settled: {built.types()[-8:]} {built.halted}")


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_lots__in_any_weather__are_sold_at_most_once_and_none_is_lost(shared_chain: LocalChain) -> None:
    for seed in range(SEED, SEED + ROUNDS):
        with (
            shared_chain.undone() as chain,
            tempfile.TemporaryDirectory() as directory,
            stand(
                chain,
                Path(directory),
                dust(3),
                target="WETH",
                terms={"confirmations": 2},
                reach=FusedRpc,
                log=FusedLog,
            ) as built,
        ):
            built.scan()
            weather(chain, built, Random(seed))
            calm(chain, built)
            lots = {lot.lot_id for each in built.facts(DustDetected) for lot in each.lots}
            sold = [each.lot_id for each in built.facts(DustConverted)]
            kept = [each.lot_id for each in built.facts(DustConversionFailed)]
            assert len(built.facts(SweepCompleted)) == 1, seed
            assert sorted([*sold, *kept]) == sorted(lots), seed
            balanced(built)
