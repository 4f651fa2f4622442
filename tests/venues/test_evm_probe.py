"""Tokens tried on a real node: each is what it is, whoever stands beside it, and nothing of it lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import pytest

from domain.dust import Market, judge, priced_products
from domain.errors import VenueUnavailable
from domain.judgement import Observation, Standing, Verdict
from domain.judgement import judge as rule
from domain.venue import Order
from events.money import Amount
from events.values import Keep, Kept, LegKind, Policy, Refusal
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.venues.wallet_stage import described, wallet_on
from venues.evm.assets import token
from venues.evm.lens import Lens
from venues.evm.probe import Probe
from venues.evm.routes import Sale, best_sales, sale_asks, ways
from venues.evm.rpc import Rpc
from venues.evm.wallet import Wallet

D = Decimal
ETHER = 10**18
SOUND = 187
# What each is when its address is vouched for, so that only what it does counts.
BY_DEED = {
    "honeypot": Verdict.HONEYPOT,
    "taxed": Verdict.TAXED,
    "gas_burner": Verdict.HOSTILE,
    "return_bomb": Verdict.HOSTILE,
    "liar": Verdict.HOSTILE,
    "mute": Verdict.UNSELLABLE,
    "no_code": Verdict.UNSELLABLE,
    "look_alike": Verdict.SOUND,
    "same_symbol": Verdict.SOUND,
    "script": Verdict.SOUND,
    "control": Verdict.SOUND,
    "bytes32": Verdict.SOUND,
    "endless": Verdict.SOUND,
}
# What each is to a wallet that nobody told of it.
TO_STRANGERS = BY_DEED | {"look_alike": Verdict.LOOK_ALIKE, "same_symbol": Verdict.LOOK_ALIKE}


@pytest.fixture(scope="module")
def market() -> Iterator[LocalChain]:
    """A chain on which 187 plain tokens trade, all of them in the first wallet beside everything hostile."""
    with LocalChain(dust=SOUND, traded=True) as chain:
        owner = chain.wallets[0].address
        names = [name for name in (*plain(chain), *chain.hostile) if name != "no_code"]
        chain.hand_out([(name, owner, units(name)) for name in names])
        yield chain


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


def plain(chain: LocalChain) -> list[str]:
    return [name for name in chain.tokens if name.startswith("DUST")]


def units(name: str) -> int:
    return 10**6 if name in {"look_alike", "same_symbol", "USDC", "USDT"} else ETHER


class Bench:
    """The probe of a chain's first wallet."""

    def __init__(self, chain: LocalChain, url: str = "") -> None:
        where = described(chain)
        self.chain, self.block = chain, chain.block_number()
        self.rpc = Rpc([url or chain.url], chain.chain_id, timeout=(5.0, 5.0))
        lens = Lens(self.rpc, where.multicall3)
        self.wallet, target = chain.wallets[0].address, chain.contracts.weth
        self.probe = Probe(self.rpc, lens, where, self.wallet, target)
        self._where, self._lens = where, Lens(Rpc([chain.url], chain.chain_id, timeout=(5.0, 5.0)), where.multicall3)

    def sales(self, names: list[str]) -> dict[str, Sale]:
        tokens = [self.chain.token(name).address for name in names]
        held = self._lens.balances([(each, self.wallet) for each in tokens], self.block)
        possible = ways(
            self._where,
            [(each, units) for each, units in zip(tokens, held, strict=True) if units],
            self.chain.contracts.weth,
        )
        return best_sales(possible, self._lens.read(sale_asks(self._where, possible), self.block))

    def observe(self, names: list[str]) -> Mapping[str, Observation | None]:
        """Observe tokens by name, as they lie on the chain at the bench's block."""
        addresses = {name: self.chain.token(name).address for name in names}
        found = self.probe.observe(list(addresses.values()), self.sales(names), self.block)
        return {name: found[address] for name, address in addresses.items()}


def verdicts(seen: Mapping[str, Observation | None]) -> dict[str, Verdict]:
    return {name: rule(Standing.ALLOWED, "", each).verdict for name, each in seen.items()}


def test_observe__two_hundred_tokens_with_every_hostile_one__are_told_apart_in_one_request(market: LocalChain) -> None:
    bench = Bench(market)
    names = [*plain(market), *market.hostile]
    for place, name in enumerate(market.hostile):  # among the others, not behind them
        names.remove(name)
        names.insert(place * 14, name)
    assert len(names) == 200
    sales = bench.sales(names)
    before = bench.rpc.requests
    seen = bench.probe.observe([market.token(name).address for name in names], sales, bench.block)
    assert bench.rpc.requests - before == 1
    found = verdicts({name: seen[market.token(name).address] for name in names})
    assert found == {**dict.fromkeys(plain(market), Verdict.SOUND), **BY_DEED}


def test_observe__beside_others__is_as_when_alone(market: LocalChain) -> None:
    bench = Bench(market)
    names = ["DUST000", "gas_burner", "DUST036", "return_bomb", "taxed", "liar", "DUST001"]
    together = bench.observe(names)
    for name in names:
        assert together[name] == bench.observe([name])[name]


def test_observe__a_sound_sale__brings_what_was_quoted_to_the_unit(market: LocalChain) -> None:
    seen = Bench(market).observe(["DUST000", "DUST024", "DUST030", "DUST036", "DUST042"])
    for each in seen.values():
        assert each
        assert each.sale
        assert each.sale.received == each.sale.quoted
        assert each.sale.left == each.sale.units == ETHER


def test_observe__a_tax__is_measured(market: LocalChain) -> None:
    seen = Bench(market).observe(["taxed"])["taxed"]
    ruling = rule(Standing.ALLOWED, "", seen)
    assert (ruling.verdict, ruling.tax.quantize(D("0.001"))) == (Verdict.TAXED, D("0.1"))


def test_observe__whatever_is_tried__nothing_lasts(chain: LocalChain) -> None:
    owner = chain.wallets[0].address
    chain.hand_out([(name, owner, units(name)) for name in ("USDT", "EIGEN", "honeypot")])
    before = [chain.balance(name, owner) for name in ("USDT", "EIGEN", "honeypot", "WETH", "ETH")]
    Bench(chain).observe(["USDT", "EIGEN", "honeypot"])
    assert [chain.balance(name, owner) for name in ("USDT", "EIGEN", "honeypot", "WETH", "ETH")] == before
    allowance = chain.ask(
        chain.tokens["EIGEN"].address, "allowance(address,address)", ("uint256",), owner, chain.contracts.swap_router
    )
    assert allowance == (0,)


@pytest.mark.parametrize("name", ["USDT", "DAI", "wstETH", "weETH", "USDC", "EIGEN"])
def test_observe__a_known_token__is_sound_down_to_little(chain: LocalChain, name: str) -> None:
    for units in (1_001, 10**6):
        chain.give(name, chain.wallets[0].address, units)
        seen = Bench(chain).observe([name])[name]
        assert seen
        if seen.sale:
            assert rule(Standing.KNOWN, "", seen).verdict is Verdict.SOUND


def test_observe__a_token_that_rebases__rounds_and_is_no_liar(chain: LocalChain) -> None:
    chain.give("eETH", chain.wallets[0].address, 1_000_000_007)
    chain.act(chain.tokens["eETH"].address, "rebase(uint256)", 1_123_456_789_012_345_678)
    ruling = rule(Standing.KNOWN, "", Bench(chain).observe(["eETH"])["eETH"])
    assert (ruling.verdict, ruling.sentence) == (Verdict.UNSELLABLE, "no market buys it")


def test_observe__a_frozen_wallet__can_not_move_what_it_has(chain: LocalChain) -> None:
    owner = chain.wallets[0].address
    chain.give("USDT", owner, 10**6)
    chain.act(chain.tokens["USDT"].address, "addBlackList(address)", owner)
    ruling = rule(Standing.KNOWN, "", Bench(chain).observe(["USDT"])["USDT"])
    assert (ruling.verdict, ruling.sentence) == (Verdict.UNSELLABLE, "transferred, it refuses")


def test_observe__more_than_one_call_holds__goes_on_in_another(chain: LocalChain) -> None:
    bench = Bench(chain)
    burner = chain.hostile["gas_burner"].address
    tokens = [f"0x{number:040x}" for number in range(1, 300)]
    found = bench.probe.observe([burner, *tokens], {}, bench.block)
    assert len(found) == 300
    assert bench.rpc.requests == 2
    assert found[burner]


def test_observe__a_provider_that_refuses_so_much_gas__is_asked_for_what_it_gives(
    chain: LocalChain, proxy: ChainProxy
) -> None:
    chain.give("EIGEN", chain.wallets[0].address, ETHER)
    bench = Bench(chain, proxy.url)
    proxy.inject(kind="refused", method="eth_call", calls="1", message="gas limit is too high")
    assert verdicts(bench.observe(["EIGEN"])) == {"EIGEN": Verdict.SOUND}


@pytest.mark.parametrize("silently", [False, True])
def test_observe__a_provider_without_overrides__tries_nothing_and_is_not_asked_again(
    chain: LocalChain, proxy: ChainProxy, silently: bool
) -> None:
    proxy.inject(kind="no_overrides", silently=silently, calls="all")
    chain.give("EIGEN", chain.wallets[0].address, ETHER)
    bench = Bench(chain, proxy.url)
    assert bench.observe(["EIGEN"]) == {"EIGEN": None}
    asked = bench.rpc.requests
    assert bench.observe(["EIGEN"]) == {"EIGEN": None}
    assert bench.rpc.requests == asked


def test_observe__no_node__is_an_outage(chain: LocalChain, proxy: ChainProxy) -> None:
    proxy.inject(kind="bad_gateway", method="eth_call", calls="all")
    with pytest.raises(VenueUnavailable):
        Bench(chain, proxy.url).observe(["EIGEN"])


def everything(chain: LocalChain) -> Wallet:
    """The first wallet, whose owner allows every token there is: nothing but deeds can keep it from being sold."""
    return wallet_on(chain, allow=[*plain(chain), *chain.hostile])


def policy(wallet: Wallet) -> Policy:
    coin = f"eip155:{wallet.chain.chain_id}/slip44:60"
    return Policy(wallet.target, D(10_000), "USD", (coin,), (wallet.target,), D(10_000), D(10_000), taker_fee=D(0))


def kept(wallet: Wallet) -> dict[str, Kept]:
    """What a scan keeps of a wallet, by address."""
    holdings, capabilities = tuple(wallet.holdings()), wallet.capabilities()
    rules = policy(wallet)
    prices = wallet.prices(priced_products(holdings, rules, capabilities))
    at = Market(capabilities, prices, wallet.worth([wallet.target]))
    judged = ((each.asset.rpartition(":")[2], judge(each, rules, at, automatic=True)) for each in holdings)
    return {address: each for address, each in judged if isinstance(each, Kept)}


def test_scan__everything_allowed__plans_what_is_sound_and_values_nothing_else(market: LocalChain) -> None:
    wallet = everything(market)
    found = kept(wallet)
    bad = {name for name, verdict in BY_DEED.items() if verdict is not Verdict.SOUND}
    silent = {"gas_burner", "return_bomb", "mute", "no_code"}
    quarantined = {name for name in market.hostile if market.hostile[name].address in found}
    assert quarantined == bad - silent
    for name in quarantined:
        why = found[market.hostile[name].address]
        assert why.reason is Keep.QUARANTINED
        assert why.sentence.startswith(f"{BY_DEED[name].value}: ")
    sold = {asset for (asset, _), product in wallet.capabilities().products.items() if product.open}
    dust = {token(market.chain_id, market.tokens[name].address) for name in plain(market)}
    assert dust < sold
    assert not {token(market.chain_id, market.hostile[name].address) for name in bad} & sold


def test_scan__again__tries_in_the_request_that_quotes_and_finds_the_same(chain: LocalChain, proxy: ChainProxy) -> None:
    names = ["DUST000", "DUST036", "honeypot", "taxed", "liar"]
    chain.hand_out([(name, chain.wallets[0].address, ETHER) for name in [*names, "EIGEN"]])
    wallet = wallet_on(chain, allow=names, url=proxy.url)
    first, markets = kept(wallet), wallet.capabilities()
    proxy.forget()
    assert kept(wallet) == first
    assert wallet.capabilities() == markets
    assert proxy.counts()["requests"] == 2
    assert {each.sentence.partition(":")[0] for each in first.values()} >= {"honeypot", "taxed", "hostile"}


def test_scan__the_best_route_changes__tries_the_other_one(chain: LocalChain) -> None:
    chain.give("DUST042", chain.wallets[0].address, ETHER)
    wallet = wallet_on(chain, allow=["DUST042"])
    kept(wallet)
    before = {product.name.partition("@")[0] for product in wallet.capabilities().products.values()}
    chain.sell_into(chain.pool("DUST042", fee=0), 200_000 * ETHER)
    kept(wallet)
    (product,) = wallet.capabilities().products.values()
    assert before == {"v2"}
    assert product.name.startswith("v3:")
    assert product.open


def test_scan__nothing_allowed__plans_no_stranger(market: LocalChain) -> None:
    wallet = wallet_on(market)
    found = kept(wallet)
    for name in (*plain(market), *set(market.hostile) - {"gas_burner", "return_bomb", "mute", "no_code"}):
        assert found[market.token(name).address].reason is Keep.QUARANTINED
    assert wallet.capabilities().products == {}


@pytest.mark.parametrize("name", list(TO_STRANGERS))
def test_examine__a_stranger__is_what_it_is_and_stays(market: LocalChain, name: str) -> None:
    found = wallet_on(market).examine(market.token(name).address)
    assert found.ruling.verdict is TO_STRANGERS[name]
    assert found.kept
    assert found.remedy
    for text in (found.symbol, found.title, found.kept):
        assert text.isascii()
        assert text.isprintable()
        assert "<" not in text


def test_examine__one_that_is_allowed__may_be_sold_and_a_taxed_one_as_far_as_its_owner_says(market: LocalChain) -> None:
    taxed, script = market.hostile["taxed"].address, market.hostile["script"].address
    assert not wallet_on(market, allow=["script"]).examine(script).kept
    assert wallet_on(market, allow=["taxed"]).examine(taxed).kept
    assert not wallet_on(market, allow=["taxed"], highest_tax=D("0.11")).examine(taxed).kept
    assert wallet_on(market, highest_tax=D("0.11")).examine(taxed).kept


def test_prices__a_taxed_token_that_its_owner_bears__is_worth_what_arrived(market: LocalChain) -> None:
    wallet = wallet_on(market, allow=["taxed"], highest_tax=D("0.11"))
    wallet.holdings()
    product = wallet.capabilities().products[token(market.chain_id, market.hostile["taxed"].address), wallet.target]
    price = wallet.prices([product.name])[product.name]
    seen = Bench(market).observe(["taxed"])["taxed"]
    assert seen
    assert seen.sale
    assert price.bid == D(seen.sale.received) / ETHER
    assert price.ask
    assert price.bid < price.ask < price.bid * D("1.01")


def test_examine__nothing_of_it_there_or_no_token_at_all__is_told(market: LocalChain) -> None:
    wallet = wallet_on(market, number=5)
    assert wallet.examine(market.tokens["DUST000"].address).ruling.verdict is Verdict.UNKNOWN
    assert wallet.examine(market.contracts.weth).ruling.verdict is Verdict.SOUND
    for other in (market.contracts.quoter, market.wallets[0].address):
        assert wallet.examine(other).ruling.verdict is Verdict.UNSELLABLE


def test_quote__a_token_that_is_not_sound__is_refused_with_the_reason(market: LocalChain) -> None:
    wallet = everything(market)
    wallet.holdings()
    spend = Amount(D(1), token(market.chain_id, market.hostile["honeypot"].address))
    answer = wallet.quote(Order("key", LegKind.SWAP, "", spend, wallet.target))
    assert isinstance(answer, Refusal)
    assert answer.sentence.startswith("honeypot: ")
