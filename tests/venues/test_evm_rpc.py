"""JSON-RPC to a real node, through a proxy that fails as providers do."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.simulators.chain_client import signed
from venues.evm.rpc import LARGEST, SEND, Call, Failure, Rpc, octets, quantity
from venues.evm.words import padded, selector, word

HEAD = Call("eth_blockNumber")


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


@pytest.fixture
def other(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


@pytest.fixture
def client(chain: LocalChain) -> Iterator[Callable[..., Rpc]]:
    made: list[Rpc] = []

    def make(*urls: str, largest: int = LARGEST) -> Rpc:
        made.append(Rpc(urls, chain.chain_id, timeout=(0.5, 0.5), largest=largest))
        return made[-1]

    yield make
    for rpc in made:
        rpc.close()


Make = Callable[..., Rpc]


def nobody() -> str:
    """A URL on loopback at which nobody answers."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_ask__several_calls__is_one_request_with_answers_in_order(
    chain: LocalChain, proxy: ChainProxy, client: Make
) -> None:
    rpc = client(proxy.url)
    calls = [Call("eth_getBalance", (wallet.address, "latest")) for wallet in chain.wallets] + [HEAD]
    answers = rpc.ask(calls)
    balances = [chain.balance("ETH", wallet.address) for wallet in chain.wallets]
    assert [quantity(answer) for answer in answers[:-1]] == balances
    assert quantity(answers[-1]) == chain.block_number()
    assert proxy.counts()["requests"] == rpc.requests == 1


def test_ask__nothing__asks_nobody(client: Make) -> None:
    rpc = client(nobody())
    assert rpc.ask([]) == []
    assert rpc.requests == 0


def test_ask__a_revert__is_an_answer_with_its_data(chain: LocalChain, client: Make) -> None:
    one, other = (padded(wallet.address) for wallet in chain.wallets[:2])
    data = "0x" + (selector("transferFrom(address,address,uint256)") + one + other + word(1)).hex()
    call = Call("eth_call", ({"to": chain.tokens["USDC"].address, "data": data}, "latest"))
    no, head = client(chain.url).ask([call, HEAD])
    assert isinstance(no, Failure)
    assert no.reverted
    assert octets(no.data)
    assert quantity(head) == chain.block_number()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "bad_gateway"},
        {"kind": "rate_limited"},
        {"kind": "reset"},
        {"kind": "cut_json"},
        {"kind": "cut_body"},
        {"kind": "timeout", "seconds": 3},
        {"kind": "refused", "code": -32005, "message": "rate limit exceeded"},
        {"kind": "refused", "message": "header not found"},
    ],
    ids=lambda fault: f"{fault['kind']}{fault.get('code', '')}",
)
def test_ask__an_endpoint_that_fails__is_an_outage_or_the_next_one_answers(
    chain: LocalChain, proxy: ChainProxy, other: ChainProxy, client: Make, fault: dict[str, object]
) -> None:
    proxy.inject(**fault, calls="all", method="eth_blockNumber")
    with pytest.raises(VenueUnavailable, match=rf"no endpoint of chain {chain.chain_id} answers; 127.0.0.1:\d+"):
        client(proxy.url).ask([HEAD, Call("eth_gasPrice")])
    both = client(proxy.url, other.url)
    assert quantity(both.ask([HEAD, Call("eth_gasPrice")])[0]) == chain.block_number()
    asked = proxy.counts()["requests"]
    both.ask([HEAD])
    assert proxy.counts()["requests"] == asked  # it stays with the one that answered


def test_ask__nobody_there__names_hosts_and_no_secrets(client: Make) -> None:
    url = nobody().replace("127.0.0.1", "user:hunter2@127.0.0.1") + "/v3/0123456789abcdef"
    with pytest.raises(VenueUnavailable) as caught:
        client(url).call("eth_blockNumber")
    assert "hunter2" not in str(caught.value)
    assert "0123456789abcdef" not in str(caught.value)
    assert "127.0.0.1:" in str(caught.value)


def test_ask__another_chain__is_never_believed(chain: LocalChain, proxy: ChainProxy, client: Make) -> None:
    proxy.inject(kind="wrong_chain", chain_id=1, calls="all")
    with pytest.raises(ConfigurationError, match=rf"serves chain 1, not chain {chain.chain_id}"):
        client(proxy.url).ask([HEAD])


def test_ask__another_chain_after_a_failure__is_seen(proxy: ChainProxy, client: Make) -> None:
    rpc = client(proxy.url)
    rpc.ask([HEAD])
    proxy.inject(kind="wrong_chain", chain_id=1, calls="all")
    proxy.inject(kind="bad_gateway", method="eth_blockNumber", calls="1")
    with pytest.raises(VenueUnavailable):
        rpc.ask([HEAD])
    with pytest.raises(ConfigurationError, match="chain 1"):
        rpc.ask([HEAD])


def test_ask__an_answer_too_long__is_refused(proxy: ChainProxy, client: Make) -> None:
    with pytest.raises(VenueUnavailable, match="longer than 100 bytes"):
        client(proxy.url, largest=100).ask([HEAD] * 20)


def test_send__a_transaction__returns_its_hash(chain: LocalChain, proxy: ChainProxy, client: Make) -> None:
    answer = client(proxy.url).send(signed(chain))
    assert isinstance(answer, str)
    assert len(answer) == 66
    assert proxy.counts()[SEND] == 1


@pytest.mark.parametrize("kind", ["bad_gateway", "reset", "cut_json", "timeout"])
def test_send__a_lost_answer__is_an_unknown_outcome_and_nothing_is_sent_again(
    chain: LocalChain, proxy: ChainProxy, other: ChainProxy, client: Make, kind: str
) -> None:
    rpc = client(proxy.url, other.url)
    more = {} if kind == "cut_json" else {"when": "after"}
    proxy.inject(kind=kind, method=SEND, calls="all", **more)
    with pytest.raises(OutcomeUnknown):
        rpc.send(signed(chain))
    assert proxy.counts()[SEND] + other.counts()[SEND] == 1


def test_send__nobody_there__is_unavailable_since_nobody_heard(chain: LocalChain, client: Make) -> None:
    with pytest.raises(VenueUnavailable):
        client(nobody()).send(signed(chain))


def test_send__a_no__is_a_value(chain: LocalChain, client: Make) -> None:
    rpc = client(chain.url)
    answer = rpc.send(signed(chain, nonce=0, chainId=1))
    assert isinstance(answer, Failure)


def test_served__every_endpoint__is_asked_by_itself(chain: LocalChain, proxy: ChainProxy, client: Make) -> None:
    proxy.inject(kind="wrong_chain", chain_id=8453, calls="all")
    silent = nobody()
    served = client(chain.url, proxy.url, silent).served()
    assert list(served.values())[:2] == [chain.chain_id, 8453]
    assert "no answer" in str(served[silent.removeprefix("http://")])


@pytest.mark.parametrize("answer", [None, 5, "5", "0xzz", [], {}])
def test_quantity_and_octets__what_is_neither__is_an_outage(answer: object) -> None:
    with pytest.raises(VenueUnavailable):
        quantity(answer)
    with pytest.raises(VenueUnavailable):
        octets(answer)
