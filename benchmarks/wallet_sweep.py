"""Sweeping a wallet: twenty tokens sold in one transaction on a real node, beside a wallet that is not delegated.

Both sell the same tokens, of V3 pools at 0.3 %, into WETH on the same chain; gas is by the receipts. Requests are those
of a scan, and all that follow it until the log has the sweep as final, counted by the node's proxy; the wallet was
scanned and delegated before. Beside their number stands a loop by hand: each token's balance and quote, and each
transaction's nonce, price of gas, sending and receipt is a request. Nobody asks for a receipt before it is mined.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns, sleep

from eth_account import Account

from benchmarks.figure import Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import MILLISECOND
from domain.commands import Declare
from domain.decision import fingerprint
from dustman.wallet_settings import WalletAccount
from dustman.wiring import now
from events.facts import AccountWentLive, DryRunCompleted, TransactionSettled
from events.money import Amount
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import watched
from simulators.chain.trading import V3_SALE
from simulators.chain.wallets import Wallet as Key
from venues.evm.discovery import Discovery
from venues.evm.judgement import Allowed
from venues.evm.keyed import KeyedWallet
from venues.evm.rpc import Rpc
from venues.evm.signer import from_key
from venues.evm.terms import Terms
from workers.conducting import Ended, conduct
from workers.desk import Desk, Mandate
from workers.scanning import scan

NAME = "wallet_sweep"
TOKENS, UNITS, POOL = 20, 10**19, 3000
ACCOUNT = "wallet"
GAS_LIMIT, REQUEST_LIMIT = 87_000, 6
TIME_LIMIT = 1000.0


@dataclass
class Swept:
    """What one sweep took."""

    gas: int
    requests: int
    milliseconds: float


def measure(_: Ground, rounds: int) -> list[Figure]:
    """Sweep twice, the first time only to have the account delegated; `rounds` is how often, the least counts."""
    found = []
    for _round in range(rounds):
        with LocalChain() as chain, ChainProxy(chain.url, geth=True) as proxy:
            # V3's pools write more into their history the first time in a second: the same gas in every run.
            chain.rpc("anvil_setBlockTimestampInterval", 12)
            with desk_of(chain, proxy, chain.wallets[0], chain.contracts.batch_account) as desk:
                swept(chain, proxy, desk, chain.wallets[0], 0)
                found.append(swept(chain, proxy, desk, chain.wallets[0], TOKENS))
            with desk_of(chain, proxy, chain.wallets[1], None) as desk:
                apart = swept(chain, proxy, desk, chain.wallets[1], TOKENS)
            apart_requests, apart_time = one_by_one(chain, proxy)
    best = min(found, key=lambda each: each.requests)
    return [
        Figure(
            name="wallet_sweep_gas",
            value=best.gas / TOKENS,
            unit="gas/token",
            against="without a delegate: an approval and a swap each, in 40 transactions",
            reference=apart.gas / TOKENS,
            limit=GAS_LIMIT,
            exact=True,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="wallet_sweep_requests",
            value=best.requests,
            unit="requests",
            against="balance and quote of each token; nonce, gas price, sending and receipt of the 40 transactions",
            reference=apart_requests,
            limit=REQUEST_LIMIT,
            exact=True,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="wallet_sweep_time",
            value=min(each.milliseconds for each in found),
            unit="ms",
            against="the 40 transactions, one after the other",
            reference=apart_time,
            limit=TIME_LIMIT,
            benchmark=NAME,
            samples=rounds,
        ),
    ]


@contextmanager
def desk_of(chain: LocalChain, proxy: ChainProxy, key: Key, delegate: str | None) -> Iterator[Desk]:
    """The desk of a wallet's account that is live, into WETH."""
    dust = [token.address for name, token in chain.tokens.items() if name.startswith("DUST")]
    caps = {"per_sweep": 10_000, "per_day": 10_000}
    form = {
        **watched(chain, proxy.url),
        "address": key.address,
        "allow": dust,
        "target": "WETH",
        "threshold": 100,
        "caps": caps,
    }
    account = WalletAccount.model_validate(form)
    where, policy = account.where(), account.policy()
    rpc = Rpc([proxy.url], chain.chain_id)
    wallet = KeyedWallet(
        where,
        account.target,
        signer=from_key(key.key, key.address),
        terms=Terms(delegate, confirmations=1),
        rpc=rpc,
        discovery=Discovery(rpc, key.address),
        judgement=Allowed(where, frozenset(dust)),
    )
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk(
            worker=str(uuid.uuid4()),
            log=SQLiteLog(Path(directory) / "dustman.db", now),
            mandates={ACCOUNT: Mandate(ACCOUNT, wallet.name, policy, account.schedule)},
            open_venue=lambda _: wallet,
            clock=now,
            sleep=lambda _: _mined_all(chain),
            publish=lambda: None,
            nudge=lambda *_: None,
            announcements=_nobody,
            hold=timedelta(0),
        )
        mark = fingerprint(policy)
        dry = DryRunCompleted(ACCOUNT, mark, 0, 0, Amount(Decimal(0), policy.target), now())
        live = AccountWentLive(ACCOUNT, mark, policy.sweep_cap, policy.day_cap, policy.currency)
        for fact, name in ((dry, "dry"), (live, "live")):
            desk.streams.handle(ACCOUNT, Declare(fact, name), "benchmark")
        yield desk
        desk.log.close()


def swept(chain: LocalChain, proxy: ChainProxy, desk: Desk, key: Key, others: int) -> Swept:
    """Hand out and sweep as many tokens, once the wallet has them and was looked at; of a first sweep just one."""
    names = [f"DUST{number:03}" for number in range(others or 1)]
    chain.hand_out([(name, key.address, UNITS) for name in names])
    before, venue = len(settled_of(desk)), desk.venue(ACCOUNT)
    venue.holdings()
    venue.capabilities()
    proxy.forget()
    start = perf_counter_ns()
    scan(desk, ACCOUNT, now(), automatic=False)
    while conduct(desk, ACCOUNT, now() + timedelta(seconds=20)) is not Ended.RESTING:
        pass
    took = (perf_counter_ns() - start) / MILLISECOND
    gas = sum(each.gas_used for each in settled_of(desk)[before:])
    return Swept(gas, proxy.counts()["requests"], took)


def settled_of(desk: Desk) -> list[TransactionSettled]:
    """Every transaction of the account that is final."""
    return [each.fact for each in desk.log.read() if isinstance(each.fact, TransactionSettled)]


def one_by_one(chain: LocalChain, proxy: ChainProxy) -> tuple[int, float]:
    """Approve and swap each token in transactions of its own, by hand; return requests and milliseconds."""
    key, router = chain.wallets[2], chain.contracts.swap_router
    names = [f"DUST{number:03}" for number in range(TOKENS)]
    chain.hand_out([(name, key.address, UNITS) for name in names])
    rpc = Rpc([proxy.url], chain.chain_id)
    rpc.call("eth_chainId")
    proxy.forget()
    start = perf_counter_ns()
    for name in names:
        token = chain.tokens[name].address
        units = int(_asked(rpc, token, call("balanceOf(address)", key.address)), 16)
        path = bytes.fromhex(token[2:]) + POOL.to_bytes(3, "big") + bytes.fromhex(chain.contracts.weth[2:])
        _asked(rpc, chain.contracts.quoter, call("quoteExactInput(bytes,uint256)", path, units))
        sale = call(V3_SALE, (token, chain.contracts.weth, POOL, key.address, units, 1, 0))
        _mined(rpc, chain, key, token, call("approve(address,uint256)", router, units))
        _mined(rpc, chain, key, router, sale)
    took = (perf_counter_ns() - start) / MILLISECOND
    return proxy.counts()["requests"], took


def _asked(rpc: Rpc, to: str, data: bytes) -> str:
    return str(rpc.call("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest"))


def _mined(rpc: Rpc, chain: LocalChain, key: Key, to: str, data: bytes) -> None:
    """Send one transaction as a loop does that knows nothing of others."""
    fields = {
        "type": 2,
        "chainId": chain.chain_id,
        "nonce": int(rpc.call("eth_getTransactionCount", key.address, "latest"), 16),
        "maxPriorityFeePerGas": 10**9,
        "maxFeePerGas": 2 * int(rpc.call("eth_gasPrice"), 16) + 10**9,
        "gas": 400_000,
        "to": to,
        "value": 0,
        "data": data,
    }
    signed = Account.sign_transaction(fields, key.key)
    rpc.send("0x" + bytes(signed.raw_transaction).hex())
    _mined_all(chain)
    rpc.call("eth_getTransactionReceipt", "0x" + bytes(signed.hash).hex())


def _mined_all(chain: LocalChain) -> None:
    """Wait until nothing is in the node's pool, asking it past the proxy."""
    while int(chain.rpc("txpool_status")["pending"], 16):
        sleep(0.001)


def _nobody() -> Subscription:
    raise AssertionError("nobody listens to announcements here")
