"""A trade that lacks ETH gets exactly what it lacks, from what is beyond the reserves, on the real chain."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from domain.commands import Declare
from domain.errors import ConfigurationError, RefusedByPolicy
from events.facts import (
    ConversionsHalted,
    DustConverted,
    DustDetected,
    EthReserved,
    FundingCompleted,
    FundingDeclined,
    FundingOpened,
    LegFilled,
    LegRefused,
    LegRequested,
    ReservationReleased,
    TransactionIncluded,
    TransactionSettled,
    TransactionSigned,
)
from events.values import FundingAnswer, FundingMode, Outcome, Purpose, RefusalCode, Release
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from tests.wallets.foreign import send
from tests.wallets.fund import ETHER, USD6, Till, till
from tests.wallets.stand import ACCOUNT, GWEI, balanced, dust
from venues.evm.rpc import Rpc
from views.form import PACK, StateForm, form_of, state_from
from views.state import state_of
from views.trades import Trade, movements_of
from workers import funding, treasury

D = Decimal


class ToldRpc(Rpc):
    """Remembers every request in its order."""

    bodies: ClassVar[list[bytes]] = []

    def _post(self, endpoint: Any, body: bytes) -> bytes:
        self.bodies.append(body)
        return super()._post(endpoint, body)


class ReplacingRpc(Rpc):
    """Has the head replaced once, between the first request and the second."""

    chain: ClassVar[LocalChain | None] = None

    def _post(self, endpoint: Any, body: bytes) -> bytes:
        answer = super()._post(endpoint, body)
        if (chain := self.chain) is not None:
            type(self).chain = None
            chain.reorg(1)
        return answer


DOLLARS = {"USDC": 400 * USD6, "USDT": 350 * USD6, "DAI": 225 * ETHER}


def sold(built: Till) -> list[TransactionSettled]:
    return [each for each in built.settled() if each.purpose is Purpose.SWEEP]


def spent(built: Till) -> dict[str, Decimal]:
    """What fills took, by symbol."""
    names = {built.asset(symbol): symbol for symbol in ("USDC", "USDT", "DAI", "WETH")}
    taken: dict[str, Decimal] = {}
    for each in built.facts(LegFilled):
        name = names[each.fill.spent.asset]
        taken[name] = taken.get(name, D(0)) + each.fill.spent.quantity
    return taken


def test_shortage__covered_by_one_token__is_converted_to_the_wei_and_no_more(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}) as built:
        told = built.ensure("0.095")
        assert told.answer is FundingAnswer.CONVERTED
        (opened,) = built.facts(FundingOpened)
        (done,) = built.facts(FundingCompleted)
        assert opened.shortage.quantity == D("0.07")
        assert done.covered
        assert done.received.quantity >= opened.shortage.quantity
        assert D(210) < done.spent[0].quantity <= D(215)
        assert built.ether() >= D("0.1")
        assert told.tx_hash == done.tx_hash == sold(built)[-1].tx_hash
        balanced(built)


def test_eth__that_is_there__is_only_reserved(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS, ether=ETHER) as built:
        told = built.ensure("0.5")
        assert told.answer is FundingAnswer.COVERED
        assert [each.trade for each in built.facts(EthReserved)] == ["trade-1"]
        assert not built.facts(FundingOpened)
        assert built.nonce() == 0


def test_cheapest__with_weth__withdraws_it_one_to_one(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {**DOLLARS, "WETH": ETHER // 5}) as built:
        assert built.ensure("0.1").answer is FundingAnswer.CONVERTED
        assert set(spent(built)) == {"WETH"}
        (leg,) = built.facts(LegRequested)
        assert leg.product.startswith("unwrap@")
        assert leg.spend.quantity == leg.output
        balanced(built)


def test_cheapest__of_dollars_alone__takes_the_pool_of_the_least_fee(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS) as built:
        assert built.ensure("0.05").answer is FundingAnswer.CONVERTED
        assert set(spent(built)) == {"USDC"}
        assert built.facts(LegRequested)[0].product.startswith("v3:500@")
        balanced(built)


def test_priorities__as_configured__take_dai_first(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {**DOLLARS, "WETH": ETHER}, changes={"mode": FundingMode.PRIORITIES}) as built:
        assert built.ensure("0.05").answer is FundingAnswer.CONVERTED
        assert set(spent(built)) == {"DAI"}
        balanced(built)


def test_several_tokens__where_one_does_not_cover__are_one_transaction_and_keep_reserves(
    chain: LocalChain, tmp_path: Path
) -> None:
    with till(chain, tmp_path, {**DOLLARS, "WETH": ETHER // 100}, ether=ETHER // 40) as built:
        told = built.ensure("0.27")
        assert told.answer is FundingAnswer.CONVERTED
        assert len(spent(built)) >= 3
        assert len(sold(built)) == 1
        for symbol, units, reserve in (("USDC", USD6, 50), ("USDT", USD6, 50), ("DAI", ETHER, 25)):
            assert chain.balance(symbol, built.key.address) >= reserve * units
        assert built.ether() >= D("0.275")
        balanced(built)


def test_too_much__is_not_possible_and_nothing_is_sold(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS) as built:
        told = built.ensure("2")
        assert told.answer is FundingAnswer.NOT_POSSIBLE
        assert told.gap is not None
        assert told.largest is not None
        assert told.gap.quantity + told.largest.quantity == 2
        assert D("0.29") < told.largest.quantity < D("0.3084")
        assert built.nonce() == 0
        assert [each.answer for each in built.facts(FundingDeclined)] == [FundingAnswer.NOT_POSSIBLE]
        assert built.ensure(f"{told.largest.quantity - D('0.0001'):.4f}", "smaller").answer is FundingAnswer.CONVERTED
        balanced(built)


def test_caps__of_the_account__bound_what_is_converted(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 90_000 * ETHER}) as built:
        told = built.ensure("10")
        assert told.answer is FundingAnswer.NOT_POSSIBLE
        assert "the caps of 5000 a sweep" in told.reason


@pytest.mark.parametrize("target", ["WETH", "USDC"])
def test_wallet__whose_dust_ends_in_something_else__still_funds_in_ether(
    chain: LocalChain, tmp_path: Path, target: str
) -> None:
    with till(chain, tmp_path, {**DOLLARS, "WETH": ETHER // 50}, target=target) as built:
        assert built.ensure("0.2").answer is FundingAnswer.CONVERTED
        balanced(built)


def test_request__from_question_to_broadcast__is_three_requests(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 2000 * ETHER, "USDC": 2000 * USD6}, reach=ToldRpc) as built:
        built.ensure("0.05", "first")
        assert [each.transaction.purpose for each in built.facts(TransactionSigned)] == [
            Purpose.DELEGATE,
            Purpose.SWEEP,
        ]
        chain.automine(False)
        ToldRpc.bodies.clear()
        told = built.ensure("0.1", "second", seconds=0.5)
        assert told.answer is FundingAnswer.NOT_NOW
        assert "under way" in told.reason
        sends = [place for place, body in enumerate(ToldRpc.bodies) if b"eth_sendRawTransaction" in body]
        assert sends == [2]


def test_repeated_request__of_one_trade__is_one_reservation(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS) as built:
        first = built.ensure("0.1")
        again = built.ensure("0.1")
        assert first.reservation_id == again.reservation_id
        assert (again.answer, again.tx_hash) == (FundingAnswer.CONVERTED, first.tx_hash)
        assert len(built.facts(EthReserved)) == len(built.facts(FundingOpened)) == 1
        with pytest.raises(RefusedByPolicy, match="reserved until"):
            built.ensure("0.11")


def test_two_trades__one_after_the_other__are_promised_different_eth(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS, ether=ETHER * 12 // 100) as built:
        assert built.ensure("0.1", "first").answer is FundingAnswer.COVERED
        assert built.ensure("0.1", "second").answer is FundingAnswer.CONVERTED
        assert built.ether() >= D("0.21")
        (opened,) = built.facts(FundingOpened)
        assert opened.shortage.quantity == D("0.09")
        balanced(built)


def test_two_trades__at_once_by_two_workers__are_promised_different_eth(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 900 * ETHER}, ether=ETHER * 6 // 100) as built:
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
        assert len(sold(built)) == 1
        balanced(built)


def test_reservation__after_its_life__ends_and_its_eth_is_free(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {}, ether=ETHER * 11 // 100) as built:
        assert built.ensure("0.1", "first").answer is FundingAnswer.COVERED
        assert built.ensure("0.1", "second").answer is FundingAnswer.NOT_POSSIBLE
        built.clock.ahead += timedelta(seconds=301)
        assert built.ensure("0.1", "third").answer is FundingAnswer.COVERED
        assert [(each.trade, each.why) for each in built.facts(ReservationReleased)] == [("first", Release.EXPIRED)]
        built.clock.ahead += timedelta(seconds=301)
        funding.expire(built.desk, ACCOUNT)
        assert [each.trade for each in built.facts(ReservationReleased)] == ["first", "third"]


def test_reservation__that_was_used__is_released_once(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {}, ether=ETHER) as built:
        told = built.ensure("0.1")
        assert funding.release(built.desk, ACCOUNT, told.reservation_id)
        assert not funding.release(built.desk, ACCOUNT, told.reservation_id)
        assert [each.why for each in built.facts(ReservationReleased)] == [Release.USED]


def test_dead_pool__that_gives_nothing__is_gone_round(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"USDC": 500 * USD6}) as built:
        # The cheap pool is sold out, so that it pays nothing worth naming for a dollar.
        chain.sell_into(chain.pool("USDC", fee=500), 400_000_000 * USD6)
        assert built.ensure("0.05").answer is FundingAnswer.CONVERTED
        assert built.facts(LegRequested)[0].product.startswith("v3:3000@")
        balanced(built)


def test_dead_pools__everywhere__are_not_possible(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"USDC": 500 * USD6}) as built:
        for fee in (500, 3000):
            chain.sell_into(chain.pool("USDC", fee=fee), 400_000_000 * USD6)
        told = built.ensure("0.05")
        assert told.answer is FundingAnswer.NOT_POSSIBLE
        assert built.nonce() == 0


def test_token__that_cannot_move__ends_its_conversion_whole_and_others_take_its_place(
    chain: LocalChain, tmp_path: Path
) -> None:
    order = {"mode": FundingMode.PRIORITIES}
    with till(chain, tmp_path, {"USDT": 600 * USD6, "USDC": 600 * USD6}, changes=order) as built:
        chain.act(chain.tokens["USDT"].address, "addBlackList(address)", built.key.address)
        told = built.ensure("0.1", seconds=30)
        assert told.answer is FundingAnswer.CONVERTED
        assert set(spent(built)) == {"USDC"}
        short, done = built.facts(FundingCompleted)
        assert not short.covered
        assert not short.spent
        assert done.covered
        assert [each.why for each in built.facts(ReservationReleased)] == [Release.FELL_SHORT]
        assert {each.refusal.code for each in built.facts(LegRefused)} == {RefusalCode.NO_LIQUIDITY}
        balanced(built)


def test_half_of_a_conversion__that_fails__converts_nothing_of_it(chain: LocalChain, tmp_path: Path) -> None:
    order = {"mode": FundingMode.PRIORITIES}
    with till(chain, tmp_path, {"DAI": 200 * ETHER, "USDT": 200 * USD6}, changes=order) as built:
        chain.act(chain.tokens["USDT"].address, "addBlackList(address)", built.key.address)
        told = built.ensure("0.1", seconds=30)
        assert told.answer is FundingAnswer.NOT_POSSIBLE
        assert not built.facts(LegFilled)
        assert {each.refusal.code for each in built.facts(LegRefused)} == {
            RefusalCode.NO_LIQUIDITY,
            RefusalCode.OTHER,
        }
        assert chain.balance("DAI", built.key.address) == 200 * ETHER


def test_pool__that_moves_before_the_block__reverts_and_is_asked_again(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"USDC": 5000 * USD6}, changes={"slippage": D("0.005")}) as built:
        built.ensure("0.05", "first")
        chain.automine(False)
        built.ensure("0.1", "second", seconds=0.3)
        hashes = {each.transaction.tx_hash for each in built.facts(TransactionSigned)[2:]}
        for tx_hash in hashes:
            chain.rpc("anvil_dropTransaction", tx_hash)
        chain.automine(True)
        chain.sell_into(chain.pool("USDC", fee=500), 300_000 * USD6)
        told = built.ensure("0.1", "second", seconds=30)
        assert told.answer is FundingAnswer.CONVERTED
        assert Outcome.REVERTED in [each.outcome for each in sold(built)]
        balanced(built)


def test_dust_sweep__that_is_open__is_waited_for(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {**dust(2), "DAI": 500 * ETHER}) as built:
        built.scan()
        assert built.facts(DustDetected)
        told = built.ensure("0.095", seconds=30)
        assert told.answer is FundingAnswer.CONVERTED
        assert len(built.facts(DustConverted)) == 2
        balanced(built)


def test_dust_sweep__that_does_not_end_in_time__is_not_now(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {**dust(1), "DAI": 500 * ETHER}) as built:
        built.scan()
        chain.automine(False)
        told = built.ensure("0.095", seconds=0.5)
        assert told.answer is FundingAnswer.NOT_NOW
        assert told.reason == "another sweep of the account is under way"
        assert built.ensure("0.001", "small", seconds=0.5).answer is FundingAnswer.COVERED
        assert not built.facts(FundingOpened)


def test_halted__account__funds_nothing_but_still_promises_what_is_there(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS, ether=ETHER // 10) as built:
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsHalted(ACCOUNT, "owner asked"), "halt"), "test")
        told = built.ensure("0.2")
        assert (told.answer, told.reason) == (FundingAnswer.NOT_NOW, "conversions are halted: owner asked")
        assert built.ensure("0.05", "small").answer is FundingAnswer.COVERED
        assert [each.reason for each in built.facts(FundingDeclined)] == [told.reason]


def test_account__that_never_went_live__converts_nothing(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS) as built:
        built.changes = {"buffer": D(6)}
        built.desk = built.fresh()
        told = built.ensure("0.2")
        assert told.answer is FundingAnswer.NOT_NOW
        assert "policy changed since it went live" in told.reason
        assert built.nonce() == 0


def test_tiny_trade__is_not_funded_and_goes_on(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS) as built:
        told = built.ensure("0.0009")
        assert told.answer is FundingAnswer.NOT_NOW
        assert "below 0.001 ETH" in told.reason
        for wrong in ("0", "-1", "NaN", "Infinity"):
            with pytest.raises(ValueError, match="above zero"):
                built.ensure(wrong)


def test_node__that_is_away__is_not_now_with_its_reason(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS) as built:
        built.proxy.inject(kind="bad_gateway", method="any", calls="all")
        told = built.ensure("0.2")
        assert told.answer is FundingAnswer.NOT_NOW
        assert "no endpoint" in told.reason
        built.proxy.calm()
        assert built.ensure("0.2").answer is FundingAnswer.CONVERTED
        balanced(built)


def test_price__that_no_feed_stands_by__keeps_its_token(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER, "USDC": 500 * USD6}) as built:
        chain.set_price("USDC/USD", D(1), age=10**7)
        assert built.ensure("0.05").answer is FundingAnswer.CONVERTED
        assert set(spent(built)) == {"DAI"}
        balanced(built)


def test_price__of_a_token_off_its_peg__keeps_it(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"USDC": 500 * USD6}) as built:
        chain.set_price("USDC/USD", D("1.10"))
        told = built.ensure("0.05")
        assert told.answer is FundingAnswer.NOT_POSSIBLE
        assert built.nonce() == 0


def test_old_allowance__of_a_token_that_refuses_another__is_taken_back(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"USDT": 500 * USD6}) as built:
        approve = call("approve(address,uint256)", chain.contracts.swap_router, 7)
        send(chain, built.key, chain.tokens["USDT"].address, approve)
        built.before = built.units()
        assert built.ensure("0.05").answer is FundingAnswer.CONVERTED
        balanced(built)


def test_trades__for_taxes__know_what_was_converted(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}) as built:
        built.ensure("0.095")
        (trade,) = movements_of(built.desk.log.read())
        (done,) = built.facts(FundingCompleted)
        assert isinstance(trade, Trade)
        assert trade.sent == done.spent[0]
        assert trade.value == done.value


def test_snapshot__at_any_moment_of_a_conversion__is_what_the_log_says(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}) as built:
        built.ensure("0.095")
        log = list(built.desk.log.read())
        for position in range(1, len(log) + 1):
            state = state_of(log[:position])
            read = msgspec.msgpack.decode(PACK.encode(form_of(state)), type=StateForm)
            assert state_from(read, []) == state
            assert state.only(ACCOUNT) == state


def test_balance__of_a_wallet__says_what_is_usable(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, DOLLARS, ether=ETHER // 40) as built:
        built.proxy.forget()
        found = treasury.balance(built.desk, ACCOUNT)
        assert built.proxy.counts()["requests"] == 2
        assert found.available_value == 850
        assert found.total == D("1050")
        assert D("0.29") < found.largest < D("0.3084")
        rows = {each.asset: each for each in found.balances}
        assert rows[built.asset("DAI")].available == 200
        for blocks, requests in ((0, 1), (1, 2)):  # is there a newer block, and if so balances and quotes
            chain.mine(blocks) if blocks else None
            built.proxy.forget()
            assert treasury.balance(built.desk, ACCOUNT).balances == found.balances
            assert built.proxy.counts()["requests"] == requests


def test_gas__above_the_ceiling__is_not_now_and_named_once(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}, terms={"ceiling": GWEI // 10}) as built:
        told = built.ensure("0.095")
        assert told.answer is FundingAnswer.NOT_NOW
        assert "above the ceiling" in told.reason
        assert len(built.facts(FundingOpened)) == len(built.facts(FundingDeclined)) == 1
        assert built.nonce() == 0


def test_coin__that_does_not_pay_the_gas__is_not_now_and_names_what_is_missing(
    chain: LocalChain, tmp_path: Path
) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}, ether=10**12) as built:
        told = built.ensure("0.05")
        assert told.answer is FundingAnswer.NOT_NOW
        assert told.reason.startswith("gas may take")
        assert [each.refusal.missing is not None for each in built.facts(LegRefused)] == [True]
        assert built.nonce() == 0


def test_l1_fee__of_a_chain_that_has_one__is_part_of_the_cost(chain: LocalChain, tmp_path: Path) -> None:
    oracle, fee = "0x420000000000000000000000000000000000000F", 10**14
    # PUSH8 fee, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN: an oracle that always says the same.
    chain.rpc("anvil_setCode", oracle, f"0x67{fee:016x}60005260206000f3")
    with till(chain, tmp_path, {"DAI": 500 * ETHER}, terms={"oracle": oracle}) as built:
        assert built.ensure("0.095").answer is FundingAnswer.CONVERTED
        (leg,) = built.facts(LegRequested)
        assert leg.quote.fees[-1].quantity > D("0.0001")


def test_delegate__that_is_no_batch_account__is_a_mistake_of_the_settings(chain: LocalChain, tmp_path: Path) -> None:
    terms = {"delegate": chain.wallets[3].address}
    with till(chain, tmp_path, {"DAI": 500 * ETHER}, terms=terms) as built:
        with pytest.raises(ConfigurationError, match="delegate: "):
            built.ensure("0.095")
        assert built.nonce() == 0


@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
def test_node__that_does_not_run_a_conversion__is_asked_again(chain: LocalChain, tmp_path: Path, method: str) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}) as built:
        calls = "2-9" if method == "eth_call" else "1-3"
        built.proxy.inject(kind="refused", method=method, calls=calls, code=-32000, message="no such thing")
        assert built.ensure("0.095", seconds=30).answer is FundingAnswer.CONVERTED
        balanced(built)


def test_block__that_was_replaced_meanwhile__is_read_again(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}, reach=ReplacingRpc) as built:
        ReplacingRpc.chain = chain
        assert built.ensure("0.095", seconds=30).answer is FundingAnswer.CONVERTED
        assert "venue_unreachable" in built.types()
        balanced(built)


FAULTS: list[dict[str, Any]] = [
    {"kind": "bad_gateway", "when": "before"},
    {"kind": "bad_gateway", "when": "after"},
    {"kind": "reset", "when": "after"},
    {"kind": "cut_json"},
    {"kind": "swallowed"},
    {"kind": "duplicated", "answer": "last"},
    {"kind": "refused", "code": -32000, "message": "nonce too low", "when": "after"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, list(fault.values())[:2])))
def test_broadcast__when_it_goes_wrong__converts_once(chain: LocalChain, tmp_path: Path, fault: dict[str, Any]) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}) as built:
        built.proxy.inject(method="eth_sendRawTransaction", calls="2", **fault)
        told = built.ensure("0.095", seconds=30)
        assert told.answer is FundingAnswer.CONVERTED
        assert [each.outcome for each in sold(built)] == [Outcome.SUCCEEDED]
        assert len(built.facts(FundingOpened)) == 1
        balanced(built)


def test_conversion__that_was_put_off__is_held_against_what_is_there_when_it_is_made(
    chain: LocalChain, tmp_path: Path
) -> None:
    with till(chain, tmp_path, {"DAI": 600 * ETHER}) as built:
        dai, other = built.where.token("DAI").address, chain.wallets[1]
        send(chain, built.key, dai, call("approve(address,uint256)", other.address, 600 * ETHER))
        first = built.ensure("0.03", "delegates")
        funding.release(built.desk, ACCOUNT, first.reservation_id)
        built.settle()
        assert "its conversion is under way" in built.ensure("0.095", seconds=0).reason
        (*_, opened) = built.facts(FundingOpened)
        planned = int(opened.lots[0].quantity.scaleb(18))
        left = planned + 5 * ETHER
        taken = chain.balance("DAI", built.key.address) - left
        send(chain, other, dai, call("transferFrom(address,address,uint256)", built.key.address, other.address, taken))
        built.conduct()
        (*_, done) = built.facts(FundingCompleted)
        assert not done.covered
        assert "is free beyond the reserve" in done.reason
        assert chain.balance("DAI", built.key.address) == left


def test_answer__that_is_there_at_the_deadline__is_given(chain: LocalChain, tmp_path: Path) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}) as built:
        until = built.clock() + timedelta(seconds=60)

        def clock() -> datetime:
            """Time is over as soon as a block holds the conversion."""
            held = {each.tx_hash for each in built.facts(TransactionIncluded)}
            made = any(each.transaction.tx_hash in held for each in built.facts(TransactionSigned) if each.legs)
            return until if made else built.clock()

        desk = replace(built.fresh(), clock=clock)
        told = funding.ensure(desk, ACCOUNT, "trade-1", D("0.095"), until)
        assert told.answer is FundingAnswer.CONVERTED
        assert not told.reason
