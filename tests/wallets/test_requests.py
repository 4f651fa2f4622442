"""How many requests a sweep takes, exactly, and that fewer of them decide nothing by less."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from domain.errors import VenueUnavailable
from events.facts import DustConverted, LegRefused
from events.values import RefusalCode
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from tests.wallets.foreign import send
from tests.wallets.stand import ACCOUNT, Stand, dust, stand
from tests.wallets.test_sweep import a_draft
from venues.evm import glance, rehearsal
from venues.evm.batch import Desk, Sale
from venues.evm.glance import Glance
from venues.evm.quantities import whole
from venues.evm.rehearsal import LEGS_AT_ONCE, Tried
from venues.evm.routes import Route
from venues.evm.rpc import Failure, octets
from workers.desk import Desk as Worker


def requests(built: Stand) -> int:
    return built.proxy.counts()["requests"]


def patient(built: Stand) -> Worker:
    """A worker that has just started; when it waits it waits until everything is mined, unseen by the proxy."""

    def wait(_: float) -> None:
        while int(built.chain.rpc("txpool_status")["pending"], 16):
            time.sleep(0.001)

    return dataclasses.replace(built.fresh(), sleep=wait)


def delegated(built: Stand) -> None:
    """Have the wallet delegated, and its tokens met and quoted."""
    built.scan()
    built.settle()
    built.give(dust(20))
    venue = built.desk.venue(ACCOUNT)
    venue.holdings()
    venue.capabilities()


def test_sweep__of_twenty_tokens__takes_six_requests_from_scan_to_receipt(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1, 30), target="WETH", cached=True) as built:
        delegated(built)
        for sold in (21, 41):
            built.proxy.forget()
            built.scan()
            assert requests(built) == 2
            built.settle(patient(built))
            assert requests(built) == 6
            assert len(built.facts(DustConverted)) == sold
            assert built.allowances() == 0
            built.give(dust(20))
            # Now scan and sweep are of processes that have just started and know what others kept.
            built.desk = patient(built)


def test_lot__that_is_no_dust_any_more__has_the_others_tried_again(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1, 30), target="WETH", cached=True) as built:
        delegated(built)
        built.scan()
        built.give({"DUST003": 10**24})
        built.proxy.forget()
        built.settle(patient(built))
        assert requests(built) == 5
        assert [each.refusal.code for each in built.facts(LegRefused)] == [RefusalCode.NO_LONGER_DUST]
        assert len(built.facts(DustConverted)) == 20
        assert built.allowances() == 0


def test_trial__that_promised_more_than_the_batch_brings__is_made_again_at_its_block(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH") as built:
        wallet = built.wallet()
        wallet.holdings()
        drafts = [a_draft(built, chain.tokens[name].address, wallet.target) for name in ("DUST000", "DUST001")]
        drafts[1] = dataclasses.replace(drafts[1], key="another")
        wallet.rehearse(drafts)
        early = wallet._early
        assert early is not None
        promised = {
            key: dataclasses.replace(each, received=2 * each.received)
            for key, each in early.tried.items()
            if isinstance(each, Tried)
        }
        assert len(promised) == 2
        wallet._early = dataclasses.replace(early, tried=promised)
        before = wallet.requests
        proposal = wallet.propose(drafts)
        assert not proposal.dropped
        assert [offer.quote.receive.quantity for offer in proposal.offers] == [
            whole(each.received, 18) for each in early.tried.values() if isinstance(each, Tried)
        ]
        assert wallet.requests - before == 3


def test_rehearsal__of_more_legs_than_a_transaction_carries__leaves_the_others_to_the_next(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, {"DUST000": 10**21}, target="WETH") as built:
        token, weth = chain.tokens["DUST000"].address, chain.contracts.weth
        desk = Desk(built.where, built.key.address, ether=False)
        sales = [Sale(str(n), token, 10**15 + n, Route((token, weth), (3000,))) for n in range(450)]
        ask = rehearsal.call(desk, sales, "latest", 2**40)
        request, *rest = ask.parameters
        assert isinstance(request, dict)
        tried = rehearsal.results(octets(chain.rpc(ask.method, {**request, "gas": hex(50_000_000)}, *rest)), sales)
        assert list(tried) == [sale.key for sale in sales[:LEGS_AT_ONCE]]
        assert all(isinstance(each, Tried) for each in tried.values())
        # Where a node gives less gas, what it does not reach is neither good nor bad.
        short = rehearsal.results(octets(chain.rpc(ask.method, {**request, "gas": hex(5_000_000)}, *rest)), sales)
        assert 0 < len(short) < LEGS_AT_ONCE
        assert all(isinstance(each, Tried) for each in short.values())
        request, *rest = rehearsal.call(desk, sales[:1], "latest", 2**40).parameters
        assert isinstance(request, dict)
        none = chain.rpc(ask.method, {**request, "gas": hex(1_600_000)}, *rest)
        with pytest.raises(VenueUnavailable, match="too little gas"):
            rehearsal.results(octets(none), sales[:1])


def test_glance__at_a_delegated_account__is_of_one_block_with_code_and_allowances(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        token, mute = chain.tokens["DUST000"].address, chain.hostile["no_code"].address
        router, account = chain.contracts.swap_router, built.key.address

        def seen(*pairs: tuple[str, str]) -> Glance | None:
            ask = glance.call(account, pairs)
            return glance.seen(chain.rpc(ask.method, *ask.parameters), pairs)

        assert seen((token, router)) == Glance(chain.block_number(), "0x", (0,))
        send(chain, built.key, token, call("approve(address,uint256)", router, 7))
        chain.rpc("anvil_setCode", account, "0xef0100" + "ab" * 20)
        assert seen((token, router), (token, account)) == Glance(chain.block_number(), built.code(), (7, 0))
        assert seen((token, router), (mute, router)) is None
        assert glance.seen(Failure("eth_call", -32000, "overrides are not allowed"), []) is None
        assert glance.seen("0x", []) is None
