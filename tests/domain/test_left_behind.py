"""What was signed under a nonce that a reorganisation left ahead of the chain: it waits, is told, and goes on alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.chain import Sight
from domain.lane import Lane, evolve
from domain.move import Alarm, Broadcast, Move, NoteIncluded, Replace, Settle, Wait, next_move
from events.facts import ConversionsHalted, TransactionFact, TransactionSettled, TransactionSigned
from events.money import Amount
from events.records import replace
from events.values import Outcome, Purpose
from tests.domain.lane_controls import (
    CANCEL,
    DEADLINE,
    NOON,
    RULES,
    displaced,
    included,
    lane,
    receipt,
    recorded,
    reorged,
    settled,
    sight,
    signed,
)
from tests.domain.wallet import Wallet, wallet

SOON, LONG_AFTER = NOON + timedelta(seconds=5), DEADLINE + timedelta(days=7)
OLD = 100 + RULES.confirmations  # the first head at which the block that the nonce was read from is final
TOKEN = "eip155:42161/erc20:0xAAA"
RETRACTION = recorded(replace(signed(purpose=Purpose.APPROVE), allowance=Amount(Decimal(0), TOKEN), deadline=None))
FIRST = {
    "sweep": recorded(),
    "approve": recorded(signed(purpose=Purpose.APPROVE)),
    "retract": RETRACTION,
    "claim": recorded(signed(purpose=Purpose.CLAIM)),
    "delegate": recorded(signed(purpose=Purpose.DELEGATE)),
}
FLIGHTS = {name: lane(first) for name, first in FIRST.items()} | {"cancel": lane(recorded(), CANCEL)}
each_flight = pytest.mark.parametrize("state", FLIGHTS.values(), ids=FLIGHTS.keys())
at_any_time = pytest.mark.parametrize("now", [SOON, DEADLINE, LONG_AFTER], ids=["soon", "deadline", "long after"])


def seen(head: int = OLD, nonce: int = 5, final_nonce: int = 5, **changes: object) -> Sight:
    """A node that counts 5 transactions where 7 were counted, and has none of ours."""
    return sight(head, nonce, final_nonce=final_nonce, pooled=frozenset(), **changes)


def move(state: Lane, found: Sight, now: datetime = SOON, halted: bool = False) -> Move:
    return next_move(state, found, now, RULES, halted)


@each_flight
@at_any_time
def test_count__lower_than_was_seen__before_that_is_final__is_a_node_that_lags(state: Lane, now: datetime) -> None:
    assert isinstance(move(state, seen(head=OLD - 1), now), Wait)


@each_flight
@at_any_time
def test_count__lower_but_growing__is_waited_for(state: Lane, now: datetime) -> None:
    assert isinstance(move(state, seen(nonce=6, final_nonce=5), now), Wait)


@each_flight
@at_any_time
def test_count__lower_for_good__is_told_whatever_waits_and_however_long(state: Lane, now: datetime) -> None:
    found = move(state, seen(), now)
    assert isinstance(found, Alarm)
    assert not found.displaced
    for said in ("counts 5 transactions", "counted 7", "nonces 5 to 6", "`dustman resume`"):
        assert said in found.reason


def test_count__lower_by_one__names_the_one_nonce() -> None:
    found = move(lane(recorded()), seen(nonce=6, final_nonce=6))
    assert isinstance(found, Alarm)
    assert "what used nonce 6. " in found.reason


@each_flight
@at_any_time
def test_owner__while_halted__is_not_told_again(state: Lane, now: datetime) -> None:
    assert isinstance(move(state, seen(), now, halted=True), Wait)


@for_all(
    state=st.sampled_from(list(FLIGHTS.values())),
    head=st.integers(90, 10_000),
    counts=st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted),
    late=st.timedeltas(timedelta(0), timedelta(days=400)),
    halted=st.booleans(),
)
def test_nothing__is_signed_or_sent_or_given_up__while_its_nonce_is_ahead(
    state: Lane, head: int, counts: list[int], late: timedelta, halted: bool
) -> None:
    final, count = counts
    found = move(state, seen(head, count, final), NOON + late, halted)
    assert isinstance(found, Wait | Alarm)
    assert not (halted and isinstance(found, Alarm))


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST.keys())
def test_chain__that_has_caught_up__gets_the_very_bytes_on_record(first: TransactionSigned) -> None:
    assert move(lane(first), seen(OLD, 7, 7)) == Broadcast(first.transaction.raw)


@pytest.mark.parametrize("name", ["sweep", "approve", "claim", "delegate"])
def test_chain__that_has_caught_up_past_the_deadline__gets_nothing_under_that_nonce(name: str) -> None:
    found = move(FLIGHTS[name], seen(OLD, 7, 7), DEADLINE)
    assert isinstance(found, Replace)
    assert (found.purpose, found.signed.transaction.nonce) == (Purpose.CANCEL, 7)


def test_retraction__however_late_the_chain_catches_up__is_still_made() -> None:
    found = move(lane(RETRACTION), seen(OLD, 7, 7), LONG_AFTER)
    assert isinstance(found, Replace)
    assert found.purpose is Purpose.APPROVE


def test_cancel__that_was_left_behind__goes_on_as_a_cancel() -> None:
    assert move(FLIGHTS["cancel"], seen(OLD, 7, 7)) == Broadcast("0x02second")


@each_flight
def test_receipt__of_what_was_left_behind__is_its_answer_even_while_halted(state: Lane) -> None:
    found = move(state, seen(OLD + 1, 8, 5, receipts={"0xfirst": receipt()}), LONG_AFTER, halted=True)
    assert found == NoteIncluded(receipt())


@each_flight
def test_foreign__transaction_that_overtakes_it__displaces_it(state: Lane) -> None:
    hashes = frozenset({"0xfirst", "0xsecond"})
    found = move(state, seen(OLD + 9, 8, 8, absent=hashes), LONG_AFTER)
    assert isinstance(found, Alarm)
    assert found.displaced


@each_flight
def test_inclusion__dropped_with_what_was_before_it__is_left_behind_too(state: Lane) -> None:
    dropped = evolve(evolve(state, included()), reorged())
    assert isinstance(move(dropped, seen()), Alarm)


@each_flight
@pytest.mark.parametrize("before", [(), (displaced(),), (included(),), (included(succeeded=False),)])
def test_nonce__that_was_signed__is_behind_only_once_it_is_used(
    state: Lane, before: tuple[TransactionFact, ...]
) -> None:
    for fact in before:
        state = evolve(state, fact)
    counts = [(final, count) for count in range(10) for final in range(count + 1)]
    receipts = [{}, {"0xfirst": receipt()}, {"0xfirst": receipt(succeeded=False)}]
    absences = [frozenset[str](), frozenset({"0xfirst", "0xsecond"})]
    for (final, count), known, absent in product(counts, receipts, absences):
        seen_now = sight(OLD + 3, count, final_nonce=final, receipts=known, absent=absent)
        found = move(state, seen_now)
        assert not isinstance(found, Settle) or found.next_nonce > 7


@pytest.mark.parametrize("next_nonce", [5, 7])
def test_history__in_which_a_nonce_was_given_up_below_its_use__is_read_as_it_was(next_nonce: int) -> None:
    """Earlier rules gave up what a reorganisation had left ahead, once its owner had looked."""
    state = lane(recorded(), displaced(), settled(Outcome.DISPLACED, next_nonce))
    assert state == Lane(nonce=next_nonce, anew=True, head=100, turn=3)


def left_behind() -> Wallet:
    """A wallet that signed after somebody else's transaction, which a reorganisation then dropped."""
    at = wallet()
    at.chain.foreign()
    at.chain.mine()
    at.conduct()
    at.chain.reorg(depth=1, drop=True, poisoned=False, take=False)
    for _ in range(RULES.confirmations):
        at.chain.mine()
    at.conduct()
    return at


def test_owner__who_resumes_without_doing_anything__is_told_again() -> None:
    at = left_behind()
    for times in (1, 2, 3):
        assert len(at.facts(ConversionsHalted)) == times
        at.resume()
        at.conduct()


@pytest.mark.parametrize("late", [False, True])
def test_owner__who_sends_what_is_missing__has_everything_sold_once(late: bool) -> None:
    at = left_behind()
    if late:
        at.chain.now += timedelta(hours=1)
    at.finish()
    outcomes = [Outcome.CANCELLED, Outcome.SUCCEEDED] if late else [Outcome.SUCCEEDED]
    assert [fact.outcome for fact in at.facts(TransactionSettled)] == outcomes
    assert set(at.chain.sold().values()) == {1}
    assert len(at.chain.sold()) == 2
