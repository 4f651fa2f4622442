"""Whatever the chain does and wherever a worker dies: no lot is sold twice, and every lot gets its answer."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.chain import Code
from domain.errors import OutcomeUnknown, VenueUnavailable
from domain.venue import Order
from events.facts import DustConversionFailed, DustConverted, LegFilled, TransactionSettled
from events.money import Amount, exactly_sum
from events.values import LegKind, Purpose
from tests.domain.lane_controls import ETHER
from tests.domain.model_chain import APART, RULES, USDC, Crash, ModelChain, doubled, received, rivals
from tests.domain.wallet import AAA, HELD, PRICES, Wallet, wallet
from views.ledger import ledger_of

FAULTS = st.lists(
    st.sampled_from(["", "unreachable", "lost before", "lost after", "crash before", "crash after"]), max_size=3
)
CHEAP, DEAR = Amount(Decimal("0.000002"), ETHER), Amount(Decimal("0.001"), ETHER)
QUICK = settings(max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))


class Weather(RuleBasedStateMachine):
    """What a chain does to whoever sends on it."""

    chain: ModelChain
    foreigners = 0
    FOREIGNERS = 3

    @rule(take=st.booleans(), poisoned=st.booleans())
    def mine(self, take: bool, poisoned: bool) -> None:
        self.chain.mine(take, poisoned)

    @rule()
    def confirm(self) -> None:
        for _ in range(RULES.confirmations):
            self.chain.mine()

    @rule(depth=st.integers(1, RULES.confirmations - 1), drop=st.booleans(), poisoned=st.booleans(), take=st.booleans())
    def reorg(self, depth: int, drop: bool, poisoned: bool, take: bool) -> None:
        self.chain.reorg(depth, drop, poisoned, take)

    @rule()
    def drop(self) -> None:
        self.chain.pool.clear()

    @rule(seconds=st.sampled_from([30, 90, 400]))
    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds // 12):
            self.chain.mine(take=False)

    @precondition(lambda self: self.foreigners < self.FOREIGNERS)
    @rule()
    def foreign(self) -> None:
        self.foreigners += 1
        self.chain.foreign()

    @rule(cost=st.sampled_from([CHEAP, DEAR]))
    def gas_changes(self, cost: Amount) -> None:
        self.chain.cost = cost

    @invariant()
    def nothing_is_sold_twice(self) -> None:
        assert not doubled(self.chain)


class Workers(Weather):
    """Our workers under it, dying and being replaced."""

    wallet: Wallet

    @initialize(code=st.sampled_from([Code.OURS, Code.EMPTY]), delegated=st.booleans(), used=st.integers(0, 2))
    def open_a_sweep(self, code: Code, delegated: bool, used: int) -> None:
        self.wallet = wallet(rules=RULES if delegated else APART)
        self.chain = self.wallet.chain
        self.chain.code = code if delegated else Code.EMPTY
        self.chain.refill(used)

    @rule()
    def work(self) -> None:
        self.wallet.conduct()

    @rule(faults=FAULTS, lag=st.integers(0, 3), on_old_fork=st.booleans(), walks=st.booleans())
    def work_badly(self, faults: list[str], lag: int, on_old_fork: bool, walks: bool) -> None:
        self.chain.faults, self.chain.lag, self.chain.on_old_fork = faults, lag, on_old_fork
        try:
            self.wallet.conduct() if walks else self.wallet.reconcile()
        except Crash:
            self.wallet.desk = self.wallet.fresh()
        except VenueUnavailable:
            assert "venue_unreachable" in self.wallet.words()
        self.chain.faults, self.chain.lag, self.chain.on_old_fork = [], 0, False

    @precondition(lambda self: self.foreigners < self.FOREIGNERS)
    @rule(take=st.booleans(), wait=st.booleans())
    def work_after_what_is_dropped(self, take: bool, wait: bool) -> None:
        """What is signed is left ahead of the chain, perhaps until its deadline is past."""
        self.foreign()
        self.chain.mine()
        self.wallet.conduct()
        self.chain.reorg(1, drop=True, poisoned=False, take=take)
        self.pass_time(400 if wait else 12)

    @rule()
    def resume(self) -> None:
        """The owner goes on without having done anything."""
        self.wallet.resume()
        self.wallet.conduct()

    @rule()
    def look(self) -> None:
        self.wallet.look()

    @invariant()
    def nothing_sent_could_be_mined_beside_what_sells_the_same(self) -> None:
        assert not rivals(self.chain)

    def teardown(self) -> None:
        self.wallet.finish()
        for _ in range(RULES.confirmations):
            self.chain.mine()
        self.nothing_is_sold_twice()
        converted = [fact.asset for fact in self.wallet.facts(DustConverted)]
        failed = [fact.asset for fact in self.wallet.facts(DustConversionFailed)]
        assert sorted(converted + failed) == sorted(HELD)
        fills = [fact.fill for fact in self.wallet.facts(LegFilled)]
        assert len(fills) == len(converted) == sum(self.chain.sold().values())
        assert received(fills, USDC) == exactly_sum(*(HELD[asset] * PRICES[asset] for asset in converted))
        assert_ledger_is_the_chains(self.wallet)


def assert_ledger_is_the_chains(wallet: Wallet) -> None:
    """What left and arrived by the log is what the final transactions moved and paid for gas."""
    moved = ledger_of(wallet.log.read()).get("main", {})
    paid = [fact.fee.quantity for fact in wallet.facts(TransactionSettled) if fact.fee]
    assert exactly_sum(*(-each for asset, each in moved.items() if "slip44" in asset)) == exactly_sum(*paid)


class Naive(Weather):
    """A sender that signs anew under a fresh nonce whenever an answer was lost: what the rules are there to prevent."""

    @initialize()
    def have_dust(self) -> None:
        self.chain = ModelChain(HELD, PRICES)
        self.sent = False

    @precondition(lambda self: not self.sent)
    @rule(faults=FAULTS)
    def send(self, faults: list[str]) -> None:
        self.chain.faults = faults
        draft = Order("key", LegKind.SWAP, "route", Amount(HELD[AAA], AAA), USDC)
        proposal = self.chain.propose([draft])
        pending = len({self.chain.signed[tx_hash][0].nonce for tx_hash in self.chain.pool})
        signed = self.chain.sign(proposal, Purpose.SWEEP, proposal.nonce + pending)
        with suppress(OutcomeUnknown, VenueUnavailable, Crash):
            self.chain.broadcast(signed.raw)
            self.sent = True


def test_workers__whatever_the_chain_does__sell_nothing_twice_and_answer_every_lot() -> None:
    run_state_machine_as_test(Workers, settings=QUICK)


def test_naive_sender__in_the_same_weather__is_caught() -> None:
    with pytest.raises(AssertionError, match="doubled"):
        run_state_machine_as_test(Naive, settings=settings(QUICK, max_examples=500))
