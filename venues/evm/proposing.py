"""Proposing transactions: every leg tried at one block, bad ones dropped, and what will be signed run once more.

Two requests: the first tries the legs by themselves, the second runs the transactions as a chain will. The first may
have been made as part of another, when nobody knew its block yet; only the second is always pinned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import islice
from typing import Final

from domain.chain import Code, Offer, Proposal
from domain.venue import Order
from events.money import Amount
from events.values import GasPrice, Quote, Refusal, RefusalCode
from venues.evm import assets, rehearsal
from venues.evm.apart import allowance_ask, spenders
from venues.evm.batch import Desk, Sale
from venues.evm.feeds import ETH, Feeds, feed_asks, feeds_of, worth
from venues.evm.lens import Ask, aggregated, returned
from venues.evm.observation import GWEI, Priced, code_seen, price_calls, priced
from venues.evm.pricing import route_name
from venues.evm.quantities import ETHER_DECIMALS, whole
from venues.evm.rehearsal import Tried
from venues.evm.rerouting import Rerouter, rerouted
from venues.evm.routes import Route
from venues.evm.rpc import Call, Rpc, good, octets, quantity
from venues.evm.running import NOTHING, Load, Run, Runner, limit, retraction
from venues.evm.terms import Terms
from venues.evm.words import number

# How many transactions one request runs: a node searches for the gas of each, and has seconds for all.
RUNS_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Stand:
    """What is known of the account at the block that a proposal is pinned to."""

    priced: Priced
    nonce: int
    code: Code
    wei: int
    feeds: Feeds
    may: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Trial:
    """What was known of the account when sales were tried, what became of each, and which sells better elsewhere."""

    sales: Sequence[Sale]
    stand: Stand
    tried: Mapping[str, Tried | Refusal]
    better: Mapping[str, Route]


@dataclass(frozen=True, slots=True)
class Proposer:
    """Proposes transactions for one account. `symbol` and `decimals` are the target's."""

    rpc: Rpc
    runner: Runner
    rerouter: Rerouter
    terms: Terms
    target: str
    symbol: str
    decimals: int

    @property
    def desk(self) -> Desk:
        return self.runner.desk

    @property
    def account(self) -> str:
        return self.desk.account

    def propose(
        self,
        drafts: Sequence[Order],
        sales: Sequence[Sale],
        block: int,
        at: datetime,
        now: datetime,
        early: Trial | None = None,
    ) -> Proposal:
        """Simulate the next transaction of sales, one for each draft with its key, at a block that was made `at`.

        An `early` trial of the same sales is believed as far as the whole batch bears it out at that block.
        """
        trial = early or self._trial(sales, block, at, now)
        loads, dropped = self._loads(trial, block, at, now)
        runs = self._runs(loads[:1], block)
        if early and any(isinstance(run, Refusal) for run in runs):
            return self.propose(drafts, sales, block, at, now)
        return self._proposals(trial.stand, loads[:1], runs, dropped, drafts, now)[0]

    def forecast(
        self, drafts: Sequence[Order], sales: Sequence[Sale], block: int, at: datetime, now: datetime
    ) -> list[Proposal]:
        """Simulate all transactions of sales as `propose` does the next; what nobody could try is in none of them."""
        trial = self._trial(sales, block, at, now)
        loads, dropped = self._loads(trial, block, at, now)
        return self._proposals(trial.stand, loads, self._runs(loads, block), dropped, drafts, now)

    def _trial(self, sales: Sequence[Sale], block: int, at: datetime, now: datetime) -> Trial:
        return self.trial(sales, self.rpc.ask(self.calls(sales, hex(block), self._seconds(now))), at)

    def _loads(
        self, trial: Trial, block: int, at: datetime, now: datetime
    ) -> tuple[Sequence[Load], Mapping[str, Refusal]]:
        """Part the sales that work into what each transaction carries, and say of the others why they do not."""
        seconds = self._seconds(now)
        tried = self._elsewhere(trial, block, seconds, at) if trial.better else trial.tried
        work = [each for each in tried.values() if isinstance(each, Tried)]
        dropped = {key: each for key, each in tried.items() if isinstance(each, Refusal)}
        return self.runner.loads(work, trial.stand.may, seconds), dropped

    def _runs(self, loads: Sequence[Load], block: int) -> list[Run | Refusal]:
        """Run what is signed next of each load, many in a request."""
        found: list[Run | Refusal] = []
        for start in range(0, len(loads), RUNS_AT_ONCE):
            some = [(load, load.asks(block)) for load in loads[start : start + RUNS_AT_ONCE]]
            answers = iter(self.rpc.ask([call for _, calls in some for call in calls]))
            found += [load.ran(list(islice(answers, len(calls)))) for load, calls in some]
        return found

    def _proposals(
        self,
        stand: Stand,
        loads: Sequence[Load],
        runs: Sequence[Run | Refusal],
        dropped: Mapping[str, Refusal],
        drafts: Sequence[Order],
        now: datetime,
    ) -> list[Proposal]:
        """Propose load after load; the first proposal, which is there in any case, names what was `dropped` before.

        What those before it pay for gas is gone for each, unless what they bring is ether.
        """
        told: list[Proposal] = []
        for load, run in zip(loads, runs, strict=True):
            refusal = run if isinstance(run, Refusal) else self._unpayable(stand, run)
            sent = NOTHING if refusal or isinstance(run, Refusal) else run
            kept = {} if refusal else {each.sale.key: each for each in load.carried}
            refused = {each.sale.key: refusal for each in load.carried} if refusal else {}
            told.append(self._proposal(stand, kept, {**dropped, **refused}, drafts, sent, self.deadline(now)))
            dropped = {}
            if not self.desk.ether:
                stand = replace(stand, wei=stand.wei - _cost(stand, sent))
        return told or [self._proposal(stand, {}, dropped, drafts, NOTHING, self.deadline(now))]

    def retract(self, asset: str, token: str, block: int, at: datetime) -> Proposal | Refusal:
        """Propose to take back what a market may take of a token; a chain has the last word on whether that works."""
        stand = self.trial([], self.rpc.ask(self.calls([], hex(block), 0)), at).stand
        markets = spenders(self.desk.chain)
        reads = aggregated([allowance_ask(token, self.account, market) for market in markets])
        answer = self.rpc.call("eth_call", {"to": self.desk.chain.multicall3, "data": "0x" + reads.hex()}, hex(block))
        may = zip(markets, returned(octets(answer), len(markets)), strict=True)
        spender = next((market for market, units in may if units and number(units)), markets[0])
        run = retraction(self.rpc, self.desk.account, self.terms, token, spender, block)
        if refusal := self._unpayable(stand, run):
            return refusal
        return replace(self._proposal(stand, {}, {}, [], run, at), approval=Amount(Decimal(0), asset))

    def deadline(self, now: datetime) -> datetime:
        """Return until when a sale proposed `now` is valid."""
        return (now + self.terms.deadline).replace(microsecond=0)

    def _seconds(self, now: datetime) -> int:
        return int(self.deadline(now).timestamp())

    def calls(self, sales: Sequence[Sale], block: str, deadline: int) -> list[Call]:
        """Ask for a block first, then all that has to be known of the account there; `trial` wants the answers."""
        chain = self.desk.chain
        reads = {"to": chain.multicall3, "data": "0x" + aggregated(self._asks(sales)).hex()}
        return [
            *price_calls(block),
            Call("eth_getTransactionCount", (self.account, block)),
            Call("eth_getCode", (self.account, block)),
            Call("eth_getBalance", (self.account, block)),
            Call("eth_call", (reads, block)),
            self.rerouter.call(sales, block),
            rehearsal.call(self.desk, sales, block, deadline),
        ]

    def _elsewhere(self, trial: Trial, block: int, deadline: int, at: datetime) -> Mapping[str, Tried | Refusal]:
        """Try the sales once more, over the better routes; each that brings less there stays with its own."""
        sales = rerouted(trial.sales, trial.better)
        again = self.trial(sales, self.rpc.ask(self.calls(sales, hex(block), deadline)), at).tried
        return {key: _more(again[key], tried) for key, tried in trial.tried.items()}

    def _asks(self, sales: Sequence[Sale]) -> list[Ask]:
        return [*feed_asks(self.desk.chain), *self.runner.asks(sales)]

    def trial(self, sales: Sequence[Sale], answers: Sequence[object], at: datetime) -> Trial:
        """Read what `calls` were answered at a block that was made `at`."""
        nonce, code, wei, read, quoted, rehearsed = answers[3:]
        feeds = len(feed_asks(self.desk.chain))
        found = returned(octets(good(read)), len(self._asks(sales)))
        stand = Stand(
            priced=priced(answers[:3]),
            nonce=quantity(good(nonce)),
            code=code_seen(code, self.terms.delegate),
            wei=quantity(good(wei)),
            feeds=feeds_of(self.desk.chain, found[:feeds], at),
            may=self.runner.learn(sales, found[feeds:]),
        )
        better = self.rerouter.better(sales, quoted)
        return Trial(tuple(sales), stand, rehearsal.results(octets(good(rehearsed)), sales), better)

    def _unpayable(self, stand: Stand, run: Run) -> Refusal | None:
        """Say why the account cannot pay for what was run, or may not at this price."""
        least, most = _expected(stand), self.terms.ceiling
        if least > most:
            sentence = f"gas costs {_gwei(least)} gwei, above the ceiling of {_gwei(most)} gwei; it goes below that"
            return Refusal(RefusalCode.NO_NET_GAIN, sentence, base_fee=max(0, most - stand.priced.tip))
        needed = run.reserved * self._price(stand).fee + run.l1_fee
        if needed > stand.wei:
            missing = self._native(needed - stand.wei)
            sentence = f"gas may take {self._native(needed)}, {self._native(stand.wei)} is there"
            return Refusal(RefusalCode.INSUFFICIENT_BALANCE, sentence, missing=missing)
        return None

    def _price(self, stand: Stand) -> GasPrice:
        price = stand.priced.price
        return GasPrice(min(price.fee, self.terms.ceiling), min(price.tip, self.terms.ceiling))

    def _proposal(
        self,
        stand: Stand,
        kept: Mapping[str, Tried],
        dropped: Mapping[str, Refusal],
        drafts: Sequence[Order],
        run: Run,
        deadline: datetime,
    ) -> Proposal:
        offers = tuple(self._offer(draft, kept[draft.key], stand) for draft in drafts if draft.key in kept)
        return Proposal(
            head=stand.priced.block,
            nonce=stand.nonce,
            code=stand.code,
            ether=whole(stand.wei, ETHER_DECIMALS),
            offers=offers,
            dropped=dropped,
            cost=self._native(_cost(stand, run)),
            native_worth=worth(stand.feeds, ETH) if offers else Decimal(0),
            gas_limit=limit(run.gas),
            gas_price=self._price(stand),
            expected_price=_expected(stand),
            deadline=deadline,
            payload=run.payload,
            approval=_approval(offers, run.allows),
        )

    def _offer(self, draft: Order, tried: Tried, stand: Stand) -> Offer:
        received = Amount(whole(tried.received, self.decimals), self.target)
        with localcontext(prec=80):
            price = received.quantity * worth(stand.feeds, self.symbol) / draft.spend.quantity
        return Offer(draft.key, Quote(draft.spend, received, (), price, self._reference(draft, tried)), tried.gas)

    def _reference(self, draft: Order, tried: Tried) -> str:
        """Name the route that is taken, as the plan names its own."""
        route = tried.sale.route
        return f"{route_name(route, self.desk.chain)}@{tried.sale.token}" if route else draft.product

    def _native(self, wei: int) -> Amount:
        return Amount(whole(wei, ETHER_DECIMALS), assets.coin(self.desk.chain.chain_id))


def _expected(stand: Stand) -> int:
    """Return what a unit of gas is expected to cost, in wei."""
    return stand.priced.base_fee + stand.priced.tip


def _cost(stand: Stand, run: Run) -> int:
    """Return what a run is expected to cost, in wei."""
    return run.used * _expected(stand) + run.l1_fee


def _more(one: Tried | Refusal, other: Tried | Refusal) -> Tried | Refusal:
    """Return what brings more; a sale that failed brings nothing."""
    if isinstance(one, Refusal) or (isinstance(other, Tried) and other.received >= one.received):
        return other
    return one


def _approval(offers: Sequence[Offer], allows: int | None) -> Amount | None:
    """Say what the one leg of a run needs allowed: all that it sells, or zero for what stands in its way."""
    if allows is None or not offers:
        return None
    (offer,) = offers
    spend = offer.quote.spend
    return spend if allows else Amount(Decimal(0), spend.asset)


def _gwei(wei: int) -> str:
    return f"{Decimal(wei) / GWEI:.4g}"
