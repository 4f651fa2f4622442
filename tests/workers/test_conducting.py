"""Sweeps against the simulated venue, with the real SDK and a real log."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from domain.commands import Declare
from domain.errors import VenueUnavailable
from events.facts import ConversionsHalted, ConversionsResumed, LegRefused, ScanCompleted, VenueUnreachable
from events.postgres import PostgresLog
from events.records import replace
from events.values import RefusalCode
from simulators.coinbase.markets import market
from simulators.coinbase.scenario import Scenario
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.postgres_server import Database
from tests.workers.stand import POLICY, D, Stand, now, stand
from workers.conducting import Ended, conduct
from workers.desk import Mandate
from workers.rehearsing import rehearse
from workers.scanning import look, scan


def sweep(at: Stand) -> Ended:
    scan(at.desk, "main", now(), automatic=True)
    return conduct(at.desk, "main", now() + timedelta(seconds=30))


def effective_orders(at: Stand) -> Counter[str]:
    return Counter(order.client_order_id for order in at.twin.exchange.state.orders.values() if order.filled_size)


def test_sweep__two_crumbs__become_the_target_and_both_ledgers_agree(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        assert sweep(at) is Ended.RESTING
        assert at.nudges == [("convert", "main")]
        assert at.types().count("dust_converted") == 2
        assert at.recorded() == at.moved()


def test_sweep__with_the_log_in_postgresql__becomes_the_target_and_both_ledgers_agree(
    tmp_path: Path, database: Database
) -> None:
    with stand(tmp_path, store=lambda _, clock: PostgresLog(database.url, clock)) as at:
        assert sweep(at) is Ended.RESTING
        assert at.types().count("dust_converted") == 2
        assert at.recorded() == at.moved() != {}
        with closing(PostgresLog(database.reader_url, now)) as reader:
            assert list(reader.read()) == list(at.desk.log.read())


def test_sweep__of_a_small_account__takes_three_requests_to_scan(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        scan(at.desk, "main", now(), automatic=True)
        (completed,) = (r.fact for r in at.desk.log.read() if isinstance(r.fact, ScanCompleted))
        assert completed.requests == 3


def test_sweep__the_same_scan_again_after_it__changes_nothing_at_the_venue(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        sweep(at)
        moved = at.moved()
        assert sweep(at) is Ended.RESTING
        assert at.moved() == moved
        assert at.types().count("dust_detected") == 1


def test_sweep__four_workers_on_one_account__make_one_order_a_leg(tmp_path: Path) -> None:
    with stand(tmp_path, small(requests_per_second="1000", burst=1000)) as at:
        scan(at.desk, "main", now(), automatic=True)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                conduct(at.fresh(), "main", now() + timedelta(seconds=30))
            except BaseException as error:  # noqa: BLE001 - shown by the assertion below
                failures.append(error)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [repr(f) for f in failures] == []
        conduct(at.fresh(), "main", now() + timedelta(seconds=30))
        assert set(effective_orders(at).values()) == {1}
        assert at.types().count("dust_converted") == 2
        assert at.recorded() == at.moved()


def test_scan__the_venue_is_down__is_an_outage_and_never_no_dust(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        at.twin.stop()
        for _ in range(2):
            with pytest.raises(VenueUnavailable):
                scan(at.desk, "main", now().replace(minute=0, second=0, microsecond=0), automatic=True)
        assert [r.type for r in at.desk.log.read() if isinstance(r.fact, VenueUnreachable)] == ["venue_unreachable"]
        assert "scan_completed" not in at.types()


def test_halt__before_the_sweep__moves_nothing_and_resume_goes_on(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        scan(at.desk, "main", now(), automatic=True)
        at.desk.streams.handle("main", Declare(ConversionsHalted("main", "holiday"), "1"), "test")
        assert conduct(at.desk, "main", now() + timedelta(seconds=30)) is Ended.RESTING
        assert at.moved() == {}
        at.desk.streams.handle("main", Declare(ConversionsResumed("main"), "2"), "test")
        conduct(at.desk, "main", now() + timedelta(seconds=30))
        assert at.types().count("dust_converted") == 2
        assert at.recorded() == at.moved()


def test_sweep__the_policy_changed_after_it_began__sells_nothing(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        scan(at.desk, "main", now(), automatic=True)
        changed = dataclasses.replace(at.desk.mandates["main"], policy=replace(at.policy, threshold=D("0.40")))
        assert isinstance(changed, Mandate)
        desk = dataclasses.replace(at.fresh(), mandates={"main": changed})
        conduct(desk, "main", now() + timedelta(seconds=30))
        refused = [r.fact.refusal.code for r in desk.log.read() if isinstance(r.fact, LegRefused)]
        assert refused == [RefusalCode.POLICY_CHANGED] * 2
        assert at.moved() == {}


def test_look__at_an_account__announces_nothing(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        _, found = look(at.desk, "main")
        assert len(found.lots) == 2
        assert "dust_detected" not in at.types()
        assert conduct(at.desk, "main", now() + timedelta(seconds=30)) is Ended.RESTING
        assert at.moved() == {}


def test_rehearse__a_sweep__prices_every_leg_and_sells_nothing(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        run = rehearse(at.desk, "main", now(), "command")
        assert [leg.estimated for leg in run.legs] == [False, False, False]
        assert run.refused == 0
        assert run.net.quantity > 0
        assert at.moved() == {}
        sweep(at)
        bought = at.moved()["coinbase:BTC"]
        assert abs(bought / run.net.quantity - 1) < D("0.001")


def test_sweep__proceeds_too_small_for_the_buy__are_carried_and_bought_with_the_next(tmp_path: Path) -> None:
    scenario = small()
    products = dict(scenario.products)
    btc = products["BTC-USDC"].model_copy(update={"quote_min_size": D("0.80")})
    scenario = scenario.model_copy(update={"products": {**products, "BTC-USDC": btc}})
    with stand(tmp_path, scenario) as at:
        sweep(at)
        assert "proceeds_carried" in at.types()
        assert "coinbase:BTC" not in at.moved()
        with at.twin.exchange.transaction():
            at.twin.exchange.wallets.deposit("ADA", D(1), now())
        at.before["coinbase:ADA"] += 1
        sweep(at)
        assert at.types().count("dust_converted") == 3
        assert at.recorded() == at.moved()


def test_sweep__with_a_key_that_may_withdraw__halts_the_account_and_sells_nothing(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        scan(at.desk, "main", now(), automatic=True)
        at.key = json.loads(at.twin.key_file(("view", "trade", "transfer")).read_text())
        desk = at.fresh()
        assert conduct(desk, "main", now() + timedelta(seconds=30)) is Ended.RESTING
        (halted,) = (r.fact for r in desk.log.read() if isinstance(r.fact, ConversionsHalted))
        assert "transfer" in halted.reason
        assert at.moved() == {}
        desk.streams.handle("main", Declare(ConversionsResumed("main"), "too soon"), "test")
        assert conduct(desk, "main", now() + timedelta(seconds=30)) is Ended.RESTING
        assert at.types()[-1] == "conversions_halted"


def test_top_up__of_a_lot_below_its_minimum__buys_up_sells_all_and_spends_only_what_is_allowed(tmp_path: Path) -> None:
    usual = small().model_dump()
    crumb = market("0.10", base_increment="0.01", quote_increment="0.0001", base_min_size="5", quote_min_size="0.01")
    products = {name: usual["products"][name] for name in ("BTC-USDC",)} | {"GODS-USDC": crumb}
    wallets = {"GODS": {"available": "4.5"}, "USDC": {"available": "20"}, "BTC": {}}
    scenario = Scenario.model_validate({**usual, "products": products, "wallets": wallets, "taker_fee": D("0.001")})
    with stand(tmp_path, scenario, top_up=D("0.10"), taker_fee=D("0.001")) as at:
        run = rehearse(at.desk, "main", now(), "command")
        assert [(leg.plan.kind, leg.estimated) for leg in run.legs] == [
            ("top_up", False),
            ("sell", True),
            ("buy", False),
        ]
        assert run.refused == 0
        sweep(at)
        assert abs(at.moved()["coinbase:BTC"] / run.net.quantity - 1) < D("0.001")
        assert at.types().count("leg_filled") == 3
        assert at.types().count("dust_converted") == 1
        assert at.recorded() == at.moved()
        assert at.moved()["coinbase:GODS"] == D("-4.5")
        # What the top-up laid out came back with the sale: the owner's own USDC is where it was, less than a cent off.
        assert abs(at.moved()["coinbase:USDC"]) < D("0.01")


def test_sweep__balances_that_lag_a_fill_by_some_seconds__are_waited_for(tmp_path: Path) -> None:
    wallets = small().model_dump()["wallets"] | {"USDC": {}}
    with CoinbaseTwin(small(wallets=wallets)) as twin:
        clock = twin.exchange.clock
        pass_time: Callable[[float], None] = lambda seconds: clock.advance(timedelta(seconds=seconds))  # noqa: E731
        at = Stand(twin, tmp_path / "dustman.db", POLICY, clock=clock.now, sleep=pass_time)
        at.go_live()
        twin.inject(kind="stale_balances", endpoint="get_account", calls="all", seconds="5")
        scan(at.desk, "main", at.clock(), automatic=True)
        assert conduct(at.desk, "main", at.clock() + timedelta(minutes=1)) is Ended.RESTING
        assert at.types().count("dust_converted") == 2
        assert at.recorded() == at.moved()
