"""Finding the tokens of a wallet in the logs of a real node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from domain.errors import VenueUnavailable
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.simulators.chain_client import signed
from venues.evm.discovery import Claim, Discovery
from venues.evm.news import news_of
from venues.evm.rpc import Rpc
from venues.evm.words import padded, selector, word


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


def discovery_of(chain: LocalChain, url: str, number: int = 5, **options: object) -> Discovery:
    rpc = Rpc([url], chain.chain_id, timeout=(1.0, 2.0))
    return Discovery(rpc, chain.wallets[number].address, **options)  # type: ignore[arg-type]


def take(chain: LocalChain, group: Sequence[Discovery]) -> None:
    """Advance several to the head."""
    for news in news_of(group):
        news.take(group[0].rpc.ask([news.call])[0], chain.block_number())


def look(chain: LocalChain, discovery: Discovery) -> set[str]:
    """Advance to the head, and name what is known."""
    take(chain, [discovery])
    names = {token.address: name for name, token in (*chain.tokens.items(), *chain.hostile.items())}
    return {names[address] for address in discovery.tokens}


def test_take__transfers_to_the_wallet__are_found_once_and_then_the_new_ones(chain: LocalChain) -> None:
    discovery, holder = discovery_of(chain, chain.url), chain.wallets[5].address
    assert look(chain, discovery) == set()
    chain.hand_out([("DUST000", holder, 1), ("honeypot", holder, 1), ("DUST001", chain.wallets[6].address, 1)])
    assert look(chain, discovery) == {"DUST000", "honeypot"}
    chain.give("DUST002", holder, 1)
    before = discovery.rpc.requests
    assert look(chain, discovery) == {"DUST000", "DUST002", "honeypot"}
    assert discovery.rpc.requests == before + 1
    assert discovery.unread() == 0


def test_take__a_provider_with_a_range__is_read_in_steps_and_over_several_scans(
    chain: LocalChain, proxy: ChainProxy
) -> None:
    holder = chain.wallets[5].address
    chain.give("DUST000", holder, 1)
    chain.mine(400)
    chain.give("DUST001", holder, 1)
    proxy.inject(kind="log_range", blocks=50, calls="all")
    discovery = discovery_of(chain, proxy.url, overlap=20, requests_a_scan=3)
    scans = 0
    while True:
        found = look(chain, discovery)
        scans += 1
        if not discovery.unread():
            break
        assert scans < 100
    assert found == {"DUST000", "DUST001"}
    assert proxy.counts()["eth_getLogs"] < 8 * (chain.block_number() / 50)
    asked = proxy.counts()["eth_getLogs"]
    look(chain, discovery)
    assert proxy.counts()["eth_getLogs"] == asked + 1


def test_take__a_reorganisation__brings_what_the_new_blocks_have(chain: LocalChain) -> None:
    discovery, holder = discovery_of(chain, chain.url, overlap=10), chain.wallets[5].address
    token = chain.tokens["DUST003"].address
    chain.give("DUST003", chain.wallets[1].address, 1)
    moved = "0x" + (selector("transfer(address,uint256)") + padded(holder) + word(1)).hex()
    raw = signed(chain, 1, to=token, data=moved, value=0, gas=100_000)
    chain.mine(5)
    assert look(chain, discovery) == set()
    head = chain.block_number()
    chain.reorg(3, [(raw, 0)])
    assert (chain.block_number(), discovery.found.high) == (head, head)
    assert look(chain, discovery) == {"DUST003"}


def test_take__logs_of_a_block_that_is_no_longer_there__are_passed_over(chain: LocalChain) -> None:
    discovery, holder = discovery_of(chain, chain.url), chain.wallets[5].address
    chain.hand_out([("DUST000", holder, 1), ("DUST001", holder, 1)])
    (news,) = news_of([discovery])
    logs = discovery.rpc.ask([news.call])[0]
    assert isinstance(logs, list)
    gone = chain.tokens["DUST001"].address.lower()
    told = [{**log, "removed": True} if log["address"].lower() == gone else log for log in logs]
    news.take(told, chain.block_number())
    assert chain.tokens["DUST000"].address in discovery.tokens
    assert chain.tokens["DUST001"].address not in discovery.tokens


def test_take__a_first_scan_of_a_long_history__takes_its_share_of_requests(
    chain: LocalChain, proxy: ChainProxy
) -> None:
    chain.mine(400)
    chain.give("DUST000", chain.wallets[5].address, 1)
    proxy.inject(kind="log_range", blocks=50, calls="all")
    discovery = discovery_of(chain, proxy.url, overlap=20, requests_a_scan=6)
    assert look(chain, discovery) == {"DUST000"}
    assert discovery.unread() > 0
    assert proxy.counts()["eth_getLogs"] < 1 + 6 + 4


def test_take__wallets_with_a_long_history__are_read_in_the_same_steps(chain: LocalChain, proxy: ChainProxy) -> None:
    names = {5: "DUST000", 6: "DUST001", 7: "DUST002"}
    for number, name in names.items():
        chain.mine(100)
        chain.give(name, chain.wallets[number].address, 1)
    proxy.inject(kind="log_range", blocks=50, calls="all")
    group = [discovery_of(chain, proxy.url, number, overlap=20, requests_a_scan=1000) for number in names]
    take(chain, group)
    together = proxy.counts()["eth_getLogs"]
    assert [{chain.tokens[name].address} for name in names.values()] == [set(each.tokens) for each in group]
    assert not any(each.unread() for each in group)
    proxy.forget()
    take(chain, [discovery_of(chain, proxy.url, 5, overlap=20, requests_a_scan=1000)])
    assert together == proxy.counts()["eth_getLogs"]
    # One that joins them later is read by itself, and with the others from then on.
    group.append(discovery_of(chain, proxy.url, 8, overlap=20, requests_a_scan=1000))
    assert [len(news.discoveries) for news in news_of(group)] == [1, 3]
    take(chain, group)
    assert [len(news.discoveries) for news in news_of(group)] == [4]


def test_take__a_provider_that_refuses_several_wallets__is_asked_for_fewer(
    chain: LocalChain, proxy: ChainProxy
) -> None:
    chain.hand_out([(f"DUST00{number}", chain.wallets[number].address, 1) for number in (5, 6, 7)])
    proxy.inject(kind="refused", method="eth_getLogs", message="too many topics", calls="1-4")
    group = [discovery_of(chain, proxy.url, number, requests_a_scan=1000) for number in (5, 6, 7)]
    take(chain, group)
    found = [{chain.tokens[f"DUST00{number}"].address} for number in (5, 6, 7)]
    assert found == [set(each.tokens) for each in group]


def test_take__a_range_that_times_out__is_read_in_smaller_steps(chain: LocalChain, proxy: ChainProxy) -> None:
    chain.give("DUST000", chain.wallets[5].address, 1)
    proxy.inject(kind="refused", method="eth_getLogs", message="query timeout exceeded", calls="1-3")
    discovery = discovery_of(chain, proxy.url)
    assert look(chain, discovery) == {"DUST000"}
    assert discovery.found.span > 0


def test_take__a_node_that_refuses_one_block__is_an_outage(chain: LocalChain, proxy: ChainProxy) -> None:
    proxy.inject(kind="refused", method="eth_getLogs", message="too many results", calls="all")
    with pytest.raises(VenueUnavailable, match="eth_getLogs"):
        look(chain, discovery_of(chain, proxy.url))


def test_cache__of_another_process__goes_on_and_a_broken_one_is_none(chain: LocalChain, tmp_path: Path) -> None:
    cache, holder = tmp_path / "deep" / "wallet.json", chain.wallets[5].address
    chain.give("DUST000", holder, 1)
    first = discovery_of(chain, chain.url, cache=cache)
    look(chain, first)
    first.learn({chain.tokens["DUST000"].address: Claim(18, "DUST000")})
    second = discovery_of(chain, chain.url, cache=cache)
    assert second.tokens == first.tokens
    assert second.found.high == first.found.high
    assert json.loads(cache.read_bytes())["tokens"][chain.tokens["DUST000"].address] == {
        "decimals": 18,
        "symbol": "DUST000",
    }
    for broken in (b"", b"[]", b"{", b'{"tokens":{"0x12":null}}', b'{"low":-1,"high":"x"}'):
        cache.write_bytes(broken)
        assert look(chain, discovery_of(chain, chain.url, cache=cache)) == {"DUST000"}
