"""Seeded accidents, several at once: faults of the provider, reorganisations, stuck transactions, dead workers.

`WEATHER_ROUNDS` and `CHAOS_SEED` choose how many and which; whatever happens, no lot is sold twice, none is lost, and
the wallet has what the log says. What happened is counted: a campaign that met no accident of some kind has shown
nothing of it, and fails.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.wallets.fuse import FusedLog, FusedRpc
from tests.wallets.naive import Naive
from tests.wallets.stand import Clock, stand
from tests.wallets.sweeping import Sweeping, counted, judge
from tests.wallets.weather import FAULTS, ROUNDS, SEED, time_of
from venues.evm.keyed import KeyedWallet

LOG = logging.getLogger(__name__)
# What any campaign has to meet, or it was no weather; and what a long one has to.
ACCIDENTS = ("fault", "crash", "drop", "repooled", "between", "replaced", "cancelled", "reverted", "reorganised")
# Geth's rules for replacements and for delegated accounts hold in all of it, and refuse nothing that is bid as it must.
RARER = ("not repooled", "gift", "already known", *(f"fault {kind}" for kind in FAULTS))
# Fewer rounds are for looking at a seed again.
FEWEST, LONG = 12, 200
# How many seeds a sender that pays twice may go undiscovered.
UNDISCOVERED = 6


def through(shared: LocalChain, seed: int, met: Counter[str], opens: type[KeyedWallet] = KeyedWallet) -> None:
    """Take a wallet through the weather of a seed, and judge what is left; every other one is not delegated."""
    random = Random(seed)
    with (
        shared.undone() as chain,
        ChainProxy(chain.url) as spare,
        tempfile.TemporaryDirectory() as directory,
        stand(
            chain,
            Path(directory),
            {},
            target=random.choice(["WETH", "ETH", "USDC"]),
            terms={"confirmations": random.randint(2, 4), **({"delegate": None} if seed % 2 else {})},
            reach=FusedRpc,
            log=FusedLog,
            clock=Clock(time_of(chain)),
            spare=(spare.url,),
            timeout=20,
            opens=opens,
        ) as built,
    ):
        built.relay = spare.url if random.random() < 0.2 else ""
        weather = Sweeping(chain, built, spare, random, met)
        weather.rage()
        weather.calm()
        judge(built)
        met.update(counted(built))


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_lots__in_any_weather__are_sold_at_most_once_and_none_is_lost(shared_chain: LocalChain) -> None:
    met: Counter[str] = Counter()
    began = time.monotonic()
    for seed in range(SEED, SEED + ROUNDS):
        shared_chain.renew()
        try:
            through(shared_chain, seed, met)
        except BaseException as found:
            found.add_note(f"CHAOS_SEED={seed} WEATHER_ROUNDS=1 has it again")
            raise
    wanted = (*ACCIDENTS, *(RARER if ROUNDS >= LONG else ())) if ROUNDS >= FEWEST else ()
    missed = [accident for accident in wanted if not met[accident]]
    assert not missed, f"in {ROUNDS} rounds no {', '.join(missed)}: nothing was shown of that; it met {dict(met)}"
    LOG.info("%s rounds held in %.0f s and met %s", ROUNDS, time.monotonic() - began, dict(sorted(met.items())))


def test_sender__that_signs_anew_what_was_not_answered__is_found_out(shared_chain: LocalChain) -> None:
    for seed in range(SEED, SEED + UNDISCOVERED):
        through(shared_chain, seed, Counter())
        try:
            through(shared_chain, seed, Counter(), Naive)
        except AssertionError as found:
            LOG.info("found out by seed %s: %s", seed, found)
            assert "on chain and in the log" in str(found)
            return
    pytest.fail(f"{UNDISCOVERED} seeds let a sender go that pays twice")
