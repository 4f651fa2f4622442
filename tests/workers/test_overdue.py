"""Which scans are made up for: those that were due and had their time, of accounts that somebody tried to scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import VenueUnavailable
from events.facts import ScanCompleted
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.events.clocks import SetClock
from tests.workers.stand import POLICY, Stand
from workers.desk import Desk
from workers.overdue import GRACE, missed
from workers.scanning import look, scan
from workers.schedule import Crontab, latest_due

SUNDAY = datetime(2026, 3, 1, 2, tzinfo=UTC)
WEEK = timedelta(weeks=1)
GRACE_SECONDS = GRACE.total_seconds()


@pytest.fixture
def clock() -> SetClock:
    return SetClock(SUNDAY)


@pytest.fixture
def at(tmp_path: Path, clock: SetClock) -> Iterator[Stand]:
    with CoinbaseTwin(small()) as twin:
        yield Stand(twin, tmp_path / "dustman.db", POLICY, clock=clock, sleep=clock.move)


@pytest.fixture
def desk(at: Stand) -> Desk:
    """The desk of an account that is scanned on Sundays at two."""
    mandate = replace(at.desk.mandates["main"], schedule=Crontab("0 2 * * sun"))
    return replace(at.desk, mandates={"main": mandate})


def scan_latest(desk: Desk) -> None:
    scan(desk, "main", latest_due(desk.mandates["main"].schedule, desk.clock()), automatic=True)


def test_missed__an_account_that_nobody_tried_to_scan__waits_for_its_first_due_time(
    desk: Desk, clock: SetClock
) -> None:
    for _ in range(3):
        clock.move(WEEK.total_seconds() / 3)
        assert not missed(desk, "main")


def test_missed__a_due_time_just_now__is_left_to_beat_for_the_grace(desk: Desk, clock: SetClock) -> None:
    scan_latest(desk)
    clock.now = SUNDAY + WEEK
    assert not missed(desk, "main")
    clock.move(GRACE_SECONDS)
    assert not missed(desk, "main")
    clock.move(1)
    assert missed(desk, "main")


def test_missed__once_made_up_for__is_missed_no_more_until_the_next(desk: Desk, clock: SetClock) -> None:
    scan_latest(desk)
    clock.now = SUNDAY + WEEK + timedelta(hours=3)
    assert missed(desk, "main")
    scan_latest(desk)
    assert not missed(desk, "main")
    clock.now = SUNDAY + 2 * WEEK - timedelta(seconds=1)
    assert not missed(desk, "main")


def test_missed__after_weeks_of_sleep__is_made_up_for_by_one_scan(desk: Desk, clock: SetClock) -> None:
    scan_latest(desk)
    clock.now = SUNDAY + 5 * WEEK + timedelta(days=2)
    scans = 0
    while missed(desk, "main"):
        scan_latest(desk)
        scans += 1
    assert scans == 1
    dues = [recorded.fact.due for recorded in desk.log.read() if isinstance(recorded.fact, ScanCompleted)]
    assert dues == [SUNDAY, SUNDAY + 5 * WEEK]


def test_missed__the_first_scan_met_a_venue_that_was_away__is_made_up_for(
    desk: Desk, at: Stand, clock: SetClock
) -> None:
    at.twin.inject(kind="server_error", endpoint="any", calls="all")
    with pytest.raises(VenueUnavailable):
        scan_latest(desk)
    assert not missed(desk, "main")
    clock.move(GRACE_SECONDS + 1)
    assert missed(desk, "main")
    at.twin.calm()
    scan_latest(desk)
    assert not missed(desk, "main")


def test_missed__a_look_between_due_times__is_no_scan_for_the_last_one(desk: Desk, clock: SetClock) -> None:
    scan_latest(desk)
    clock.now = SUNDAY + WEEK + timedelta(hours=1)
    look(desk, "main")
    assert missed(desk, "main")
