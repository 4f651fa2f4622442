"""A sweep at an exchange with small balances, of which any request fails and around which the worker dies.

Nothing may be done twice or lost. An exchange says where its account is and what of it took effect; the twin's clock is
everybody's.
"""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from domain.commands import Declare
from domain.decision import fingerprint
from domain.errors import NOT_ASKED
from events.facts import AccountWentLive, DryRunCompleted, DustConverted, LegRequested
from events.log import Recorded
from events.money import Amount, exactly_sum
from events.sqlite import SQLiteLog
from events.values import LegKind, Policy
from simulators.exchange.twin import Twin
from tests.campaign import steps
from tests.workers.stand import no_feed
from venues.exchange import Exchange
from venues.limits import Limiter
from venues.line import Wire
from venues.times import Times
from views.accounts import accounts_of
from views.ledger import ledger_of
from views.lots import lots_of
from views.row import LotState
from workers.conducting import Ended, conduct, reconcile
from workers.desk import Desk, Mandate
from workers.scanning import scan
from workers.schedule import Every

D = Decimal
DUE = datetime(2026, 3, 1, 2, tzinfo=UTC)
ROUND, BUDGET, HOLD = timedelta(seconds=30), timedelta(seconds=25), timedelta(seconds=5)


class Died(BaseException):
    """The worker's process ends here; nothing in it may catch this."""


class Place(ABC):
    """An account at the twin on the twin's clock, with its log; `desk` is the worker's, `restart` makes another."""

    def __init__(self, twin: Twin[Any, Any], path: Path, key_file: Path, pays: str, kept: tuple[str, ...]) -> None:
        self.twin, self.path, self.name = twin, path, twin.kind.name
        self.policy = Policy(
            target=f"{self.name}:{pays}",
            threshold=D(10),
            currency="USD",
            excluded=tuple(f"{self.name}:{code}" for code in kept),
            hubs=(f"{self.name}:USDT",),
            sweep_cap=D(25),
            day_cap=D(50),
            taker_fee=D("0.001"),
        )
        self.key = json.loads(key_file.read_text())
        self.before = {code: twin.balance(code) for code in twin.exchange.scenario.balances}
        self.desk = self.restart()
        mark = fingerprint(self.policy)
        dry = DryRunCompleted("main", mark, 0, 0, Amount(D(0), self.policy.target), self.clock())
        live = AccountWentLive("main", mark, D(25), D(50), "USD")
        self.desk.streams.handle("main", Declare(dry, "dry"), "test")
        self.desk.streams.handle("main", Declare(live, "live"), "test")

    @abstractmethod
    def opened(self, **settings: Any) -> Exchange:
        """Open an adapter for the account."""

    @abstractmethod
    def exchanged(self) -> list[str]:
        """Name the codes of the small balances that the twin exchanged, each as often as it did."""

    def sent_under(self, key: str) -> str:
        """Say what the exchange knows an order by that has this key."""
        return key

    def clock(self) -> datetime:
        now: datetime = self.twin.exchange.clock.now()
        return now

    def sleep(self, seconds: float) -> None:
        with self.twin.exchange.transaction():
            self.twin.exchange.clock.advance(timedelta(seconds=seconds))

    def restart(self) -> Desk:
        self.desk = Desk(
            worker=str(uuid.uuid4()),
            log=SQLiteLog(self.path, self.clock),
            mandates={"main": Mandate("main", self.name, self.policy, Every(60))},
            open_venue=lambda _: self.venue(),
            clock=self.clock,
            sleep=self.sleep,
            publish=lambda: None,
            nudge=lambda role, account: None,
            announcements=no_feed,
            hold=HOLD,
        )
        return self.desk

    def venue(self) -> Exchange:
        return self.opened(
            base_url=self.twin.base_url,
            ca_file=self.twin.ca_file,
            limiter=Limiter("key", None, requests_per_second=D(500), seconds_between_conversions=D(0)),
            times=Times(self.clock, self.sleep, timeout=(20.0, 20.0)),
        )

    def work(self, rounds: int) -> bool:
        """Let workers come back in their rhythm until nothing is left to do; one that died is followed by another."""
        for _ in range(rounds):
            try:
                scan(self.desk, "main", DUE, automatic=True)
                reconcile(self.desk, "main")
                if conduct(self.desk, "main", self.clock() + BUDGET) is Ended.RESTING:
                    return True
            except NOT_ASKED:
                continue
            except Died:
                self.restart()
            finally:
                self.sleep(ROUND.total_seconds())
        return False

    def log(self) -> list[Recorded]:
        return list(self.desk.log.read())


Placed = Callable[[Path], AbstractContextManager[Place]]


def assert_correct(at: Place, given_up: bool = False) -> None:
    """Log and venue agree to the last unit, no key had two effects, and every lot has its answer.

    With `given_up` a lot may stay where it was, after three requests that never arrived.
    """
    log, state = at.log(), at.twin.exchange.state
    account = accounts_of(log)["main"]
    assert account == at.desk.streams.load("main").state
    assert account.sweep is None
    intents = [each.fact for each in log if isinstance(each.fact, LegRequested)]
    effective = Counter(order.client_order_id for order in state.orders.values() if order.trades)
    assert set(effective) <= {at.sent_under(intent.key) for intent in intents}
    assert set(effective.values()) <= {1}, "two orders under one key"
    exchanged = Counter(f"{at.name}:{code}" for code in at.exchanged())
    assert set(exchanged.values()) <= {1}, "a small balance was exchanged twice"
    assert set(exchanged) <= {intent.spend.asset for intent in intents if intent.kind is LegKind.DUST}
    moved = {f"{at.name}:{code}": at.twin.balance(code) - start for code, start in at.before.items()}
    recorded = ledger_of(log).get("main", {})
    for asset in moved.keys() | recorded.keys():
        assert recorded.get(asset, D(0)) == moved.get(asset, D(0)), f"{asset}: the log and the venue differ"
    given = [each.fact.proceeds.quantity for each in log if isinstance(each.fact, DustConverted)]
    kept = [lot.received.quantity for lot in account.purse.owed if lot.received]
    assert exactly_sum(*given, *kept) == moved[at.policy.target]
    assert account.purse.of(at.policy.hubs[0]) == moved[at.policy.hubs[0]]
    states = {row.state for row in lots_of(log).rows.values()}
    assert states <= {LotState.CONVERTED, LotState.CARRIED, *([LotState.FAILED] if given_up else [])}


def assert_any_request_may_fail(
    placed: Placed, directory: Path, way: str, ways: Mapping[str, Mapping[str, Any]]
) -> None:
    """Let each request of a sweep fail in turn, one in each run; outside a campaign each in some of the ways."""
    with placed(directory / "whole") as at:
        assert at.work(2)
        assert_correct(at)
        requests = sum(at.twin.gate.counts().values())
    assert requests > 10
    for number in takewhile(requests.__ge__, steps(3, 1 + list(ways).index(way) % 3)):
        with placed(directory / str(number)) as at:
            at.twin.inject(endpoint="any", calls=number, **ways[way])
            assert at.work(40), number
            assert_correct(at)


def assert_every_fifth_may_fail(placed: Placed, directory: Path) -> None:
    """Lose every fifth answer, before it took effect and after, in turn."""
    for first in range(1, 6):
        with placed(directory / str(first)) as at:
            for number in range(first, 300, 5):
                at.twin.inject(endpoint="any", calls=number, kind="reset", when=("before", "after")[number % 2])
            assert at.work(60), first
            assert_correct(at, given_up=True)


def assert_may_die_around_any_request(
    placed: Placed, directory: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the worker die before or after each request of a sweep in turn, one in each run."""
    send, sent, fatal = Wire.send, [0], [0]

    def mortal(self: Wire, request: Any, *args: Any, **kwargs: Any) -> Any:
        sent[0] += 1
        if sent[0] == fatal[0] and when == "before":
            raise Died
        answer = send(self, request, *args, **kwargs)
        if sent[0] == fatal[0]:
            raise Died
        return answer

    monkeypatch.setattr(Wire, "send", mortal)
    with placed(directory / "whole") as at:
        assert at.work(2)
        requests = sent[0]
    for number in takewhile(requests.__ge__, steps()):
        sent[0], fatal[0] = 0, number
        with placed(directory / str(number)) as at:
            assert at.work(40), number
            assert_correct(at)


def assert_may_die_around_any_append(
    placed: Placed, directory: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the worker die before or after each append to the log in turn, one in each run."""
    append, made, fatal = SQLiteLog.append, [0], [0]

    def mortal(self: SQLiteLog, *args: Any, **kwargs: Any) -> Any:
        made[0] += 1
        if made[0] == fatal[0] and when == "before":
            raise Died
        recorded = append(self, *args, **kwargs)
        if made[0] == fatal[0]:
            raise Died
        return recorded

    monkeypatch.setattr(SQLiteLog, "append", mortal)
    with placed(directory / "whole") as at:
        first = made[0]
        assert at.work(2)
        appends = made[0] - first
    for number in takewhile(appends.__ge__, steps()):
        made[0], fatal[0] = 0, first + number
        with placed(directory / str(number)) as at:
            assert at.work(40), number
            assert_correct(at)
