"""Twenty tokens in one transaction: what it costs, what it leaves, and that the log has it to the last wei."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.chain import Code
from domain.errors import ConfigurationError
from domain.leg import draft
from domain.venue import Order
from events.facts import (
    DustConverted,
    DustDetected,
    DustUnroutable,
    LegFilled,
    LegRefused,
    LegRequested,
    TransactionSettled,
    TransactionSigned,
)
from events.money import Amount
from events.values import LegKind, Outcome, PlannedLeg, Purpose, RefusalCode, Unroutable
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from tests.wallets.foreign import send
from tests.wallets.stand import GWEI, Stand, balanced, dust, stand
from venues.evm import assets
from venues.evm.running import ENVELOPE

MIXED = {**dust(4), **dust(2, 24), **dust(2, 30), **dust(2, 42), "USDT": 5 * 10**6, "WETH": 10**16}
PAIRS = dust(2, 36)


def swept(built: Stand) -> TransactionSettled:
    built.scan()
    built.settle()
    return next(each for each in built.facts(TransactionSettled) if each.purpose is Purpose.SWEEP)


def test_sweep__of_twenty_tokens__is_one_transaction_and_leaves_no_allowance(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(20), target="WETH") as built:
        settled = swept(built)
        assert settled.outcome is Outcome.SUCCEEDED
        assert len(built.facts(DustConverted)) == len(built.facts(LegFilled)) == 20
        assert [each.transaction.purpose for each in built.facts(TransactionSigned)] == [
            Purpose.DELEGATE,
            Purpose.SWEEP,
        ]
        assert settled.gas_used / 20 <= 87_000
        balanced(built)


@pytest.mark.parametrize("target", ["ETH", "WETH", "USDC", "USDT", "DAI"])
def test_sweep__into_each_target_over_each_kind_of_route__is_in_the_log_to_the_wei(
    chain: LocalChain, tmp_path: Path, target: str
) -> None:
    gifts = {token: units for token, units in MIXED.items() if token != target}
    gifts |= PAIRS if target in ("ETH", "WETH") else {}
    with stand(chain, tmp_path, gifts, target=target) as built:
        swept(built)
        assert len(built.facts(DustConverted)) == len(gifts)
        assert not built.halted
        balanced(built)


def test_proposal__at_the_parent_block__promises_what_is_mined_to_the_wei(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, MIXED, target="USDC") as built:
        swept(built)
        built.give(dust(6))
        built.scan()
        built.settle()
        promised = {each.leg_id: each.quote.receive for each in built.facts(LegRequested)}
        filled = {each.leg_id: each.fill.received for each in built.facts(LegFilled)}
        assert promised == filled


@pytest.fixture
def twelve_seconds(chain: LocalChain) -> Iterator[None]:
    """Blocks as far apart as on Ethereum: a pool that traded in the same second saves its next trade 2,480 gas."""
    chain.rpc("anvil_setBlockTimestampInterval", 12)
    yield
    chain.rpc("anvil_removeBlockTimestampInterval")


@pytest.mark.usefixtures("twelve_seconds")
def test_proposal__when_delegated__expects_the_gas_that_is_used(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(10), target="WETH") as built:
        swept(built)
        built.give(dust(10, 10))
        built.scan()
        built.settle()
        last = built.facts(TransactionSettled)[-1]
        requested = built.facts(LegRequested)[-10:]
        expected = sum((each.quote.fees[-1].quantity for each in requested), Decimal(0))
        assert last.fee is not None
        assert Decimal("0.98") < expected / last.fee.quantity < Decimal("1.1")


def test_bad_lot__when_it_cannot_be_sold__is_dropped_and_the_others_go(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, {**dust(3), "USDT": 5 * 10**6}, target="WETH") as built:
        built.scan()
        chain.act(chain.tokens["USDT"].address, "addBlackList(address)", built.key.address)
        built.settle()
        (refused,) = built.facts(LegRefused)
        assert refused.refusal.code is RefusalCode.NO_LIQUIDITY
        assert "failed when it was tried" in refused.refusal.sentence
        assert len(built.facts(DustConverted)) == 3
        assert {each.outcome for each in built.facts(TransactionSettled)} == {Outcome.SUCCEEDED}


def test_old_allowance__of_a_token_that_refuses_another__is_taken_back_first(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, {"USDT": 5 * 10**6}, target="WETH") as built:
        router = chain.contracts.swap_router
        send(chain, built.key, chain.tokens["USDT"].address, call("approve(address,uint256)", router, 7))
        assert built.allowances() == 7
        built.before = built.units()
        swept(built)
        assert len(built.facts(DustConverted)) == 1
        balanced(built)


def test_gas__above_what_a_lot_is_worth__lets_it_wait_and_names_the_price(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(2, units=10**16), target="WETH") as built:
        built.scan()
        built.settle()
        refusals = [each.refusal for each in built.facts(LegRefused)]
        assert {refusal.code for refusal in refusals} == {RefusalCode.NO_NET_GAIN}
        assert all("it would go below" in refusal.sentence for refusal in refusals)
        assert built.nonce() == 0


def charge(chain: LocalChain, gwei: int) -> None:
    chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(gwei * GWEI))
    chain.mine()


def test_gas__that_falls_below_the_price_named__lets_the_lots_go_that_waited_for_it(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH") as built:
        charge(chain, 200)
        built.scan()
        built.settle()
        stuck = built.facts(DustUnroutable)
        assert {each.reason for each in stuck} == {Unroutable.NO_NET_GAIN}
        least = min(each.base_fee or 0 for each in stuck)
        assert GWEI < least < 100 * GWEI
        charge(chain, 150)
        built.scan()
        assert len(built.facts(DustDetected)) == 1
        charge(chain, 1)
        built.scan()
        built.settle()
        assert len(built.facts(DustConverted)) == 2
        balanced(built)


def test_gas__above_the_ceiling__lets_every_lot_wait(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH", terms={"ceiling": GWEI // 10}) as built:
        built.scan()
        built.settle()
        assert all("above the ceiling of 0.1 gwei" in each.refusal.sentence for each in built.facts(LegRefused))
        assert built.nonce() == 0


def test_coin__that_does_not_pay_the_gas__is_named_as_missing(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH") as built:
        chain.rpc("anvil_setBalance", built.key.address, hex(10**12))
        built.scan()
        built.settle()
        assert {each.refusal.code for each in built.facts(LegRefused)} == {RefusalCode.INSUFFICIENT_BALANCE}
        assert all(each.refusal.missing is not None for each in built.facts(LegRefused))
        assert built.nonce() == 0


def test_delegate__that_is_no_batch_account__is_a_mistake_of_the_settings(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"delegate": chain.wallets[3].address}) as built:
        built.scan()
        with pytest.raises(ConfigurationError, match="is no ERC-7821 contract"):
            built.conduct()
        assert built.nonce() == 0


def a_draft(built: Stand, address: str, target: str) -> Order:
    """Ten of a token, over its V3 pool."""
    name, unit = assets.token(built.chain.chain_id, address), Decimal(1).scaleb(-18)
    leg = "00000000-0000-0000-0000-000000000001"
    plan = PlannedLeg(leg, LegKind.SWAP, f"v3:3000@{address}", name, target, "lot", Decimal(10), unit, unit)
    return draft(plan, Amount(Decimal(10), name))


def test_token__that_is_not_believed__is_never_tried(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        honeypot = chain.hostile["honeypot"]
        chain.give("honeypot", built.key.address, 10**19)
        wallet = built.wallet()
        wallet.holdings()
        proposal = wallet.propose([a_draft(built, honeypot.address, wallet.target)])
        assert not proposal.offers
        assert proposal.code is Code.EMPTY
        ((_, refusal),) = proposal.dropped.items()
        assert refusal.code is RefusalCode.NOT_TRADABLE
        assert refusal.sentence.startswith("unknown")


TENTH = Decimal("0.1")


@pytest.mark.parametrize("delegated", [True, False])
@pytest.mark.parametrize("target", ["ETH", "WETH"])
def test_taxed_token__within_what_the_owner_bears__is_sold_for_what_really_arrives(
    chain: LocalChain, tmp_path: Path, target: str, delegated: bool
) -> None:
    allowed = {"allows": ("taxed",), "highest_tax": TENTH, "terms": {} if delegated else {"delegate": None}}
    with stand(chain, tmp_path, {**dust(1), "taxed": 10**19}, target=target, **allowed) as built:
        built.scan()
        built.settle()
        taxed = assets.token(chain.chain_id, chain.hostile["taxed"].address)
        assert {each.asset for each in built.facts(DustConverted)} == {
            taxed,
            assets.token(chain.chain_id, chain.tokens["DUST000"].address),
        }
        assert chain.balance("taxed", built.key.address) == 0
        assert not built.halted
        balanced(built)


def test_taxed_token__beyond_what_the_owner_bears__is_left_alone(chain: LocalChain, tmp_path: Path) -> None:
    allowed = {"allows": ("taxed",), "highest_tax": TENTH - Decimal("0.001")}
    with stand(chain, tmp_path, {"taxed": 10**19}, target="WETH", **allowed) as built:
        built.scan()
        built.settle()
        assert not built.facts(TransactionSigned)


@pytest.mark.parametrize("delegated", [True, False])
def test_token__that_only_a_pair_buys__goes_through_weth_into_dollars(
    chain: LocalChain, tmp_path: Path, delegated: bool
) -> None:
    usdc, weth, owner = chain.tokens["USDC"].address, chain.contracts.weth, chain.owner
    chain.act(usdc, "mint(address,uint256)", owner, 3 * 10**12)
    adding = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
    chain.act(chain.contracts.v2_router, adding, usdc, weth, 3 * 10**12, 10**21, 0, 0, owner, 2**255)
    terms = {} if delegated else {"delegate": None}
    with stand(chain, tmp_path, PAIRS, target="USDC", terms=terms) as built:
        built.scan()
        built.settle()
        assert {each.product.split("@")[0] for each in built.facts(LegRequested)} == {"v2 via WETH"}
        assert len(built.facts(DustConverted)) == len(PAIRS)
        balanced(built)


def test_token__that_pays_whoever_sells_it__is_settled_by_what_arrived_and_halts_the_account(
    chain: LocalChain, tmp_path: Path
) -> None:
    weth, router = chain.contracts.weth, chain.contracts.v2_router
    tipper = chain.deploy("Tipper", "Tipper", "TIP", weth)
    chain.act(tipper, "mint(address,uint256)", chain.owner, 10**23)
    chain.act(tipper, "approve(address,uint256)", router, 10**23)
    adding = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
    chain.act(router, adding, tipper, weth, 10**22, 10**19, 0, 0, chain.owner, 2**255)
    with stand(chain, tmp_path, dust(2), target="WETH") as built:
        chain.act(tipper, "mint(address,uint256)", built.key.address, 10**19)
        chain.act(weth, "transfer(address,uint256)", tipper, 10)
        built.allowed = (tipper,)
        built.desk = built.fresh()
        built.scan()
        built.settle()
        assert "moved something else than was asked" in built.halted
        assert [each.outcome for each in built.facts(TransactionSettled)] == [Outcome.SUCCEEDED] * 2
        assert len(built.facts(LegFilled)) == 3
        recorded = built.recorded()
        del recorded[assets.token(chain.chain_id, tipper)]
        assert built.moved() == recorded


@pytest.mark.parametrize("delegated", [True, False])
def test_l1_fee__by_a_real_oracle__counts_all_data_and_keeps_lots_that_it_would_eat(
    chain: LocalChain, tmp_path: Path, delegated: bool
) -> None:
    oracle = chain.deploy("GasPriceOracle")
    chain.act(oracle, "set(uint256,uint256)", 30 * GWEI, GWEI)
    terms = {} if delegated else {"delegate": None}
    with stand(chain, tmp_path, dust(2), target="WETH", terms=terms) as built:
        drafts = [a_draft(built, chain.tokens["DUST000"].address, built.wallet().target)]
        free = built.wallet().propose(drafts)
        built.terms = {**terms, "oracle": oracle}
        charged = built.wallet().propose(drafts)
        fee = (charged.cost.quantity - free.cost.quantity).scaleb(18)
        signed = oracle_fee(chain, oracle, len(charged.payload[42:]) // 2 + ENVELOPE)
        # Without a delegate the data of the swap that follows the approval is to be paid too.
        assert fee == signed > 0 if delegated else fee > 2 * signed > 0
        chain.act(oracle, "set(uint256,uint256)", 300_000 * GWEI, 100 * GWEI)
        built.desk = built.fresh()
        built.scan()
        built.settle()
        assert {each.reason for each in built.facts(DustUnroutable)} == {Unroutable.NO_NET_GAIN}
        assert built.nonce() == 0
        chain.act(oracle, "set(uint256,uint256)", GWEI, 1)
        built.clock.ahead += timedelta(days=1)
        built.scan()
        built.settle()
        assert len(built.facts(DustConverted)) == 2


def oracle_fee(chain: LocalChain, oracle: str, size: int) -> int:
    return int(chain.ask(oracle, "getL1FeeUpperBound(uint256)", ("uint256",), size)[0])


def test_l1_fee__that_the_coin_does_not_pay__is_named_as_missing(chain: LocalChain, tmp_path: Path) -> None:
    oracle = chain.deploy("GasPriceOracle")
    chain.act(oracle, "set(uint256,uint256)", 30 * GWEI, GWEI)
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"oracle": oracle}) as built:
        built.scan()
        chain.act(oracle, "set(uint256,uint256)", 10**9 * GWEI, GWEI)
        chain.rpc("anvil_setBalance", built.key.address, hex(10**17))
        built.settle()
        (refused,) = built.facts(LegRefused)
        assert refused.refusal.code is RefusalCode.INSUFFICIENT_BALANCE
        assert built.nonce() == 0


@pytest.mark.parametrize("delegated", [True, False])
def test_route__that_has_become_worse_since_the_scan__is_left_for_a_better_one(
    chain: LocalChain, tmp_path: Path, delegated: bool
) -> None:
    terms = {} if delegated else {"delegate": None}
    with stand(chain, tmp_path, {"DAI": 10**19}, target="WETH", terms=terms) as built:
        built.scan()
        (plan,) = built.facts(DustDetected)[0].plan
        first = chain.pool("DAI", "USDC") if "via USDC" in plan.product else chain.pool("DAI")
        chain.sell_into(first, 10**24 * 3)
        built.settle()
        (requested,) = built.facts(LegRequested)
        assert requested.quote.reference != plan.product
        assert requested.quote.reference.startswith("v3:")
        (filled,) = built.facts(LegFilled)
        assert filled.fill.received.quantity > Decimal("0.0032")
        balanced(built)
