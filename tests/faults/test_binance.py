"""Every request of a sweep at Binance fails once, and the worker dies around each: nothing is done twice or lost."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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
from simulators.binance.scenarios import small
from simulators.binance.twin import BinanceTwin
from tests.workers.stand import no_feed
from venues.binance.dust import Desk as SmallDesk
from venues.binance.venue import Binance
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
WAYS: dict[str, dict[str, Any]] = {
    "reset before": {"kind": "reset"},
    "cut body after": {"kind": "cut_body"},
    "unknown status later": {"kind": "server_error", "when": "later", "delay": "3"},
    "too late": {"kind": "reset", "when": "later", "delay": "20"},
    "busy": {"kind": "rate_limited"},
}
DESKS = {"newer": SmallDesk("BTC"), "classic": SmallDesk("BNB", classic=True)}


class Died(BaseException):
    """The worker's process ends here; nothing in it may catch this."""


class Place:
    """An account at the twin on the twin's clock, with its log; `desk` is the worker's, `restart` makes another."""

    def __init__(self, twin: BinanceTwin, path: Path, small_balances: SmallDesk) -> None:
        self.twin, self.path, self.small_balances = twin, path, small_balances
        self.policy = Policy(
            target=f"binance:{small_balances.pays}",
            threshold=D(10),
            currency="USD",
            excluded=("binance:USDT", "binance:BTC", "binance:BNB"),
            hubs=("binance:USDT",),
            sweep_cap=D(25),
            day_cap=D(50),
            taker_fee=D("0.001"),
        )
        self.key = json.loads(twin.key_file().read_text())
        self.before = {code: twin.balance(code) for code in twin.exchange.scenario.balances}
        self.desk = self.restart()
        mark = fingerprint(self.policy)
        dry = DryRunCompleted("main", mark, 0, 0, Amount(D(0), self.policy.target), self.clock())
        live = AccountWentLive("main", mark, D(25), D(50), "USD")
        self.desk.streams.handle("main", Declare(dry, "dry"), "test")
        self.desk.streams.handle("main", Declare(live, "live"), "test")

    def clock(self) -> datetime:
        return self.twin.exchange.clock.now()

    def sleep(self, seconds: float) -> None:
        with self.twin.exchange.transaction():
            self.twin.exchange.clock.advance(timedelta(seconds=seconds))

    def restart(self) -> Desk:
        self.desk = Desk(
            worker=str(uuid.uuid4()),
            log=SQLiteLog(self.path, self.clock),
            mandates={"main": Mandate("main", "binance", self.policy, Every(60))},
            open_venue=lambda _: self.venue(),
            clock=self.clock,
            sleep=self.sleep,
            publish=lambda: None,
            nudge=lambda role, account: None,
            announcements=no_feed,
            hold=HOLD,
        )
        return self.desk

    def venue(self) -> Binance:
        return Binance(
            self.key["name"],
            self.key["privateKey"],
            base_url=self.twin.base_url,
            ca_file=self.twin.ca_file,
            limiter=Limiter("key", None, requests_per_second=D(500), seconds_between_conversions=D(0)),
            times=Times(self.clock, self.sleep, (20.0, 20.0)),
            small_balances=self.small_balances,
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


@contextmanager
def placed(directory: Path, desk: str = "newer") -> Iterator[Place]:
    directory.mkdir(exist_ok=True)
    with BinanceTwin(small(weight_per_minute=10**6)) as twin:
        yield Place(twin, directory / "dustman.db", DESKS[desk])


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
    assert set(effective) <= {intent.key for intent in intents}
    assert set(effective.values()) <= {1}, "two orders under one key"
    assert len(state.dust) <= 1, "small balances were exchanged twice"
    asked = {intent.spend.asset for intent in intents if intent.kind is LegKind.DUST}
    assert {f"binance:{row.asset}" for each in state.dust for row in each.rows} <= asked
    moved = {f"binance:{code}": at.twin.balance(code) - start for code, start in at.before.items()}
    recorded = ledger_of(log).get("main", {})
    for asset in moved.keys() | recorded.keys():
        assert recorded.get(asset, D(0)) == moved.get(asset, D(0)), f"{asset}: the log and the venue differ"
    given = [each.fact.proceeds.quantity for each in log if isinstance(each.fact, DustConverted)]
    kept = [lot.received.quantity for lot in account.purse.owed if lot.received]
    assert exactly_sum(*given, *kept) == moved[at.policy.target]
    assert account.purse.of("binance:USDT") == moved["binance:USDT"]
    states = {row.state for row in lots_of(log).rows.values()}
    assert states <= {LotState.CONVERTED, LotState.CARRIED, *([LotState.FAILED] if given_up else [])}


@pytest.mark.parametrize(
    ("way", "desk"), [*((way, "newer") for way in WAYS), ("reset before", "classic"), ("cut body after", "classic")]
)
def test_sweep__any_one_of_its_requests_fails__is_completed_all_the_same(tmp_path: Path, way: str, desk: str) -> None:
    with placed(tmp_path / "whole", desk) as at:
        assert at.work(1)
        assert_correct(at)
        requests = sum(at.twin.gate.counts().values())
    assert requests > 10
    for number in range(1, requests + 1):
        with placed(tmp_path / str(number), desk) as at:
            at.twin.inject(endpoint="any", calls=number, **WAYS[way])
            assert at.work(40), number
            assert_correct(at)


def test_sweep__every_fifth_request_fails__is_completed_all_the_same(tmp_path: Path) -> None:
    for first in range(1, 6):
        with placed(tmp_path / str(first)) as at:
            for number in range(first, 300, 5):
                at.twin.inject(endpoint="any", calls=number, kind="reset", when=("before", "after")[number % 2])
            assert at.work(60), first
            assert_correct(at, given_up=True)


@pytest.mark.parametrize("when", ["before", "after"])
def test_sweep__whose_worker_dies_around_any_request__is_completed_by_the_next(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    with placed(tmp_path / "whole") as at:
        assert at.work(1)
        requests = sent[0]
    for number in range(1, requests + 1):
        sent[0], fatal[0] = 0, number
        with placed(tmp_path / str(number)) as at:
            assert at.work(40), number
            assert_correct(at)


@pytest.mark.parametrize("when", ["before", "after"])
def test_sweep__whose_worker_dies_around_any_append__is_completed_by_the_next(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    with placed(tmp_path / "whole") as at:
        first = made[0]
        assert at.work(1)
        appends = made[0] - first
    for number in range(1, appends + 1):
        made[0], fatal[0] = 0, first + number
        with placed(tmp_path / str(number)) as at:
            assert at.work(40), number
            assert_correct(at)
