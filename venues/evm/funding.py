"""Proposing a conversion for a trade: exactly what was planned, tried at the block that it was planned on.

One request tries each purchase by itself, so that what cannot be made is named, and runs what will be signed next: all
of them in one batch, or without a delegate the next transaction of the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Final, Protocol

from domain.chain import Offer, Proposal
from domain.errors import ConfigurationError, VenueUnavailable
from domain.venue import Order
from events.money import Amount
from events.values import GasPrice, Quote, Refusal, RefusalCode
from venues.evm import assets, rehearsal
from venues.evm.batch import DESIGNATOR, MODE, executed, route_of
from venues.evm.feeds import ETH, worth
from venues.evm.purchase import Purchase, Purchases, calls
from venues.evm.quantities import ETHER_DECIMALS, units_of, whole
from venues.evm.registry import Chain
from venues.evm.rehearsal import Tried
from venues.evm.rpc import Call, Failure, Rpc, good, octets
from venues.evm.running import NOTHING, ApartRunner, Errand, Run, estimated, estimates, limit
from venues.evm.terms import Terms
from venues.evm.treasury import Funds, code_of
from venues.evm.words import number, selector

# Given back for an allowance that was made and is zero again (EIP-3529).
REFUND_PER_SWAP: Final = 19_900


class Till(Protocol):
    """What has to be signed next of purchases; those that it does not carry are for the next time."""

    @property
    def carried(self) -> Sequence[Purchase]: ...

    def asks(self, block: int) -> list[Call]:
        """Ask what it uses; `ran` wants the answers."""
        ...

    def ran(self, tried: Mapping[str, Tried], answers: Sequence[object], /) -> Run | Refusal:
        """Read the answers, with what became of each purchase when it was tried."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """All purchases in one batch, through the delegate as a chain will run it."""

    desk: Purchases
    terms: Terms
    carried: Sequence[Purchase]
    data: bytes

    def asks(self, block: int) -> list[Call]:
        delegate, account = self._delegate, self.desk.account
        supports = {"to": delegate, "data": "0x" + (selector("supportsExecutionMode(bytes32)") + MODE).hex()}
        request = {"from": account, "to": account, "data": "0x" + self.data.hex()}
        delegated = {account: {"code": DESIGNATOR + delegate[2:].lower()}}
        ran = estimates(self.terms, request, [len(self.data)], block, delegated)
        return [Call("eth_call", (supports, hex(block))), *ran]

    def ran(self, _: Mapping[str, Tried], answers: Sequence[object], /) -> Run | Refusal:
        """Refuse a delegate that takes no batches first."""
        self._supported(answers[0])
        found = estimated(answers[1:])
        if isinstance(found, Failure):
            sentence = f"each conversion works by itself, but all together revert: {found.message[:200]}"
            return Refusal(RefusalCode.OTHER, sentence)
        gas, l1_fee = found
        swaps = len([each for each in self.carried if each.route is not None])
        used = gas - min(gas // 5, REFUND_PER_SWAP * swaps)
        return Run(self.desk.account + self.data.hex(), gas, used, limit(gas), l1_fee)

    def _supported(self, answer: Any) -> None:
        if isinstance(answer, Failure) and not answer.reverted:
            raise VenueUnavailable(f"the node would not ask the delegate, {answer}")
        if isinstance(answer, Failure) or number(octets(answer)) != 1:
            raise ConfigurationError(f"delegate: {self._delegate} is no ERC-7821 contract on {self.desk.chain.name}")

    @property
    def _delegate(self) -> str:
        assert self.terms.delegate  # without one nothing is bought together
        return self.terms.delegate


@dataclass(frozen=True, slots=True)
class Single:
    """The first purchase by itself: its approval, and once that is final its swap."""

    runner: ApartRunner
    carried: Sequence[Purchase]
    errand: Errand

    def asks(self, block: int) -> list[Call]:
        return self.runner.estimates(self.errand, block)

    def ran(self, tried: Mapping[str, Tried], answers: Sequence[object], /) -> Run | Refusal:
        (first,) = self.carried
        return self.runner.ran(self.errand, tried[first.key], answers)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Proposes conversions into ETH for one account, in a batch where it is delegated, else purchase by purchase."""

    rpc: Rpc
    chain: Chain
    account: str
    terms: Terms

    def propose(self, drafts: Sequence[Order], funds: Funds, now: datetime) -> Proposal:
        """Try all drafts at the block of the reading; with one dropped the rest is none of a conversion's use."""
        deadline = (now + self.terms.deadline).replace(microsecond=0)
        seconds, block = int(deadline.timestamp()), funds.priced.block.number
        purchases = [self._purchase(draft) for draft in drafts]
        till = self._till(purchases, funds.allowed, seconds)
        stands, rehearsed, *answers = self.rpc.ask(
            [
                Call("eth_getBlockByNumber", (hex(block), False)),
                rehearsal.call(self._desk, purchases, hex(block), seconds),
                *till.asks(block),
            ]
        )
        self._same_block(stands, funds)
        tried, dropped = _sorted(rehearsal.results(octets(good(rehearsed)), purchases), purchases)
        run = NOTHING
        if not dropped:
            found = till.ran(tried, answers)
            refusal = found if isinstance(found, Refusal) else self._unpayable(funds, found)
            dropped = dict.fromkeys(tried, refusal) if refusal else {}
            run = NOTHING if isinstance(found, Refusal) else found
        carried = {} if dropped else {each.key: tried[each.key] for each in till.carried}
        offers = [(draft, carried[draft.key]) for draft in drafts if draft.key in carried]
        expected = funds.priced.base_fee + funds.priced.tip
        return Proposal(
            head=funds.priced.block,
            nonce=funds.nonce,
            code=code_of(funds, self.terms.delegate),
            ether=funds.treasury.ether,
            offers=tuple(self._offer(draft, each, funds) for draft, each in offers),
            dropped=dropped,
            cost=self._native(run.used * expected + run.l1_fee),
            native_worth=worth(funds.feeds, ETH),
            gas_limit=limit(run.gas),
            gas_price=self._price(funds),
            expected_price=expected,
            deadline=deadline,
            payload=run.payload,
            approval=_approval(offers, run),
            leaves=None if self.terms.delegate else _left(offers, run),
        )

    @property
    def _desk(self) -> Purchases:
        return Purchases(self.chain, self.account, ether=True)

    def _till(self, purchases: Sequence[Purchase], allowed: Mapping[str, int], deadline: int) -> Till:
        """Write what is signed next; `allowed` is what the router may take of tokens before, in base units."""
        if self.terms.delegate:
            data = executed(calls(self.chain, self.account, purchases, allowed, deadline))
            return Batch(self._desk, self.terms, purchases, data)
        runner, first = ApartRunner(self._desk, self.terms), purchases[0]
        return Single(runner, [first], runner.errand(first, first.output, allowed.get(first.token, 0), deadline))

    def _purchase(self, draft: Order) -> Purchase:
        token = assets.address_of(draft.spend.asset, self.chain.chain_id)
        assert token is not None  # the planner converts tokens alone
        assert draft.output is not None  # and asks for exact outputs
        known = self.chain.known(token)
        if known is None:
            raise ConfigurationError(f"funding: {token} is not known on {self.chain.name} any more")
        weth = self.chain.token("WETH").address
        return Purchase(
            draft.key,
            token,
            units_of(draft.spend.quantity, known.decimals),
            route_of(draft.product, token, self.chain, weth),
            units_of(draft.output, ETHER_DECIMALS),
        )

    def _same_block(self, found: Any, funds: Funds) -> None:
        if not isinstance(found, dict) or found.get("hash") != funds.priced.block.block_hash:
            raise VenueUnavailable(f"block {funds.priced.block.number} was replaced while the conversion was tried")

    def _unpayable(self, funds: Funds, run: Run) -> Refusal | None:
        least = funds.priced.base_fee + funds.priced.tip
        if least > self.terms.ceiling:
            return Refusal(RefusalCode.NO_NET_GAIN, f"gas costs {least} wei, above the ceiling of {self.terms.ceiling}")
        needed = run.reserved * self._price(funds).fee + run.l1_fee
        if needed > funds.wei:
            missing, there = self._native(needed - funds.wei), self._native(funds.wei)
            sentence = f"gas may take {self._native(needed)}, {there} is there"
            return Refusal(RefusalCode.INSUFFICIENT_BALANCE, sentence, missing=missing)
        return None

    def _price(self, funds: Funds) -> GasPrice:
        price = funds.priced.price
        return GasPrice(min(price.fee, self.terms.ceiling), min(price.tip, self.terms.ceiling))

    def _offer(self, draft: Order, tried: Tried, funds: Funds) -> Offer:
        known = self.chain.known(tried.sale.token)
        assert known is not None  # `_purchase` has looked
        assert draft.output is not None  # as there
        with localcontext(prec=80):
            spent = whole(tried.spent, known.decimals)
            price = draft.output * worth(funds.feeds, ETH) / spent
        quote = Quote(Amount(spent, draft.spend.asset), Amount(draft.output, draft.receive), (), price, draft.product)
        return Offer(draft.key, quote, tried.gas)

    def _native(self, wei: int) -> Amount:
        return Amount(whole(wei, ETHER_DECIMALS), assets.coin(self.chain.chain_id))


def _sorted(
    found: Mapping[str, Tried | Refusal], purchases: Sequence[Purchase]
) -> tuple[dict[str, Tried], dict[str, Refusal]]:
    """Tell what works from what does not."""
    if len(found) < len(purchases):
        raise VenueUnavailable("the node allows an eth_call too little gas to try a conversion")
    tried = {key: each for key, each in found.items() if isinstance(each, Tried)}
    return tried, {key: each for key, each in found.items() if isinstance(each, Refusal)}


def _approval(offers: Sequence[tuple[Order, Tried]], run: Run) -> Amount | None:
    """Say what the purchase needs allowed first: the most that it may spend, or zero for what stands in its way."""
    if run.allows is None or not offers:
        return None
    ((draft, _),) = offers
    return draft.spend if run.allows else Amount(Decimal(0), draft.spend.asset)


def _left(offers: Sequence[tuple[Order, Tried]], run: Run) -> Amount | None:
    """Say what of an allowance a swap by itself leaves at the most."""
    if run.allows is not None or not offers:
        return None
    ((draft, tried),) = offers
    return draft.spend if tried.sale.at_most else None
