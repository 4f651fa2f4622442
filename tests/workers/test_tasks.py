"""The tasks as a worker process runs them: one account's trouble is its own, and what the owner mends is no crash."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import VenueUnavailable
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.workers.stand import POLICY, Stand, now
from venues.coinbase.venue import Coinbase
from workers import tasks
from workers.app import install
from workers.conducting import conduct
from workers.desk import Desk
from workers.scanning import scan
from workers.schedule import Every

YEAR = 365 * 24 * 3600


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    """A stand whose process has settings to read."""
    (tmp_path / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    monkeypatch.setenv("DUSTMAN_CONFIG", str(tmp_path / "dustman.yaml"))
    with CoinbaseTwin(small()) as twin:
        yield Stand(twin, tmp_path / "dustman.db", POLICY)


def desk_of_two(at: Stand) -> Desk:
    """Two accounts, `main` with a key that may not even read."""
    good, powerless = at.key, json.loads(at.twin.key_file(("transfer",)).read_text())
    mandate = replace(at.desk.mandates["main"], schedule=Every(YEAR))
    mandates = {name: replace(mandate, account=name) for name in ("main", "second")}

    def venue(account: str) -> Coinbase:
        at.key = powerless if account == "main" else good
        return at.venue()

    return replace(at.desk, mandates=mandates, open_venue=venue)


def run(desk: Desk, task: Callable[[], None]) -> None:
    """Run a task in a thread of its own, which opens a desk of its own."""
    install(lambda: desk)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(task).result()


def test_scan__with_a_key_that_is_refused__warns_and_is_no_crash(at: Stand, caplog: pytest.LogCaptureFixture) -> None:
    desk = desk_of_two(at)
    run(desk, lambda: tasks.scan.run("main"))
    (warned,) = caplog.records
    assert warned.levelno == logging.WARNING
    assert "the key lacks a right" in warned.message
    assert [recorded.type for recorded in desk.log.read()] == ["venue_unreachable"]


def test_reconcile__one_accounts_key_is_refused__looks_after_the_others(at: Stand) -> None:
    at.go_live()
    at.twin.inject(kind="reset", endpoint="create_order")
    at.twin.inject(kind="reset", endpoint="list_orders", calls="all")
    scan(at.desk, "main", now(), automatic=True)
    with pytest.raises(VenueUnavailable):
        conduct(at.desk, "main", now() + timedelta(seconds=30))
    desk = desk_of_two(at)
    scan(desk, "second", now() - timedelta(seconds=2 * YEAR), automatic=True)
    at.nudges.clear()
    run(desk, tasks.reconcile.run)
    assert ("scan", "second") in at.nudges
