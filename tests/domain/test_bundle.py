"""Several legs in one transaction, from the step to the settlement: one record, exact shares, and every no in words."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.bundle import gwei, intents
from domain.chain import Code, Moved, Sight, Watch
from domain.commands import Declare, ObserveLane, ReplaceTransaction, RequestBundle
from domain.decision import decide, fingerprint, next_step
from domain.lane import Signed
from domain.leg import ATTEMPTS, NeverArrived, Planned, Refused, Requested, draft
from domain.pretrade import worth
from domain.sweep import Bundle, Observe, Rest, Try
from events.facts import (
    ConversionsHalted,
    DustConversionFailed,
    DustConverted,
    DustUnroutable,
    LegFilled,
    LegNeverArrived,
    LegRefused,
    LegRequested,
    SweepCompleted,
    TransactionDisplaced,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.money import Amount, exactly_sum
from events.records import replace
from events.values import GasPrice, LegKind, Outcome, Purpose, RefusalCode, Unroutable
from tests.domain.lane_controls import ETHER
from tests.domain.model_chain import GAS, RULES, USDC, ModelChain, received
from tests.domain.wallet import AAA, BBB, HELD, PRICES, Wallet, wallet
from views.ledger import ledger_of
from views.lots import lots_of
from views.trades import Trade, movements_of
from workers.conducting import Ended, conduct

D = Decimal


def offered(at: Wallet, worker: str = "worker", **changes: object) -> RequestBundle:
    """The command that a worker would give now."""
    sweep, step = at.account.sweep, next_step(at.account)
    assert sweep
    assert isinstance(step, Bundle)
    spends = {each.leg.plan.leg_id: each.wanted for each in step.tries}
    proposal = at.chain.propose([draft(each.leg.plan, each.wanted) for each in step.tries])
    proposal = dataclasses.replace(proposal, **changes)  # type: ignore[arg-type]
    signed = at.chain.sign(proposal, Purpose.SWEEP, proposal.nonce)
    mark = fingerprint(at.policy)
    return RequestBundle(intents(spends, sweep.legs, proposal), signed, proposal, RULES, mark, worker, at.chain.now)


def test_step__swaps__go_together_in_one_bundle() -> None:
    at = wallet()
    step = next_step(at.account)
    assert isinstance(step, Bundle)
    assert {each.leg.plan.spend for each in step.tries} == {AAA, BBB}
    assert all(isinstance(each, Try) and each.lot for each in step.tries)


def test_request__of_a_bundle__records_every_intent_and_the_signed_bytes_at_once() -> None:
    at = wallet()
    command = offered(at)
    facts = decide(command, at.account)
    assert [type(fact) for fact in facts] == [LegRequested, LegRequested, TransactionSigned]
    at.desk.streams.handle("main", command, "test")
    signed = at.facts(TransactionSigned)[0]
    assert signed.transaction.raw == command.transaction.raw
    assert set(signed.legs) == {fact.leg_id for fact in at.facts(LegRequested)}
    assert next_step(at.account) == Observe()
    assert decide(command, at.account) == []


def test_request__by_a_second_worker__is_not_recorded_so_its_bytes_go_nowhere() -> None:
    at = wallet()
    first, second = offered(at, "one"), offered(at, "two")
    assert at.desk.streams.handle("main", first, "test")
    assert at.desk.streams.handle("main", second, "test") == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: dataclasses.replace(c, transaction=replace(c.transaction, nonce=5)),
        lambda c: dataclasses.replace(c, transaction=replace(c.transaction, purpose=Purpose.DELEGATE)),
        lambda c: dataclasses.replace(c, intents=()),
        lambda c: dataclasses.replace(c, intents=(c.intents[0], c.intents[0])),
        lambda c: dataclasses.replace(c, intents=(dataclasses.replace(c.intents[0], attempt=2),)),
        lambda c: dataclasses.replace(c, intents=(dataclasses.replace(c.intents[0], leg_id="unknown"),)),
    ],
)
def test_request__that_does_not_fit__records_nothing(wrong: object) -> None:
    at = wallet()
    assert decide(wrong(offered(at)), at.account) == []  # type: ignore[operator]


def test_request__of_a_batch_into_an_account_without_code__records_nothing() -> None:
    at = wallet()
    assert decide(offered(at, code=Code.EMPTY), at.account) == []


def test_request__with_code_of_somebody_else__halts() -> None:
    at = wallet()
    [fact] = decide(offered(at, code=Code.UNKNOWN), at.account)
    assert isinstance(fact, ConversionsHalted)


def test_request__after_the_policy_changed__is_refused() -> None:
    at = wallet()
    facts = decide(dataclasses.replace(offered(at), fingerprint="other"), at.account)
    assert [fact.refusal.code for fact in facts if isinstance(fact, LegRefused)] == [RefusalCode.POLICY_CHANGED] * 2


def test_request__over_a_cap__refuses_the_legs_that_do_not_fit() -> None:
    at = wallet()
    at.chain.price = {AAA: D("0.04"), BBB: D("0.15")}
    tight = replace(at.policy, sweep_cap=D("0.50"))
    at = Wallet(ModelChain(HELD, {AAA: D("0.01"), BBB: D("0.04")}), tight)
    at.scan()
    at.chain.price = {AAA: D("0.04"), BBB: D("0.15")}
    facts = decide(offered(at), at.account)
    assert [fact.refusal.code for fact in facts if isinstance(fact, LegRefused)] == [RefusalCode.OVER_CAP]


def test_request__that_gas_eats__waits_and_names_the_price_of_gas_at_which_it_would_go() -> None:
    at = wallet(minimum_gain=D("0.01"))
    at.chain.cost, at.chain.expected_price = Amount(D("0.001"), ETHER), 50 * 10**9
    assert at.conduct() is Ended.RESTING
    assert at.facts(TransactionSigned) == []
    stuck = at.facts(DustUnroutable)
    assert {fact.reason for fact in stuck} == {Unroutable.NO_NET_GAIN}
    [sentence] = [fact.sentence for fact in stuck if fact.asset == AAA]
    assert "gas at 50 gwei takes 1.5083 " in sentence
    assert "of its 0.3000 USD" in sentence
    assert sentence.endswith("it would go below 9.613 gwei")
    tip = at.chain.propose([]).gas_price.tip
    assert {fact.base_fee for fact in stuck if fact.asset == AAA} == {9_613_408_384 - tip}


def test_request__one_of_two_too_small_for_its_gas__goes_without_it() -> None:
    at = Wallet(ModelChain({AAA: D("0.01"), BBB: D(3)}, PRICES), wallet().policy)
    at.chain.cost = Amount(D("0.00002"), ETHER)
    at.scan()
    at.finish()
    assert [fact.asset for fact in at.facts(DustConverted)] == [BBB]
    assert [fact.asset for fact in at.facts(DustUnroutable)] == [AAA]


def test_gas__at_the_price_named__would_just_go() -> None:
    at = wallet()
    command = offered(at, cost=Amount(D("0.001"), ETHER), expected_price=10**9)
    bearable = min(worth(LegKind.SWAP, intent.quote) / intent.gas_worth for intent in command.intents)
    for part, goes in ((D("0.9999"), True), (D("1.0001"), False)):
        other = offered(at, cost=Amount(D("0.001") * bearable * part, ETHER))
        assert isinstance(decide(other, at.account)[-1], TransactionSigned) is goes


@pytest.mark.parametrize(
    ("price", "written"),
    [(0, "0"), (1, "0.000000001"), (20_000_000, "0.02"), (10**9, "1"), (12_345_678_900, "12.35"), (10**15, "1000000")],
)
def test_gwei__is_written_without_an_exponent(price: int, written: str) -> None:
    assert gwei(price) == written


@pytest.mark.parametrize("target", [USDC, ETHER])
def test_settlement__of_a_success__shares_gas_and_proceeds_to_the_last_unit(target: str) -> None:
    at = wallet(target)
    at.finish()
    fills = [fact.fill for fact in at.facts(LegFilled)]
    gross = exactly_sum(*(HELD[asset] * PRICES[asset] for asset in HELD))
    assert exactly_sum(*(fee.quantity for fill in fills for fee in fill.fees)) == GAS.quantity
    assert received(fills, target) == gross
    assert {fill.spent.asset: fill.spent.quantity for fill in fills} == HELD
    converted = at.facts(DustConverted)
    net = gross - GAS.quantity if target == ETHER else gross
    assert exactly_sum(*(fact.proceeds.quantity for fact in converted)) == net
    assert exactly_sum(*(fee.quantity for fact in converted for fee in fact.fees)) == GAS.quantity
    assert [fact.slippage_bps for fact in converted] == [0, 0]
    assert {fact.asset: fact.value for fact in converted} == {asset: HELD[asset] * PRICES[asset] for asset in HELD}
    assert all(fact.executions and fact.order_ids for fact in converted)
    assert at.account.purse.of(target) == 0
    assert at.account.purse.owed == ()


@pytest.mark.parametrize("target", [USDC, ETHER])
def test_views__of_a_success__say_what_the_wallet_moved(target: str) -> None:
    at = wallet(target)
    at.finish()
    moved = ledger_of(at.log.read())["main"]
    gross = exactly_sum(*(HELD[asset] * PRICES[asset] for asset in HELD))
    expected = {AAA: -HELD[AAA], BBB: -HELD[BBB], ETHER: -GAS.quantity}
    assert moved == {**expected, target: gross + (expected[ETHER] if target == ETHER else 0)}
    trades = [each for each in movements_of(at.log.read()) if isinstance(each, Trade)]
    assert {trade.sent.asset: trade.received.quantity for trade in trades} == {
        asset: HELD[asset] * PRICES[asset] for asset in HELD
    }
    assert exactly_sum(*(trade.fee.quantity for trade in trades if trade.fee)) == GAS.quantity
    told = {recorded.position: recorded.type for recorded in at.log.read()}
    for row in lots_of(at.log.read()).rows.values():
        story = [told[position] for position in row.positions]
        assert story[0] == "dust_detected"
        assert {"transaction_signed", "transaction_included", "transaction_settled", "leg_filled"} <= set(story)


def test_settlement__of_a_worse_fill__counts_the_slippage_without_the_gas() -> None:
    at = wallet(ETHER)
    at.conduct()
    at.chain.price = {asset: price * D("0.99") for asset, price in PRICES.items()}
    at.finish()
    assert [fact.slippage_bps for fact in at.facts(DustConverted)] == [-100, -100]


def test_revert__when_final__lets_the_legs_be_asked_again_but_not_for_ever() -> None:
    at = wallet()
    for attempt in range(1, ATTEMPTS + 1):
        at.conduct()
        at.chain.mine(poisoned=True)
        at.chain.mine()
        at.chain.mine()
        assert len(at.facts(LegRequested)) == 2 * attempt
        at.reconcile()
        at.reconcile()
    at.conduct()
    assert [fact.outcome for fact in at.facts(TransactionSettled)] == [Outcome.REVERTED] * ATTEMPTS
    assert {fact.refusal.code for fact in at.facts(DustConversionFailed)} == {RefusalCode.NEVER_ARRIVED}
    assert [fact.failed for fact in at.facts(SweepCompleted)] == [2]
    assert ledger_of(at.log.read())["main"] == {ETHER: -ATTEMPTS * GAS.quantity}


def test_answer__of_a_leg_that_the_receipt_does_not_name__is_that_it_never_arrived() -> None:
    at = wallet()
    at.conduct()
    at.chain.mine()
    at.conduct()
    at.chain.mine()
    at.chain.mine()
    account = at.account
    assert isinstance(account.lane.state.attempts, tuple)  # type: ignore[union-attr]
    sight = at.chain.sight(Watch(0, tuple(at.chain.signed), account.lane.head, ()))
    facts = decide(ObserveLane(sight, RULES, Moved({}), account.lane.turn, "w", at.chain.now), account)
    assert [type(fact) for fact in facts] == [TransactionSettled, LegNeverArrived, LegNeverArrived]
    assert isinstance(facts[0], TransactionSettled)
    assert not facts[0].shared


def test_receipt__that_does_not_fit_its_legs__settles_them_and_halts_with_what_is_in_doubt() -> None:
    at = wallet()
    at.chain.doubt = "its receipt shows 3 payments"
    at.conduct()
    for _ in range(4):
        at.chain.mine()
        at.conduct()
    assert len(at.facts(LegFilled)) == 2
    [halted] = at.facts(ConversionsHalted)
    assert "moved something else than was asked: its receipt shows 3 payments" in halted.reason
    assert at.facts(TransactionSettled)


def test_observation__of_a_lane_that_has_moved_since__is_not_recorded() -> None:
    at = wallet()
    at.conduct()
    at.chain.mine()
    sight = at.chain.sight(Watch(0, tuple(at.chain.signed), None, ()))
    command = ObserveLane(sight, RULES, Moved({}), at.account.lane.turn, "w", at.chain.now)
    assert at.desk.streams.handle("main", command, "test")
    assert decide(command, at.account) == []


def test_delegation__is_signed_before_any_leg_is_requested() -> None:
    at = wallet()
    at.chain.code = Code.EMPTY
    at.conduct()
    [signed] = at.facts(TransactionSigned)
    assert (signed.transaction.purpose, signed.legs) == (Purpose.DELEGATE, ())
    assert at.facts(LegRequested) == []
    at.finish()
    assert [fact.transaction.nonce for fact in at.facts(TransactionSigned)] == [0, 2]
    assert len(at.facts(DustConverted)) == 2
    assert ledger_of(at.log.read())["main"][ETHER] == -2 * GAS.quantity


def test_delegation__that_was_skipped__halts_before_any_batch() -> None:
    at = wallet()
    at.chain.code, at.chain.skips = Code.EMPTY, True
    for _ in range(6):
        at.conduct()
        at.chain.mine()
    assert [fact.transaction.purpose for fact in at.facts(TransactionSigned)] == [Purpose.DELEGATE]
    assert "did not take effect" in at.account.halted
    assert next_step(at.account) == Rest()


def test_replacement__decided_by_two__is_recorded_once() -> None:
    at = wallet()
    at.conduct()
    state = at.account.lane.state
    assert isinstance(state, Signed)
    pair = [at.chain.replace(state.newest.transaction, Purpose.SWEEP, GasPrice(110, 11)) for _ in range(2)]
    first, second = (ReplaceTransaction(each, state.newest, "w", at.chain.now) for each in pair)
    assert at.desk.streams.handle("main", first, "test")
    assert decide(second, at.account) == []


def test_replacement__for_too_little__is_not_recorded() -> None:
    at = wallet()
    at.conduct()
    state = at.account.lane.state
    assert isinstance(state, Signed)
    cheap = at.chain.replace(state.newest.transaction, Purpose.SWEEP, GasPrice(109, 11))
    assert decide(ReplaceTransaction(cheap, state.newest, "w", at.chain.now), at.account) == []


def test_stuck__beyond_its_deadline__is_cancelled_and_the_legs_are_asked_again() -> None:
    at = wallet()
    at.conduct()
    at.chain.now += timedelta(minutes=6)
    at.reconcile()
    assert [fact.transaction.purpose for fact in at.facts(TransactionSigned)] == [Purpose.SWEEP, Purpose.CANCEL]
    at.finish()
    assert [fact.outcome for fact in at.facts(TransactionSettled)] == [Outcome.CANCELLED, Outcome.SUCCEEDED]
    assert len(at.facts(DustConverted)) == 2


def test_foreign__under_our_nonce__halts_and_after_the_owner_resumed_the_legs_are_asked_again() -> None:
    at = wallet()
    at.chain.faults = ["lost before"]
    at.conduct()
    at.chain.foreign()
    for _ in range(4):
        at.chain.mine()
    at.conduct()
    assert len(at.facts(TransactionDisplaced)) == 1
    assert "not ours" in at.account.halted
    at.conduct()
    assert isinstance(at.account.lane.state, Signed)
    at.finish()
    assert [fact.outcome for fact in at.facts(TransactionSettled)] == [Outcome.DISPLACED, Outcome.SUCCEEDED]
    assert len(at.facts(DustConverted)) == 2


def test_look__overtaken_by_another_worker__says_nothing_of_the_next_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = wallet()
    at.conduct()
    at.chain.mine(poisoned=True)
    at.conduct()
    at.chain.mine()
    at.chain.mine()
    look = at.chain.sight

    def overtaken(watch: Watch) -> Sight:
        monkeypatch.setattr(at.chain, "sight", look)
        other = at.fresh()
        for _ in range(2):
            conduct(other, "main", at.chain.now + timedelta(seconds=1))
            at.chain.mine()
        return look(watch)

    monkeypatch.setattr(at.chain, "sight", overtaken)
    at.conduct()
    assert len(at.facts(TransactionSigned)) == 2
    assert not at.facts(TransactionReorged)
    assert not at.account.halted


def test_halt__while_one_is_in_flight__takes_its_answer_and_asks_nothing_new() -> None:
    at = wallet()
    at.conduct()
    at.desk.streams.handle("main", Declare(ConversionsHalted("main", "owner asked"), "halt"), "owner")
    for _ in range(5):
        at.chain.mine()
        at.conduct()
    assert len(at.facts(LegFilled)) == 2
    assert next_step(at.account) == Rest()


def test_states__of_legs__follow_their_transaction() -> None:
    at = wallet()

    def kinds() -> set[type]:
        assert at.account.sweep
        return {type(leg) for leg in at.account.sweep.legs.values()}

    assert kinds() == {Planned}
    at.conduct()
    assert kinds() == {Requested}
    at.chain.mine(poisoned=True)
    for _ in range(2):
        at.chain.mine()
    at.reconcile()
    at.reconcile()
    assert kinds() == {NeverArrived}
    assert Refused not in kinds()
