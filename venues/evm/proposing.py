"""Proposing a batch: every leg tried at one block, bad ones dropped, and the calls that will be signed run once more.

Two requests: the first tries the legs by themselves, the second runs the batch through the delegate as a chain will.
What it costs is the gas that it uses less what is given back for allowances that end at zero (EIP-3529).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Final

from domain.chain import Code, Offer, Proposal
from domain.errors import ConfigurationError, VenueUnavailable
from domain.venue import Order
from events.money import Amount
from events.values import GasPrice, Quote, Refusal, RefusalCode
from venues.evm import assets, rehearsal
from venues.evm.batch import DESIGNATOR, MODE, Desk, Sale, executed
from venues.evm.feeds import ETH, Feeds, feed_asks, feeds_of, worth
from venues.evm.lens import aggregated, returned
from venues.evm.observation import GWEI, Priced, code_seen, price_calls, priced
from venues.evm.quantities import ETHER_DECIMALS, whole
from venues.evm.rehearsal import Tried
from venues.evm.rpc import Call, Failure, Rpc, good, octets, quantity
from venues.evm.terms import Terms
from venues.evm.transactions import MOST_GAS
from venues.evm.words import number, selector, word

# What a batch uses besides its legs: the transaction itself, the deadline's call, the unwrapping.
OVERHEAD_GAS: Final = 120_000
# Given back for an allowance that was made and is zero again, and for a balance that is sold whole (EIP-3529).
REFUND_PER_LEG: Final = 19_900 + 4_800
# A signature and the other fields of a transaction, which an L2 sends to L1 with the calls.
ENVELOPE: Final = 180


@dataclass(frozen=True, slots=True)
class Stand:
    """What is known of the account at the block that a proposal is pinned to."""

    priced: Priced
    nonce: int
    code: Code
    wei: int
    feeds: Feeds


@dataclass(frozen=True, slots=True)
class Run:
    """The batch as it was run: its calldata, the gas it needs before refunds, and what its data costs on L1 in wei."""

    data: str
    gas: int
    l1_fee: int


@dataclass(frozen=True, slots=True)
class Proposer:
    """Proposes batches for one account. `symbol` and `decimals` are the target's."""

    rpc: Rpc
    desk: Desk
    terms: Terms
    target: str
    symbol: str
    decimals: int

    @property
    def account(self) -> str:
        return self.desk.account

    def propose(
        self, drafts: Sequence[Order], sales: Sequence[Sale], block: int, at: datetime, now: datetime
    ) -> Proposal:
        """Simulate sales, one for each draft with its key, at a block that was made `at`."""
        deadline = (now + self.terms.deadline).replace(microsecond=0)
        seconds = int(deadline.timestamp())
        stand, tried = self._tried(sales, block, at, seconds)
        dropped = {key: each for key, each in tried.items() if isinstance(each, Refusal)}
        kept = _fitting([each for each in tried.values() if isinstance(each, Tried)])
        run = self._run(kept, block, seconds) if kept else Run("0x", 0, 0)
        if isinstance(run, Refusal):
            return self._proposal(
                stand, {}, {**dropped, **{each.sale.key: run for each in kept}}, drafts, Run("0x", 0, 0), deadline
            )
        if refusal := self._unpayable(stand, run) if kept else None:
            return self._proposal(
                stand, {}, {**dropped, **{each.sale.key: refusal for each in kept}}, drafts, run, deadline
            )
        return self._proposal(stand, {each.sale.key: each for each in kept}, dropped, drafts, run, deadline)

    def _tried(
        self, sales: Sequence[Sale], block: int, at: datetime, deadline: int
    ) -> tuple[Stand, dict[str, Tried | Refusal]]:
        chain, at_block, delegate = self.desk.chain, hex(block), self.terms.delegate
        supports = {"to": delegate, "data": "0x" + (selector("supportsExecutionMode(bytes32)") + MODE).hex()}
        asked = feed_asks(chain)
        feeds = {"to": chain.multicall3, "data": "0x" + aggregated(asked).hex()}
        answers = self.rpc.ask(
            [
                *price_calls(at_block),
                Call("eth_getTransactionCount", (self.account, at_block)),
                Call("eth_getCode", (self.account, at_block)),
                Call("eth_getBalance", (self.account, at_block)),
                Call("eth_call", (supports, at_block)),
                Call("eth_call", (feeds, at_block)),
                rehearsal.call(self.desk, sales, block, deadline),
            ]
        )
        nonce, code, wei, supported, fed, rehearsed = answers[3:]
        if isinstance(supported, Failure) or number(octets(supported)) != 1:
            raise ConfigurationError(f"delegate: {delegate} is no ERC-7821 contract on {chain.name}")
        quoted = feeds_of(chain, returned(octets(good(fed)), len(asked)), at)
        stand = Stand(
            priced(answers[:3]), quantity(good(nonce)), code_seen(code, delegate), quantity(good(wei)), quoted
        )
        return stand, rehearsal.results(octets(good(rehearsed)), sales)

    def _run(self, kept: Sequence[Tried], block: int, deadline: int) -> Run | Refusal:
        """Run what will be signed, whole."""
        rows = [(each.sale, self.terms.minimum(each.received), each.allowed) for each in kept]
        data = "0x" + executed(self.desk.calls(rows, deadline)).hex()
        request = {"from": self.account, "to": self.account, "data": data}
        delegated = {self.account: {"code": DESIGNATOR + self.terms.delegate[2:].lower()}}
        calls = [
            Call("eth_call", (request, hex(block), delegated)),
            Call("eth_estimateGas", (request, hex(block), delegated)),
        ]
        if oracle := self.terms.oracle:
            size = selector("getL1FeeUpperBound(uint256)") + word(len(data) // 2 - 1 + ENVELOPE)
            calls.append(Call("eth_call", ({"to": oracle, "data": "0x" + size.hex()}, hex(block))))
        answers = self.rpc.ask(calls)
        for answer in answers[:2]:
            if isinstance(answer, Failure):
                if not answer.reverted:
                    raise VenueUnavailable(f"the node would not run the batch, {answer}")
                sentence = f"each leg works by itself, but the whole batch reverts: {answer.message[:200]}"
                return Refusal(RefusalCode.OTHER, sentence)
        l1_fee = number(octets(good(answers[2]))) if oracle else 0
        return Run(data, quantity(answers[1]), l1_fee)

    def _unpayable(self, stand: Stand, run: Run) -> Refusal | None:
        """Say why the account cannot pay for the batch, or may not at this price."""
        least, limit = stand.priced.base_fee + stand.priced.tip, self.terms.ceiling
        if least > limit:
            sentence = f"gas costs {_gwei(least)} gwei, above the ceiling of {_gwei(limit)} gwei; it goes below that"
            return Refusal(RefusalCode.NO_NET_GAIN, sentence)
        needed = gas_limit(run.gas) * self._price(stand).fee + run.l1_fee
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
        used = run.gas - min(run.gas // 5, REFUND_PER_LEG * len(kept))
        return Proposal(
            head=stand.priced.block,
            nonce=stand.nonce,
            code=stand.code,
            offers=tuple(self._offer(draft, kept[draft.key], stand) for draft in drafts if draft.key in kept),
            dropped=dropped,
            cost=self._native(used * expected + run.l1_fee),
            native_worth=worth(stand.feeds, ETH),
            gas_limit=gas_limit(run.gas),
            gas_price=self._price(stand),
            expected_price=expected,
            deadline=deadline,
            payload=run.data,
        )

    def _offer(self, draft: Order, tried: Tried, stand: Stand) -> Offer:
        received = Amount(whole(tried.received, self.decimals), self.target)
        with localcontext(prec=80):
            price = received.quantity * worth(stand.feeds, self.symbol) / draft.spend.quantity
        return Offer(draft.key, Quote(draft.spend, received, (), price, draft.product), tried.gas)

    def _native(self, wei: int) -> Amount:
        return Amount(whole(wei, ETHER_DECIMALS), assets.coin(self.desk.chain.chain_id))


def _fitting(tried: Sequence[Tried]) -> list[Tried]:
    """Keep as many legs as one transaction has gas for; the others are for the next. One leg always fits."""
    kept: list[Tried] = []
    room = MOST_GAS - 2 * OVERHEAD_GAS
    for each in tried:
        needed = each.gas * 6 // 5
        if needed <= room:
            kept.append(each)
            room -= needed
    return kept


def gas_limit(gas: int) -> int:
    """Leave room above what the batch used when it was run: pools may have moved across a tick."""
    return min(MOST_GAS, gas * 5 // 4 + 20_000)


def _gwei(wei: int) -> str:
    return f"{Decimal(wei) / GWEI:.4g}"
