"""Allowances of accounts that are not delegated: made for one sale, used by it or taken back, told when they stay."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from domain.bundle import unheld
from domain.chain import Code, Proposal
from domain.lane import Lane, evolve, owed, swept, taken_anew
from domain.move import Alarm, Settle, next_move, next_nonce, purpose_for
from domain.sweep import Finish, Rest, Retract, owing
from events.facts import (
    DustConversionFailed,
    DustConverted,
    DustUnroutable,
    LegRefused,
    TransactionSettled,
    TransactionSigned,
)
from events.money import Amount
from events.records import replace
from events.values import GasPrice, Outcome, Purpose, RefusalCode
from tests.domain.lane_controls import (
    DEADLINE,
    ETHER,
    MARKET,
    NOON,
    RULES,
    block,
    included,
    lane,
    receipt,
    recorded,
    settled,
    sight,
    signed,
)
from tests.domain.wallet import AAA, BBB, wallet

TOKEN, OTHER = "eip155:42161/erc20:0xAAA", "eip155:42161/erc20:0xBBB"
ALL, NONE = Amount(Decimal(10), TOKEN), Amount(Decimal(0), TOKEN)
APART = dataclasses.replace(RULES, delegated=False)
LEFT = f"0xrouter may take 10 base units of {TOKEN}"


def proposal(approval: Amount | None = None, code: Code = Code.EMPTY) -> Proposal:
    cost = Amount(Decimal("0.001"), ETHER)
    done = Proposal(block(102), 7, code, Decimal(1), (), {}, cost, Decimal(3000), 2_000_000, MARKET, 60, DEADLINE, "0x")
    return dataclasses.replace(done, approval=approval)


def approval(allowance: Amount) -> TransactionSigned:
    made = recorded(replace(signed(purpose=Purpose.APPROVE), allowance=allowance))
    return replace(made, legs=())


def ended(first: TransactionSigned, outcome: Outcome, purpose: Purpose, before: Amount | None = None) -> Lane:
    state = dataclasses.replace(Lane(), allowed=before)
    for fact in (first, included(succeeded=outcome is Outcome.SUCCEEDED)):
        state = evolve(state, fact)
    return evolve(state, replace(settled(outcome), purpose=purpose))


def test_purpose__without_delegation__is_the_approval_that_is_needed_then_the_swap() -> None:
    assert purpose_for(proposal(ALL), APART) is Purpose.APPROVE
    assert purpose_for(proposal(NONE), APART) is Purpose.APPROVE
    assert purpose_for(proposal(), APART) is Purpose.SWEEP


@pytest.mark.parametrize("code", list(Code))
def test_code__without_delegation__is_no_matter_of_ours(code: Code) -> None:
    assert next_nonce(Lane(), proposal(code=code), APART) == 7
    move = next_move(
        lane(recorded(), included()), sight(103, 8, receipt(), code=code), NOON, dataclasses.replace(APART)
    )
    assert isinstance(move, Settle)
    assert not move.alarm
    assert isinstance(next_nonce(Lane(), proposal(code=Code.UNKNOWN), RULES), Alarm)


@pytest.mark.parametrize(
    ("allowance", "outcome", "owing_after"),
    [
        (ALL, Outcome.SUCCEEDED, TOKEN),
        (ALL, Outcome.REVERTED, ""),
        (NONE, Outcome.SUCCEEDED, ""),
    ],
)
def test_approval__once_final__is_owed_if_it_allows(allowance: Amount, outcome: Outcome, owing_after: str) -> None:
    assert owed(ended(approval(allowance), outcome, Purpose.APPROVE)) == owing_after


@pytest.mark.parametrize(
    ("outcome", "purpose", "owing_after"),
    [
        (Outcome.SUCCEEDED, Purpose.SWEEP, ""),
        (Outcome.REVERTED, Purpose.SWEEP, TOKEN),
        (Outcome.CANCELLED, Purpose.CANCEL, TOKEN),
    ],
)
def test_swap__ends_what_is_owed__only_when_it_was_made(outcome: Outcome, purpose: Purpose, owing_after: str) -> None:
    assert owed(ended(recorded(), outcome, purpose, ALL)) == owing_after


def test_swap__that_may_need_less_than_is_allowed__leaves_what_is_owed() -> None:
    swap = recorded(replace(signed(), allowance=ALL))
    assert owed(ended(swap, Outcome.SUCCEEDED, Purpose.SWEEP, ALL)) == TOKEN
    assert dataclasses.replace(proposal(), leaves=ALL).allowance == ALL
    assert dataclasses.replace(proposal(NONE), leaves=ALL).allowance == NONE
    assert proposal().allowance is None


def test_retraction__that_reverts__is_told_and_owed_no_more() -> None:
    state = ended(approval(NONE), Outcome.REVERTED, Purpose.APPROVE, ALL)
    assert state.allowed is None
    flying = lane(approval(NONE), included(succeeded=False))
    move = next_move(flying, sight(103, 8, receipt(succeeded=False)), NOON, APART)
    assert isinstance(move, Settle)
    assert "could not be taken back" in move.alarm


def test_owner__who_resumes__is_still_owed_what_our_approval_allows() -> None:
    assert owed(taken_anew(dataclasses.replace(Lane(), allowed=ALL))) == TOKEN
    assert swept(dataclasses.replace(Lane(), allowed=NONE)).allowed is None


@pytest.mark.parametrize(
    ("first", "succeeded", "alarms"),
    [
        (recorded(), True, True),
        (recorded(), False, False),
        (approval(NONE), True, True),
        (approval(ALL), True, True),
    ],
)
def test_allowance_seen__after_what_should_have_ended_it__is_an_alarm(
    first: TransactionSigned, succeeded: bool, alarms: bool
) -> None:
    seen = sight(103, 8, receipt(succeeded=succeeded), allowances=(LEFT,))
    move = next_move(lane(first, included(succeeded=succeeded)), seen, NOON, APART)
    assert isinstance(move, Settle)
    assert bool(move.alarm) is alarms


@pytest.mark.parametrize(
    ("made", "wanted", "refused"),
    [
        (None, ALL, False),
        (ALL, None, False),
        (ALL, ALL, True),
        (ALL, NONE, True),
        (NONE, NONE, True),
        (NONE, ALL, False),
        (Amount(Decimal(5), OTHER), ALL, False),
    ],
)
def test_approval__that_does_not_hold__is_not_made_once_more(
    made: Amount | None, wanted: Amount | None, refused: bool
) -> None:
    found = unheld(proposal(wanted), dataclasses.replace(Lane(), allowed=made))
    assert (found is not None) is refused


def test_step__while_something_is_owed__is_to_take_it_back_before_the_sweep_ends() -> None:
    assert owing(Finish(), TOKEN) == Retract(TOKEN)
    assert owing(Rest(), TOKEN) == Rest()


def test_retraction__replaced_for_a_higher_price__says_what_it_takes_back() -> None:
    first = approval(NONE)
    bumped = replace(first.transaction, gas_price=GasPrice(110, 11), tx_hash="0xsecond")
    state = lane(first, replace(first, transaction=bumped, replaces="0xfirst"), included("0xsecond"))
    assert evolve(state, replace(settled(tx_hash="0xsecond"), purpose=Purpose.APPROVE)).allowed == NONE


def test_approval__that_reverts_when_it_is_made__is_not_made_again_and_the_next_lot_is_sold() -> None:
    at = wallet(rules=APART)
    at.chain.unapprovable = frozenset({BBB})
    at.finish()
    approvals = [fact for fact in at.facts(TransactionSettled) if fact.purpose is Purpose.APPROVE]
    assert [fact.outcome for fact in approvals] == [Outcome.REVERTED, Outcome.SUCCEEDED]
    (refused,) = at.facts(LegRefused)
    assert refused.refusal.code is RefusalCode.OTHER
    assert "approval" in refused.refusal.sentence
    assert [fact.asset for fact in at.facts(DustConversionFailed)] == [BBB]
    assert [fact.asset for fact in at.facts(DustConverted)] == [AAA]
    assert [(fact.asset, fact.learned) for fact in at.facts(DustUnroutable)] == [(BBB, True)]
