"""Seeded accidents while trades are funded: each conversion is made at most once, and the log has all of it."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from events.facts import (
    EthReserved,
    FundingCompleted,
    FundingDeclined,
    FundingOpened,
    LegFilled,
    LegRequested,
    TransactionReorged,
    TransactionSigned,
)
from events.values import FundingAnswer
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.wallets.fund import ETHER, USD6, Till, till
from tests.wallets.fuse import FusedLog, FusedRpc
from tests.wallets.stand import ACCOUNT, Clock, balanced
from tests.wallets.weather import ROUNDS as SWEPT
from tests.wallets.weather import SEED, Weather, time_of
from workers.desk import Desk

LOG = logging.getLogger(__name__)
ROUNDS = max(1, SWEPT // 2)
TRADES = ("0.06", "0.05", "0.07")
# How long an executor waits for its answer, in seconds.
PATIENCE = 20
# What any campaign has to meet, and what a long one has to.
ACCIDENTS, RARER = ("fault", "crash", "between", "replaced", "converted"), ("reorganised", "declined", "drop", "gift")
FEWEST, LONG = 6, 100


@dataclass
class Trading(Weather):
    """A wallet whose executor asks for one trade after the other, each until it is answered."""

    answered: int = 0

    def begin(self, desk: Desk) -> None:
        """Have the next trade asked for, or the last once more whose worker died."""
        if self.answered < len(TRADES):
            assert isinstance(self.built, Till)  # it funds trades
            told = self.built.ensure(TRADES[self.answered], f"trade-{self.answered}", desk, seconds=PATIENCE)
            self.answered += told.answer is not FundingAnswer.NOT_NOW or not told.reservation_id

    def make_up(self, desk: Desk) -> bool:
        """Ask for what was never answered."""
        asked = self.answered
        self.begin(desk)
        return asked < len(TRADES)

    def market_moves(self) -> None:
        """Somebody sells before the conversion does."""
        self.chain.sell_into(self.chain.pool(self.random.choice(["DAI", "USDC"])), self.random.randint(1, 4) * USD6)
        self.met["market"] += 1

    def more_arrives(self) -> None:
        """More of what trades are funded from."""
        self.give({"DAI": 40 * ETHER})
        self.met["gift"] += 1


def judge(built: Till) -> None:
    """The verdict: each conversion ended once, no leg was made twice, and the ledgers agree."""
    opened, done = built.facts(FundingOpened), built.facts(FundingCompleted)
    assert sorted(each.sweep_id for each in opened) == sorted(each.sweep_id for each in done)
    filled = Counter(each.leg_id for each in built.facts(LegFilled))
    assert all(count == 1 for count in filled.values())
    assert set(filled) <= {each.leg_id for each in built.facts(LegRequested)}
    for each in done:
        assert each.covered is (each.reason == "")
    assert not built.halted
    ours = built.desk.streams.load(ACCOUNT).state.lane.nonce or 0
    assert built.nonce() == ours, f"the chain counts {built.nonce()} transactions, the log {ours}"
    balanced(built)


def through(shared: LocalChain, seed: int, met: Counter[str], terms: dict[str, object]) -> None:
    """Fund three trades in the weather of a seed."""
    random = Random(seed)
    gifts = {"DAI": 300 * ETHER, "USDC": 300 * USD6, "WETH": ETHER // 50}
    with (
        shared.undone() as chain,
        ChainProxy(chain.url) as spare,
        tempfile.TemporaryDirectory() as directory,
        till(
            chain,
            Path(directory),
            gifts,
            terms={"confirmations": random.randint(2, 4), **terms},
            reach=FusedRpc,
            log=FusedLog,
            clock=Clock(time_of(chain)),
            spare=(spare.url,),
            timeout=20,
        ) as built,
    ):
        weather = Trading(chain, built, spare, random, met)
        weather.rage()
        weather.calm()
        judge(built)
        met["reserved"] += len(built.facts(EthReserved))
        met["converted"] += sum(each.covered for each in built.facts(FundingCompleted))
        met["declined"] += len(built.facts(FundingDeclined))
        met["replaced"] += sum(bool(each.replaces) for each in built.facts(TransactionSigned))
        met["reorganised"] += len(built.facts(TransactionReorged))


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_trades__in_any_weather__are_funded_at_most_once(shared_chain: LocalChain) -> None:
    """Of a wallet that is delegated by even seeds, of one with a plain key by odd ones."""
    met: Counter[str] = Counter()
    for seed in range(SEED, SEED + ROUNDS):
        shared_chain.renew()
        try:
            through(shared_chain, seed, met, {"delegate": None} if seed % 2 else {})
        except BaseException as found:
            found.add_note(f"CHAOS_SEED={seed} WEATHER_ROUNDS=1 has it again")
            raise
    wanted = (*ACCIDENTS, *(RARER if ROUNDS >= LONG else ())) if ROUNDS >= FEWEST else ()
    missed = [accident for accident in wanted if not met[accident]]
    assert not missed, f"in {ROUNDS} rounds no {', '.join(missed)}: nothing was shown of that; it met {dict(met)}"
    LOG.info("%s rounds held and met %s", ROUNDS, dict(sorted(met.items())))
