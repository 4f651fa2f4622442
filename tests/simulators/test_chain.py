"""The local chain: what is deployed works as on a real chain, and every lever does what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider, Web3

from domain.errors import ConfigurationError
from simulators.chain import installation, multicall3
from simulators.chain.builder import BuildFailed
from simulators.chain.calldata import call, types_of, words
from simulators.chain.chain import FRESH, LocalChain
from simulators.chain.rpc import NodeRefused
from tests.simulators.chain_client import ETHER, mined, signed
from venues.evm.accounts import Account

ROUND = ("uint80", "int256", "uint256", "uint256", "uint80")


def latest(chain: LocalChain) -> dict[str, Any]:
    block = chain.rpc("eth_getBlockByNumber", "latest", False)
    assert isinstance(block, dict)
    return block


def test_chain__web3__finds_a_node_with_its_chain_id(chain: LocalChain) -> None:
    client = Web3(HTTPProvider(chain.url))
    assert client.eth.chain_id == chain.chain_id
    assert client.eth.get_balance(client.to_checksum_address(chain.wallets[0].address)) == 100 * ETHER


def test_chain__every_contract__has_code(chain: LocalChain) -> None:
    contracts = [getattr(chain.contracts, name) for name in chain.contracts.__slots__]
    tokens = [token.address for token in chain.tokens.values()]
    for address in (*contracts, *tokens, *chain.feeds.values(), *(pool.address for pool in chain.pools)):
        assert chain.rpc("eth_getCode", address, "latest") != "0x", address


def test_chain__multicall3__stands_where_every_chain_has_it(chain: LocalChain) -> None:
    weth, usdc = chain.contracts.weth, chain.tokens["USDC"].address
    asked = call("aggregate3((address,bool,bytes)[])", [(weth, True, call("symbol()")), (usdc, True, b"nonsense")])
    answer = chain.rpc("eth_call", {"to": multicall3.ADDRESS, "data": "0x" + asked.hex()}, "latest")
    ((first, second),) = words(("(bool,bytes)[]",), bytes.fromhex(answer[2:]))
    assert (first[0], words(("string",), first[1])) == (True, ("WETH",))
    assert second[0] is False


def test_multicall3__with_another_byte__belongs_to_nobody_known() -> None:
    raw = multicall3.transaction()
    assert Account.recover_transaction(raw) == multicall3.SENDER
    spoiled = raw.replace(bytes.fromhex("64736f6c6343"), bytes.fromhex("64736f6c6344"))
    assert spoiled != raw
    assert Account.recover_transaction(spoiled) != multicall3.SENDER


@pytest.mark.parametrize(
    ("name", "decimals"),
    [("USDC", 6), ("USDT", 6), ("DAI", 18), ("WETH", 18), ("wstETH", 18), ("weETH", 18), ("EIGEN", 18), ("ETHFI", 18)],
)
def test_token__asked__has_the_decimals_and_symbol_of_the_real_one(chain: LocalChain, name: str, decimals: int) -> None:
    address = chain.tokens[name].address
    assert chain.ask(address, "decimals()", ("uint8",)) == (decimals,) == (chain.tokens[name].decimals,)
    assert chain.ask(address, "symbol()", ("string",)) == (name,)


@pytest.mark.parametrize("name", ["ETH", "WETH", "USDC", "USDT", "eETH", "DUST059"])
def test_give__a_token__is_held_and_undone_afterwards(chain: LocalChain, name: str) -> None:
    holder = chain.wallets[3].address
    before = chain.balance(name, holder)
    with chain.undone():
        chain.give(name, holder, 12_345)
        assert chain.balance(name, holder) == before + 12_345
    assert chain.balance(name, holder) == before


def test_renew__once_more_was_undone_than_a_node_should_bear__is_another_node_and_the_same_chain() -> None:
    with LocalChain(dust=1) as chain:
        pid, contracts, height = chain.pid, chain.contracts, chain.block_number()
        chain.renew()
        assert chain.pid == pid
        with chain.undone():
            chain.give("DUST000", chain.owner, 1)
            chain.mine(FRESH)
        chain.renew()
        assert chain.pid != pid
        assert (chain.contracts, chain.block_number()) == (contracts, height)
        chain.give("DUST000", chain.owner, 1)
        assert chain.balance("DUST000", chain.owner) > 0


def test_hand_out__many_gifts__takes_two_blocks(chain: LocalChain) -> None:
    before = chain.block_number()
    chain.hand_out([("DUST000", chain.wallets[number % 10].address, 1 + number) for number in range(100)])
    assert chain.block_number() == before + 2
    assert chain.balance("DUST000", chain.wallets[9].address) == sum(range(10, 101, 10))
    assert int(latest(chain)["gasLimit"], 16) == 30_000_000


@pytest.mark.parametrize(
    ("token", "quote", "fee", "worth"),
    [
        ("USDC", "WETH", 500, Decimal(1) / 3000),
        ("wstETH", "WETH", 100, Decimal("1.22")),
        ("weETH", "WETH", 500, Decimal("1.08")),
        ("EIGEN", "WETH", 3000, Decimal("0.0004")),
        ("ETHFI", "WETH", 3000, Decimal("0.0003")),
        ("USDT", "USDC", 100, Decimal(1)),
        ("DUST024", "WETH", 10000, Decimal("1") / 3000),
        ("DUST030", "USDC", 3000, Decimal("0.75")),
    ],
)
def test_quoter__one_token__is_worth_its_price_less_the_tier_s_fee(
    chain: LocalChain, token: str, quote: str, fee: int, worth: Decimal
) -> None:
    sold, bought = chain.tokens[token], chain.tokens[quote]
    quoting = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
    single = (sold.address, bought.address, 10**sold.decimals, fee, 0)
    answer = ("uint256", "uint160", "uint32", "uint256")
    units, *_ = chain.ask(chain.contracts.quoter, quoting, answer, single)
    expected = worth * (1 - Decimal(fee) / 10**6) * 10**bought.decimals
    assert abs(Decimal(units) / expected - 1) < Decimal("0.001")


def test_v2__a_pair__quotes_its_price_less_three_per_mille(chain: LocalChain) -> None:
    dust, weth = chain.tokens["DUST036"], chain.contracts.weth
    path = [dust.address, weth]
    (amounts,) = chain.ask(chain.contracts.v2_router, "getAmountsOut(uint256,address[])", ("uint256[]",), ETHER, path)
    expected = Decimal("0.5") / 3000 * Decimal("0.997") * ETHER
    assert abs(Decimal(amounts[1]) / expected - 1) < Decimal("0.001")


@pytest.mark.parametrize(("token", "fee"), [("DUST000", 3000), ("DUST036", 0)])
def test_sell_into__a_market__lowers_what_the_next_sale_gets(chain: LocalChain, token: str, fee: int) -> None:
    pool = chain.pool(token, "WETH", fee)
    before = chain.balance("WETH", pool.address)
    chain.sell_into(pool, 10_000 * ETHER)
    first = before - chain.balance("WETH", pool.address)
    chain.sell_into(pool, 10_000 * ETHER)
    second = before - first - chain.balance("WETH", pool.address)
    assert 0 < second < first


def test_set_price__a_feed__answers_with_it_at_its_age(chain: LocalChain) -> None:
    chain.set_price("ETH/USD", Decimal("2500.5"), age=7200)
    _, answer, started, updated, _ = chain.ask(chain.feeds["ETH/USD"], "latestRoundData()", ROUND)
    assert (answer, started) == (250_050_000_000, updated)
    assert int(latest(chain)["timestamp"], 16) - updated == 7200
    assert chain.ask(chain.feeds["weETH/ETH"], "decimals()", ("uint8",)) == (18,)


def test_set_sequencer__down__answers_one(chain: LocalChain) -> None:
    assert chain.ask(chain.contracts.sequencer_feed, "latestRoundData()", ROUND)[1] == 0
    chain.set_sequencer(up=False, since=90)
    _, answer, started, *_ = chain.ask(chain.contracts.sequencer_feed, "latestRoundData()", ROUND)
    assert (answer, int(latest(chain)["timestamp"], 16) - started) == (1, 90)


def test_usdt__approved__returns_nothing_and_wants_zero_between(chain: LocalChain) -> None:
    usdt, spender = chain.tokens["USDT"].address, chain.contracts.v2_router
    holder = chain.wallets[0].address

    def approve(units: int) -> str:
        data = "0x" + call("approve(address,uint256)", spender, units).hex()
        return str(chain.rpc("eth_call", {"from": holder, "to": usdt, "data": data}, "latest"))

    assert approve(5) == "0x"
    mined(chain, signed(chain, to=usdt, value=0, gas=100_000, data=call("approve(address,uint256)", spender, 5)))
    assert approve(0) == "0x"
    with pytest.raises(NodeRefused, match="revert"):
        approve(6)


def test_usdt__a_frozen_holder__can_send_nothing(chain: LocalChain) -> None:
    usdt, holder = chain.tokens["USDT"].address, chain.wallets[0].address
    chain.give("USDT", holder, 5)
    chain.act(usdt, "addBlackList(address)", holder)
    data = call("transfer(address,uint256)", chain.wallets[1].address, 5)
    assert mined(chain, signed(chain, to=usdt, value=0, gas=100_000, data=data))["status"] == "0x0"


def test_eeth__rebased__grows_without_a_transfer_event(chain: LocalChain) -> None:
    eeth, holder = chain.tokens["eETH"].address, chain.wallets[0].address
    chain.give("eETH", holder, ETHER)
    before = chain.block_number()
    chain.act(eeth, "rebase(uint256)", 11 * 10**17)
    assert chain.balance("eETH", holder) == 11 * 10**17
    assert chain.rpc("eth_getLogs", {"address": eeth, "fromBlock": hex(before + 1), "toBlock": "latest"}) == []


def test_weeth__asked__says_its_rate(chain: LocalChain) -> None:
    assert chain.ask(chain.tokens["weETH"].address, "getRate()", ("uint256",)) == (108 * 10**16,)


def test_batch_account__delegated_to__takes_a_withdrawal_of_weth_in_one_batch(chain: LocalChain) -> None:
    wallet, weth = chain.wallets[0], chain.contracts.weth
    chain.give("WETH", wallet.address, ETHER)
    allowed = Account.sign_authorization(
        {"chainId": chain.chain_id, "address": chain.contracts.batch_account, "nonce": 1}, wallet.key
    )
    calls = call_batch([(weth, 0, call("withdraw(uint256)", ETHER))])
    raw = signed(chain, to=wallet.address, value=0, gas=300_000, data=calls, authorizationList=[allowed])
    assert mined(chain, raw)["status"] == "0x1"
    assert chain.rpc("eth_getCode", wallet.address, "latest") == "0xef0100" + chain.contracts.batch_account[2:].lower()
    assert chain.balance("WETH", wallet.address) == 0
    assert chain.balance("ETH", wallet.address) > 100 * ETHER


def call_batch(calls: list[tuple[str, int, bytes]]) -> bytes:
    """Encode ERC-7821's batch without a signature beside it."""
    mode = bytes.fromhex("01" + "00" * 31)
    return call("execute(bytes32,bytes)", mode, call("x((address,uint256,bytes)[])", calls)[4:])


def test_transaction__above_the_limit_of_eip_7825__is_refused(chain: LocalChain) -> None:
    with pytest.raises(NodeRefused, match="gas_limit_cap"):
        chain.rpc("eth_sendRawTransaction", signed(chain, gas=16_777_217))


def test_automine__off__a_transaction_waits_for_the_next_block(chain: LocalChain) -> None:
    chain.automine(False)
    sent = chain.rpc("eth_sendRawTransaction", signed(chain))
    assert chain.rpc("eth_getTransactionReceipt", sent) is None
    chain.mine()
    assert chain.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1"


def test_reorg__a_mined_transaction__is_gone_or_comes_later(chain: LocalChain) -> None:
    raw, before = signed(chain), chain.block_number()
    receipt = mined(chain, raw)
    chain.mine(2)
    chain.reorg(3)
    assert chain.block_number() == before + 3
    assert chain.rpc("eth_getTransactionReceipt", receipt["transactionHash"]) is None
    chain.reorg(2, [(raw, 1)])
    again = chain.rpc("eth_getTransactionReceipt", receipt["transactionHash"])
    assert int(again["blockNumber"], 16) == before + 3
    assert again["blockHash"] != receipt["blockHash"]


def test_reorg__repooled__what_was_mined_waits_again_and_the_owner_goes_on(chain: LocalChain) -> None:
    chain.automine(False)
    sent = chain.rpc("eth_sendRawTransaction", signed(chain))
    chain.mine()
    chain.give("USDC", chain.wallets[0].address, 5)
    chain.reorg(3, repooled=True)
    assert chain.rpc("eth_getTransactionByHash", sent)["blockNumber"] is None
    assert chain.balance("USDC", chain.wallets[0].address) == 0
    chain.give("USDC", chain.wallets[0].address, 5)
    assert chain.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1"
    assert chain.balance("USDC", chain.wallets[0].address) == 10


def test_reorg__repooled__what_took_a_place_meanwhile_keeps_it(chain: LocalChain) -> None:
    chain.automine(False)
    sent, other = signed(chain), signed(chain, value=2)
    chain.rpc("eth_sendRawTransaction", sent)
    chain.mine()
    chain.reorg(1, [(other, 0)], repooled=True)
    assert int(chain.rpc("txpool_status")["pending"], 16) == 0
    assert int(chain.rpc("eth_getTransactionCount", chain.wallets[0].address, "latest"), 16) == 1


def test_pass_over__what_waits__waits_on(chain: LocalChain) -> None:
    chain.automine(False)
    first = chain.rpc("eth_sendRawTransaction", signed(chain))
    second = chain.rpc("eth_sendRawTransaction", signed(chain, nonce=1))
    head = chain.block_number()
    chain.pass_over(2)
    assert chain.block_number() == head + 2
    assert chain.rpc("eth_getTransactionByHash", first)["blockNumber"] is None
    chain.mine()
    assert chain.rpc("eth_getTransactionReceipt", second)["status"] == "0x1"


def test_mine__at_a_time__has_it_unless_it_is_past(chain: LocalChain) -> None:
    before = int(latest(chain)["timestamp"], 16)
    now = datetime.fromtimestamp(before, UTC)
    chain.mine(at=now + timedelta(minutes=4))
    assert int(latest(chain)["timestamp"], 16) == before + 240
    chain.mine(at=now)
    assert int(latest(chain)["timestamp"], 16) == before + 240


def test_undone__what_waits_and_mining_by_hand__are_undone_too(chain: LocalChain) -> None:
    with chain.undone():
        chain.automine(False)
        chain.rpc("eth_sendRawTransaction", signed(chain))
    assert chain.rpc("anvil_getAutomine") is True
    assert int(chain.rpc("txpool_status")["pending"], 16) == 0
    chain.give("USDC", chain.wallets[0].address, 1)


def test_revert__twice_to_one_snapshot__says_so(chain: LocalChain) -> None:
    snapshot = chain.snapshot()
    chain.revert(snapshot)
    with pytest.raises(ValueError, match=r"must be one that was not reverted to before"):
        chain.revert(snapshot)


def test_act__reverting__says_what_failed(chain: LocalChain) -> None:
    with pytest.raises(BuildFailed, match=r"withdraw\(uint256\) of 0x.*: reverted"):
        chain.act(chain.contracts.weth, "withdraw(uint256)", 10**30)


def test_pool__that_is_not_there__is_named(chain: LocalChain) -> None:
    with pytest.raises(KeyError, match="DUST059/WETH"):
        chain.pool("DUST059")


@pytest.mark.parametrize(
    ("signature", "types"),
    [
        ("f()", ()),
        ("f(uint256)", ("uint256",)),
        ("f((address,uint256)[],bytes)", ("(address,uint256)[]", "bytes")),
        ("f(bytes,((address,bool),uint8))", ("bytes", "((address,bool),uint8)")),
    ],
)
def test_types_of__a_signature__splits_outside_tuples(signature: str, types: tuple[str, ...]) -> None:
    assert types_of(signature) == types


def test_start__on_a_port_that_is_taken__says_what_the_node_said(chain: LocalChain) -> None:
    taken = int(chain.url.rsplit(":", 1)[1])
    with pytest.raises(ConfigurationError, match=r"(?s)anvil: did not come up.*in use"):
        LocalChain(port=taken).start()


def test_anvil__nowhere_installed__says_how_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "PACKAGES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="`make chain` installs it"):
        installation.anvil()
    with pytest.raises(ConfigurationError, match="`make chain` installs it"):
        installation.artifact("WETH9")


def test_set_price__of_a_pair_without_a_feed__names_it(chain: LocalChain) -> None:
    with pytest.raises(KeyError, match="BTC/USD"):
        chain.set_price("BTC/USD", Decimal(1))


OWNER = """
import sys
from simulators.chain.chain import LocalChain
chain = LocalChain(dust=0)
chain.start()
print(chain.pid, flush=True)
sys.stdin.read()
"""


def test_node__its_owner_killed__ends_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        node = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_running(node):
        assert time.monotonic() < deadline, f"anvil {node} outlived its owner"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Say whether a process is there and not merely waiting to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1][0] != "Z"
