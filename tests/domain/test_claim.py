"""The rules of claims: what is worth its gas, what is redeemed, what is said once, what came of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.account import Account, evolve
from domain.chain import Code, Rules
from domain.claim import Claimed, ClaimProposal, Waiting, concluded, objection, requested
from domain.commands import NoteUnclaimed, RequestClaim
from domain.decision import decide, fingerprint
from domain.errors import ImpossibleHistory
from domain.lane import owed
from domain.move import Settle, next_move, next_nonce
from domain.sweep import open_sweep
from events import records
from events.facts import (
    DustDetected,
    RewardClaimFailed,
    RewardClaimRequested,
    RewardsClaimed,
    RewardUnclaimed,
    SweepCompleted,
    TransactionSigned,
)
from events.money import Amount
from events.values import (
    Block,
    GasPrice,
    Outcome,
    Policy,
    Purpose,
    Reward,
    SignedTransaction,
    Source,
    Unclaimed,
)
from tests.domain import lane_controls as controls

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KING, EIGEN, ETHFI, ETHER = (f"eip155:1/{name}" for name in ("erc20:0xK", "erc20:0xE", "erc20:0xF", "slip44:60"))
GWEI = 10**9
RULES = Rules(confirmations=3, patience=timedelta(minutes=1), ceiling=1000 * GWEI)
APART = replace(RULES, delegated=False)
POLICY = Policy(
    target=ETHER,
    threshold=D(50),
    currency="USD",
    excluded=(ETHER,),
    hubs=(ETHER,),
    sweep_cap=D(500),
    day_cap=D(500),
    taker_fee=D(0),
    rewards=(Source.KING_CLAIM, Source.KING_REDEEM, Source.EIGENLAYER_CLAIM),
)


def proposal(**changes: Any) -> ClaimProposal:
    """A claim of 10 USD in EIGEN whose gas takes 3 USD, and another 3 for its sale: 20 gwei, ether at 1,000 USD."""
    usual = ClaimProposal(
        source=Source.EIGENLAYER_CLAIM,
        head=Block(100, "0xa"),
        nonce=7,
        code=Code.EMPTY,
        ether=D(1),
        spend=None,
        rewards=(Reward(Amount(D(8), EIGEN), D(10)),),
        otherwise=D(0),
        gas=150_000,
        gas_later=150_000,
        expected_price=20 * GWEI,
        native=ETHER,
        native_worth=D(1000),
        gas_limit=200_000,
        gas_price=GasPrice(40 * GWEI, GWEI),
        deadline=NOON,
        to="0xC",
        payload="0x",
    )
    return replace(usual, **changes)


def redemption(**changes: Any) -> ClaimProposal:
    basket = (Reward(Amount(D(8), EIGEN), D(10)), Reward(Amount(D(9), ETHFI), D(11)))
    usual = {"source": Source.KING_REDEEM, "spend": Amount(D("0.1"), KING), "rewards": basket, "otherwise": D(14)}
    return proposal(**{**usual, **changes})


def reason(found: Waiting | None) -> Unclaimed | None:
    return found.reason if found else None


def test_claim__that_leaves_something_after_all_gas__goes() -> None:
    assert objection(proposal(), POLICY) is None


def test_claim__whose_gas_takes_all__waits_and_names_the_price_at_which_it_goes() -> None:
    found = objection(proposal(expected_price=40 * GWEI), POLICY)
    assert reason(found) is Unclaimed.NO_NET_GAIN
    assert found is not None
    assert "takes 12.0000 of the 10.0000 USD that it brings; it would go below 33.33 gwei" in found.sentence
    assert objection(proposal(expected_price=33 * GWEI), POLICY) is None
    assert reason(objection(proposal(), records.replace(POLICY, minimum_gain=D(4)))) is Unclaimed.NO_NET_GAIN
    assert objection(proposal(), records.replace(POLICY, minimum_gain=D("3.99"))) is None


def test_claim__of_nothing__goes_at_no_price() -> None:
    found = objection(proposal(rewards=(Reward(Amount(D(8), EIGEN), D(0)),)), POLICY)
    assert found is not None
    assert "it would not go at any price of gas" in found.sentence


def test_claim__that_the_policy_does_not_name__waits() -> None:
    assert reason(objection(proposal(), records.replace(POLICY, rewards=()))) is Unclaimed.NOT_ALLOWED


def test_redemption__goes_when_it_nets_more_than_a_sale() -> None:
    assert objection(redemption(), POLICY) is None
    assert reason(objection(redemption(otherwise=D(21)), POLICY)) is Unclaimed.SALE_NETS_MORE
    assert reason(objection(redemption(otherwise=D("15.5")), POLICY)) is Unclaimed.SALE_NETS_MORE
    assert objection(redemption(otherwise=D("14.99")), POLICY) is None
    assert objection(redemption(otherwise=D(0)), POLICY) is None


@pytest.mark.parametrize(
    "change",
    [
        {"excluded": (KING,)},
        {"reserves": (Amount(D(1), KING),)},
        {"admitted": (EIGEN,)},
        {"threshold": D(21)},
        {"belongs": (KING,), "expects_rewards": True},
        {"belongs": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_redemption__of_what_would_not_be_sold__does_not_go(change: dict[str, Any]) -> None:
    assert reason(objection(redemption(), records.replace(POLICY, **change))) is Unclaimed.NOT_ALLOWED
    assert objection(proposal(), records.replace(POLICY, **change)) is None


@for_all(
    st.decimals(0, 1000, places=4), st.decimals(0, 1000, places=4), st.integers(1, 500), st.decimals(0, 50, places=2)
)
def test_claim__whatever_it_brings__goes_only_with_more_left_than_is_wanted(
    value: Decimal, otherwise: Decimal, price: int, least: Decimal
) -> None:
    policy = records.replace(POLICY, threshold=D(10_000), minimum_gain=least)
    tried = redemption(rewards=(Reward(Amount(D(1), EIGEN), value),), otherwise=otherwise, expected_price=price * GWEI)
    goes = objection(tried, policy) is None
    assert goes == (value - otherwise > 0 and value - otherwise - tried.gas_worth(price * GWEI) > least)


def signed(**changes: Any) -> SignedTransaction:
    usual = SignedTransaction(
        Purpose.CLAIM, "eip155:1", "0xA", 7, "0xh", "0x02", 200_000, GasPrice(40 * GWEI, GWEI), NOON
    )
    return records.replace(usual, **changes)


def command(**changes: Any) -> RequestClaim:
    usual = RequestClaim("evm", proposal(), signed(), POLICY, fingerprint(POLICY), RULES, NOON, "worker", NOON)
    return replace(usual, **changes)


LIVE = Account("main", live=fingerprint(POLICY))


def test_request__of_a_claim__is_its_intent_and_its_signed_transaction() -> None:
    intent, transaction = decide(command(), LIVE)
    assert isinstance(intent, RewardClaimRequested)
    assert isinstance(transaction, TransactionSigned)
    assert transaction.sweep_id == intent.claim_id
    assert transaction.legs == ()
    assert intent.fee == Amount(D("0.003"), ETHER)


@pytest.mark.parametrize(
    "wrong",
    [
        command(transaction=signed(nonce=8)),
        command(transaction=signed(purpose=Purpose.SWEEP)),
        command(proposal=proposal(expected_price=400 * GWEI)),
        command(fingerprint="other"),
    ],
    ids=["nonce", "purpose", "price", "policy"],
)
def test_request__that_does_not_fit__is_nothing(wrong: RequestClaim) -> None:
    assert decide(wrong, LIVE) == []


def test_request__while_halted_or_another_is_open_or_for_a_due_time_that_had_its_claim__is_nothing() -> None:
    assert decide(command(), LIVE._replace(halted="holiday")) == []
    begun = evolved(LIVE, *decide(command(), LIVE))
    assert decide(command(worker="other"), begun) == []
    intent = begun.claim
    assert intent is not None
    ended = evolve(begun, RewardClaimFailed("main", intent.claim_id, intent.source, "reverted", "0xh"))
    lane = LIVE.lane
    assert decide(command(), ended._replace(lane=lane)) == []
    assert decide(command(due=NOON + timedelta(days=1)), ended._replace(lane=lane)) != []


def evolved(account: Account, *facts: Any) -> Account:
    for fact in facts:
        account = evolve(account, fact)
    return account


def test_request__while_a_sweep_is_open_that_allowed_something__waits_for_its_end() -> None:
    dust = DustDetected("main", "evm", "scan", "sweep", POLICY, fingerprint(POLICY), (), D(0), (), (), live=True)
    sweep = open_sweep(dust)
    owing = replace(LIVE.lane, allowed=Amount(D(8), EIGEN))
    assert decide(command(rules=APART), LIVE._replace(sweep=sweep, lane=owing)) == []
    ended = evolve(
        LIVE._replace(sweep=sweep, lane=owing), SweepCompleted("main", "sweep", 0, 0, 0, Amount(D(0), ETHER))
    )
    assert owed(ended.lane) == ""
    assert len(decide(command(rules=APART), ended)) == 2


@pytest.mark.parametrize("code", list(Code))
def test_request__without_delegation__is_made_whatever_code_the_account_has(code: Code) -> None:
    tried = proposal(code=code)
    assert next_nonce(LIVE.lane, tried, APART) == 7
    assert len(decide(command(proposal=tried, rules=APART), LIVE)) == 2


@pytest.mark.parametrize(
    ("rules", "code", "alarms"),
    [
        (RULES, Code.EMPTY, False),
        (RULES, Code.OURS, False),
        (RULES, Code.UNKNOWN, True),
        (APART, Code.EMPTY, False),
        (APART, Code.UNKNOWN, False),
    ],
)
def test_end__of_a_claim__is_an_alarm_only_where_somebody_else_delegated_the_account(
    rules: Rules, code: Code, alarms: bool
) -> None:
    flying = controls.lane(controls.recorded(controls.signed(purpose=Purpose.CLAIM)), controls.included())
    move = next_move(flying, controls.sight(103, 8, controls.receipt(), code=code), NOON, rules)
    assert isinstance(move, Settle)
    assert bool(move.alarm) is alarms


def test_history__of_claims_that_contradict_each_other__is_impossible() -> None:
    intent = requested("main", "evm", proposal(), POLICY, NOON, NOON)
    begun = evolve(LIVE, intent)
    with pytest.raises(ImpossibleHistory):
        evolve(begun, intent)
    with pytest.raises(ImpossibleHistory):
        evolve(LIVE, RewardClaimFailed("main", intent.claim_id, intent.source, "reverted", "0xh"))


def test_waiting__is_said_once_for_each_change_of_reason() -> None:
    def note(why: Unclaimed, account: Account) -> list[Any]:
        waiting = (Waiting(Source.KING_CLAIM, why, "words"),)
        return decide(NoteUnclaimed(waiting, POLICY, NOON), account)

    assert note(Unclaimed.NOTHING, LIVE) == []
    (told,) = note(Unclaimed.NO_NET_GAIN, LIVE)
    assert isinstance(told, RewardUnclaimed)
    known = evolve(LIVE, told)
    assert note(Unclaimed.NO_NET_GAIN, known) == []
    assert len(note(Unclaimed.REFUSED, known)) == len(note(Unclaimed.NOTHING, known)) == 1


def test_end__of_a_claim__is_what_its_receipt_says() -> None:
    intent, block = requested("main", "evm", proposal(), POLICY, NOON, NOON), Block(101, "0xb")
    half = Claimed(proven=True, spent=None, received=(Amount(D(4), EIGEN), Amount(D(1), ETHFI)))
    done = concluded(intent, Outcome.SUCCEEDED, "0xh", block, half)
    assert isinstance(done, RewardsClaimed)
    assert [reward.value for reward in done.rewards] == [D(5), D(0)]
    assert (done.source, done.tx_hash, done.block) == (Source.EIGENLAYER_CLAIM, "0xh", block)
    unproven = concluded(intent, Outcome.SUCCEEDED, "0xh", block, replace(half, proven=False))
    assert isinstance(unproven, RewardsClaimed)
    assert unproven.source is Source.TRANSFER


@pytest.mark.parametrize("outcome", list(Outcome))
def test_end__of_a_claim_that_moved_nothing__is_a_failure(outcome: Outcome) -> None:
    intent = requested("main", "evm", proposal(), POLICY, NOON, NOON)
    moved = Claimed(proven=False, spent=None, received=())
    ended = concluded(intent, outcome, "0xh", Block(101, "0xb"), moved if outcome is Outcome.SUCCEEDED else None)
    assert isinstance(ended, RewardClaimFailed)
