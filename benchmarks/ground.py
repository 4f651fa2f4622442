"""What the benchmarks run on: Redis and the simulated venue as processes of their own, and one live account.

Venue and limits are set so fast that nothing waits for its turn: what is measured is the work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.commands import Declare
from domain.decision import fingerprint
from dustman.crew import Crew
from dustman.demo.stage import ACCOUNT, Stage, set_up, start_workers
from dustman.desk import worker_desk
from events.facts import AccountWentLive, DryRunCompleted, DustDetected
from events.log import Recorded
from events.money import Amount, exactly_sum, plain
from simulators.coinbase.demo import CRUMBS, demo
from workers import scanning
from workers.conducting import Ended, conduct
from workers.desk import Desk

SETTINGS = """\
log: {{url: "sqlite:///{directory}/dustman.db"}}
redis: {{url: "{redis}"}}
limits: {{requests_per_second: 1000, seconds_between_conversions: 0.001}}
reconcile: {{never_arrived_after: 3 s}}
accounts:
  demo:
    venue: coinbase
    base_url: "https://{base_url}"
    ca_file: "{ca_file}"
    key: "{key}"
    caps: {{per_sweep: 1000000, per_day: 1000000}}
    schedule: every 365 d
"""
WORKERS = ("converter", "relay", "beat")
COINS = tuple(coin.name for coin in CRUMBS)
# More than any sweep takes.
A_MINUTE = timedelta(minutes=1)


@dataclass
class Ground:
    """The running parts, with a desk in this process; `directory` goes with them."""

    directory: Path
    stage: Stage
    desk: Desk
    _crew: Crew

    def refill(self, coins: Collection[str] = COINS, shares: Mapping[str, Decimal] | None = None) -> None:
        """Bring what a sweep took of these crumbs back into the account, or a share of it of each coin."""
        held = {holding.asset: holding.available for holding in self.desk.venue(ACCOUNT).holdings()}
        for coin in CRUMBS:
            wanted = Decimal(coin.available) * (shares or {}).get(coin.name, Decimal(1))
            missing = exactly_sum(wanted, -held[f"coinbase:{coin.name}"])
            if coin.name in coins and missing > 0:
                self.stage.venue.deposit(coin.name, plain(missing))

    def find(self) -> DustDetected:
        """Scan now, and return what was announced; it opens a sweep."""
        recorded = scanning.scan(self.desk, ACCOUNT, self.desk.clock(), automatic=True)
        return next(each.fact for each in recorded if isinstance(each.fact, DustDetected))

    def sweep(self, shares: Mapping[str, Decimal] | None = None) -> Sequence[Recorded]:
        """Find and convert all crumbs, refilled to these shares, and return what was recorded."""
        start = self.desk.log.head()
        self.refill(shares=shares)
        self.find()
        ended = conduct(self.desk, ACCOUNT, self.desk.clock() + A_MINUTE)
        if ended is not Ended.RESTING:
            raise RuntimeError(f"a sweep without any fault ended {ended}")
        return list(self.desk.log.read(after=start))

    @cached_property
    def written(self) -> Sequence[Recorded]:
        """Return what one sweep records: the events that the log's own figures are measured with."""
        return self.sweep()

    def start_workers(self) -> None:
        """Start converter, relay and beat, once."""
        if not self.stage.workers:
            self.stage = start_workers(self._crew, self.stage, self.directory, WORKERS)


@contextmanager
def ground(parent: Path) -> Iterator[Ground]:
    """Set everything up in a directory of its own below `parent`, which should lie on a real disk."""
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="ground-", dir=parent.absolute()) as scratch:
        directory = Path(scratch)
        scenario = directory / "scenario.json"
        scenario.write_text(demo().model_copy(update={"requests_per_second": Decimal(10**6)}).model_dump_json())
        with Crew(directory / "log") as crew:
            stage = set_up(crew, directory, SETTINGS, str(scenario))
            desk = worker_desk(stage.settings, lambda _queue, _account: None)
            _go_live(desk)
            yield Ground(directory, stage, desk, crew)
            desk.venue(ACCOUNT).close()  # type: ignore[attr-defined]
            desk.log.close()


def _go_live(desk: Desk) -> None:
    policy = desk.mandates[ACCOUNT].policy
    mark = fingerprint(policy)
    dry = DryRunCompleted(ACCOUNT, mark, 0, 0, Amount(Decimal(0), policy.target), desk.clock())
    live = AccountWentLive(ACCOUNT, mark, policy.sweep_cap, policy.day_cap, policy.currency)
    for fact in (dry, live):
        desk.streams.handle(ACCOUNT, Declare(fact, fact.__class__.__name__), "benchmarks")
