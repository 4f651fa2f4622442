"""Reading a wallet: 5,000 balances and 60 quotes on a real node over loopback, beside the ways that one finds first.

Balances are 50 tokens of 100 wallets. The references are web3.py's, timed for a part of them: a call for each in
a loop, its batches, and Multicall3 called through it. A cycle is a scan of as many wallets together, which have three
tokens each of twenty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter_ns
from typing import Any

from web3 import HTTPProvider, Web3

from benchmarks.figure import Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import MILLISECOND
from dustman.wallet_settings import WalletAccount
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import scatter, watched
from venues.evm.discovery import Discovery
from venues.evm.judgement import Allowed
from venues.evm.lens import Ask, Lens
from venues.evm.routes import Route
from venues.evm.rpc import Rpc
from venues.evm.wallet import Wallet

NAME = "wallet_reading"
TOKENS, WALLETS, QUOTES = 50, 100, 60
PAIRS = TOKENS * WALLETS
LOOPED, TOGETHER = 100, 1_000
BATCH = 500
SCAN_REQUESTS = 2
CYCLE_TOKENS, CYCLE_HELD = 20, 3
BALANCE_OF = [
    {
        "name": "balanceOf",
        "type": "function",
        "stateMutability": "view",
        "inputs": [{"name": "holder", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
    }
]
AGGREGATE = [
    {
        "name": "aggregate3",
        "type": "function",
        "stateMutability": "view",
        "inputs": [
            {
                "name": "calls",
                "type": "tuple[]",
                "components": [
                    {"name": "target", "type": "address"},
                    {"name": "allowFailure", "type": "bool"},
                    {"name": "callData", "type": "bytes"},
                ],
            }
        ],
        "outputs": [
            {
                "name": "results",
                "type": "tuple[]",
                "components": [{"name": "success", "type": "bool"}, {"name": "returnData", "type": "bytes"}],
            }
        ],
    }
]
Pairs = Sequence[tuple[str, str]]


def measure(_: Ground, rounds: int) -> list[Figure]:
    """Measure balances, quotes and a whole scan on a chain that is there for this alone."""
    with LocalChain() as chain:
        return [*_balances(chain, rounds), *_quotes(chain, rounds), _scan(chain, rounds), *_cycle(chain, rounds)]


def _balances(chain: LocalChain, rounds: int) -> list[Figure]:
    tokens = [chain.tokens[f"DUST{number:03}"].address for number in range(TOKENS)]
    wallets = [Web3.to_checksum_address(f"0x{number + 1:040x}") for number in range(WALLETS)]
    pairs = [(token, wallet) for wallet in wallets for token in tokens]
    rpc = Rpc([chain.url], chain.chain_id)
    lens, head = Lens(rpc, None), chain.block_number()
    ours = _median(rounds, lambda: lens.balances(pairs, head))
    requests = rpc.requests // (rounds + 1)
    web3 = Web3(HTTPProvider(chain.url))
    looped = _time(lambda: _loop(web3, pairs[:LOOPED])) * TOGETHER / LOOPED
    batched = _time(lambda: _batches(web3, pairs[:TOGETHER]))
    multicalled = _time(lambda: _multicall(web3, chain.contracts.multicall3, pairs[:TOGETHER]))
    against = {
        "": ("web3.py, a contract call each", looped, 5.0),
        "_to_batch": ("web3.py, batches of 500", batched, 5.0),
        "_to_multicall": ("Multicall3 through web3.py", multicalled, 5.0),
    }
    times = [
        Figure(
            name=f"wallet_balances_1000{ending}",
            value=ours * TOGETHER / PAIRS,
            unit="ms",
            against=reference,
            reference=time,
            limit=limit,
            benchmark=NAME,
            samples=rounds,
        )
        for ending, (reference, time, limit) in against.items()
    ]
    count = Figure(
        name="wallet_balances_requests",
        value=requests,
        unit="requests",
        against="Multicall3, 500 calls at once",
        reference=PAIRS / BATCH,
        limit=1,
        benchmark=NAME,
        samples=rounds,
        exact=True,
    )
    return [*times, count]


def _quotes(chain: LocalChain, rounds: int) -> list[Figure]:
    """Quote 60 sales over one V3 pool each, in one call and one by one."""
    weth = chain.contracts.weth
    described = WalletAccount.model_validate(watched(chain, chain.url)).where()
    routes = [Route((chain.tokens[f"DUST{number % 24:03}"].address, weth), (3000,)) for number in range(QUOTES)]
    asks: list[Ask] = [route.ask(described, 10**15 + number) for number, route in enumerate(routes)]
    rpc = Rpc([chain.url], chain.chain_id)
    lens, head = Lens(rpc, None), chain.block_number()
    ours = _median(rounds, lambda: lens.read(asks, head))
    requests = rpc.requests // (rounds + 1)
    alone = _time(lambda: [lens.read([ask], head) for ask in asks])
    return [
        Figure(
            name="wallet_quotes_60",
            value=ours,
            unit="ms",
            against="the same quotes, a request each",
            reference=alone,
            limit=25,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="wallet_quotes_requests",
            value=requests,
            unit="requests",
            against="a request for each quote",
            reference=QUOTES,
            limit=1,
            benchmark=NAME,
            samples=rounds,
            exact=True,
        ),
    ]


def _scan(chain: LocalChain, rounds: int) -> Figure:
    """Count the requests of a scan of a wallet that was scanned before, as the node's proxy sees them."""
    scatter(chain)
    with ChainProxy(chain.url) as proxy:
        account = WalletAccount.model_validate(watched(chain, proxy.url))
        rpc = Rpc([proxy.url], chain.chain_id)
        where = account.where()
        judgement = Allowed(where, frozenset(account.allow))
        found = Discovery(rpc, account.address)
        wallet = Wallet(where, account.address, account.target, rpc=rpc, discovery=found, judgement=judgement)
        _scanned(wallet)
        counts = []
        for _ in range(rounds):
            proxy.forget()
            held = _scanned(wallet)
            counts.append(proxy.counts()["requests"])
    return Figure(
        name="wallet_scan_requests",
        value=max(counts),
        unit="requests",
        against="a request for each balance and each quote of a held token, and for head, logs and feed",
        reference=2 * held + 3,
        limit=SCAN_REQUESTS,
        benchmark=NAME,
        samples=rounds,
        exact=True,
    )


def _cycle(chain: LocalChain, rounds: int) -> list[Figure]:
    """Scan wallets together that were scanned before, as the node's proxy sees it; beside it each by itself."""
    tokens = [f"DUST{number:03}" for number in range(CYCLE_TOKENS)]
    addresses = [Web3.to_checksum_address(f"0x{number + 2**80:040x}") for number in range(WALLETS)]
    chain.hand_out(
        [
            (tokens[(CYCLE_HELD * number + each) % CYCLE_TOKENS], address, 10**18)
            for number, address in enumerate(addresses)
            for each in range(CYCLE_HELD)
        ]
    )
    with ChainProxy(chain.url) as proxy:
        form = {**watched(chain, proxy.url), "allow": [chain.tokens[name].address for name in tokens]}
        account = WalletAccount.model_validate(form)
        where = account.where()
        rpc, judgement = Rpc([proxy.url], chain.chain_id), Allowed(where, frozenset(account.allow))
        wallets = [
            Wallet(where, each, account.target, rpc=rpc, discovery=Discovery(rpc, each), judgement=judgement)
            for each in addresses
        ]
        wallets[0].survey(wallets)
        times, counts = [], []
        for _ in range(rounds):
            proxy.forget()
            times.append(_time(lambda: wallets[0].survey(wallets)))
            counts.append(proxy.counts()["requests"])
        proxy.forget()
        apart = _time(lambda: [_scanned(wallet) for wallet in wallets])
        apart_requests = proxy.counts()["requests"]
    return [
        Figure(
            name="wallet_cycle_requests",
            value=max(counts),
            unit="requests",
            against="the same wallets, each by itself",
            reference=apart_requests,
            limit=SCAN_REQUESTS,
            benchmark=NAME,
            samples=rounds,
            exact=True,
        ),
        Figure(
            name="wallet_cycle",
            value=median(times),
            unit="ms",
            against="the same",
            reference=apart,
            limit=2_000,
            benchmark=NAME,
            samples=rounds,
        ),
    ]


def _scanned(wallet: Wallet) -> int:
    held = len(wallet.holdings())
    products = wallet.capabilities().products.values()
    wallet.prices([product.name for product in products])
    wallet.worth([wallet.target])
    return held


def _loop(web3: Web3, pairs: Pairs) -> list[int]:
    return [_contract(web3, token).functions.balanceOf(wallet).call() for token, wallet in pairs]


def _batches(web3: Web3, pairs: Pairs) -> list[object]:
    found: list[object] = []
    for start in range(0, len(pairs), BATCH):
        with web3.batch_requests() as batch:
            for token, wallet in pairs[start : start + BATCH]:
                batch.add(_contract(web3, token).functions.balanceOf(wallet))
            found += batch.execute()
    return found


def _multicall(web3: Web3, multicall3: str, pairs: Pairs) -> list[object]:
    contract = web3.eth.contract(address=Web3.to_checksum_address(multicall3), abi=AGGREGATE)
    calls = [(token, True, _contract(web3, token).encode_abi("balanceOf", args=[wallet])) for token, wallet in pairs]
    found: list[object] = []
    for start in range(0, len(calls), BATCH):
        found += contract.functions.aggregate3(calls[start : start + BATCH]).call()
    return found


def _contract(web3: Web3, token: str) -> Any:
    return web3.eth.contract(address=Web3.to_checksum_address(token), abi=BALANCE_OF)


def _time(run: Callable[[], object]) -> float:
    """Return how many milliseconds something takes once."""
    start = perf_counter_ns()
    run()
    return (perf_counter_ns() - start) / MILLISECOND


def _median(rounds: int, run: Callable[[], object]) -> float:
    run()  # the first one connects
    return median(_time(run) for _ in range(rounds))
