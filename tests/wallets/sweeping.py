"""Dust in the weather: three sweeps of a few lots each, and what must have become of them in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from events.facts import (
    ConversionsHalted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    SweepCompleted,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.values import Outcome, Purpose
from tests.wallets.stand import ACCOUNT, Stand, balanced, dust
from tests.wallets.weather import Weather
from workers.desk import Desk

LOTS = 3
SWEEPS = 3


@dataclass
class Sweeping(Weather):
    """A wallet to which new dust comes whenever the last is swept."""

    sweeps: int = 0

    def begin(self, desk: Desk) -> None:
        """Bring new dust, and have it found."""
        if self.sweeps == SWEEPS:
            return
        # A scan that failed, or whose worker died, is made again; what it would have found is there.
        if self.sweeps == len(self.built.facts(DustDetected)):
            self.give(dust(LOTS, self.sweeps * LOTS))
            self.sweeps += 1
        self.built.scan(desk)

    def make_up(self, desk: Desk) -> bool:
        """Scan once more where a scan was lost."""
        missed = self.sweeps > len(self.built.facts(DustDetected))
        if missed:
            self.built.scan(desk)
        return missed

    def market_moves(self) -> None:
        """Somebody sells a lot's token first."""
        token = f"DUST{self.random.randrange(max(1, self.sweeps) * LOTS):03}"
        self.chain.sell_into(self.chain.pool(token), self.random.randint(1, 4) * 10**21)
        self.met["market"] += 1

    def more_arrives(self) -> None:
        """More of each token of the last sweep."""
        if self.sweeps:
            self.give(dust(LOTS, (self.sweeps - 1) * LOTS, units=10**19))
            self.met["gift"] += 1


def judge(built: Stand) -> None:
    """The verdict: each lot found its end once, nothing was sent that is not on record, and the ledgers agree."""
    facts = built.facts
    balanced(built)
    ours = built.desk.streams.load(ACCOUNT).state.lane.nonce or 0
    assert built.nonce() == ours, f"the chain counts {built.nonce()} transactions, the log {ours}"
    # Nobody else acts with this key, so there is nothing that its owner had to look at.
    assert not facts(ConversionsHalted), f"{facts(ConversionsHalted)} after {built.types()}"
    assert len(facts(SweepCompleted)) == len(facts(DustDetected)) > 0, built.types()
    lots = [lot.lot_id for each in facts(DustDetected) for lot in each.lots]
    sold = [each.lot_id for each in facts(DustConverted)]
    kept = [each.lot_id for each in facts(DustConversionFailed)]
    assert sorted([*sold, *kept]) == sorted(lots)


def counted(built: Stand) -> Counter[str]:
    """Count what the log has of accidents."""
    signed, settled = built.facts(TransactionSigned), built.facts(TransactionSettled)
    return Counter(
        sweeps=len(built.facts(SweepCompleted)),
        replaced=len([each for each in signed if each.replaces and each.transaction.purpose is not Purpose.CANCEL]),
        cancelling=len([each for each in signed if each.transaction.purpose is Purpose.CANCEL]),
        cancelled=len([each for each in settled if each.outcome is Outcome.CANCELLED]),
        reverted=len([each for each in settled if each.outcome is Outcome.REVERTED]),
        reorganised=len(built.facts(TransactionReorged)),
        sold=len(built.facts(DustConverted)),
        kept=len(built.facts(DustConversionFailed)),
    )
