"""A trial: the real workers on an account whose venue misbehaves, on the venue's own clock.

Waiting moves that clock and takes no time, so the graces are those of real accounts: 150 s until an order counts as
never arrived, eleven minutes until a conversion does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.errors import NOT_ASKED
from simulators.coinbase.markets import market
from simulators.coinbase.scenario import Scenario
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.workers.stand import POLICY, Stand
from venues.times import Times
from views.row import LotState
from workers.conducting import Ended, conduct, reconcile
from workers.scanning import scan

# A request without an answer costs a real wait of this many seconds; everything else only moves the venue's clock.
PATIENCE = 0.25
# Where no answer is meant to be late, a busy machine gets all the time it needs.
LONG_PATIENCE = 20.0
HOLD = timedelta(seconds=5)
# The rhythm in which beat sends the reconciler.
ROUND = timedelta(seconds=30)
# How long a task works at most.
BUDGET = timedelta(seconds=25)
# The venue's own limits are not what is tried here.
UNHURRIED = {"requests_per_second": "1000", "burst": 1000}
DUE = datetime(2026, 3, 1, 2, tzinfo=UTC)

# What goes wrong, as the events tell it.
OUTAGE, UNKNOWN = frozenset({"venue_unreachable"}), frozenset({"leg_outcome_unknown"})
NEVER, NO = frozenset({"leg_never_arrived"}), frozenset({"leg_refused", "dust_conversion_failed"})
CARRIED = frozenset({"proceeds_carried"})

Fault = dict[str, object]


def trading(**settings: object) -> Scenario:
    """ADA and XLM sell for USDC, which buys BTC."""
    return small(**UNHURRIED, **settings)


def converting(**convert: object) -> Scenario:
    """ADA sells for USD, which converts to USDC; XLM sells for USDC; both buy BTC together."""
    products = {
        "ADA-USD": market("0.392", "0.01", "0.0001"),
        "XLM-USDC": market("0.12", "1", "0.00001"),
        "BTC-USDC": market("60000", "0.00000001", "0.01", quote_min_size="0.1", spread_bps="2"),
    }
    return small(products=products, convert=convert, **UNHURRIED)


@dataclass(frozen=True)
class Trial:
    """What goes wrong, and what the log is to say of it.

    Faults strike from the scan on, or from the sweep on with `after_scan`. `says` are the types of events that must
    have been written while they were in force, `sentence` a part of what one of these events tells its owner;
    `ends` is what each lot has become by the time the faults are over, without a word converted. `rounds` bounds how
    often the workers may come back, while the faults are in force and after. `jump` moves the prices of a market by a
    factor after the scan; `kept` are the assets that the scan does not announce. With `heals` the next scan converts
    what is left, once the faults are over.
    """

    name: str
    faults: tuple[Fault, ...]
    says: frozenset[str] = frozenset()
    sentence: str = ""
    ends: dict[str, LotState] = field(default_factory=dict)
    after_scan: bool = False
    scenario: Scenario = field(default_factory=trading)
    rounds: int = 8
    jump: tuple[str, str] | None = None
    kept: tuple[str, ...] = ()
    heals: bool = True

    @property
    def waits(self) -> bool:
        """Say whether requests are left without an answer, so that patience has to be short."""
        return bool(self.kinds & {"timeout", "slow"})

    @property
    def kinds(self) -> frozenset[str]:
        """Name the kinds of faults that this trial uses."""
        return frozenset(str(fault["kind"]) for fault in self.faults)


@contextmanager
def staged(directory: Path, scenario: Scenario, waits: bool = False, live: bool = True) -> Iterator[Stand]:
    """An account on the venue's clock, live unless told otherwise; with `waits` requests are soon given up."""
    directory.mkdir(exist_ok=True)
    with CoinbaseTwin(scenario) as twin:
        clock = twin.exchange.clock
        at = Stand(
            twin,
            directory / "dustman.db",
            POLICY,
            clock=clock.now,
            sleep=lambda seconds: clock.advance(timedelta(seconds=seconds)),
            hold=HOLD,
            times=Times(timeout=(LONG_PATIENCE, PATIENCE if waits else LONG_PATIENCE)),
            convert_never_arrived_after=timedelta(minutes=11),
        )
        if live:
            at.go_live()
        yield at


def work(at: Stand, rounds: int, due: datetime = DUE, restarting: bool = False) -> bool:
    """Let the workers come back in their rhythm until nothing is left to do; returns whether that came to be.

    With `restarting` each round is a process that has just started.
    """
    for _ in range(rounds):
        try:
            scan(at.desk, "main", due, automatic=True)
            reconcile(at.desk, "main")
            if conduct(at.desk, "main", at.clock() + BUDGET) is Ended.RESTING:
                return True
        except NOT_ASKED:
            continue
        finally:
            at.sleep(ROUND.total_seconds())
            if restarting:
                at.desk = at.fresh()
    return False
