"""Names of assets on chains, and the registry of what stands where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.money import ticker
from venues.evm.assets import address_of, checksummed, coin, token
from venues.evm.names import LONGEST, harmless
from venues.evm.registry import CHAINS, Chain
from venues.evm.words import text, word

USDC = "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"


def addresses(chain: Chain) -> list[str]:
    swap = chain.uniswap
    fixed = [swap.v3_factory, swap.quoter, swap.router, swap.v2_factory, swap.v2_router, chain.sequencer]
    tokens = [each.address for each in chain.tokens.values()]
    feeds = [each.address for each in chain.feeds.values()]
    return [each for each in [*tokens, *feeds, *fixed, chain.multicall3] if each]


def test_token__in_any_case__has_one_name() -> None:
    assert token(42161, USDC) == token(42161, USDC.lower()) == f"eip155:42161/erc20:{USDC}"
    assert address_of(token(42161, USDC), 42161) == USDC
    assert address_of(coin(1), 1) is None
    assert ticker(coin(8453)) == "ETH"
    assert ticker(token(1, USDC)) == USDC


@pytest.mark.parametrize(
    "wrong", ["", "0x", USDC[:-1], USDC + "0", USDC.replace("f88", "F88"), "0X" + USDC[2:], "USDC", USDC[2:]]
)
def test_checksummed__what_is_no_address__is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match="address: "):
        checksummed(wrong)


@pytest.mark.parametrize("wrong", [token(1, USDC), "coinbase:BTC", "eip155:42161/erc20:0x12", "eip155:42161/slip44:61"])
def test_address_of__an_asset_of_another_place__is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="asset: "):
        address_of(wrong, 42161)


@pytest.mark.parametrize("chain", CHAINS.values(), ids=lambda chain: chain.name)
def test_registry__every_address__is_right_in_its_checksum_and_there_once(chain: Chain) -> None:
    listed = addresses(chain)
    assert [checksummed(each) for each in listed] == listed
    assert len(set(listed)) == len(listed)
    assert {"WETH", "USDC", "DAI"} <= set(chain.tokens)
    assert {"ETH/USD", "USDC/USD", "DAI/USD"} <= set(chain.feeds)
    assert all(symbol == each.symbol for symbol, each in chain.tokens.items())
    assert chain.known(chain.token("USDC").address) == chain.token("USDC")


@given(st.text(max_size=3_000))
def test_harmless__any_name__is_short_plain_text(name: str) -> None:
    shown = harmless(name)
    assert shown.isascii()
    assert shown.isprintable()
    assert not set(shown) & set("<>&\"'`|=;[]{}")
    assert len(shown) <= LONGEST + 3


@given(st.binary(max_size=300))
def test_text__whatever_a_contract_returns__is_read_as_some_text(answer: bytes) -> None:
    assert len(text(answer)) <= len(answer)


def test_text__as_abi_and_as_bytes32__is_read() -> None:
    assert text(word(32) + word(4) + b"USDC".ljust(32, b"\0")) == "USDC"
    assert text(b"MKR".ljust(32, b"\0")) == "MKR"
    assert text(word(32) + word(2**255) + b"endless".ljust(32, b"x")) == "endless".ljust(32, "x")
    assert text(b"") == ""


def test_harmless__an_ordinary_symbol__stays_and_a_look_alike_shows() -> None:
    assert harmless("USDC.e") == "USDC.e"
    assert harmless("USD\u0421") == "USD\\u0421"
    assert harmless("a\u202eb\x1b[2J") == "a\\u202eb\\x1b\\x5b2J"
