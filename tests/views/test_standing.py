"""Where an account stands, line by line, in words that its owner reads."""

from __future__ import annotations

import pytest

from events.records import replace
from tests.faults.trial import DUE
from tests.views.stories import NEXT, story
from tests.workers.stand import BTC, POLICY, USDC, D
from views.accounts import accounts_of
from views.lots import Lots, lots_of
from views.standing import Standing, standing_of


def standing(name: str, threshold: str = "0.50") -> Standing:
    log = story(name).log
    return standing_of("main", accounts_of(log), lots_of(log), replace(POLICY, threshold=D(threshold)))


def test_standing__of_an_account_without_events__says_nothing_that_is_not_known() -> None:
    assert standing_of("new", {}, Lots(), POLICY).lines() == [
        ("mode", "watching: it never went live"),
        ("last scan", "never"),
        ("venue", "answered last time"),
        ("open sweep", "none"),
        ("open legs", "none"),
        ("carried over", "nothing"),
        ("lots", "none yet"),
        ("converted", "0 BTC"),
    ]


@pytest.mark.parametrize(
    ("name", "mode"),
    [("watched", "watching: it never went live"), ("converted", "live"), ("halted", "halted: holiday")],
)
def test_standing__mode__is_what_the_owner_decided_last(name: str, mode: str) -> None:
    assert dict(standing(name).lines())["mode"] == mode


def test_standing__under_another_policy__only_watches() -> None:
    lines = dict(standing("converted", threshold="0.40").lines())
    assert lines["mode"] == "watching: its policy changed since it went live"


def test_standing__of_an_open_leg__names_it_and_its_sweep() -> None:
    found = standing("unknown")
    lines = dict(found.lines())
    assert lines["open legs"] == "sell ADA-USDC"
    assert lines["open sweep"] == found.open_sweep
    assert lines["lots"] == "2 open"


def test_standing__of_a_venue_that_is_away__says_so_until_it_answers() -> None:
    lines = dict(standing("away").lines())
    assert (lines["venue"], lines["last scan"]) == ("could not be reached", "never")
    assert dict(standing("away, then converted").lines())["venue"] == "answered last time"


def test_standing__of_proceeds_that_wait__names_the_amount_and_the_lots() -> None:
    lines = dict(standing("unbought").lines())
    assert lines["carried over"] == f"{story('unbought').moved[USDC].normalize():f} USDC"
    assert lines["lots"] == "2 failed"
    assert lines["converted"] == "0 BTC"


def test_standing__after_a_sweep__counts_lots_and_what_was_bought() -> None:
    lines = dict(standing("converted").lines())
    assert lines["lots"] == "2 converted"
    assert lines["converted"] == f"{story('converted').moved[BTC].normalize():f} BTC"
    assert lines["last scan"] == f"{DUE:%Y-%m-%d %H:%M:%S} UTC"
    assert (lines["open sweep"], lines["open legs"]) == ("none", "none")


def test_standing__after_a_later_scan__tells_that_one() -> None:
    assert dict(standing("unsold, then sold").lines())["last scan"] == f"{NEXT:%Y-%m-%d %H:%M:%S} UTC"


def test_standing__of_dust_without_a_way_out__names_the_reasons() -> None:
    assert standing("unsold").unroutable == ("refused_by_venue",)
    assert standing("converted").unroutable == ()


def test_standing__of_an_account_that_only_watches__counts_what_it_saw_last() -> None:
    assert dict(standing("watched").lines())["lots"] == "1 watched"
