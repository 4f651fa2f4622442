"""Trades of a plain key: each token becomes ETH by transactions of its own, and no allowance outlives them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from domain.commands import Declare
from events.facts import (
    ConversionsHalted,
    ConversionsResumed,
    DustConverted,
    EthReserved,
    FundingCompleted,
    FundingDeclined,
    FundingOpened,
    LegFilled,
    LegRefused,
    LegRequested,
    ReservationReleased,
    TransactionSettled,
    TransactionSigned,
)
from events.money import exactly_sum
from events.values import FundingAnswer, FundingMode, Outcome, Purpose, Release
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from tests.wallets.foreign import send
from tests.wallets.fund import ETHER, USD6, Till, till
from tests.wallets.fuse import Fuse, FusedLog
from tests.wallets.stand import ACCOUNT, GWEI, balanced, dust
from tests.wallets.test_funding import DOLLARS, ToldRpc, spent
from views.form import PACK, StateForm, form_of, state_from
from views.state import state_of
from views.trades import Trade, movements_of
from workers import funding

D = Decimal
DAI = {"DAI": 500 * ETHER}
RANKED = {"mode": FundingMode.PRIORITIES}
APPROVE, SWEEP = Purpose.APPROVE, Purpose.SWEEP


@contextmanager
def plain(
    chain: LocalChain, directory: Path, gifts: Mapping[str, int], ether: int = ETHER // 100 * 3, **changes: object
) -> Iterator[Till]:
    """A till without a delegate."""
    terms = changes.pop("terms", {})
    assert isinstance(terms, dict)
    with till(chain, directory, gifts, ether, terms={"delegate": None, **terms}, **changes) as built:
        yield built


def purposes(built: Till) -> list[Purpose]:
    return [each.transaction.purpose for each in built.facts(TransactionSigned)]


def ended(built: Till) -> None:
    """Have workers end what is left to do, then compare chain and log."""
    built.settle(built.fresh(), rounds=60)
    assert not built.halted
    assert built.code() == "0x"
    balanced(built)


def after_fill(number: int, act: Callable[[], None]) -> None:
    """Have something happen just after a leg's end was put on record: approval and swap take three appends each."""
    Fuse.arm("append", "after", number, act)


def test_shortage__covered_by_one_token__is_approved_bought_exactly_and_the_rest_retracted(
    chain: LocalChain, tmp_path: Path
) -> None:
    with plain(chain, tmp_path, DAI) as built:
        told = built.ensure("0.095")
        assert told.answer is FundingAnswer.CONVERTED
        ended(built)
        (opened,) = built.facts(FundingOpened)
        (done,) = built.facts(FundingCompleted)
        (leg,) = built.facts(LegRequested)
        assert purposes(built) == [APPROVE, SWEEP, APPROVE]
        made = [each.transaction.allowance for each in built.facts(TransactionSigned)]
        assert made == [leg.spend, leg.spend, leg.spend - leg.spend]
        assert done.covered
        assert done.received.quantity >= opened.shortage.quantity == D("0.07")
        assert D(210) < done.spent[0].quantity <= D(215)
        assert built.ether() >= D("0.1")
        assert told.tx_hash == done.tx_hash


def test_received__of_a_conversion__is_what_came_less_all_gas_of_its_transactions(
    chain: LocalChain, tmp_path: Path
) -> None:
    with plain(chain, tmp_path, DAI) as built:
        before = built.ether()
        built.ensure("0.095")
        ended(built)
        (done,) = built.facts(FundingCompleted)
        assert built.ether() - before == done.received.quantity


def test_gas__of_all_three_transactions__is_what_the_plan_and_the_approval_were_decided_on(
    chain: LocalChain, tmp_path: Path
) -> None:
    chain.rpc("anvil_setBlockTimestampInterval", 12)
    try:
        with plain(chain, tmp_path, {"USDC": 500 * USD6}) as built:
            wallet = built.desk.treasurer(ACCOUNT)
            found = wallet.treasury(built.policy.funding, D("0.1"))  # type: ignore[arg-type]
            usdc = next(each for each in found.tokens if each.asset == built.asset("USDC"))
            near = next(curve for curve in usdc.curves if curve.product.startswith("v3:500@"))
            built.ensure("0.095")
            ended(built)
            used = exactly_sum(*(each.fee.quantity for each in built.settled() if each.fee))
            (leg,) = built.facts(LegRequested)
            assert D("1.1") < near.gas / used < D("1.6")  # a quarter is for gas that becomes dearer
            offered = leg.quote.fees[-1].quantity
            later = exactly_sum(*(each.fee.quantity for each in built.settled()[1:] if each.fee))
            assert D("0.9") < offered / later < D("1.2")
    finally:
        chain.rpc("anvil_removeBlockTimestampInterval")


def test_weth__is_withdrawn_by_one_transaction_without_an_allowance(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {**DOLLARS, "WETH": ETHER // 5}) as built:
        assert built.ensure("0.1").answer is FundingAnswer.CONVERTED
        assert set(spent(built)) == {"WETH"}
        assert purposes(built) == [SWEEP]
        assert built.facts(TransactionSigned)[0].transaction.allowance is None
        ended(built)


def test_several_tokens__go_one_after_the_other_and_keep_reserves(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {**DOLLARS, "WETH": ETHER // 100}, ether=ETHER // 40) as built:
        assert built.ensure("0.27", seconds=30).answer is FundingAnswer.CONVERTED
        ended(built)
        sold = spent(built)
        assert len(sold) >= 3
        swaps = [each for each in built.settled() if each.purpose is SWEEP]
        assert len(swaps) == len(built.facts(LegFilled)) == len(sold)
        for symbol, units, reserve in (("USDC", USD6, 50), ("USDT", USD6, 50), ("DAI", ETHER, 25)):
            assert chain.balance(symbol, built.key.address) >= reserve * units
        (opened,), (done,) = built.facts(FundingOpened), built.facts(FundingCompleted)
        assert done.covered
        assert done.value <= opened.shortage.quantity * opened.worth + 5
        assert built.ether() >= D("0.275")


@pytest.mark.parametrize("target", ["WETH", "USDC"])
def test_wallet__whose_dust_ends_in_something_else__still_funds_in_ether(
    chain: LocalChain, tmp_path: Path, target: str
) -> None:
    with plain(chain, tmp_path, DAI, target=target) as built:
        assert built.ensure("0.1").answer is FundingAnswer.CONVERTED
        ended(built)


def test_request__from_question_to_the_first_broadcast__is_three_requests(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {"DAI": 2000 * ETHER, "WETH": ETHER // 20}, reach=ToldRpc) as built:
        chain.automine(False)
        ToldRpc.bodies.clear()
        told = built.ensure("0.1", seconds=0.5)
        assert told.answer is FundingAnswer.NOT_NOW
        assert "under way" in told.reason
        sends = [place for place, body in enumerate(ToldRpc.bodies) if b"eth_sendRawTransaction" in body]
        assert sends[0] == 2


def test_old_allowance__of_a_token_that_refuses_another__is_taken_back_first(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {"USDT": 500 * USD6}) as built:
        approve = call("approve(address,uint256)", chain.contracts.swap_router, 7)
        send(chain, built.key, chain.tokens["USDT"].address, approve)
        built.before = built.units()
        assert built.ensure("0.05", seconds=30).answer is FundingAnswer.CONVERTED
        assert purposes(built)[:3] == [APPROVE, APPROVE, SWEEP]
        ended(built)


def test_answer__comes_with_the_eth_and_the_end_of_the_allowance_is_the_workers(
    chain: LocalChain, tmp_path: Path
) -> None:
    with plain(chain, tmp_path, DAI, terms={"confirmations": 3}) as built:
        chain.automine(False)
        built.sleep = lambda _: chain.mine()
        told = built.ensure("0.095", desk=built.fresh(), seconds=30)
        assert (told.answer, told.final) == (FundingAnswer.CONVERTED, False)
        assert built.ether() >= D("0.1")
        assert not built.facts(FundingCompleted)
        assert built.ensure("0.095").tx_hash == told.tx_hash
        desk = built.fresh()
        assert not funding.finish(desk, ACCOUNT, desk.clock())
        built.proxy.inject(kind="bad_gateway", method="any", calls="1")
        assert funding.finish(desk, ACCOUNT, desk.clock() + timedelta(seconds=20))
        assert [each.covered for each in built.facts(FundingCompleted)] == [True]
        ended(built)
        final = built.ensure("0.095")
        assert (final.answer, final.final, final.tx_hash) == (FundingAnswer.CONVERTED, True, told.tx_hash)


def test_conversion__that_fails_half_way__keeps_what_came_and_says_how_much(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {"DAI": 200 * ETHER, "USDT": 250 * USD6}, changes=RANKED, log=FusedLog) as built:
        before = built.ether()
        _ban_usdt_when_dai_is_sold(built)
        told = built.ensure("0.1", seconds=30)
        ended(built)
        assert told.answer is FundingAnswer.NOT_POSSIBLE
        (done,) = built.facts(FundingCompleted)
        assert set(spent(built)) == {"DAI"}
        assert not done.covered
        assert done.received.quantity == built.ether() - before > D("0.05")
        assert "ETH arrived before that and stays" in done.reason
        assert f"{done.received.quantity} ETH arrived" in told.reason
        assert told.largest is not None
        assert told.largest.quantity == built.ether() - D("0.005")
        assert [each.why for each in built.facts(ReservationReleased)] == [Release.FELL_SHORT]
        assert chain.balance("USDT", built.key.address) == 250 * USD6


def test_conversion__that_fails_half_way__is_finished_by_another_token(chain: LocalChain, tmp_path: Path) -> None:
    gifts = {"DAI": 200 * ETHER, "USDT": 250 * USD6, "USDC": 250 * USD6}
    with plain(chain, tmp_path, gifts, changes=RANKED, log=FusedLog) as built:
        _ban_usdt_when_dai_is_sold(built)
        assert built.ensure("0.1", seconds=30).answer is FundingAnswer.CONVERTED
        ended(built)
        assert set(spent(built)) == {"DAI", "USDC"}
        first, second = built.facts(FundingOpened)
        assert second.shortage.quantity < first.shortage.quantity - D("0.05")
        assert [each.covered for each in built.facts(FundingCompleted)] == [False, True]
        prices = {lot.asset: lot.price for lot in (*first.lots, *second.lots)}
        sold = exactly_sum(*(prices[built.asset(symbol)] * taken for symbol, taken in spent(built).items()))
        assert sold <= first.shortage.quantity * first.worth + 5
        assert built.ether() >= D("0.105")


def _ban_usdt_when_dai_is_sold(built: Till) -> None:
    chain = built.chain

    def ban() -> None:
        if not built.facts(LegFilled):
            after_fill(1, ban)
            return
        chain.act(chain.tokens["USDT"].address, "addBlackList(address)", built.key.address)

    after_fill(1, ban)


def test_eth__that_arrives_meanwhile__ends_a_conversion_early(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {"DAI": 200 * ETHER, "USDT": 250 * USD6}, changes=RANKED, log=FusedLog) as built:

        def top_up() -> None:
            if not built.facts(LegFilled):
                after_fill(1, top_up)
                return
            chain.rpc("anvil_setBalance", built.key.address, hex(ETHER))

        after_fill(1, top_up)
        told = built.ensure("0.1", seconds=30)
        assert told.answer is FundingAnswer.COVERED
        assert set(spent(built)) == {"DAI"}
        assert ["is there by now" in each.refusal.sentence for each in built.facts(LegRefused)] == [True]
        built.settle(built.fresh())
        assert built.allowances() == 0
        assert [each.answer for each in built.facts(EthReserved)] == [FundingAnswer.CONVERTED, FundingAnswer.COVERED]


def test_token__that_cannot_be_sold__is_found_before_anything_is_sent(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {"DAI": 200 * ETHER, "USDT": 250 * USD6}, changes=RANKED) as built:
        chain.act(chain.tokens["USDT"].address, "addBlackList(address)", built.key.address)
        assert built.ensure("0.1", seconds=30).answer is FundingAnswer.NOT_POSSIBLE
        assert built.nonce() == 0


def test_swap__that_reverts__is_tried_again_with_the_same_allowance(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {"USDC": 5000 * USD6}) as built:
        chain.automine(False)
        told = built.ensure("0.1", seconds=0.3)
        assert "under way" in told.reason
        chain.mine()
        built.conduct()
        assert purposes(built) == [APPROVE, SWEEP]
        # The first try runs out of what it may use when it is mined, since others have moved the pool before it.
        chain.rpc("anvil_dropTransaction", built.facts(TransactionSigned)[-1].transaction.tx_hash)
        chain.sell_into(chain.pool("USDC", fee=500), 3_000_000 * USD6)
        chain.automine(True)
        assert built.ensure("0.1", seconds=30).answer is FundingAnswer.CONVERTED
        ended(built)
        assert Outcome.REVERTED in [each.outcome for each in built.facts(TransactionSettled)]


def test_deadline__that_cannot_be_met__is_not_now_before_anything_is_sent(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {**DAI, "WETH": ETHER // 100}, terms={"confirmations": 2}) as built:
        built.where = replace(built.where, block_time=timedelta(seconds=12))
        built.desk = built.fresh()
        told = built.ensure("0.095", seconds=30)
        assert told.answer is FundingAnswer.NOT_NOW
        assert "takes about 36 s" in told.reason
        assert "30 s are left" in told.reason
        assert built.nonce() == 0
        assert [each.answer for each in built.facts(FundingDeclined)] == [FundingAnswer.NOT_NOW]
        # One withdrawal is there with the next block.
        assert built.ensure("0.03", "small", seconds=30).answer is FundingAnswer.CONVERTED
        assert [each.product.partition("@")[0] for each in built.facts(LegRequested)] == ["unwrap"]


def test_wallet__without_eth_for_gas__is_not_possible_and_the_gap_is_named(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {**DAI, "WETH": ETHER}, ether=0) as built:
        told = built.ensure("0.05")
        assert told.answer is FundingAnswer.NOT_POSSIBLE
        assert "0 is there" in told.reason
        assert "more is needed" in told.reason
        assert told.gap is not None
        assert told.largest is not None
        assert (told.gap.quantity, told.largest.quantity) == (D("0.05"), D(0))
        assert built.nonce() == 0
        chain.rpc("anvil_setBalance", built.key.address, hex(ETHER // 5000))
        built.before = built.units()
        assert built.ensure("0.05").answer is FundingAnswer.CONVERTED
        assert set(spent(built)) == {"WETH"}
        ended(built)


def test_approval__stuck_beyond_the_deadline__goes_on_for_whoever_asks_again(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, DAI) as built:
        chain.automine(False)
        told = built.ensure("0.095", seconds=0.5)
        assert told.answer is FundingAnswer.NOT_NOW
        assert told.reservation_id
        chain.automine(True)
        chain.mine()
        assert built.ensure("0.095", desk=built.fresh()).answer is FundingAnswer.CONVERTED
        assert len(built.facts(FundingOpened)) == 1
        ended(built)


def test_reservation__that_ends_before_the_swap__takes_the_allowance_back(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, DAI) as built:
        chain.automine(False)
        built.ensure("0.095", seconds=0.5)
        chain.automine(True)
        chain.mine()
        built.clock.ahead += timedelta(seconds=301)
        ended(built)
        assert purposes(built) == [APPROVE, APPROVE]
        assert [each.covered for each in built.facts(FundingCompleted)] == [False]
        assert chain.balance("DAI", built.key.address) == 500 * ETHER


def test_halt__between_approval_and_swap__is_not_now_until_the_owner_resumes(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, DAI) as built:
        chain.automine(False)
        built.ensure("0.095", seconds=0.5)
        chain.automine(True)
        chain.mine()
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsHalted(ACCOUNT, "owner asked"), "halt"), "test")
        told = built.ensure("0.095", seconds=0.5)
        assert told.answer is FundingAnswer.NOT_NOW
        assert told.reason == "its conversion is under way, but halted: owner asked; ask again"
        assert purposes(built) == [APPROVE]
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsResumed(ACCOUNT), "resume"), "test")
        assert built.ensure("0.095").answer is FundingAnswer.CONVERTED
        ended(built)


def test_dust_sweep__that_is_open__is_waited_for(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {**dust(2), **DAI}) as built:
        built.scan()
        assert built.ensure("0.095", seconds=30).answer is FundingAnswer.CONVERTED
        assert len(built.facts(DustConverted)) == 2
        ended(built)


def test_gas__above_the_ceiling__is_not_now_and_nothing_is_sent(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, DAI, terms={"ceiling": GWEI // 10}) as built:
        told = built.ensure("0.095")
        assert told.answer is FundingAnswer.NOT_NOW
        assert "above the ceiling" in told.reason
        assert built.nonce() == 0


def test_two_trades__at_once_by_two_workers__are_promised_different_eth(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, {"DAI": 900 * ETHER}, ether=ETHER * 6 // 100) as built:
        told: dict[str, FundingAnswer] = {}

        def trade(name: str) -> None:
            told[name] = built.ensure("0.05", name, desk=built.fresh(), seconds=30).answer

        threads = [threading.Thread(target=trade, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told.values()) == [FundingAnswer.CONVERTED, FundingAnswer.COVERED]
        assert built.ether() >= D("0.11")
        assert len(built.facts(FundingOpened)) == 1
        ended(built)


def test_snapshot__at_any_moment_of_a_conversion__is_what_the_log_says(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, DAI) as built:
        built.ensure("0.095")
        ended(built)
        log = list(built.desk.log.read())
        states = [state_of(log[:position]) for position in range(1, len(log) + 1)]
        for state in states:
            read = msgspec.msgpack.decode(PACK.encode(form_of(state)), type=StateForm)
            assert state_from(read, []) == state
        sweeps = [state.accounts[ACCOUNT].sweep for state in states if ACCOUNT in state.accounts]
        gas = {sweep.gas for sweep in sweeps if sweep}
        assert len(gas) == 3  # none yet, the approval's, the end of its rest


def test_trades__for_taxes__know_what_was_converted(chain: LocalChain, tmp_path: Path) -> None:
    with plain(chain, tmp_path, DAI) as built:
        built.ensure("0.095")
        ended(built)
        (done,) = built.facts(FundingCompleted)
        (trade,) = [each for each in movements_of(built.desk.log.read()) if isinstance(each, Trade)]
        assert trade.sent == done.spent[0]
        assert trade.value == done.value


def test_l1_fee__of_a_chain_that_has_one__is_part_of_the_cost_of_both(chain: LocalChain, tmp_path: Path) -> None:
    oracle, fee = "0x420000000000000000000000000000000000000F", 10**14
    chain.rpc("anvil_setCode", oracle, f"0x67{fee:016x}60005260206000f3")
    with plain(chain, tmp_path, DAI, terms={"oracle": oracle}) as built:
        assert built.ensure("0.095").answer is FundingAnswer.CONVERTED
        (leg,) = built.facts(LegRequested)
        assert leg.quote.fees[-1].quantity > D("0.0001")
        ended(built)
