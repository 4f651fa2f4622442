"""Gas beside promises: what is promised to a trade pays for nothing else, and what flies is promised to no trade."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from domain.account import Reservation
from domain.commands import RequestEth
from domain.decision import decide, fingerprint
from domain.lane import Included, Lane
from domain.reservation import promised
from domain.treasury import Treasury
from events.facts import (
    DustConversionFailed,
    DustConverted,
    EthReserved,
    LegRefused,
    RewardClaimRequested,
    RewardUnclaimed,
    TransactionSigned,
)
from events.money import Amount
from events.values import Block, Funding, FundingAnswer, GasPrice, RefusalCode, Unclaimed
from tests.domain.lane_controls import ETHER, included, lane, recorded, signed
from tests.domain.model_chain import USDC
from tests.domain.test_claim import LIVE as CLAIMANT
from tests.domain.test_claim import command as claim
from tests.domain.test_claim import evolved, proposal
from tests.domain.test_funding import COIN
from tests.domain.test_reservation import LIVE, RICH, request
from tests.domain.wallet import HELD, Wallet, wallet

D = Decimal
# What a transaction of the model chain may take: 2,000,000 units of gas at 100 wei.
MOST = D("0.0000000002")


def promising(ether: str, target: str = USDC) -> Wallet:
    """A wallet with dust that has promised a trade all its ETH but so much."""
    at = wallet(target, funding=Funding(ETHER, (), least_gas=D(0)))
    at.chain.ether = D(1) + D(ether)
    treasury = Treasury(Block(9, "0x9"), at.chain.now, D(1), D(3000), (), D(0), D(0), asked=D(2))
    now, mark = at.chain.now, fingerprint(at.policy)
    asked = RequestEth("one", Amount(D(1), ETHER), "evm", at.policy, mark, treasury, "worker", now, now)
    at.desk.streams.handle("main", asked, "trade")
    assert promised(at.account, now) == 1
    return at


def test_sweep__whose_gas_may_take_what_is_promised__is_not_made() -> None:
    at = promising("0.0000000001")
    at.finish()
    assert not at.facts(TransactionSigned)
    refused = at.facts(LegRefused)
    assert {fact.refusal.code for fact in refused} == {RefusalCode.OVER_CAP}
    words = "gas may take 0.000000000200000000 ETH of 1.0000000001, of which 1 is promised to trades"
    assert {fact.refusal.sentence for fact in refused} == {words}
    assert all(fact.money for fact in at.facts(DustConversionFailed))


def test_sweep__beside_a_promise_that_it_leaves_whole__is_made() -> None:
    at = promising(str(MOST))
    at.finish()
    assert len(at.facts(DustConverted)) == len(HELD)


def test_sweep__beside_a_promise_that_has_ended__is_made() -> None:
    at = promising("0")
    at.chain.now += timedelta(minutes=5)
    at.finish()
    assert len(at.facts(DustConverted)) == len(HELD)


def test_sweep__that_brings_the_native_coin__pays_for_its_own_gas() -> None:
    at = promising("0", target=ETHER)
    at.finish()
    assert len(at.facts(DustConverted)) == len(HELD)


def test_claim__whose_gas_may_take_what_is_promised__waits_and_says_so_once() -> None:
    now, one, none = claim().now, Amount(D(1), ETHER), Amount(D(0), ETHER)
    ends = now + timedelta(minutes=5)
    fact = EthReserved("main", "r", "one", one, none, FundingAnswer.COVERED, "", now, ends)
    account = CLAIMANT._replace(reservations={"r": Reservation(fact)})
    needs = D(200_000 * 40 * 10**9).scaleb(-18)
    short = claim(proposal=proposal(ether=D(1) + needs - D("1E-18")))
    (told,) = decide(short, account)
    assert isinstance(told, RewardUnclaimed)
    assert told.reason is Unclaimed.NO_GAS
    assert "1 is promised to trades" in told.sentence
    assert decide(short, evolved(account, told)) == []
    enough = decide(claim(proposal=proposal(ether=D(1) + needs)), account)
    assert [type(each) for each in enough] == [RewardClaimRequested, TransactionSigned]


def test_promise__while_a_transaction_flies__leaves_it_its_gas() -> None:
    first = recorded(signed(price=GasPrice(10**9, 1)))
    most = D(2_000_000 * 10**9).scaleb(-18)
    flying = LIVE._replace(lane=replace(lane(first), head=0))
    there = D("0.5") + D("0.005") + most
    assert decide(request("one", "0.5", replace(RICH, ether=there - D("1E-18"))), flying) == []
    (told,) = decide(request("one", "0.5", replace(RICH, ether=there)), flying)
    assert isinstance(told, EthReserved)


def test_promise__once_a_block_holds_it__needs_only_what_is_left() -> None:
    done = LIVE._replace(lane=replace(lane(recorded(signed(price=GasPrice(10**9, 1))), included()), head=0))
    assert isinstance(done.lane, Lane)
    assert isinstance(done.lane.state, Included)
    (told,) = decide(request("one", "0.5", replace(RICH, ether=D("0.505"))), done)
    assert isinstance(told, EthReserved)
    assert told.amount == Amount(D("0.5"), COIN)
