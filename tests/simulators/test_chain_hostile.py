"""Hostile tokens: each does its harm on the real node as its like do on a real chain."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.chain import multicall3
from simulators.chain.calldata import call, words
from simulators.chain.chain import LocalChain
from simulators.chain.rpc import NodeRefused
from tests.simulators.chain_client import ETHER, mined, signed

BUYING = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint160))"
SOUND_BUT_ODD = ["look_alike", "same_symbol", "script", "control", "bytes32", "endless"]


def approve(chain: LocalChain, token: str, spender: str) -> dict[str, Any]:
    data = call("approve(address,uint256)", spender, 2**255)
    return mined(chain, signed(chain, to=token, value=0, gas=100_000, data=data))


def swap(chain: LocalChain, sold: str, bought: str, fee: int, units: int) -> bool:
    """Swap through the router as the first wallet and say whether it went well."""
    single = (sold, bought, fee, chain.wallets[0].address, units, 0, 0)
    raw = signed(chain, to=chain.contracts.swap_router, value=0, gas=2_000_000, data=call(BUYING, single))
    return bool(mined(chain, raw)["status"] == "0x1")


def buy(chain: LocalChain, name: str) -> bool:
    """Buy for a hundredth of an ETH."""
    chain.give("WETH", chain.wallets[0].address, ETHER)
    approve(chain, chain.contracts.weth, chain.contracts.swap_router)
    pool = chain.pool(name)
    return swap(chain, chain.contracts.weth, chain.hostile[name].address, pool.fee, ETHER // 100)


def sell(chain: LocalChain, name: str, units: int) -> bool:
    token = chain.hostile[name].address
    approve(chain, token, chain.contracts.swap_router)
    return swap(chain, token, chain.contracts.weth, chain.pool(name).fee, units)


def test_honeypot__bought_and_handed_on__cannot_be_sold(chain: LocalChain) -> None:
    assert buy(chain, "honeypot")
    held = chain.balance("honeypot", chain.wallets[0].address)
    assert held > 0
    handing = call("transfer(address,uint256)", chain.wallets[1].address, 1)
    raw = signed(chain, to=chain.hostile["honeypot"].address, value=0, gas=100_000, data=handing)
    assert mined(chain, raw)["status"] == "0x1"
    assert not sell(chain, "honeypot", held - 1)


def test_taxed__transferred__arrives_a_tenth_short(chain: LocalChain) -> None:
    token, (giver, taker, *_) = chain.hostile["taxed"].address, chain.wallets
    chain.give("taxed", giver.address, 1000)
    data = call("transfer(address,uint256)", taker.address, 1000)
    assert mined(chain, signed(chain, to=token, value=0, gas=200_000, data=data))["status"] == "0x1"
    assert chain.balance("taxed", taker.address) == 900


@pytest.mark.parametrize(
    ("selling", "status"),
    [
        ("swapExactTokensForTokens", "0x0"),
        ("swapExactTokensForTokensSupportingFeeOnTransferTokens", "0x1"),
    ],
)
def test_taxed__sold__needs_the_router_s_way_for_its_like(chain: LocalChain, selling: str, status: str) -> None:
    wallet, token, router = chain.wallets[0].address, chain.hostile["taxed"].address, chain.contracts.v2_router
    chain.give("taxed", wallet, 100 * ETHER)
    approve(chain, token, router)
    path = [token, chain.contracts.weth]
    (amounts,) = chain.ask(router, "getAmountsOut(uint256,address[])", ("uint256[]",), 100 * ETHER, path)
    data = call(
        f"{selling}(uint256,uint256,address[],address,uint256)",
        100 * ETHER,
        amounts[1] * 85 // 100,
        path,
        wallet,
        2**255,
    )
    assert mined(chain, signed(chain, to=router, value=0, gas=400_000, data=data))["status"] == status


def test_gas_burner__asked_for_a_balance__burns_all_it_was_given(chain: LocalChain) -> None:
    form = {
        "to": chain.hostile["gas_burner"].address,
        "data": "0x" + call("balanceOf(address)", multicall3.ADDRESS).hex(),
    }
    with pytest.raises(NodeRefused):
        chain.rpc("eth_call", form, "latest")
    raw = signed(chain, to=form["to"], value=0, gas=1_000_000, data=form["data"])
    assert int(mined(chain, raw)["gasUsed"], 16) == 1_000_000


def test_gas_burner__in_a_multicall__starves_those_after_it(chain: LocalChain) -> None:
    asked = call("balanceOf(address)", chain.wallets[0].address)
    calls = [(chain.hostile["gas_burner"].address, True, asked), (chain.tokens["DAI"].address, True, asked)]
    form = {"to": multicall3.ADDRESS, "data": "0x" + call("aggregate3((address,bool,bytes)[])", calls).hex()}
    with pytest.raises(NodeRefused):
        chain.rpc("eth_call", form | {"gas": hex(100_000)}, "latest")
    answer = chain.rpc("eth_call", form | {"gas": hex(16_000_000)}, "latest")
    ((burner, honest),) = words(("(bool,bytes)[]",), bytes.fromhex(answer[2:]))
    assert (burner[0], honest[0]) == (False, True)


def test_return_bomb__asked_for_a_balance__answers_with_a_megabyte(chain: LocalChain) -> None:
    form = {
        "to": chain.hostile["return_bomb"].address,
        "data": "0x" + call("balanceOf(address)", multicall3.ADDRESS).hex(),
    }
    assert len(chain.rpc("eth_call", form, "latest")) == 2 + 2 * (1 << 20)


def test_return_bomb__transferred__reverts_with_a_megabyte(chain: LocalChain) -> None:
    chain.give("return_bomb", chain.wallets[0].address, 5)
    data = "0x" + call("transfer(address,uint256)", chain.wallets[1].address, 5).hex()
    form = {"from": chain.wallets[0].address, "to": chain.hostile["return_bomb"].address, "data": data}
    with pytest.raises(NodeRefused) as refused:
        chain.rpc("eth_call", form, "latest")
    assert len(str(refused.value.data)) == 2 + 2 * (1 << 20)


def test_liar__asked_and_transferred__claims_a_million_and_moves_nothing(chain: LocalChain) -> None:
    giver, taker, nobody = (wallet.address for wallet in chain.wallets[:3])
    data = call("transfer(address,uint256)", taker, 5)
    receipt = mined(chain, signed(chain, to=chain.hostile["liar"].address, value=0, gas=100_000, data=data))
    assert (receipt["status"], len(receipt["logs"])) == ("0x1", 1)
    assert {chain.balance("liar", holder) for holder in (giver, taker, nobody)} == {1_000_000 * ETHER}
    assert not sell(chain, "liar", ETHER)


def test_mute__asked_for_a_balance__reverts(chain: LocalChain) -> None:
    with pytest.raises(NodeRefused, match="no"):
        chain.balance("mute", chain.wallets[0].address)


def test_no_code__asked_for_a_balance__answers_with_nothing(chain: LocalChain) -> None:
    address = chain.hostile["no_code"].address
    assert chain.rpc("eth_getCode", address, "latest") == "0x"
    form = {"to": address, "data": "0x" + call("balanceOf(address)", address).hex()}
    assert chain.rpc("eth_call", form, "latest") == "0x"


def test_look_alike__beside_the_real_one__differs_by_its_address_alone_to_the_eye(chain: LocalChain) -> None:
    real = chain.tokens["USDC"]
    for name in ("look_alike", "same_symbol"):
        fake = chain.hostile[name]
        assert fake.address != real.address
        assert fake.decimals == real.decimals
    assert chain.hostile["same_symbol"].symbol == real.symbol
    assert chain.hostile["look_alike"].symbol != real.symbol
    assert chain.hostile["look_alike"].symbol.replace("\u0421", "C") == real.symbol


@pytest.mark.parametrize(("name", "poison"), [("script", "<script>"), ("control", "\u202e"), ("endless", "x" * 2000)])
def test_name__asked__comes_from_the_chain_as_it_is(chain: LocalChain, name: str, poison: str) -> None:
    assert poison in chain.ask(chain.hostile[name].address, "name()", ("string",))[0]
    symbol = chain.ask(chain.hostile[name].address, "symbol()", ("string",))[0]
    assert symbol == chain.hostile[name].symbol


def test_bytes32__asked_for_its_symbol__answers_with_one_word(chain: LocalChain) -> None:
    form = {"to": chain.hostile["bytes32"].address, "data": "0x" + call("symbol()").hex()}
    assert bytes.fromhex(chain.rpc("eth_call", form, "latest")[2:]) == b"MKR".ljust(32, b"\0")


@pytest.mark.parametrize("name", SOUND_BUT_ODD)
def test_token_with_an_odd_name__bought_and_sold__trades_like_any_other(chain: LocalChain, name: str) -> None:
    assert buy(chain, name)
    assert sell(chain, name, chain.balance(name, chain.wallets[0].address))


@pytest.mark.parametrize("name", ["gas_burner", "return_bomb", "mute"])
def test_token_that_harms__sold__fails(chain: LocalChain, name: str) -> None:
    chain.give(name, chain.wallets[0].address, ETHER)
    assert not sell(chain, name, ETHER)
