"""Given approved instructions, when their accounts are read anew, then what still holds is announced and no more."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from domain.equity import Survey
from domain.instruction import Gas
from domain.measurement import Occasion, snapshot
from domain.release import Release, instructed_only, release
from events.facts import DustInstructed
from events.records import replace
from tests.domain.controls import NOON, D, held
from tests.domain.strategies import CHARTER, EIGEN, ETH, ETHFI, KING, equity, gas, outcome, survey

HOLDS = held(ETH, "1")
BOTH = (HOLDS, held(EIGEN, "50"), held(ETHFI, "10"))


def told() -> DustInstructed:
    """50 EIGEN worth 60 USD and 10 ETHFI worth 9 USD were instructed, of an equity of 30,000 USD."""
    instructed = outcome(survey(*BOTH))[1].command.instructed
    assert instructed
    return instructed


def released(*surveys: Survey, worth: str = "30000", cost: Gas | None = None, done: Collection[str] = ()) -> Release:
    instructed, occasion = told(), Occasion(CHARTER, NOON, NOON, "USD")
    capped = [instructed_only(instructed, each) for each in surveys]
    found = snapshot(CHARTER, surveys)
    return release(occasion, instructed, found, equity(worth), capped, {"wallet": cost or gas()}, done)


def lots(found: Release) -> dict[str, Decimal]:
    return {each.asset: each.quantity for each in found.instructions}


def test_release__of_what_is_still_there__is_all_of_it() -> None:
    found = released(survey(*BOTH))
    assert (lots(found), found.sentence) == ({EIGEN: D(50), ETHFI: D(10)}, "")
    trigger = found.trigger("wallet", told())
    assert trigger and trigger.assets == {EIGEN, ETHFI}
    assert (trigger.strategy, trigger.mode) == ("loop", "eth_leveraged")
    assert found.trigger("another", told()) is None


def test_release__of_lots_that_grew__is_what_was_approved_of_them() -> None:
    found = released(survey(HOLDS, held(EIGEN, "80"), held(ETHFI, "10")))
    assert lots(found) == {EIGEN: D(50), ETHFI: D(10)}


def test_release__of_lots_that_shrank__is_what_is_left() -> None:
    assert lots(released(survey(HOLDS, held(EIGEN, "45"), held(ETHFI, "10")), worth="20000")) == {
        EIGEN: D(45),
        ETHFI: D(10),
    }


def test_release__never_has__what_nobody_approved() -> None:
    found = released(survey(*BOTH, held(KING, "1")))
    assert KING not in lots(found) and len(lots(found)) == 2


def test_release__when_a_lot_is_gone__has_the_others_and_says_why() -> None:
    found = released(survey(HOLDS, held(EIGEN, "50")), worth="20000")
    assert lots(found) == {EIGEN: D(50)}
    assert "in wallet is no dust, or gone" in found.sentence


def test_release__when_all_are_gone__is_nothing_and_says_how_far_below() -> None:
    found = released(survey(HOLDS))
    assert (found.instructions, found.chosen) == ((), {})
    assert "60.000 USD below 60.000 USD" in found.sentence


def test_release__at_the_threshold_exactly__is_nothing() -> None:
    assert released(survey(HOLDS, held(EIGEN, "50"))).instructions == ()


def test_release__when_gas_would_take_it__is_nothing_and_says_so() -> None:
    found = released(survey(*BOTH), cost=gas(EIGEN="61", ETHFI="10"))
    assert found.instructions == () and found.sentence.count("fees and gas would take all of it") == 2


def test_release__of_an_account_that_is_being_swept__is_nothing_and_says_so() -> None:
    found = released(survey(*BOTH, closed="wallet is being swept"))
    assert found.instructions == () and "wallet is being swept" in found.sentence


def test_release__beyond_the_caps__says_which_lot_they_do_not_reach() -> None:
    small = survey(*BOTH)
    found = released(Survey(small.reading, small.policy, D(20), {}, ""))
    assert lots(found) == {ETHFI: D(10)}
    assert "the caps of a sweep and a day leave less than it is worth" in found.sentence


def test_release__with_a_lot_that_cannot_be_simulated__says_what_the_chain_said() -> None:
    broken = gas()
    shares = {asset: cost for asset, cost in broken.shares.items() if asset != ETHFI}
    found = released(survey(*BOTH), cost=Gas(shares, broken.hop, broken.expires_at, {ETHFI: "transfer is paused"}))
    assert lots(found) == {EIGEN: D(50)} and "transfer is paused" in found.sentence


def test_release__of_an_account_that_had_its_part__counts_it_and_announces_it_no_more() -> None:
    found = released(survey(HOLDS), done=("wallet",))
    assert (found.instructions, found.chosen, found.sentence) == (told().instructions, {}, "")


def test_release__of_an_account_that_left_the_strategy__says_so() -> None:
    instructed = told()
    moved = replace(instructed, instructions=tuple(replace(e, account="old") for e in instructed.instructions))
    here = survey(*BOTH)
    occasion = Occasion(CHARTER, NOON, NOON, "USD")
    found = release(occasion, moved, snapshot(CHARTER, [here]), equity("30000"), [here], {"wallet": gas()}, ())
    assert found.instructions == () and "old: the account is none of the strategy's" in found.sentence
