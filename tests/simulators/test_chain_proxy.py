"""The fault proxy: each accident as a client on the wire meets it, before a real node."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from web3 import HTTPProvider, Web3

from domain.errors import ConfigurationError
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.rpc import NodeRefused, Rpc
from tests.simulators.chain_client import ETHER, mined, signed
from venues.evm.accounts import Account

SEND = "eth_sendRawTransaction"
GWEI = 10**9


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


@pytest.fixture
def rpc(proxy: ChainProxy) -> Iterator[Rpc]:
    rpc = Rpc(proxy.url, timeout=10)
    yield rpc
    rpc.close()


def post(proxy: ChainProxy, body: object, path: str = "/", method: str = "POST") -> tuple[int, bytes]:
    """Make one request on a connection of its own; bytes go as they are."""
    parts = urlsplit(proxy.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def asked(method: str, *parameters: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(parameters)}


def is_known(chain: LocalChain, raw: str) -> bool:
    """Say whether the node has ever heard of a transaction."""
    return chain.rpc("eth_getTransactionByHash", hash_of(raw)) is not None


def hash_of(raw: str) -> str:
    return Web3.to_hex(Web3.keccak(hexstr=raw))


def waiting(chain: LocalChain) -> int:
    status = chain.rpc("txpool_status")
    return int(status["pending"], 16) + int(status["queued"], 16)


def test_proxy__left_alone__answers_as_the_node_does(chain: LocalChain, proxy: ChainProxy) -> None:
    for body in (
        asked("eth_chainId"),
        [asked("eth_blockNumber"), asked("eth_nothing")],
        {"no": "call"},
        b"no json",
        [],
    ):
        assert post(proxy, body)[1] == posted_to_node(chain, body)


def posted_to_node(chain: LocalChain, body: object) -> bytes:
    parts = urlsplit(chain.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(
            "POST", "/", body if isinstance(body, bytes) else json.dumps(body), {"Content-Type": "application/json"}
        )
        return connection.getresponse().read()
    finally:
        connection.close()


def test_proxy__web3_sending_through_it__sees_its_transaction_mined(chain: LocalChain, proxy: ChainProxy) -> None:
    client = Web3(HTTPProvider(proxy.url))
    sent = client.eth.send_raw_transaction(Web3.to_bytes(hexstr=signed(chain)))  # type: ignore[arg-type]
    assert client.eth.wait_for_transaction_receipt(sent, timeout=10)["status"] == 1


def test_counts__calls_and_batches__are_counted_exactly(proxy: ChainProxy, rpc: Rpc) -> None:
    rpc("eth_blockNumber")
    rpc.batch([("eth_chainId", ()), ("eth_blockNumber", ()), ("eth_gasPrice", ())])
    expected = {"requests": 2, "eth_blockNumber": 2, "eth_chainId": 1, "eth_gasPrice": 1}
    assert proxy.counts() == expected
    assert json.loads(post(proxy, b"", "/requests", "GET")[1]) == {"requests": expected}
    proxy.forget()
    assert not proxy.counts()


def test_counts__from_eight_threads__lose_nothing(proxy: ChainProxy) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(proxy, asked("eth_chainId"))[0], range(80)))
    assert answers == [200] * 80
    assert proxy.counts()["eth_chainId"] == proxy.counts()["requests"] == 80


@pytest.mark.parametrize(("when", "arrives"), [("before", False), ("after", True)])
def test_bad_gateway__of_a_send__is_502_whether_or_not_it_arrived(
    chain: LocalChain, proxy: ChainProxy, when: str, arrives: bool
) -> None:
    raw = signed(chain)
    proxy.inject(kind="bad_gateway", method=SEND, when=when)
    status, body = post(proxy, asked(SEND, raw))
    assert (status, b"502" in body) == (502, True)
    assert is_known(chain, raw) == arrives
    assert post(proxy, asked("eth_chainId"))[0] == 200


@pytest.mark.parametrize(("when", "arrives"), [("before", False), ("after", True)])
def test_rate_limited__a_send__is_429(chain: LocalChain, proxy: ChainProxy, when: str, arrives: bool) -> None:
    raw = signed(chain)
    proxy.inject(kind="rate_limited", method=SEND, when=when)
    status, body = post(proxy, asked(SEND, raw))
    assert (status, json.loads(body)["error"]["code"]) == (429, -32005)
    assert is_known(chain, raw) == arrives


@pytest.mark.parametrize("fault", [{"kind": "timeout", "seconds": "0.05"}, {"kind": "reset"}])
@pytest.mark.parametrize(("when", "arrives"), [("before", False), ("after", True)])
def test_lost_answer__of_a_send__tells_nothing(
    chain: LocalChain, proxy: ChainProxy, fault: dict[str, str], when: str, arrives: bool
) -> None:
    raw = signed(chain)
    proxy.inject(**fault, method=SEND, when=when)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        post(proxy, asked(SEND, raw))
    assert is_known(chain, raw) == arrives


def test_timeout__longer_than_the_client_waits__is_the_client_s_to_end(proxy: ChainProxy) -> None:
    proxy.inject(kind="timeout", method="eth_chainId", seconds=30)
    impatient = Rpc(proxy.url, timeout=0.05)
    with pytest.raises(TimeoutError):
        impatient("eth_chainId")
    impatient.close()


def test_cut_json__of_a_send__cannot_be_read_though_it_arrived(chain: LocalChain, proxy: ChainProxy) -> None:
    raw = signed(chain)
    proxy.inject(kind="cut_json", method=SEND)
    status, body = post(proxy, asked(SEND, raw))
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert is_known(chain, raw)


def test_cut_body__of_a_send__ends_early_though_it_arrived(chain: LocalChain, proxy: ChainProxy) -> None:
    raw = signed(chain)
    proxy.inject(kind="cut_body", method=SEND)
    with pytest.raises(http.client.IncompleteRead):
        post(proxy, asked(SEND, raw))
    assert is_known(chain, raw)


def test_swallowed__a_send__has_its_hash_and_never_arrives(chain: LocalChain, proxy: ChainProxy, rpc: Rpc) -> None:
    raw = signed(chain)
    proxy.inject(kind="swallowed")
    assert rpc(SEND, raw) == hash_of(raw)
    assert not is_known(chain, raw)
    assert rpc(SEND, raw) == hash_of(raw)
    assert is_known(chain, raw)


def test_swallowed__what_is_no_transaction__is_refused_by_the_node(proxy: ChainProxy, rpc: Rpc) -> None:
    proxy.inject(kind="swallowed", calls="all")
    for nonsense in ((), ("0xzz",), (5,)):
        with pytest.raises(NodeRefused):
            rpc(SEND, *nonsense)


@pytest.mark.parametrize("nonsense", ["0x", "0x02", "0x02c0", "0xc0", "0xc3010203", "0xff", "0x7f" + "ab" * 40])
def test_send__what_is_no_transaction__is_refused_by_the_node(proxy: ChainProxy, rpc: Rpc, nonsense: str) -> None:
    with pytest.raises(NodeRefused):
        rpc(SEND, nonsense)


def test_duplicated__a_send__is_mined_once_and_its_second_answer_refuses(
    chain: LocalChain, proxy: ChainProxy, rpc: Rpc
) -> None:
    chain.automine(False)
    raw = signed(chain)
    proxy.inject(kind="duplicated")
    with pytest.raises(NodeRefused, match="already known"):
        rpc(SEND, raw)
    assert waiting(chain) == 1
    proxy.inject(kind="duplicated", answer="first")
    following = signed(chain, nonce=1)
    assert rpc(SEND, following) == hash_of(following)
    assert waiting(chain) == 2


@pytest.mark.parametrize(("when", "arrives"), [("before", False), ("after", True)])
def test_refused__a_send__answers_with_the_error_given(
    chain: LocalChain, proxy: ChainProxy, rpc: Rpc, when: str, arrives: bool
) -> None:
    raw = signed(chain)
    proxy.inject(kind="refused", method=SEND, code=-32010, message="try later", when=when)
    with pytest.raises(NodeRefused, match=r"try later \(code -32010\)"):
        rpc(SEND, raw)
    assert is_known(chain, raw) == arrives


def test_slow__an_answer__is_the_right_one(chain: LocalChain, proxy: ChainProxy, rpc: Rpc) -> None:
    proxy.inject(kind="slow", method="eth_chainId", seconds="0.02")
    assert int(rpc("eth_chainId"), 16) == chain.chain_id
    assert proxy.struck() == {"slow": 1}


def test_stale_head__two_blocks_behind__knows_nothing_of_them(chain: LocalChain, proxy: ChainProxy, rpc: Rpc) -> None:
    wallet, head = chain.wallets[0], chain.block_number()
    before = int(rpc("eth_getBalance", wallet.address, "latest"), 16)
    receipt = mined(chain, signed(chain))
    chain.give("USDC", wallet.address, 5)
    proxy.inject(kind="stale_head", calls="all", frozen=True, blocks=chain.block_number() - head)
    chain.mine(3)
    assert int(rpc("eth_blockNumber"), 16) == head
    assert int(rpc("eth_getBalance", wallet.address, "latest"), 16) == before
    assert int(rpc("eth_getTransactionCount", wallet.address), 16) == 0
    assert rpc("eth_getTransactionReceipt", receipt["transactionHash"]) is None
    assert rpc("eth_getTransactionByHash", receipt["transactionHash"]) is None
    assert rpc("eth_getBlockByHash", receipt["blockHash"], False) is None
    assert rpc("eth_getBlockByNumber", receipt["blockNumber"], False) is None
    assert int(rpc("eth_getBlockByNumber", "latest", False)["number"], 16) == head
    usdc = chain.tokens["USDC"].address
    data = "0x" + call("balanceOf(address)", wallet.address).hex()
    assert int(rpc("eth_call", {"to": usdc, "data": data}, "latest"), 16) == 0
    assert rpc("eth_getLogs", {"address": usdc, "fromBlock": hex(head + 1), "toBlock": "latest"}) == []
    proxy.calm()
    assert rpc("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt
    assert len(rpc("eth_getLogs", {"address": usdc, "fromBlock": hex(head + 1), "toBlock": "latest"})) == 1


def test_stale_head__following__stays_as_far_behind(chain: LocalChain, proxy: ChainProxy, rpc: Rpc) -> None:
    proxy.inject(kind="stale_head", calls="all", blocks=2)
    assert int(rpc("eth_blockNumber"), 16) == chain.block_number() - 2
    chain.mine(5)
    assert int(rpc("eth_blockNumber"), 16) == chain.block_number() - 2


def test_wrong_chain__after_a_failover__is_told_by_its_id_alone(chain: LocalChain, proxy: ChainProxy, rpc: Rpc) -> None:
    proxy.inject(kind="wrong_chain", chain_id=10, calls="2-")
    assert int(rpc("eth_chainId"), 16) == chain.chain_id
    assert rpc("net_version") == "10"
    assert int(rpc("eth_chainId"), 16) == 10


def test_fail_over__to_a_node_of_another_chain__answers_with_its_id(proxy: ChainProxy, rpc: Rpc) -> None:
    with LocalChain(chain_id=5, dust=0) as other:
        proxy.fail_over(other.url)
        assert rpc("eth_chainId") == "0x5"


def test_log_range__too_many_blocks__are_refused_and_fewer_are_not(
    chain: LocalChain, proxy: ChainProxy, rpc: Rpc
) -> None:
    chain.mine(20)
    head = chain.block_number()
    proxy.inject(kind="log_range", blocks=10, calls="all")
    for first in ("earliest", hex(head - 10)):
        with pytest.raises(NodeRefused, match="max block range 10"):
            rpc("eth_getLogs", {"fromBlock": first, "toBlock": "latest"})
    assert rpc("eth_getLogs", {"fromBlock": hex(head - 9), "toBlock": hex(head)}) == []
    block = chain.rpc("eth_getBlockByNumber", "latest", False)
    assert rpc("eth_getLogs", {"blockHash": block["hash"]}) == []


def test_no_overrides__a_call_with_one__is_refused_and_without_is_not(
    chain: LocalChain, proxy: ChainProxy, rpc: Rpc
) -> None:
    form = {"to": chain.tokens["USDC"].address, "data": "0x" + call("decimals()").hex()}
    override = {chain.wallets[0].address: {"code": "0x00"}}
    assert int(rpc("eth_call", form, "latest", override), 16) == 6
    proxy.inject(kind="no_overrides", calls="all")
    assert int(rpc("eth_call", form, "latest"), 16) == 6
    with pytest.raises(NodeRefused, match="override"):
        rpc("eth_call", form, "latest", override)


def test_no_overrides__silently__answers_as_if_there_was_none(chain: LocalChain, proxy: ChainProxy, rpc: Rpc) -> None:
    form = {"to": chain.tokens["USDC"].address, "data": "0x" + call("decimals()").hex()}
    override = {chain.tokens["USDC"].address: {"code": "0x00"}}
    assert rpc("eth_call", form, "latest", override) == "0x"
    proxy.inject(kind="no_overrides", silently=True, calls="all")
    assert int(rpc("eth_call", form, "latest", override), 16) == 6


def test_unknown_method__asked__does_not_exist(proxy: ChainProxy, rpc: Rpc) -> None:
    proxy.inject(kind="unknown_method", method="eth_simulateV1")
    with pytest.raises(NodeRefused, match="-32601"):
        rpc("eth_simulateV1", {})


def test_fault__in_a_batch__strikes_the_call_it_is_for(chain: LocalChain, proxy: ChainProxy, rpc: Rpc) -> None:
    proxy.inject(kind="wrong_chain", method="eth_chainId", chain_id=10)
    assert rpc.batch([("eth_chainId", ()), ("eth_chainId", ()), ("eth_blockNumber", ())]) == [
        "0xa",
        hex(chain.chain_id),
        hex(chain.block_number()),
    ]
    proxy.inject(kind="bad_gateway", method="eth_blockNumber")
    assert post(proxy, [asked("eth_chainId"), asked("eth_blockNumber")])[0] == 502


def test_proxy__its_node_gone__is_502() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with ChainProxy(f"http://127.0.0.1:{nobody.getsockname()[1]}") as proxy:
            assert post(proxy, asked("eth_chainId"))[0] == 502
            assert post(proxy, b"nonsense")[0] == 502
            assert post(proxy, {"faults": []}, "/faults")[0] == 502


# What geth holds and anvil does not.


@pytest.mark.parametrize(
    ("fee", "tip", "takes"),
    [
        (110, 11, True),
        (200, 20, True),
        (109, 11, False),
        (110, 10, False),
        (1000, 10, False),
        (100, 1000, False),
        (100, 10, False),
    ],
)
def test_replacement__of_a_fee_and_tip__needs_a_tenth_more_of_both(
    chain: LocalChain, proxy: ChainProxy, rpc: Rpc, fee: int, tip: int, takes: bool
) -> None:
    chain.automine(False)
    prices = {"maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": 10 * GWEI}
    rpc(SEND, signed(chain, **prices))
    fresh = {"maxFeePerGas": fee * GWEI, "maxPriorityFeePerGas": min(tip, fee) * GWEI, "value": 2}
    replacement = signed(chain, **fresh)
    if takes:
        assert rpc(SEND, replacement) == hash_of(replacement)
    else:
        with pytest.raises(NodeRefused, match="replacement transaction underpriced"):
            rpc(SEND, replacement)
    assert proxy.refused() == ({} if takes else {"replacement transaction underpriced": 1})
    chain.mine()
    assert (chain.rpc("eth_getTransactionReceipt", hash_of(replacement)) is not None) == takes


def test_send__the_same_bytes_again__is_already_known_then_too_low(chain: LocalChain, rpc: Rpc) -> None:
    chain.automine(False)
    raw = signed(chain)
    rpc(SEND, raw)
    with pytest.raises(NodeRefused, match="already known"):
        rpc(SEND, raw)
    chain.mine()
    with pytest.raises(NodeRefused, match="nonce too low"):
        rpc(SEND, raw)


def delegated(chain: LocalChain, number: int = 0, nonce: int = 1) -> str:
    """Sign a transaction by which a wallet delegates its own account."""
    wallet = chain.wallets[number]
    allowed = Account.sign_authorization(
        {"chainId": chain.chain_id, "address": chain.contracts.batch_account, "nonce": nonce}, wallet.key
    )
    return signed(chain, number, to=wallet.address, value=0, gas=100_000, authorizationList=[allowed])


def test_delegated_account__with_one_in_flight__takes_a_replacement_and_no_second(chain: LocalChain, rpc: Rpc) -> None:
    mined(chain, delegated(chain))
    chain.automine(False)
    rpc(SEND, signed(chain, nonce=2))
    with pytest.raises(NodeRefused, match="in-flight transaction limit reached for delegated accounts"):
        rpc(SEND, signed(chain, nonce=3))
    rpc(SEND, signed(chain, nonce=2, maxFeePerGas=200 * GWEI, maxPriorityFeePerGas=2 * GWEI))
    chain.mine()
    rpc(SEND, signed(chain, nonce=3))


def test_delegated_account__leaving_a_gap__is_refused(chain: LocalChain, rpc: Rpc) -> None:
    mined(chain, delegated(chain))
    with pytest.raises(NodeRefused, match="gapped-nonce tx from delegated accounts"):
        rpc(SEND, signed(chain, nonce=5))


def test_delegation__still_waiting__counts_already(chain: LocalChain, rpc: Rpc) -> None:
    chain.automine(False)
    rpc(SEND, delegated(chain))
    with pytest.raises(NodeRefused, match="in-flight transaction limit"):
        rpc(SEND, signed(chain, nonce=1))


def test_delegation__of_an_account_with_two_in_flight__is_refused(chain: LocalChain, rpc: Rpc) -> None:
    chain.automine(False)
    for nonce in range(2):
        rpc(SEND, signed(chain, nonce=nonce))
    with pytest.raises(NodeRefused, match="authority already reserved"):
        rpc(SEND, delegated_by_another(chain))


def delegated_by_another(chain: LocalChain) -> str:
    """Sign with the third wallet a transaction that carries the first one's authorization."""
    allowed = Account.sign_authorization(
        {"chainId": chain.chain_id, "address": chain.contracts.batch_account, "nonce": 2}, chain.wallets[0].key
    )
    return signed(chain, 2, value=0, gas=100_000, authorizationList=[allowed])


def test_ordinary_account__with_several_in_flight__is_not_held_to_the_rule(chain: LocalChain, rpc: Rpc) -> None:
    chain.automine(False)
    for nonce in range(3):
        rpc(SEND, signed(chain, nonce=nonce))
    assert waiting(chain) == 3


def test_replacement__of_the_old_kind__needs_a_tenth_more_too(chain: LocalChain, rpc: Rpc) -> None:
    def old(price: int) -> str:
        wallet = chain.wallets[0]
        form = {"chainId": chain.chain_id, "nonce": 0, "to": chain.wallets[1].address, "value": price, "gas": 21_000}
        raw: bytes = Account.sign_transaction(form | {"gasPrice": price * GWEI}, wallet.key).raw_transaction
        return "0x" + raw.hex()

    chain.automine(False)
    rpc(SEND, old(100))
    with pytest.raises(NodeRefused, match="underpriced"):
        rpc(SEND, old(109))
    rpc(SEND, old(110))


def test_proxy__without_geth_s_rules__takes_what_the_node_takes(chain: LocalChain) -> None:
    chain.automine(False)
    with ChainProxy(chain.url, geth=False) as proxy:
        rpc = Rpc(proxy.url)
        rpc(SEND, signed(chain))
        rpc(SEND, signed(chain, maxFeePerGas=101 * GWEI))
        rpc.close()
    assert waiting(chain) == 1


# The admin routes.


def test_admin__faults__are_posted_shown_and_dropped(proxy: ChainProxy, rpc: Rpc) -> None:
    fault = {"kind": "bad_gateway", "method": "eth_chainId", "calls": "2"}
    assert post(proxy, {"faults": [fault]}, "/faults")[0] == 200
    rpc("eth_chainId")
    ((shown,),) = [json.loads(post(proxy, b"", "/faults", "GET")[1])["faults"]]
    assert (shown["seen"], shown["struck"]) == (1, 0)
    assert shown["fault"] == fault | {"status": 502, "when": "before"}
    assert json.loads(post(proxy, b"", "/faults", "DELETE")[1]) == {"faults": []}
    assert post(proxy, asked("eth_chainId"))[0] == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"nonsense", "Expecting value"),
        (b"[]", "valid dictionary"),
        ({"faults": [{"kind": "earthquake"}]}, "earthquake"),
        ({"faults": [{"kind": "bad_gateway", "status": 200}]}, "status"),
        ({"faults": [{"kind": "timeout", "seconds": "-1"}]}, "must be above zero"),
        ({"faults": [{"kind": "cut_json", "when": "before"}]}, "when"),
        ({"faults": [{"kind": "swallowed", "method": "eth_call"}]}, "strikes eth_sendRawTransaction"),
        ({"faults": [{"kind": "reset", "calls": "3-2"}]}, "end is not before its start"),
        ({"faults": [{"kind": "reset", "metod": "eth_call"}]}, "unknown key 'metod'"),
        ({"faults": [{"kind": "stale_head", "blocks": -1}]}, "blocks"),
    ],
)
def test_admin__a_bad_fault__is_named(proxy: ChainProxy, body: object, words: str) -> None:
    status, answer = post(proxy, body, "/faults")
    assert status == 400
    assert words in json.loads(answer)["error"]


def test_admin__another_route__is_404_with_the_routes(proxy: ChainProxy) -> None:
    status, answer = post(proxy, b"", "/elsewhere", "GET")
    assert (status, "/faults" in json.loads(answer)["error"]) == (404, True)


def test_inject__a_bad_fault__raises(proxy: ChainProxy) -> None:
    with pytest.raises(ConfigurationError, match="inject"):
        proxy.inject(kind="earthquake")


def test_chain__with_eth_given__holds_it(chain: LocalChain) -> None:
    chain.give("ETH", chain.wallets[0].address, ETHER)
    assert chain.balance("ETH", chain.wallets[0].address) == 101 * ETHER
