"""Selling without delegation: an approval and a swap for each lot, and no allowance that outlives them."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from domain.commands import Declare
from domain.leg import draft
from domain.venue import Order
from dustman.telling import sentence
from events.facts import (
    ConversionsHalted,
    ConversionsResumed,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    LegFilled,
    LegNeverArrived,
    LegRequested,
    SweepCompleted,
    TransactionSettled,
    TransactionSigned,
)
from events.money import Amount
from events.values import Outcome, Purpose, Quote, RefusalCode
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from tests.wallets.foreign import send
from tests.wallets.fuse import Crash, Fuse, FusedLog, FusedRpc
from tests.wallets.stand import ACCOUNT, GWEI, D, Stand, balanced, dust, stand
from tests.wallets.test_sweep import a_draft
from workers import rehearsing

APART = {"delegate": None}
MIXED = {**dust(2), **dust(1, 24), **dust(1, 30), **dust(1, 42), "USDT": 5 * 10**6, "WETH": 10**16}


def purposes(built: Stand) -> list[Purpose]:
    return [each.transaction.purpose for each in built.facts(TransactionSigned)]


def history(built: Stand) -> list[str]:
    """What the log tells, for whoever reads a failure."""
    return [f"{each.type}: {sentence(each.fact)}" for each in built.desk.log.read()]


def assert_each_sold_once(built: Stand, lots: int, approvals: int) -> None:
    """Each lot is filled once, by a sale with a nonce of its own; what was offered again had the same one."""
    filled = [each.fill.spent.asset for each in built.facts(LegFilled)]
    assert len(filled) == len(set(filled)) == len(built.facts(DustConverted)) == lots, history(built)
    signed = {each.transaction.tx_hash: each.transaction for each in built.facts(TransactionSigned)}
    done = [signed[each.tx_hash] for each in built.facts(TransactionSettled) if each.outcome is Outcome.SUCCEEDED]
    assert len({each.nonce for each in done}) == len(done), history(built)
    assert [each.purpose for each in done].count(Purpose.SWEEP) == lots, history(built)
    assert [each.purpose for each in done].count(Purpose.APPROVE) == approvals, history(built)
    first = {each.nonce: each.purpose for each in reversed(signed.values())}
    assert all(each.purpose is first[each.nonce] for each in signed.values()), history(built)


def swept(built: Stand) -> None:
    built.scan()
    built.settle(rounds=60)


@pytest.mark.parametrize("target", ["ETH", "WETH", "USDC"])
def test_sweep__without_a_delegate__approves_and_sells_each_lot_by_itself(
    chain: LocalChain, tmp_path: Path, target: str
) -> None:
    gifts = {token: units for token, units in MIXED.items() if token != target}
    gifts |= dust(1, 36) if target in ("ETH", "WETH") else {}
    with stand(chain, tmp_path, gifts, target=target, terms=APART) as built:
        swept(built)
        unwrapped = target == "ETH"
        assert_each_sold_once(built, len(gifts), len(gifts) - unwrapped)
        assert Purpose.DELEGATE not in purposes(built)
        assert built.code() == "0x"
        assert not built.halted
        balanced(built)


def test_gas__of_both_transactions__is_what_the_approval_was_decided_on(chain: LocalChain, tmp_path: Path) -> None:
    chain.rpc("anvil_setBlockTimestampInterval", 12)
    try:
        with stand(chain, tmp_path, dust(1), target="WETH", terms=APART) as built:
            wallet = built.wallet()
            drafts = [a_draft(built, chain.tokens["DUST000"].address, wallet.target)]
            expected = wallet.propose(drafts)
            swept(built)
            used = sum(each.gas_used for each in built.facts(TransactionSettled))
            promised = expected.cost.quantity.scaleb(18) / expected.expected_price
            assert Decimal("0.95") < promised / used < Decimal("1.15")
    finally:
        chain.rpc("anvil_removeBlockTimestampInterval")


def planned(built: Stand) -> list[Order]:
    """What the sweep that a scan announced will ask for, if nothing changes."""
    built.scan()
    [found] = built.facts(DustDetected)
    return [draft(plan, Amount(plan.quantity or D(0), plan.spend)) for plan in found.plan]


def test_forecast__of_all_lots__takes_two_requests_and_says_of_each_what_its_transactions_will_use(
    chain: LocalChain, tmp_path: Path
) -> None:
    chain.rpc("anvil_setBlockTimestampInterval", 12)
    try:
        gifts = {token: units for token, units in MIXED.items() if token != "WETH"}
        with stand(chain, tmp_path, gifts, target="WETH", terms=APART) as built:
            router = chain.contracts.swap_router
            send(chain, built.key, chain.tokens["USDT"].address, call("approve(address,uint256)", router, 7))
            built.before = built.units()
            drafts, wallet = planned(built), built.wallet()
            wallet.holdings()
            before = wallet.requests
            told = wallet.forecast(drafts)
            assert wallet.requests - before == 2
            assert [[offer.key for offer in each.offers] for each in told] == [[each.key] for each in drafts]
            built.settle(rounds=60)
            used, legs = [0], built.facts(TransactionSettled)
            for each in legs:
                used[-1] += each.gas_used
                used += [0] if each.purpose is Purpose.SWEEP else []
            assert len(legs) == 2 * len(gifts) + 1
            for promised, spent in zip(told, used[:-1], strict=True):
                assert D("0.95") < promised.cost.quantity.scaleb(18) / promised.expected_price / spent < D("1.15")
    finally:
        chain.rpc("anvil_removeBlockTimestampInterval")


@pytest.mark.parametrize(("target", "sold"), [("ETH", 3), ("WETH", 2)])
def test_forecast__of_a_wallet_with_ether_for_two_lots__takes_more_only_where_they_bring_ether(
    chain: LocalChain, tmp_path: Path, target: str, sold: int
) -> None:
    with stand(chain, tmp_path, dust(3), target=target, terms=APART) as built:
        drafts, wallet = planned(built), built.wallet()
        wallet.holdings()
        costs = [each.cost.quantity for each in wallet.forecast(drafts)]
        chain.rpc("anvil_setBalance", built.key.address, "0x0")
        lacks = [no.missing for each in wallet.forecast(drafts) for no in each.dropped.values()]
        assert all(lacks) and len(lacks) == 3
        enough = max(each.quantity for each in lacks if each) + max(costs) * D("1.5")
        chain.rpc("anvil_setBalance", built.key.address, hex(int(enough.scaleb(18))))
        told = wallet.forecast(drafts)
        assert sum(len(each.offers) for each in told) == sold
        refusals = [no for each in told for no in each.dropped.values()]
        assert [no.code for no in refusals] == [RefusalCode.INSUFFICIENT_BALANCE] * (3 - sold)


def test_forecast__of_nothing__is_none(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, {}, target="WETH", terms=APART) as built:
        assert built.wallet().forecast([]) == []


def test_old_allowance__of_a_token_that_refuses_another__is_taken_back_first(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, {"USDT": 5 * 10**6}, target="WETH", terms=APART) as built:
        router = chain.contracts.swap_router
        send(chain, built.key, chain.tokens["USDT"].address, call("approve(address,uint256)", router, 7))
        built.before = built.units()
        swept(built)
        assert purposes(built) == [Purpose.APPROVE, Purpose.APPROVE, Purpose.SWEEP]
        first, second, swap = (each.transaction.allowance for each in built.facts(TransactionSigned))
        assert first is not None
        assert second is not None
        assert swap is None
        assert [first.quantity, second.quantity] == [0, 5]
        assert len(built.facts(DustConverted)) == 1
        balanced(built)


def approved(built: Stand) -> None:
    """Go on until the approval is final and the swap is not signed yet."""
    built.scan()
    built.chain.automine(False)
    built.conduct()
    assert purposes(built) == [Purpose.APPROVE]
    built.chain.mine()
    built.chain.automine(True)


def test_swap__that_can_be_made_no_more__has_its_allowance_taken_back(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, {"USDT": 5 * 10**6}, target="WETH", terms=APART) as built:
        approved(built)
        # Gas costs more than the lot is worth, then less than the ceiling again.
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(900 * 10**9))
        chain.mine()
        built.settle()
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        chain.mine()
        built.settle()
        assert purposes(built) == [Purpose.APPROVE, Purpose.APPROVE]
        assert [each.outcome for each in built.facts(TransactionSettled)] == [Outcome.SUCCEEDED] * 2
        assert len(built.facts(DustConversionFailed)) == len(built.facts(SweepCompleted)) == 1
        assert not built.halted
        balanced(built)


def test_swap__that_reverts__is_tried_again_with_the_same_allowance(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms=APART) as built:
        approved(built)
        chain.automine(False)
        built.conduct()
        assert purposes(built) == [Purpose.APPROVE, Purpose.SWEEP]
        # Somebody else sells before it.
        chain.rpc("anvil_dropTransaction", built.facts(TransactionSigned)[-1].transaction.tx_hash)
        chain.automine(True)
        chain.sell_into(chain.pool("DUST000"), 10**21 * 5)
        built.settle()
        assert [each.outcome for each in built.facts(TransactionSettled)] == [
            Outcome.SUCCEEDED,
            Outcome.REVERTED,
            Outcome.SUCCEEDED,
        ]
        assert len(built.facts(LegNeverArrived)) == len(built.facts(DustConverted)) == 1
        assert purposes(built) == [Purpose.APPROVE, Purpose.SWEEP, Purpose.SWEEP]
        assert not built.halted
        balanced(built)


@pytest.mark.parametrize(("begin", "purpose"), [(Stand.scan, Purpose.APPROVE), (approved, Purpose.SWEEP)])
def test_machine__that_stands_still_while_a_transaction_is_mined__offers_more_under_its_nonce_and_sells_once(
    shared_chain: LocalChain, tmp_path: Path, begin: Callable[[Stand], None], purpose: Purpose
) -> None:
    """Its last look was answered before that block, and is judged when the patience for it is over."""
    for step in range(1, 20):
        path = tmp_path / str(step)
        path.mkdir()
        with (
            shared_chain.undone() as chain,
            stand(chain, path, dust(1), target="WETH", terms=APART, reach=FusedRpc) as built,
        ):
            begin(built)
            chain.automine(False)
            Fuse.arm("request", "after", step, partial(stand_still, built))
            built.conduct()
            Fuse.disarm()
            chain.automine(True)
            built.settle()
            assert_each_sold_once(built, 1, 1)
            assert not built.halted
            balanced(built)
            if replaced := [each for each in built.facts(TransactionSigned) if each.replaces]:
                break
    [again] = replaced
    assert again.transaction.purpose is purpose
    assert again.replaces in {each.tx_hash for each in built.facts(TransactionSettled)}


def stand_still(built: Stand) -> None:
    built.chain.mine()
    built.clock.ahead += built.wallet().terms.patience


def test_halt__between_approval_and_swap__keeps_the_allowance_until_the_owner_resumes(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms=APART) as built:
        approved(built)
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsHalted(ACCOUNT, "by the owner"), "halt"), "test")
        built.settle()
        assert purposes(built) == [Purpose.APPROVE]
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsResumed(ACCOUNT), "resume"), "test")
        built.settle()
        assert len(built.facts(DustConverted)) == 1
        balanced(built)


def test_approval__stuck_beyond_its_deadline__is_cancelled_and_made_anew(chain: LocalChain, tmp_path: Path) -> None:
    terms = {**APART, "patience": timedelta(hours=1)}
    with stand(chain, tmp_path, dust(1), target="WETH", terms=terms) as built:
        built.scan()
        chain.automine(False)
        built.conduct()
        built.clock.ahead += timedelta(minutes=11)
        built.conduct()
        assert purposes(built) == [Purpose.APPROVE, Purpose.CANCEL]
        chain.mine()
        chain.automine(True)
        built.settle()
        assert len(built.facts(DustConverted)) == 1
        balanced(built)


def test_code__of_another_delegate__does_not_keep_from_selling(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms=APART) as built:
        chain.rpc("anvil_setCode", built.key.address, "0xef0100" + chain.contracts.batch_account[2:].lower())
        swept(built)
        assert len(built.facts(DustConverted)) == 1
        assert not built.halted
        balanced(built)


def test_dry_run__says_of_each_lot_what_is_left_after_both_of_its_transactions(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(3), target="WETH", terms=APART) as built:
        tried = rehearsing.rehearse(built.desk, ACCOUNT, built.clock(), "another")
        assert len(tried.legs) == 3
        for leg in tried.legs:
            assert isinstance(leg.offer, Quote)
            assert leg.offer.fees[-1].quantity.scaleb(18) > 140_000 * GWEI
        assert built.nonce() == 0


def test_legs__are_requested_only_with_the_swap_that_carries_them(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH", terms=APART) as built:
        swept(built)
        for each in built.facts(TransactionSigned):
            assert len(each.legs) == (each.transaction.purpose is Purpose.SWEEP)
        assert len(built.facts(LegRequested)) == 2


def _crashed(built: Stand) -> bool:
    try:
        built.settle()
    except Crash:
        return True
    return False


@pytest.mark.timeout(120)
@pytest.mark.parametrize("when", ["before", "after"])
def test_worker__that_dies_at_any_append__is_continued_by_another(shared_chain: LocalChain, when: str) -> None:
    steps = 0
    for step in itertools.count(1):
        with (
            shared_chain.undone() as chain,
            tempfile.TemporaryDirectory() as directory,
            stand(chain, Path(directory), dust(1), target="WETH", terms=APART, log=FusedLog) as built,
        ):
            built.scan()
            Fuse.arm("append", when, step)
            died = _crashed(built)
            Fuse.disarm()
            built.settle(built.fresh())
            assert purposes(built) == [Purpose.APPROVE, Purpose.SWEEP]
            assert len(built.facts(DustConverted)) == 1
            balanced(built)
        if not died:
            break
        steps = step
    assert steps >= 6
