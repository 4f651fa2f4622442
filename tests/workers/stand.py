"""A worker's desk with real parts, for tests: a log, the simulated Coinbase over TLS, the real SDK."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from domain.commands import Declare
from domain.decision import fingerprint
from events.facts import AccountWentLive, DryRunCompleted
from events.log import EventLog
from events.money import Amount
from events.records import replace
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from events.values import Policy
from simulators.coinbase.scenario import Scenario
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from venues.coinbase.venue import Coinbase
from venues.limits import Limiter
from venues.times import Times
from views.ledger import ledger_of
from workers.desk import Desk, Mandate
from workers.schedule import Every

D = Decimal
BTC, USDC, USD = "coinbase:BTC", "coinbase:USDC", "coinbase:USD"
POLICY = Policy(
    target=BTC,
    threshold=D("0.50"),
    currency="USD",
    excluded=(USD, USDC, "coinbase:USDT", BTC),
    hubs=(USDC, USD),
    sweep_cap=D(25),
    day_cap=D(50),
)
# Short pauses, since the venue is on this machine; but it answers for certain, however busy the machine is.
QUICK = Times(
    timeout=(20.0, 20.0),
    retry_pauses=(0.02, 0.05),
    settling=(0.02, 0.05, 0.1),
    never_arrived_after=timedelta(seconds=0.6),
)


def now() -> datetime:
    return datetime.now(UTC)


def no_feed() -> Subscription:
    raise AssertionError("this stand has no feed to take announcements from")


@dataclass
class Stand:
    """A twin, a log and a desk; `fresh` is the desk of a process that has just started."""

    twin: CoinbaseTwin
    path: Path
    policy: Policy
    clock: Callable[[], datetime] = now
    sleep: Callable[[float], None] = time.sleep
    hold: timedelta = timedelta(0)
    times: Times = QUICK
    convert_never_arrived_after: timedelta = QUICK.never_arrived_after
    store: Callable[[Path, Callable[[], datetime]], EventLog] = SQLiteLog
    nudges: list[tuple[str, str]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.key = json.loads(self.twin.key_file().read_text())
        self.before = dict(self.balances())
        self.desk = self.fresh()

    def fresh(self) -> Desk:
        log = self.store(self.path, self.clock)
        mandate = Mandate("main", "coinbase", self.policy, Every(60))
        return Desk(
            worker=str(uuid.uuid4()),
            log=log,
            mandates={"main": mandate},
            open_venue=lambda _: self.venue(),
            clock=self.clock,
            sleep=self.sleep,
            publish=lambda: None,
            nudge=lambda queue, account: self.nudges.append((queue, account)),
            announcements=no_feed,
            hold=self.hold,
        )

    def venue(self) -> Coinbase:
        key = self.key
        return Coinbase(
            key["name"],
            key["privateKey"],
            base_url=self.twin.base_url,
            ca_file=self.twin.ca_file,
            limiter=Limiter(key["name"], None, requests_per_second=D(500), seconds_between_conversions=D(0)),
            times=dataclasses.replace(self.times, clock=self.clock, sleep=self.sleep),
            convert_never_arrived_after=self.convert_never_arrived_after,
        )

    def go_live(self) -> None:
        mark = fingerprint(self.policy)
        dry = DryRunCompleted("main", mark, 0, 0, Amount(D(0), BTC), self.clock())
        live = AccountWentLive("main", mark, self.policy.sweep_cap, self.policy.day_cap, "USD")
        self.desk.streams.handle("main", Declare(dry, "dry"), "test")
        self.desk.streams.handle("main", Declare(live, "live"), "test")

    def balances(self) -> Mapping[str, Decimal]:
        codes = self.twin.exchange.scenario.wallets
        return {f"coinbase:{code}": self.twin.balance(code) for code in codes}

    def moved(self) -> Mapping[str, Decimal]:
        """What the venue's own ledger says has moved, asset by asset."""
        after = self.balances()
        return {asset: after[asset] - start for asset, start in self.before.items() if after[asset] != start}

    def recorded(self) -> Mapping[str, Decimal]:
        """What the log says has moved."""
        moved = ledger_of(self.desk.log.read()).get("main", {})
        return {asset: change for asset, change in moved.items() if change}

    def types(self) -> list[str]:
        return [recorded.type for recorded in self.desk.log.read()]


@contextmanager
def stand(
    directory: Path,
    scenario: Scenario | None = None,
    store: Callable[[Path, Callable[[], datetime]], EventLog] = SQLiteLog,
    **changes: object,
) -> Iterator[Stand]:
    """A live account with two crumbs, or the scenario's."""
    with CoinbaseTwin(scenario or small()) as twin:
        policy = replace(POLICY, **changes)
        built = Stand(twin, directory / "dustman.db", policy, store=store)
        built.go_live()
        yield built
