"""A wallet on the local chain, scanned as a venue: what is there, what is believed, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, VenueUnavailable
from domain.venue import Holding, Order, Price
from events.money import Amount
from events.values import LegKind, Quote, Refusal, Source
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.venues.wallet_stage import described, wallet_on
from venues.evm import quoting
from venues.evm.assets import coin, token
from venues.evm.registry import Feed
from venues.evm.routes import Route
from venues.evm.wallet import Wallet

D = Decimal
ETHER = 10**18


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


def asset(chain: LocalChain, name: str) -> str:
    return coin(chain.chain_id) if name == "ETH" else token(chain.chain_id, chain.token(name).address)


def held(chain: LocalChain, wallet: Wallet) -> dict[str, Holding]:
    names = {asset(chain, name): name for name in ("ETH", *chain.tokens, *chain.hostile)}
    return {names[holding.asset]: holding for holding in wallet.holdings()}


def price(chain: LocalChain, wallet: Wallet, name: str) -> Price:
    """The price of a token's best route, and the route's name with `doubt`, as a scan reads them."""
    wallet.holdings()
    product = wallet.capabilities().products[asset(chain, name), wallet.target]
    return wallet.prices([product.name])[product.name]


def route(chain: LocalChain, wallet: Wallet, name: str) -> str:
    wallet.holdings()
    return wallet.capabilities().products[asset(chain, name), wallet.target].name.partition("@")[0]


def test_holdings__a_wallet__has_its_coin_and_its_tokens_to_the_last_unit(chain: LocalChain) -> None:
    owner = chain.wallets[0].address
    chain.hand_out([("USDC", owner, 1_234_567), ("DUST000", owner, 1), ("eETH", owner, ETHER)])
    found = held(chain, wallet_on(chain, allow=["DUST000"]))
    assert set(found) == {"ETH", "USDC", "DUST000", "eETH"}
    assert found["ETH"].available == 100
    proven = found["USDC"].proof
    assert found["USDC"] == Holding(asset(chain, "USDC"), D("1.234567"), D(0), source=Source.TRANSFER, proof=proven)
    assert found["DUST000"].available == D("0.000000000000000001")


def test_holdings__a_token_that_rebases__is_read_though_it_logs_nothing(chain: LocalChain) -> None:
    owner = chain.wallets[0].address
    chain.give("eETH", owner, ETHER)
    wallet = wallet_on(chain)
    before = held(chain, wallet)["eETH"].available
    chain.act(chain.tokens["eETH"].address, "rebase(uint256)", 11 * 10**17)
    assert held(chain, wallet)["eETH"].available > before


def test_holdings__again_and_again__take_one_request(chain: LocalChain, proxy: ChainProxy) -> None:
    owner = chain.wallets[0].address
    chain.hand_out([(f"DUST{number:03}", owner, ETHER) for number in range(50)])
    wallet = wallet_on(chain, url=proxy.url)
    wallet.holdings()
    proxy.forget()
    wallet.holdings()
    assert proxy.counts()["requests"] == 1
    wallet.capabilities()
    wallet.worth([wallet.target])
    assert proxy.counts()["requests"] == 2


def test_holdings__unknown_tokens__are_in_quarantine_with_harmless_names(chain: LocalChain) -> None:
    owner = chain.wallets[0].address
    chain.hand_out([(name, owner, ETHER) for name in chain.hostile if name != "no_code"])
    found = held(chain, wallet_on(chain))
    silent = {"gas_burner", "return_bomb", "mute", "no_code"}
    assert set(found) == {"ETH", *chain.hostile} - silent
    for name in found:
        assert bool(found[name].quarantine) == (name != "ETH")
        assert found[name].quarantine.isascii()
        assert found[name].quarantine.isprintable()
        assert "<" not in found[name].quarantine
    assert "is not USDC, which is" in found["same_symbol"].quarantine
    assert '"USD\\u0421"' in found["look_alike"].quarantine
    assert found["liar"].available == 10**6


def test_capabilities__quarantined_tokens__are_never_valued_and_allowed_ones_are(chain: LocalChain) -> None:
    owner = chain.wallets[0].address
    chain.hand_out([(name, owner, ETHER) for name in ("DUST000", "DUST001", "liar", "script")])
    wallet = wallet_on(chain, allow=["DUST001"])
    wallet.holdings()
    assert set(wallet.capabilities().products) == {(asset(chain, "DUST001"), wallet.target)}


@pytest.mark.parametrize(
    ("name", "target", "way"),
    [
        ("DUST000", "ETH", "v3:3000"),
        ("DUST024", "WETH", "v3:10000"),
        ("DUST030", "ETH", "v3:3000,500 via USDC"),
        ("DUST036", "ETH", "v2"),
        ("DUST042", "ETH", "v2"),
        ("DUST000", "USDC", "v3:3000,500 via WETH"),
        ("USDT", "DAI", "v3:100,100 via USDC"),
        ("WETH", "ETH", "unwrap"),
    ],
)
def test_capabilities__each_market__is_the_route_that_brings_most(
    chain: LocalChain, name: str, target: str, way: str
) -> None:
    chain.give(name, chain.wallets[0].address, 10 ** chain.token(name).decimals)
    assert route(chain, wallet_on(chain, target=target, allow=[name]), name) == way


def test_prices__of_nothing__ask_nobody(chain: LocalChain) -> None:
    wallet = wallet_on(chain)
    assert wallet.prices([]) == {}
    assert wallet.requests == 0


def test_prices__a_quote__is_what_the_quoter_says_and_worth_is_in_dollars(chain: LocalChain) -> None:
    chain.give("EIGEN", chain.wallets[0].address, ETHER)
    wallet = wallet_on(chain)
    found = price(chain, wallet, "EIGEN")
    weth, eigen = chain.contracts.weth, chain.tokens["EIGEN"].address
    asked = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
    said = chain.ask(chain.contracts.quoter, asked, ("uint256",), (eigen, weth, ETHER, 3000, 0))[0]
    assert found.bid is not None
    assert found.bid * ETHER == said
    assert found.ask is not None
    assert found.bid < found.ask < found.bid * D("1.001")
    assert wallet.worth([wallet.target]) == {wallet.target: D(3000)}


def test_prices__a_holding_that_would_crash_its_pool__bids_far_below_its_ask(chain: LocalChain) -> None:
    chain.give("DUST000", chain.wallets[0].address, 10**7 * ETHER)
    found = price(chain, wallet_on(chain, allow=["DUST000"]), "DUST000")
    assert found.bid is not None
    assert found.ask is not None
    assert found.ask > found.bid * 2


def test_capabilities__no_route__is_no_market(chain: LocalChain) -> None:
    chain.give("DUST050", chain.wallets[0].address, ETHER)
    wallet = wallet_on(chain, allow=["DUST050"])
    wallet.holdings()
    assert wallet.capabilities().products == {}


def test_prices__a_pool_far_from_the_feed__is_doubted(chain: LocalChain) -> None:
    chain.give("EIGEN", chain.wallets[0].address, ETHER)
    chain.set_price("EIGEN/USD", D("1.40"))
    found = price(chain, wallet_on(chain), "EIGEN")
    assert (found.bid, found.ask) == (None, None)
    assert "feed of EIGEN says 1.4" in found.doubt


def test_prices__a_stale_feed_of_the_token__is_no_reason_to_doubt_its_pool(chain: LocalChain) -> None:
    chain.give("EIGEN", chain.wallets[0].address, ETHER)
    chain.set_price("EIGEN/USD", D("1.40"), age=100_000)
    assert price(chain, wallet_on(chain), "EIGEN").bid


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"price": D(3000), "age": 86_401}, "beyond its heartbeat"),
        ({"price": D(0)}, "no price"),
        ({"price": D(-1)}, "no price"),
    ],
)
def test_worth__a_feed_that_does_not_count__is_an_outage(
    chain: LocalChain, change: dict[str, Decimal], words: str
) -> None:
    chain.set_price("ETH/USD", **change)  # type: ignore[arg-type]
    wallet = wallet_on(chain)
    with pytest.raises(VenueUnavailable, match=words):
        wallet.worth([wallet.target])


def test_worth__a_feed_that_is_none__is_an_outage(chain: LocalChain) -> None:
    where = described(chain)
    where = replace(where, feeds={"ETH/USD": Feed(chain.contracts.weth, timedelta(days=1))})
    wallet = wallet_on(chain, where=where)
    with pytest.raises(VenueUnavailable, match="does not answer as a feed does"):
        wallet.worth([wallet.target])


@pytest.mark.parametrize(
    ("up", "since", "words"), [(False, 9_999, "is down"), (True, 60, "came back"), (True, 3_600, "")]
)
def test_worth__an_l2__counts_only_while_its_sequencer_is_up(
    chain: LocalChain, up: bool, since: int, words: str
) -> None:
    chain.set_sequencer(up=up, since=since)
    wallet = wallet_on(chain, where=described(chain, sequencer=True))
    if words:
        with pytest.raises(VenueUnavailable, match=words):
            wallet.worth([wallet.target])
    else:
        assert wallet.worth([wallet.target]) == {wallet.target: D(3000)}


def test_worth__a_stable_target__is_worth_what_its_feed_says(chain: LocalChain) -> None:
    chain.set_price("USDC/USD", D("0.98"))
    wallet = wallet_on(chain, target="USDC")
    assert wallet.worth([wallet.target]) == {asset(chain, "USDC"): D("0.98")}
    assert wallet.worth(["eip155:1/slip44:60"]) == {}


def test_holdings__a_node_that_lags__is_an_outage(chain: LocalChain) -> None:
    where = described(chain, silence=timedelta(minutes=10))
    wallet = wallet_on(chain, where=where, clock=lambda: datetime.now(UTC) + timedelta(days=30))
    with pytest.raises(VenueUnavailable, match="lags"):
        wallet.holdings()


def test_holdings__a_known_token_without_an_answer__is_an_outage(chain: LocalChain) -> None:
    where = described(chain)
    nothing = replace(where.token("DAI"), address="0x000000000000000000000000000000000000c0dE")
    where = replace(where, tokens={**where.tokens, "DAI": nothing})
    with pytest.raises(VenueUnavailable, match="DAI"):
        wallet_on(chain, where=where).holdings()


@pytest.mark.parametrize("method", ["eth_call", "eth_getLogs", "eth_getBalance", "eth_getBlockByNumber"])
def test_holdings__any_call_that_fails__is_an_outage(chain: LocalChain, proxy: ChainProxy, method: str) -> None:
    proxy.inject(kind="refused", method=method, calls="all", message="something else")
    with pytest.raises(VenueUnavailable):
        wallet_on(chain, url=proxy.url).holdings()


def test_holdings__a_provider_without_overrides__values_nothing_untried(chain: LocalChain, proxy: ChainProxy) -> None:
    owner = chain.wallets[0].address
    chain.hand_out([(name, owner, ETHER) for name in ("DUST000", "EIGEN", "liar", "gas_burner", "script")])
    best = wallet_on(chain, allow=["DUST000"])
    proxy.inject(kind="no_overrides", calls="all")
    other = wallet_on(chain, allow=["DUST000"], url=proxy.url)
    assert other.holdings() == best.holdings()
    tried, untried = best.capabilities().products, other.capabilities().products
    assert {pair: product.name for pair, product in untried.items()} == {
        pair: product.name for pair, product in tried.items()
    }
    assert not any(product.quarantine for product in tried.values())
    assert all(product.quarantine.startswith("unknown: it could not be tried") for product in untried.values())
    names = [product.name for product in tried.values()]
    assert set(other.prices(names).values()) == {Price(None, None)}


def test_holding__one_asset__is_read_by_itself(chain: LocalChain) -> None:
    chain.hand_out([("USDC", chain.wallets[0].address, 5), ("liar", chain.wallets[0].address, 5)])
    wallet = wallet_on(chain)
    assert wallet.holding(asset(chain, "USDC")).available == D("0.000005")
    assert wallet.holding(asset(chain, "ETH")).available == 100
    assert wallet.holding(asset(chain, "liar")).quarantine
    with pytest.raises(VenueUnavailable):
        wallet.holding(asset(chain, "mute"))


def test_quote__one_sale__is_simulated_and_one_without_route_refused(chain: LocalChain, tmp_path: Path) -> None:
    chain.give("EIGEN", chain.wallets[0].address, ETHER)
    wallet = wallet_on(chain, cache=tmp_path / "wallet.json")

    def order(name: str, receive: str) -> Order:
        return Order("key", LegKind.SWAP, "", Amount(D(1), asset(chain, name)), receive)

    found = wallet.quote(order("EIGEN", wallet.target))
    assert isinstance(found, Quote)
    assert found.spend == Amount(D(1), asset(chain, "EIGEN"))
    assert found.receive.quantity == price(chain, wallet, "EIGEN").bid
    assert D("1.19") < found.price < D("1.20")
    assert isinstance(wallet.quote(order("DUST050", wallet.target)), Refusal)
    assert isinstance(wallet.quote(order("ETH", wallet.target)), Refusal)
    assert isinstance(wallet.quote(order("EIGEN", asset(chain, "USDC"))), Refusal)
    with pytest.raises(ConfigurationError):
        wallet.execute(order("EIGEN", wallet.target))
    with pytest.raises(ConfigurationError):
        wallet.outcome(order("EIGEN", wallet.target))


def test_capabilities__without_room_for_every_way__ask_what_was_open_and_find_anew_what_is_not(
    chain: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, token = chain.wallets[0].address, chain.tokens["DUST000"].address
    chain.hand_out([("DUST000", owner, 10**18)])
    wallet = wallet_on(chain, target="WETH", allow=["DUST000"])
    wallet.holdings()
    first = wallet.capabilities()
    monkeypatch.setattr(quoting, "ROOM", 0)
    wallet.holdings()
    assert wallet.capabilities() == first
    # Its pool is gone, as far as is known: nothing sells it, and the next scan looks everywhere again.
    wallet._holder.discovery.remember({token: [Route((token, wallet.target_contract), (100,))]})
    wallet.holdings()
    assert (asset(chain, "DUST000"), wallet.target) not in wallet.capabilities().products
    wallet.holdings()
    assert wallet.capabilities() == first
    # What a cache names that is no way at all is never asked.
    wallet._holder.discovery.remember({token: [Route((token, token, wallet.target_contract), (1, 2))]})
    wallet.holdings()
    assert wallet.capabilities() == first
