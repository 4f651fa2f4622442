"""Funding a trade on a real node: what it takes from question to broadcast, and that it sells no more than it may.

A wallet with 0.03 ETH, delegated before, is asked for a trade that is short of 0.07 ETH, and converts DAI. Own time is
without what the node takes. Beside it the same by hand: each balance, feed and quote in a request of its own. A wallet
with a plain key does the same up to the broadcast of its approval, the first of its three transactions.
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
from typing import Any

from benchmarks.figure import Figure
from benchmarks.ground import Ground
from benchmarks.stopwatch import MILLISECOND
from domain.commands import Declare
from domain.decision import fingerprint
from dustman.wallet_settings import WalletAccount
from dustman.wiring import now
from events.facts import AccountWentLive, DryRunCompleted, FundingCompleted, FundingOpened
from events.money import Amount, exactly_sum
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from events.values import FundingAnswer
from simulators.chain.chain import LocalChain
from simulators.chain.showcase import watched
from venues.evm.discovery import Discovery
from venues.evm.judgement import Allowed
from venues.evm.keyed import KeyedWallet
from venues.evm.purchase import quote_ask, ways_to_ether
from venues.evm.rpc import Call, Rpc
from venues.evm.signer import from_key
from venues.evm.terms import Terms
from venues.evm.words import padded, selector
from workers.desk import Desk, Mandate
from workers.funding import ensure, finish, release

NAME = "trade_funding"
ACCOUNT = "wallet"
ETHER = 10**18
HELD, TRADE = 3 * ETHER // 100, Decimal("0.095")
REQUEST_LIMIT, TIME_LIMIT, SOLD_LIMIT = 3, 150.0, 215.0
SEND = b"eth_sendRawTransaction"


class Watched(Rpc):
    """A wallet's client: it knows when it sent a transaction, with which request, and how long nodes took before."""

    def __init__(self, urls: list[str], chain_id: int, wallet: str) -> None:
        super().__init__(urls, chain_id)
        self.wallet = wallet
        self.begin()

    def begin(self) -> None:
        """Count from nothing."""
        self.count = self.waited = 0
        self.sent: list[tuple[int, int, int]] = []

    def _post(self, endpoint: Any, body: bytes) -> bytes:
        self.count += 1
        start = perf_counter_ns()
        if SEND in body:
            self.sent.append((start, self.count, self.waited))
        answer = super()._post(endpoint, body)
        self.waited += perf_counter_ns() - start
        return answer


@dataclass
class Funded:
    """One funding: requests and own milliseconds up to the broadcast, all of them, and USD sold."""

    requests: int
    own: float
    whole: float
    sold: Decimal
    allowed: Decimal


def measure(_: Ground, rounds: int) -> list[Figure]:
    """Fund trades, the first only to have the account delegated; `rounds` is how often, the median counts."""
    with LocalChain() as chain:
        with desk_of(chain, chain.contracts.batch_account) as (desk, rpc):
            funded(chain, desk, rpc, "first")
            found = [funded(chain, desk, rpc, f"trade-{each}") for each in range(rounds)]
        with desk_of(chain, None) as (desk, rpc):
            plain = [funded(chain, desk, rpc, f"trade-{each}") for each in range(rounds)]
        apart_requests, apart_time = by_hand(chain)
    middle, plainly = (sorted(each, key=lambda one: one.own)[rounds // 2] for each in (found, plain))
    sold = max((*found, *plain), key=lambda one: one.sold)
    return [
        Figure(
            name="trade_funding_requests",
            value=max(each.requests for each in found),
            unit="requests",
            against="each balance, feed and quote by itself, without a simulation",
            reference=apart_requests,
            limit=REQUEST_LIMIT,
            exact=True,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="trade_funding_own_time",
            value=middle.own,
            unit="ms",
            against="the reads by hand, the node's time in them",
            reference=apart_time,
            limit=TIME_LIMIT,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="trade_funding_time",
            value=middle.whole,
            unit="ms",
            against="the reads by hand",
            reference=apart_time,
            limit=TIME_LIMIT,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="trade_funding_plain_requests",
            value=max(each.requests for each in plain),
            unit="requests",
            against="the same",
            reference=apart_requests,
            limit=REQUEST_LIMIT,
            exact=True,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="trade_funding_plain_own_time",
            value=plainly.own,
            unit="ms",
            against="through a delegate",
            reference=middle.own,
            limit=TIME_LIMIT,
            benchmark=NAME,
            samples=rounds,
        ),
        Figure(
            name="trade_funding_sold",
            value=float(sold.sold),
            unit="USD",
            against="the shortage and the buffer",
            reference=float(sold.allowed),
            limit=SOLD_LIMIT,
            exact=True,
            benchmark=NAME,
            samples=rounds,
        ),
    ]


def funded(chain: LocalChain, desk: Desk, rpc: Watched, trade: str) -> Funded:
    """Fund one trade of a wallet that has 0.03 ETH and DAI, and set it free again."""
    chain.rpc("anvil_setBalance", rpc.wallet, hex(HELD))
    chain.give("DAI", rpc.wallet, 300 * ETHER)
    rpc.begin()
    before, start = desk.log.head(), perf_counter_ns()
    until = now() + timedelta(seconds=20)
    told = ensure(desk, ACCOUNT, trade, TRADE, until)
    if told.answer is not FundingAnswer.CONVERTED or not finish(desk, ACCOUNT, until):
        raise RuntimeError(f"a trade without any fault ended {told}")
    release(desk, ACCOUNT, told.reservation_id)
    at, requests, waited = rpc.sent[0]
    facts = [each.fact for each in desk.log.read(after=before)]
    (opened,) = [each for each in facts if isinstance(each, FundingOpened)]
    (done,) = [each for each in facts if isinstance(each, FundingCompleted)]
    funding = opened.policy.funding
    assert funding is not None  # it was opened
    allowed = opened.shortage.quantity * opened.worth + funding.buffer
    sold = exactly_sum(*(each.quantity for each in done.spent))
    whole = (at - start) / MILLISECOND
    return Funded(requests, whole - waited / MILLISECOND, whole, sold, allowed)


def by_hand(chain: LocalChain) -> tuple[int, float]:
    """Read what has to be known by one call after the other; an approval and a swap are sent besides."""
    rpc, wallet, where = Rpc([chain.url], chain.chain_id), chain.wallets[0].address, account_on(chain).where()
    tokens = [where.token(symbol).address for symbol in ("WETH", "USDC", "USDT", "DAI")]
    balance = selector("balanceOf(address)") + padded(wallet)
    asks = [(token, balance) for token in tokens]
    asks += [(feed.address, selector("latestRoundData()")) for feed in where.feeds.values()]
    for token in tokens[1:]:
        routes = [route for route in ways_to_ether(where, token) if route.via is None]
        asks += [(ask.to, ask.data) for ask in (quote_ask(where, route, ETHER // 14) for route in routes)]
    start = perf_counter_ns()
    for method, parameters in (
        ("eth_getBalance", (wallet, "latest")),
        ("eth_getTransactionCount", (wallet, "latest")),
        ("eth_gasPrice", ()),
        *(("eth_call", ({"to": to, "data": "0x" + data.hex()}, "latest")) for to, data in asks),
    ):
        rpc.ask([Call(method, parameters)])
    return rpc.requests + 2, (perf_counter_ns() - start) / MILLISECOND


@contextmanager
def desk_of(chain: LocalChain, delegate: str | None) -> Iterator[tuple[Desk, Watched]]:
    """The desk of a wallet's account that funds trades and is live; without a delegate of another wallet."""
    account = account_on(chain)
    where, policy, key = account.where(), account.policy(), chain.wallets[0 if delegate else 1]
    rpc = Watched([chain.url], chain.chain_id, key.address)
    wallet = KeyedWallet(
        where,
        account.target,
        signer=from_key(key.key, key.address),
        terms=Terms(delegate, confirmations=1),
        rpc=rpc,
        discovery=Discovery(rpc, key.address),
        judgement=Allowed(where, frozenset()),
    )
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk(
            worker=str(uuid.uuid4()),
            log=SQLiteLog(Path(directory) / "dustman.db", now),
            mandates={ACCOUNT: Mandate(ACCOUNT, wallet.name, policy, account.schedule)},
            open_venue=lambda _: wallet,
            clock=now,
            sleep=sleep,
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
        yield desk, rpc
        desk.log.close()


def account_on(chain: LocalChain) -> WalletAccount:
    """The settings of an account that funds trades."""
    caps = {"per_sweep": 1_000_000, "per_day": 1_000_000}
    return WalletAccount.model_validate({**watched(chain, chain.url), "caps": caps, "funding": {}})


def _nobody() -> Subscription:
    raise AssertionError("nobody listens to announcements here")
