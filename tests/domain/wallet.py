"""A wallet with two pieces of dust on a model chain, a log in memory, and workers that walk its sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import TypeVar

from domain.account import Account
from domain.chain import Rules
from domain.commands import Declare, RecordScan
from domain.decision import fingerprint
from domain.dust import Market
from domain.scan import Reading
from domain.venue import Capabilities, Price, Product
from events.facts import AccountWentLive, ConversionsResumed, DryRunCompleted
from events.memory import MemoryLog
from events.money import Amount
from events.records import replace
from events.subscription import Subscription
from events.values import LegKind, Policy
from tests.domain.model_chain import CHAIN, RULES, USDC, ModelChain
from workers.conducting import Ended, conduct, reconcile
from workers.desk import Desk, Mandate
from workers.schedule import Every

D = Decimal
AAA, BBB = f"{CHAIN}/erc20:0xAAA", f"{CHAIN}/erc20:0xBBB"
TINY = D("0.000000000000000001")
HELD = {AAA: D("10.000000000000000001"), BBB: D("3")}
PRICES = {AAA: D("0.03"), BBB: D("0.12345")}
F = TypeVar("F")


def policy_for(target: str = USDC, **changes: object) -> Policy:
    usual = Policy(
        target=target,
        threshold=D("0.50"),
        currency="USD",
        excluded=(),
        hubs=(target,),
        sweep_cap=D(25),
        day_cap=D(50),
        taker_fee=D(0),
    )
    return replace(usual, **changes)


def no_feed() -> Subscription:
    raise AssertionError("this wallet has no feed to take announcements from")


@dataclass
class Wallet:
    """A live account; `desk` is a worker's, `fresh` that of one that has just started."""

    chain: ModelChain
    policy: Policy

    def __post_init__(self) -> None:
        self.log = MemoryLog("urn:dustman:model", self.chain.clock)
        self._names = count()
        self.desk = self.fresh()
        mark = fingerprint(self.policy)
        dry = DryRunCompleted("main", mark, 0, 0, Amount(D(0), self.policy.target), self.chain.now)
        live = AccountWentLive("main", mark, self.policy.sweep_cap, self.policy.day_cap, "USD")
        for fact in (dry, live):
            self.desk.streams.handle("main", Declare(fact, type(fact).__name__), "test")

    def fresh(self) -> Desk:
        return Desk(
            worker=f"worker-{next(self._names)}",
            log=self.log,
            mandates={"main": Mandate("main", "evm", self.policy, Every(60))},
            open_venue=lambda _: self.chain,
            clock=self.chain.clock,
            sleep=lambda _: None,
            publish=lambda: None,
            nudge=lambda *_: None,
            announcements=no_feed,
            hold=timedelta(0),
        )

    def scan(self) -> None:
        """Open a sweep of everything that the wallet has."""
        products = {
            (asset, self.policy.target): Product(
                f"{asset}>", asset, self.policy.target, TINY, TINY, TINY, TINY, exit=LegKind.SWAP
            )
            for asset in self.chain.held
        }
        prices = {
            product.name: Price(self.chain.price[product.base], self.chain.price[product.base])
            for product in products.values()
        }
        market = Market(Capabilities(products, frozenset()), prices)
        now = self.chain.now
        reading = Reading("main", "evm", now, now, tuple(self.chain.holdings()), market, 1, True)
        self.desk.streams.handle("main", RecordScan(reading, self.policy), "scan")

    def conduct(self) -> Ended:
        return conduct(self.desk, "main", self.chain.now + timedelta(seconds=1))

    def reconcile(self) -> bool:
        return reconcile(self.desk, "main")

    def resume(self) -> None:
        self.desk.streams.handle("main", Declare(ConversionsResumed("main"), self.chain.now.isoformat()), "owner")

    def look(self) -> None:
        """Let the owner do what the halt asks for, and resume."""
        self.chain.refill(self.account.lane.nonce or 0)
        self.resume()

    def finish(self, rounds: int = 60) -> None:
        """Let the chain be calm, the owner look, and the workers go on until the sweep has its end."""
        for _ in range(rounds):
            if self.account.sweep is None:
                return
            if self.account.halted:
                self.look()
            self.conduct()
            self.chain.mine()
        raise AssertionError(f"the sweep did not end: {self.account.lane}")

    @property
    def account(self) -> Account:
        return self.desk.streams.load("main").state

    def facts(self, form: type[F]) -> list[F]:
        return [recorded.fact for recorded in self.log.read() if isinstance(recorded.fact, form)]

    def words(self) -> Sequence[str]:
        return [recorded.type for recorded in self.log.read()]


def wallet(target: str = USDC, rules: Rules = RULES, **changes: object) -> Wallet:
    """A wallet whose scan has just opened a sweep of both."""
    made = Wallet(ModelChain(HELD, PRICES, target, rules), policy_for(target, **changes))
    made.scan()
    return made
