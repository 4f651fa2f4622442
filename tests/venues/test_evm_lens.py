"""The lens on real contracts: whatever one of them does, the others are read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import VenueUnavailable
from simulators.chain.chain import LocalChain
from simulators.chain.installation import HERE, PACKAGES
from simulators.chain.proxy import ChainProxy
from venues.evm import lens as module
from venues.evm.lens import Ask, Lens, Way, returned
from venues.evm.rpc import Rpc
from venues.evm.words import number, selector, text, word

CONTRACTS = Path(module.__file__).parent / "contracts"
SILENT = {"gas_burner", "return_bomb", "mute", "no_code"}


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


def lens_on(chain: LocalChain, url: str) -> tuple[Lens, Rpc]:
    rpc = Rpc([url], chain.chain_id)
    return Lens(rpc, chain.contracts.multicall3), rpc


@pytest.fixture
def pairs(chain: LocalChain) -> list[tuple[str, str]]:
    """Every token there is, of one wallet that has something of the honest ones."""
    holder = chain.wallets[3].address
    chain.hand_out([(name, holder, 10 + place) for place, name in enumerate(("USDC", "DUST000", "WETH", "DUST050"))])
    return [(token.address, holder) for token in (*chain.tokens.values(), *chain.hostile.values())]


@pytest.mark.parametrize("way", Way)
def test_balances__hostile_tokens_among_them__harm_only_themselves(
    chain: LocalChain, pairs: list[tuple[str, str]], way: Way
) -> None:
    lens, rpc = lens_on(chain, chain.url)
    lens.way = way
    found = lens.balances(pairs, chain.block_number())
    names = [*chain.tokens, *chain.hostile]
    told = {name: balance for name, balance in zip(names, found, strict=True) if balance != 0}
    assert told == {"USDC": 10, "DUST000": 11, "WETH": 12, "DUST050": 13, "liar": 10**24, **dict.fromkeys(SILENT)}
    if way is Way.OVERRIDE:
        assert rpc.requests == 1


def test_balances__five_thousand_pairs__take_one_request(chain: LocalChain, pairs: list[tuple[str, str]]) -> None:
    lens, rpc = lens_on(chain, chain.url)
    honest = [(token.address, chain.wallets[3].address) for token in chain.tokens.values()]
    many = (honest * 100)[:5_000]
    found = lens.balances(many, chain.block_number())
    assert rpc.requests == 1
    assert found == (lens.balances(honest, chain.block_number()) * 100)[:5_000]


def test_balances__more_burners_than_gas_for_them__are_read_in_pieces(chain: LocalChain) -> None:
    lens, rpc = lens_on(chain, chain.url)
    holder = chain.wallets[0].address
    chain.give("USDC", holder, 7)
    burner, honest = (chain.token(name).address for name in ("gas_burner", "USDC"))
    found = lens.balances([(burner, holder)] * 400 + [(honest, holder)], chain.block_number())
    assert found == [None] * 400 + [7]
    assert 1 < rpc.requests < 10


def test_balances__a_provider_without_overrides__reads_through_multicall(
    chain: LocalChain, proxy: ChainProxy, pairs: list[tuple[str, str]]
) -> None:
    lens, _ = lens_on(chain, proxy.url)
    proxy.inject(kind="no_overrides", calls="all")
    assert lens.balances(pairs[:20], chain.block_number()) == lens_on(chain, chain.url)[0].balances(
        pairs[:20], chain.block_number()
    )
    assert lens.way is Way.MULTICALL
    asked = proxy.counts()["requests"]
    lens.balances(pairs[:20], chain.block_number())
    assert proxy.counts()["requests"] == asked + 1  # it is not tried again


def test_balances__a_chain_without_multicall__reads_call_by_call(chain: LocalChain, proxy: ChainProxy) -> None:
    proxy.inject(kind="no_overrides", calls="all")
    rpc = Rpc([proxy.url], chain.chain_id)
    for nothing in (None, "0x000000000000000000000000000000000000c0de"):
        lens = Lens(rpc, nothing)
        holder = chain.wallets[0].address
        assert lens.balances([(chain.tokens["USDC"].address, holder)], chain.block_number()) == [0]
        assert lens.way is Way.SINGLE


def test_balances__an_override_that_is_ignored__is_noticed(
    chain: LocalChain, proxy: ChainProxy, pairs: list[tuple[str, str]]
) -> None:
    lens, _ = lens_on(chain, proxy.url)
    proxy.inject(kind="no_overrides", silently=True, calls="all")
    assert lens.balances(pairs[:3], chain.block_number()) == [12, 10, 0]
    assert lens.way is Way.MULTICALL


def test_balances__an_outage__is_never_an_empty_wallet(chain: LocalChain, proxy: ChainProxy) -> None:
    lens, _ = lens_on(chain, proxy.url)
    proxy.inject(kind="bad_gateway", method="eth_call", calls="all")
    with pytest.raises(VenueUnavailable):
        lens.balances([(chain.tokens["USDC"].address, chain.wallets[0].address)], chain.block_number())
    assert lens.way is Way.OVERRIDE


@pytest.mark.parametrize("way", Way)
def test_read__texts_and_numbers__come_as_they_are(chain: LocalChain, way: Way) -> None:
    lens, _ = lens_on(chain, chain.url)
    lens.way = way
    symbol, decimals = selector("symbol()"), selector("decimals()")
    names = ("USDC", "bytes32", "look_alike", "mute", "no_code")
    tokens = [chain.token(name).address for name in names]
    asks = [Ask(token, data, words=words) for token in tokens for data, words in ((symbol, 4), (decimals, 1))]
    answers = lens.read(asks, chain.block_number())
    said = dict(zip(names, zip(answers[::2], answers[1::2], strict=True), strict=True))
    assert text(said["USDC"][0] or b"") == "USDC"
    assert text(said["bytes32"][0] or b"") == "MKR"
    assert text(said["look_alike"][0] or b"") == "USD\u0421"
    assert number(said["USDC"][1] or b"") == 6
    assert not said["no_code"][0]


def test_returned__what_is_no_answer_of_multicall__is_an_outage() -> None:
    for answer in (b"", word(32), word(32) + word(2), word(32) + word(1) + word(2**255) + word(0)):
        with pytest.raises(VenueUnavailable):
            returned(answer, 1)


def test_compiled__the_code_in_the_repository__is_what_the_sources_make(tmp_path: Path) -> None:
    made = tmp_path / "compiled.json"
    node = HERE / "build" / "node" / "bin" / "node"
    program = str(node) if node.exists() else "node"
    assert PACKAGES.exists()
    compiler = [program, str(HERE / "compile.js"), str(CONTRACTS), str(made), "paris"]
    subprocess.run(compiler, check=True, capture_output=True, timeout=60)
    assert json.loads(made.read_text()) == json.loads((CONTRACTS / "compiled.json").read_text())
