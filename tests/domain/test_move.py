"""The rules of the nonce lane, told one by one: what a node says, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.chain import Code, Proposal, Rules
from domain.errors import ImpossibleHistory
from domain.lane import Idle, Lane, evolve, taken_anew
from domain.move import (
    Alarm,
    Broadcast,
    NoteIncluded,
    NoteReorged,
    Replace,
    Settle,
    Wait,
    next_move,
    next_nonce,
    purpose_for,
)
from events.money import Amount
from events.records import replace
from events.values import GasPrice, Outcome, Purpose
from tests.domain.lane_controls import (
    BUMPED,
    CANCEL,
    DEADLINE,
    ETHER,
    MARKET,
    NOON,
    RULES,
    block,
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

SOON = NOON + timedelta(seconds=5)
OURS = frozenset({"0xfirst"})
DELEGATION = signed(purpose=Purpose.DELEGATE)


def proposal(nonce: int = 7, head: int = 102, code: Code = Code.OURS) -> Proposal:
    cost = Amount(Decimal("0.001"), ETHER)
    return Proposal(
        block(head), nonce, code, Decimal(1), (), {}, cost, Decimal(3000), 2_000_000, MARKET, 60, DEADLINE, "0x"
    )


def test_broadcast__when_no_node_has_it__sends_the_very_bytes_on_record() -> None:
    assert next_move(lane(recorded()), sight(pooled=frozenset()), SOON, RULES) == Broadcast("0x02first")


def test_broadcast__when_the_pool_has_it__is_not_repeated() -> None:
    assert next_move(lane(recorded()), sight(), SOON, RULES) == Wait("it waits in the pool")


def test_sign__while_one_is_in_flight__is_not_done() -> None:
    for state in (lane(recorded()), lane(recorded(), included())):
        assert isinstance(next_nonce(state, proposal(), RULES), Wait)
        with pytest.raises(ImpossibleHistory):
            evolve(state, recorded(signed(nonce=8)))


def test_sign__first_of_an_account__takes_the_nonce_of_the_chain() -> None:
    assert next_nonce(Lane(), proposal(nonce=42), RULES) == 42


def test_sign__after_a_final_one__takes_the_next() -> None:
    state = lane(recorded(), included(), settled())
    assert next_nonce(state, proposal(nonce=8), RULES) == 8


def test_sign__when_the_chain_counts_fewer__waits_for_a_node_that_knows_better() -> None:
    state = lane(recorded(), included(), settled())
    assert isinstance(next_nonce(state, proposal(nonce=7), RULES), Wait)
    assert isinstance(next_nonce(taken_anew(state), proposal(nonce=7), RULES), Wait)
    with pytest.raises(ImpossibleHistory):
        evolve(taken_anew(state), recorded(signed(nonce=7)))


def test_sign__at_a_head_older_than_seen__waits() -> None:
    state = lane(recorded(), included(), settled())
    assert isinstance(next_nonce(state, proposal(nonce=8, head=100), RULES), Wait)


def test_foreign_transaction__before_ours_is_signed__is_an_alarm_until_the_owner_resumes() -> None:
    state = lane(recorded(), included(), settled())
    found = next_nonce(state, proposal(nonce=9), RULES)
    assert isinstance(found, Alarm)
    assert "next nonce is 9, ours was 8" in found.reason
    assert next_nonce(taken_anew(state), proposal(nonce=9), RULES) == 9


def test_foreign_transaction__under_a_nonce_of_ours__is_an_alarm_once_it_is_final() -> None:
    state = lane(recorded())
    found = next_move(state, sight(nonce=8, final_nonce=8, absent=OURS), SOON, RULES)
    assert isinstance(found, Alarm)
    assert found.displaced
    told = evolve(state, displaced())
    assert isinstance(next_move(told, sight(nonce=8, final_nonce=8, absent=OURS), SOON, RULES, halted=True), Wait)


@pytest.mark.parametrize(
    ("used_in", "words"), [(101, ", in block 101:"), (None, "; its block lies deeper than nodes tell")]
)
def test_foreign_transaction__under_a_nonce_of_ours__is_told_with_its_block(used_in: int | None, words: str) -> None:
    found = next_move(lane(recorded()), sight(nonce=8, final_nonce=8, absent=OURS, used_in=used_in), SOON, RULES)
    assert isinstance(found, Alarm)
    assert f"not ours{words}" in found.reason


@pytest.mark.parametrize("state", [lane(recorded()), lane(recorded(), displaced())])
def test_nonce_that_is_finally_used__while_no_block_was_read_that_lacks_ours__is_a_receipt_that_is_late(
    state: Lane,
) -> None:
    for now in (SOON, DEADLINE):
        assert isinstance(next_move(state, sight(120, 8, final_nonce=8, early_nonce=8), now, RULES), Wait)


def test_nonce_that_is_finally_used__where_another_worker_has_just_replaced__may_be_the_replacement() -> None:
    seen = sight(120, 8, final_nonce=8, early_nonce=8, absent=OURS)
    assert isinstance(next_move(lane(recorded()), seen, SOON, RULES), Alarm)
    assert isinstance(next_move(lane(recorded(), CANCEL), seen, SOON, RULES), Wait)
    both = sight(120, 8, final_nonce=8, early_nonce=8, absent=OURS | {"0xsecond"})
    assert isinstance(next_move(lane(recorded(), CANCEL), both, SOON, RULES), Alarm)


def test_foreign_transaction__after_the_owner_resumed__gives_the_nonce_up() -> None:
    state = lane(recorded(), displaced())
    move = next_move(state, sight(nonce=9, final_nonce=9, absent=OURS), SOON, RULES)
    assert isinstance(move, Settle)
    assert (move.outcome, move.receipt, move.next_nonce) == (Outcome.DISPLACED, None, 8)
    after = evolve(state, replace(settled(Outcome.DISPLACED), block=None, fee=None))
    assert next_nonce(after, proposal(nonce=9), RULES) == 9


def test_foreign_transaction__said_but_then_our_receipt_shows__is_ours_after_all() -> None:
    state = lane(recorded(), displaced())
    move = next_move(state, sight(103, 8, receipt(), final_nonce=8), SOON, RULES, halted=True)
    assert move == NoteIncluded(receipt())
    assert isinstance(lane(recorded(), displaced(), included(), settled()).state, Idle)


def test_nonce_ahead__without_a_receipt__is_a_node_that_lags_and_nothing_more() -> None:
    assert isinstance(next_move(lane(recorded()), sight(nonce=8), SOON, RULES), Wait)
    assert isinstance(next_move(lane(recorded()), sight(nonce=8), DEADLINE, RULES), Wait)


def test_nonce_behind__is_a_node_that_lags_and_nothing_is_sent() -> None:
    assert isinstance(next_move(lane(recorded()), sight(nonce=6, pooled=frozenset()), DEADLINE, RULES), Wait)


@pytest.mark.parametrize("state", [lane(recorded()), lane(recorded(), included())])
def test_head_that_goes_back__is_no_evidence_of_anything(state: Lane) -> None:
    stale = sight(99, nonce=9, final_nonce=9, block_hash="0xother", code=Code.UNKNOWN, pooled=frozenset())
    assert isinstance(next_move(state, stale, DEADLINE, RULES), Wait)


def test_head_that_goes_back_after_an_inclusion__does_not_undo_it() -> None:
    state = lane(recorded(), included())
    assert next_move(state, sight(100, 7, block_hash=None), SOON, RULES) == Wait(
        "the node is at block 100, 101 was seen before"
    )


@pytest.mark.parametrize("tx_hash", ["0xfirst", "0xsecond"])
def test_receipt__of_any_of_our_hashes__wins(tx_hash: str) -> None:
    state = lane(recorded(), BUMPED)
    assert next_move(state, sight(102, 8, receipt(tx_hash)), SOON, RULES) == NoteIncluded(receipt(tx_hash))
    final = evolve(state, included(tx_hash))
    move = next_move(final, sight(103, 8, receipt(tx_hash)), SOON, RULES)
    assert isinstance(move, Settle)
    assert move.receipt == receipt(tx_hash)


def test_final__only_after_its_confirmations() -> None:
    state = lane(recorded(), included())
    assert next_move(state, sight(102, 8, receipt()), SOON, RULES) == Wait("2 of 3 blocks confirm it")
    move = next_move(state, sight(103, 8, receipt()), SOON, RULES)
    assert isinstance(move, Settle)
    assert (move.outcome, move.confirmations, move.next_nonce, move.alarm) == (Outcome.SUCCEEDED, 3, 8, "")


def test_final__of_a_revert__uses_its_nonce_too() -> None:
    state = lane(recorded(), included(succeeded=False))
    move = next_move(state, sight(103, 8, receipt(succeeded=False)), SOON, RULES)
    assert isinstance(move, Settle)
    assert (move.outcome, move.next_nonce) == (Outcome.REVERTED, 8)


def test_reorg__that_drops_it__sends_the_same_bytes_again() -> None:
    state = lane(recorded(), included())
    move = next_move(state, sight(104, 7, block_hash="0x101b"), SOON, RULES)
    assert isinstance(move, NoteReorged)
    again = evolve(state, reorged())
    assert next_move(again, sight(104, pooled=frozenset()), SOON, RULES) == Broadcast("0x02first")


def test_reorg__that_turns_success_into_revert__is_noted_before_the_revert() -> None:
    state, later = lane(recorded(), included()), receipt(at=block(101, "b"), succeeded=False)
    seen = sight(105, 8, later, block_hash="0x101b")
    move = next_move(state, seen, SOON, RULES)
    assert isinstance(move, NoteReorged)
    assert "another result" in move.detail
    state = evolve(state, reorged())
    assert next_move(state, seen, SOON, RULES) == NoteIncluded(later)
    state = evolve(state, included(at=later.block, succeeded=False))
    final = next_move(state, seen, SOON, RULES)
    assert isinstance(final, Settle)
    assert final.outcome is Outcome.REVERTED


def test_reorg__that_moves_it_to_another_block__counts_its_confirmations_anew() -> None:
    state, moved = lane(recorded(), included()), receipt(at=block(103, "b"))
    assert isinstance(next_move(state, sight(104, 8, moved, block_hash="0x101b"), SOON, RULES), NoteReorged)
    state = evolve(evolve(state, reorged()), included(at=moved.block))
    seen = sight(104, 8, moved, block_hash=moved.block.block_hash)
    assert next_move(state, seen, SOON, RULES) == Wait("2 of 3 blocks confirm it")


def test_reorg__is_not_concluded_from_a_receipt_that_is_missing() -> None:
    state = lane(recorded(), included())
    assert isinstance(next_move(state, sight(110, 8), SOON, RULES), Wait)
    assert isinstance(next_move(state, sight(110, 8, block_hash=None), SOON, RULES), Wait)


def test_reorg__while_it_was_read__is_read_again() -> None:
    state = lane(recorded(), included())
    assert isinstance(next_move(state, sight(110, 8, receipt(), block_hash="0x101b"), SOON, RULES), Wait)


def test_bump__after_patience__offers_a_tenth_more_of_both_rounded_up() -> None:
    state = lane(recorded(signed(price=GasPrice(101, 11))))
    move = next_move(state, sight(gas_price=GasPrice(1, 1)), NOON + RULES.patience, RULES)
    assert isinstance(move, Replace)
    assert (move.purpose, move.gas_price) == (Purpose.SWEEP, GasPrice(112, 13))


def test_bump__to_a_market_that_is_higher__but_never_above_the_ceiling() -> None:
    state, late = lane(recorded()), NOON + RULES.patience
    dear = next_move(state, sight(gas_price=GasPrice(400, 50)), late, RULES)
    assert isinstance(dear, Replace)
    assert dear.gas_price == GasPrice(400, 50)
    dearer = next_move(state, sight(gas_price=GasPrice(4000, 3000)), late, RULES)
    assert isinstance(dearer, Replace)
    assert dearer.gas_price == GasPrice(1000, 1000)
    full = lane(recorded(signed(price=GasPrice(950, 10))))
    assert next_move(full, sight(), late, RULES) == Wait("it waits in the pool")


def test_bump__that_is_on_record__is_what_is_sent_from_then_on() -> None:
    assert next_move(lane(recorded(), BUMPED), sight(pooled=frozenset({"0xfirst"})), SOON, RULES) == Broadcast(
        "0x02second"
    )


def test_cancel__after_the_deadline__replaces_the_sweep_by_nothing() -> None:
    move = next_move(lane(recorded()), sight(pooled=frozenset()), DEADLINE, RULES)
    assert isinstance(move, Replace)
    assert (move.purpose, move.gas_price) == (Purpose.CANCEL, GasPrice(110, 11))


def test_cancel__that_is_stuck_too__is_bumped_as_a_cancel() -> None:
    move = next_move(lane(recorded(), CANCEL), sight(), DEADLINE + timedelta(hours=1), RULES)
    assert isinstance(move, Replace)
    assert move.purpose is Purpose.CANCEL


@pytest.mark.parametrize("succeeded", [True, False])
def test_cancel__when_final__is_a_cancel_whatever_its_status(succeeded: bool) -> None:
    state = lane(recorded(), CANCEL, included("0xsecond", succeeded=succeeded))
    move = next_move(state, sight(103, 8, receipt("0xsecond", succeeded=succeeded)), DEADLINE, RULES)
    assert isinstance(move, Settle)
    assert move.outcome is Outcome.CANCELLED


def test_cancel__when_the_sweep_was_faster__is_a_sweep() -> None:
    state = lane(recorded(), CANCEL, included("0xfirst"))
    move = next_move(state, sight(103, 8, receipt("0xfirst")), DEADLINE, RULES)
    assert isinstance(move, Settle)
    assert move.outcome is Outcome.SUCCEEDED


def test_nonce_used_by_others__in_a_block_deep_enough__halts_before_it_is_final() -> None:
    seen = sight(104, 8, final_nonce=7, early_nonce=8, absent=OURS)
    move = next_move(lane(recorded()), seen, SOON, RULES)
    assert isinstance(move, Alarm)
    assert "not final yet" in move.reason
    assert not move.displaced
    assert isinstance(next_move(lane(recorded()), seen, SOON, RULES, halted=True), Wait)
    assert isinstance(next_move(lane(recorded()), sight(104, 8, receipt(), early_nonce=8), SOON, RULES), NoteIncluded)


def test_delegation__comes_before_a_batch__where_the_account_has_no_code() -> None:
    assert purpose_for(proposal(code=Code.EMPTY), RULES) is Purpose.DELEGATE
    assert purpose_for(proposal(), RULES) is Purpose.SWEEP


@pytest.mark.parametrize("succeeded", [True, False])
def test_delegation__uses_two_nonces_also_when_it_reverts(succeeded: bool) -> None:
    state = lane(recorded(DELEGATION), included(succeeded=succeeded))
    move = next_move(state, sight(103, 9, receipt(succeeded=succeeded), final_nonce=9), SOON, RULES)
    assert isinstance(move, Settle)
    assert (move.next_nonce, move.alarm) == (9, "")


def test_delegation__silently_skipped__is_an_alarm_and_used_one_nonce() -> None:
    state = lane(recorded(DELEGATION), included())
    move = next_move(state, sight(103, 8, receipt(), final_nonce=8, code=Code.EMPTY), SOON, RULES)
    assert isinstance(move, Settle)
    assert move.next_nonce == 8
    assert "did not take effect" in move.alarm


def test_delegation__that_was_cancelled__is_no_alarm_for_want_of_code() -> None:
    state = lane(recorded(DELEGATION), CANCEL, included("0xsecond"))
    found = sight(103, 8, receipt("0xsecond"), final_nonce=8, code=Code.EMPTY)
    move = next_move(state, found, DEADLINE, RULES)
    assert isinstance(move, Settle)
    assert (move.outcome, move.next_nonce, move.alarm) == (Outcome.CANCELLED, 8, "")


def test_delegation__while_it_waits__is_no_alarm_for_want_of_code() -> None:
    assert isinstance(next_move(lane(recorded(DELEGATION)), sight(code=Code.EMPTY), SOON, RULES), Wait)


def test_delegation__that_was_there_and_is_gone__is_an_alarm_until_the_owner_resumes() -> None:
    done = replace(settled(next_nonce=9), purpose=Purpose.DELEGATE)
    state = lane(recorded(DELEGATION), included(), done)
    assert isinstance(next_nonce(state, proposal(nonce=9, code=Code.EMPTY), RULES), Alarm)
    assert next_nonce(taken_anew(state), proposal(nonce=9, code=Code.EMPTY), RULES) == 9


def test_delegation__gone_under_a_sweep__keeps_the_batch_from_being_sent() -> None:
    seen = sight(code=Code.EMPTY, pooled=frozenset())
    assert isinstance(next_move(lane(recorded()), seen, SOON, RULES), Alarm)
    assert isinstance(next_move(lane(recorded()), seen, SOON, RULES, halted=True), Wait)
    move = next_move(lane(recorded()), seen, DEADLINE, RULES)
    assert isinstance(move, Replace)
    assert move.purpose is Purpose.CANCEL


def test_code__of_somebody_else__is_an_alarm() -> None:
    assert isinstance(next_nonce(Lane(), proposal(code=Code.UNKNOWN), RULES), Alarm)
    assert isinstance(next_move(lane(recorded()), sight(code=Code.UNKNOWN), SOON, RULES), Alarm)
    final = next_move(lane(recorded(), included()), sight(103, 8, receipt(), code=Code.UNKNOWN), SOON, RULES)
    assert isinstance(final, Settle)
    assert "neither empty nor our delegation" in final.alarm


def test_allowance__that_is_left__is_an_alarm_with_the_settlement() -> None:
    seen = sight(103, 8, receipt(), allowances=("the router may take 5 XYZ",))
    move = next_move(lane(recorded(), included()), seen, SOON, RULES)
    assert isinstance(move, Settle)
    assert "the router may take 5 XYZ" in move.alarm


@pytest.mark.parametrize("at", [SOON, NOON + RULES.patience, DEADLINE])
def test_halt__sends_and_signs_nothing_and_still_takes_answers(at: datetime) -> None:
    state, now = lane(recorded()), at
    assert isinstance(next_move(state, sight(pooled=frozenset()), now, RULES, halted=True), Wait)
    assert isinstance(next_move(state, sight(102, 8, receipt()), now, RULES, halted=True), NoteIncluded)


@pytest.mark.parametrize(("name", "value"), [("confirmations", 0), ("confirmations", -1), ("ceiling", 0)])
def test_rules__that_make_no_sense__name_the_setting(name: str, value: int) -> None:
    numbers = {"confirmations": 3, "ceiling": 10} | {name: value}
    with pytest.raises(ValueError, match=f"{name}: {value} is not a whole number from 1"):
        Rules(numbers["confirmations"], timedelta(minutes=1), numbers["ceiling"])
