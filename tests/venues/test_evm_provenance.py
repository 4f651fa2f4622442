"""Where a holding came from: by what brought it, never by what it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.errors import VenueUnavailable
from events.values import Source
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from venues.evm.discovery import ARRIVALS_KEPT, Arrival, Discovery
from venues.evm.news import news_of
from venues.evm.registry import Rewards
from venues.evm.rewards.provenance import UNPROVEN, Origin, Provenance, provers
from venues.evm.rpc import Rpc

OURS = 0
EIGEN, KING = "EIGEN", "KING"


def rewards(chain: LocalChain) -> Rewards:
    return Rewards(chain.tokens[KING].address, chain.contracts.merkle_drop, chain.contracts.rewards_coordinator)


@contextmanager
def looking(chain: LocalChain) -> Iterator[tuple[ChainProxy, Discovery, Provenance]]:
    ours = chain.wallets[OURS].address
    with ChainProxy(chain.url) as proxy:
        rpc = Rpc([proxy.url], chain.chain_id)
        yield proxy, Discovery(rpc, ours), Provenance(rpc, ours, provers(rewards(chain)))


def origin(chain: LocalChain, found: Discovery, provenance: Provenance, name: str, units: int | None = None) -> Origin:
    read_news(chain, found)
    token = chain.tokens[name].address
    held = chain.balance(name, chain.wallets[OURS].address) if units is None else units
    return provenance.origins({token: held}, found.found.arrivals)[token]


def read_news(chain: LocalChain, found: Discovery) -> None:
    (news,) = news_of([found])
    news.take(found.rpc.ask([news.call])[0], chain.block_number())


def claim_king(chain: LocalChain, units: int) -> None:
    ours = chain.wallets[OURS].address
    entry = chain.entitle_king({ours: units})[ours]
    signature = "claim(address,uint256,bytes32,bytes32[])"
    chain.act(chain.contracts.merkle_drop, signature, ours, units, bytes.fromhex(entry["Root"][2:]), [])


def send_as(chain: LocalChain, sender: str, to: str, data: bytes) -> None:
    chain.rpc("anvil_setBalance", sender, hex(10**18))
    chain.rpc("anvil_impersonateAccount", sender)
    chain.automine(False)
    chain.rpc("eth_sendTransaction", {"from": sender, "to": to, "data": "0x" + data.hex()})
    chain.mine()
    chain.automine(True)


def test_origin__of_a_plain_transfer__is_told_without_a_request_for_it(chain: LocalChain) -> None:
    chain.give(EIGEN, chain.wallets[OURS].address, 5)
    with looking(chain) as (proxy, found, provenance):
        word, proof = origin(chain, found, provenance, EIGEN)
        assert word is Source.TRANSFER
        assert proof is not None
        receipt = chain.rpc("eth_getTransactionReceipt", proof.tx_hash)
        assert int(receipt["blockNumber"], 16) == proof.block
        assert proxy.counts()["requests"] == 1


def test_origin__of_a_claim__is_its_event(chain: LocalChain) -> None:
    claim_king(chain, 7)
    with looking(chain) as (proxy, found, provenance):
        word, proof = origin(chain, found, provenance, KING)
        assert word is Source.KING_CLAIM
        assert proof is not None
        assert proxy.counts()["requests"] == 2


def test_origin__of_what_the_drop_sent_without_its_event__is_a_transfer(chain: LocalChain) -> None:
    ours, drop = chain.wallets[OURS].address, chain.contracts.merkle_drop
    chain.give(KING, drop, 9)
    send_as(chain, drop, chain.tokens[KING].address, call("transfer(address,uint256)", ours, 9))
    with looking(chain) as (_, found, provenance):
        assert origin(chain, found, provenance, KING)[0] is Source.TRANSFER


@pytest.mark.parametrize(("given", "claimed", "word"), [(3, 8, Source.KING_CLAIM), (8, 3, Source.TRANSFER)])
def test_origin__of_several_sources__is_the_one_that_brought_most(
    chain: LocalChain, given: int, claimed: int, word: Source
) -> None:
    claim_king(chain, claimed)
    chain.give(KING, chain.wallets[OURS].address, given)
    with looking(chain) as (_, found, provenance):
        assert origin(chain, found, provenance, KING)[0] is word


def test_origin__of_what_is_still_there__goes_by_the_newest_arrivals(chain: LocalChain) -> None:
    claim_king(chain, 100)
    chain.give(KING, chain.wallets[OURS].address, 5)
    with looking(chain) as (_, found, provenance):
        assert origin(chain, found, provenance, KING, units=5)[0] is Source.TRANSFER
        assert origin(chain, found, provenance, KING, units=20)[0] is Source.KING_CLAIM


def test_origin__of_what_no_arrival_explains__is_leftover(chain: LocalChain) -> None:
    chain.give("eETH", chain.wallets[OURS].address, 5)
    with looking(chain) as (_, found, provenance):
        assert origin(chain, found, provenance, "eETH", units=5)[0] is Source.TRANSFER
        assert origin(chain, found, provenance, "eETH", units=11) == UNPROVEN
        assert origin(chain, found, provenance, EIGEN, units=1) == UNPROVEN


def test_arrivals__after_a_reorganisation__are_those_of_the_chain_that_stands(chain: LocalChain) -> None:
    chain.mine(3)
    claim_king(chain, 7)
    with looking(chain) as (_, found, provenance):
        assert origin(chain, found, provenance, KING)[0] is Source.KING_CLAIM
        chain.reorg(2)
        assert origin(chain, found, provenance, KING, units=7) == UNPROVEN


def test_arrivals__of_many_transfers__are_kept_up_to_a_number(chain: LocalChain) -> None:
    ours = chain.wallets[OURS].address
    chain.hand_out([(EIGEN, ours, 1)] * (ARRIVALS_KEPT + 3))
    with looking(chain) as (_, found, provenance):
        origin(chain, found, provenance, EIGEN)
        assert len(found.found.arrivals[chain.tokens[EIGEN].address]) == ARRIVALS_KEPT


def test_origin__while_no_node_answers__is_an_outage(chain: LocalChain) -> None:
    claim_king(chain, 7)
    with looking(chain) as (proxy, found, provenance):
        read_news(chain, found)
        proxy.inject(kind="bad_gateway", method="any", when="before", calls="all")
        with pytest.raises(VenueUnavailable):
            provenance.origins({chain.tokens[KING].address: 7}, found.found.arrivals)


def test_arrival__counts_to_the_last_unit() -> None:
    assert Arrival("0x", 1, 0, "0x", hex(2**256 - 1)).amount == 2**256 - 1
