"""The life of a leg: the table of its transitions, and that the others change nothing."""

from __future__ import annotations

import itertools

import pytest

from domain.errors import ImpossibleHistory
from domain.leg import (
    ATTEMPTS,
    Filled,
    Leg,
    NeverArrived,
    Planned,
    Refused,
    Requested,
    Unknown,
    conclude,
    decline,
    evolve,
    next_attempt,
    order_of,
    request,
)
from domain.venue import NeverArrived as VenueKnowsNothing
from domain.venue import Pending
from events.facts import LegFact, LegFilled, LegNeverArrived, LegOutcomeUnknown, LegRefused, LegRequested
from events.money import Amount
from events.values import LegKind, PlannedLeg, Refusal, RefusalCode
from tests.domain.controls import ADA, NOON, USDC, D, filled, quote_for

PLAN = PlannedLeg("leg", LegKind.SELL, "ADA-USDC", ADA, USDC, "lot", D(1), D("0.01"), D("0.01"))
SPEND = Amount(D(1), ADA)
QUOTE = quote_for(LegKind.SELL, SPEND, USDC, D("0.4"))
NO = Refusal(RefusalCode.NO_LIQUIDITY, "nobody bids")


def intent(leg: Leg, spend: Amount = SPEND) -> LegRequested:
    (fact,) = request(leg, "main", "sweep", spend, QUOTE, NOON)
    return fact


REQUESTED = intent(Planned(PLAN))
STATES: dict[str, Leg] = {
    "planned": Planned(PLAN),
    "requested": Requested(PLAN, REQUESTED),
    "unknown": Unknown(PLAN, REQUESTED, "lost"),
    "never arrived": NeverArrived(PLAN, REQUESTED),
    "filled": Filled(PLAN, REQUESTED, filled(QUOTE)),
    "refused": Refused(PLAN, NO),
}
FACTS: dict[str, LegFact] = {
    "requested": REQUESTED,
    "filled": LegFilled("main", "sweep", "leg", filled(QUOTE)),
    "refused": LegRefused("main", "sweep", "leg", NO),
    "unknown": LegOutcomeUnknown("main", "sweep", "leg", "lost"),
    "never arrived": LegNeverArrived("main", "sweep", "leg", 1),
}
TABLE = {
    ("planned", "requested"): Requested,
    ("planned", "refused"): Refused,
    ("never arrived", "requested"): Requested,
    ("never arrived", "refused"): Refused,
    ("requested", "filled"): Filled,
    ("requested", "refused"): Refused,
    ("requested", "unknown"): Unknown,
    ("requested", "never arrived"): NeverArrived,
    ("unknown", "filled"): Filled,
    ("unknown", "refused"): Refused,
    ("unknown", "never arrived"): NeverArrived,
}


@pytest.mark.parametrize(("state", "fact"), list(itertools.product(STATES, FACTS)))
def test_evolve__every_pair__follows_the_table_or_is_impossible(state: str, fact: str) -> None:
    if (state, fact) in TABLE:
        assert type(evolve(STATES[state], FACTS[fact])) is TABLE[state, fact]
    else:
        with pytest.raises(ImpossibleHistory, match="leg"):
            evolve(STATES[state], FACTS[fact])


@pytest.mark.parametrize("state", STATES)
def test_decisions__whatever_is_decided__the_state_allows(state: str) -> None:
    leg = STATES[state]
    answers = (filled(QUOTE), NO, Pending("later"), VenueKnowsNothing())
    decided: list[LegFact] = [*request(leg, "main", "sweep", SPEND, QUOTE, NOON), *decline(leg, "main", "sweep", NO)]
    for answer in answers:
        decided.extend(conclude(leg, "main", "sweep", answer))
    for fact in decided:
        evolve(leg, fact)


@pytest.mark.parametrize("state", ["requested", "unknown", "filled", "refused"])
def test_request__a_leg_the_venue_may_have__is_never_sent_again(state: str) -> None:
    assert request(STATES[state], "main", "sweep", SPEND, QUOTE, NOON) == []
    assert decline(STATES[state], "main", "sweep", NO) == []


def test_request__after_never_arrived__has_the_same_key_and_size() -> None:
    again = intent(STATES["never arrived"], spend=Amount(D("0.5"), ADA))
    assert (again.key, again.spend, again.attempt) == (REQUESTED.key, REQUESTED.spend, 2)


def test_request__the_last_attempt_never_arrived__gives_up() -> None:
    leg: Leg = Planned(PLAN)
    for _ in range(ATTEMPTS):
        leg = NeverArrived(PLAN, intent(leg))
    assert next_attempt(leg) is None
    assert request(leg, "main", "sweep", SPEND, QUOTE, NOON) == []
    assert decline(leg, "main", "sweep", NO)


def test_conclude__still_pending__is_said_once() -> None:
    assert conclude(STATES["requested"], "main", "sweep", Pending("later"))
    assert conclude(STATES["unknown"], "main", "sweep", Pending("later")) == []


def test_order__of_an_intent__is_keyed_by_the_leg_alone() -> None:
    assert order_of(REQUESTED).key == order_of(intent(STATES["never arrived"])).key
    assert order_of(REQUESTED).key != "leg"
