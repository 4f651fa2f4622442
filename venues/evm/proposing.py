"""Proposing a transaction: every leg tried at one block, bad ones dropped, and what will be signed run once more.

Two requests: the first tries the legs by themselves, the second runs the transaction as a chain will. The first may
have been made as part of another, when nobody knew its block yet; only the second is always pinned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

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
from venues.evm.running import NOTHING, Run, Runner, limit, retraction
from venues.evm.terms import Terms
from venues.evm.words import number


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
        """Simulate sales, one for each draft with its key, at a block that was made `at`.

        An `early` trial of the same sales is believed as far as the whole batch bears it out at that block.
        """
        deadline = self.deadline(now)
        seconds = int(deadline.timestamp())
        trial = early or self.trial(sales, self.rpc.ask(self.calls(sales, hex(block), seconds)), at)
        stand, tried = trial.stand, trial.tried
        if trial.better:
            tried = self._elsewhere(trial, block, seconds, at)
        dropped = {key: each for key, each in tried.items() if isinstance(each, Refusal)}
        kept = self.runner.fitting([each for each in tried.values() if isinstance(each, Tried)])
        found = self.runner.run(self.rpc, kept, stand.may, block, seconds) if kept else NOTHING
        if isinstance(found, Refusal) and early:
            return self.propose(drafts, sales, block, at, now)
        run = NOTHING if isinstance(found, Refusal) else found
        refusal = found if isinstance(found, Refusal) else self._unpayable(stand, run) if kept else None
        if refusal is not None:
            dropped |= {each.sale.key: refusal for each in kept}
            kept, run = [], NOTHING
        return self._proposal(stand, {each.sale.key: each for each in kept}, dropped, drafts, run, deadline)

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
        least, most = stand.priced.base_fee + stand.priced.tip, self.terms.ceiling
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
        expected = stand.priced.base_fee + stand.priced.tip
        offers = tuple(self._offer(draft, kept[draft.key], stand) for draft in drafts if draft.key in kept)
        return Proposal(
            head=stand.priced.block,
            nonce=stand.nonce,
            code=stand.code,
            ether=whole(stand.wei, ETHER_DECIMALS),
            offers=offers,
            dropped=dropped,
            cost=self._native(run.used * expected + run.l1_fee),
            native_worth=worth(stand.feeds, ETH) if offers else Decimal(0),
            gas_limit=limit(run.gas),
            gas_price=self._price(stand),
            expected_price=expected,
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
