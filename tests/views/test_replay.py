"""Every view is a fold: built up event by event it is what a replay from nothing gives, wherever one stops."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

import pytest
from msgspec import structs

from events.log import Recorded
from tests.views.stories import STORIES, story
from views.accounts import accounts_of
from views.ledger import ledger_of
from views.lots import lots_of
from views.state import State


@pytest.mark.parametrize("name", STORIES)
def test_views__after_each_event__are_what_a_replay_gives(name: str) -> None:
    log = story(name).log
    state = State()
    for position, recorded in enumerate(log, start=1):
        state.apply(recorded)
        seen = log[:position]
        assert (state.accounts, state.ledger, state.lots) == (
            accounts_of(seen),
            ledger_of(seen),
            lots_of(seen),
        ), recorded.type


@pytest.mark.parametrize("name", sorted(STORIES.keys() - {"unknown", "watched"}))
def test_ledger__of_settled_legs__is_the_venues_own(name: str) -> None:
    moved = ledger_of(story(name).log).get("main", {})
    assert {asset: change for asset, change in moved.items() if change} == story(name).moved


def test_ledger__of_a_leg_that_is_unknown__says_nothing_of_it() -> None:
    assert story("unknown").moved.keys() == {"coinbase:ADA", "coinbase:USDC"}
    assert ledger_of(story("unknown").log) == {}


def test_views__of_two_accounts_in_one_log__keep_them_apart() -> None:
    mine, yours = story("converted").log, tuple(of("yours", each) for each in story("unsold").log)
    mixed = [each for pair in zip_longest(mine, yours) for each in pair if each is not None]
    assert accounts_of(mixed) == {**accounts_of(mine), **accounts_of(yours)}
    assert ledger_of(mixed) == {**ledger_of(mine), **ledger_of(yours)}


def of(account: str, recorded: Recorded) -> Recorded:
    """The same event of another account."""
    return structs.replace(recorded, fact=replace(recorded.fact, account=account))
