"""Proposing a conversion for a trade: exactly what was planned, run whole at the block that it was planned on.

One request quotes each purchase at that block, runs each by itself, so that what cannot be made is named, and then all
of them as they will be signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import localcontext
from typing import Any, Final

from domain.chain import Offer, Proposal
from domain.errors import ConfigurationError, VenueUnavailable
from domain.venue import Order
from events.money import Amount
from events.values import GasPrice, Quote, Refusal, RefusalCode
from venues.evm import assets
from venues.evm.batch import DESIGNATOR, MODE, executed, route_of
from venues.evm.feeds import ETH, worth
from venues.evm.lens import Lens
from venues.evm.purchase import Purchase, calls, cost_of, quote_ask
from venues.evm.quantities import ETHER_DECIMALS, units_of, whole
from venues.evm.registry import Chain
from venues.evm.rpc import Call, Failure, Rpc, good, octets, quantity
from venues.evm.running import ENVELOPE, limit
from venues.evm.terms import Terms
from venues.evm.treasury import Funds, code_of
from venues.evm.words import number, selector, word

# Given back for an allowance that was made and is zero again (EIP-3529).
REFUND_PER_SWAP: Final = 19_900


@dataclass(frozen=True, slots=True)
class Trial:
    """What the node said: by key what each costs in base units or why it cannot be had, and the batch's own gas."""

    costs: dict[str, int | Refusal]
    gas: int
    l1_fee: int


@dataclass(frozen=True, slots=True)
class Buyer:
    """Proposes conversions into ETH for one account."""

    rpc: Rpc
    lens: Lens
    chain: Chain
    account: str
    terms: Terms

    def propose(self, drafts: Sequence[Order], funds: Funds, now: datetime) -> Proposal:
        """Try all drafts at the block of the reading; with one dropped the rest is none of a conversion's use."""
        deadline = (now + self.terms.deadline).replace(microsecond=0)
        purchases = [self._purchase(draft) for draft in drafts]
        data = self._data(purchases, funds, deadline)
        trial = self._tried(purchases, data, funds, deadline)
        dropped = {key: each for key, each in trial.costs.items() if isinstance(each, Refusal)}
        if not dropped and (refusal := self._unpayable(funds, trial)):
            dropped = {purchase.key: refusal for purchase in purchases}
        expected = funds.priced.base_fee + funds.priced.tip
        swaps = len([each for each in purchases if each.route is not None])
        used = trial.gas - min(trial.gas // 5, REFUND_PER_SWAP * swaps)
        costs = {key: each for key, each in trial.costs.items() if isinstance(each, int)}
        return Proposal(
            head=funds.priced.block,
            nonce=funds.nonce,
            code=code_of(funds, self._delegate),
            offers=() if dropped else tuple(self._offer(draft, costs[draft.key], trial, funds) for draft in drafts),
            dropped=dropped,
            cost=self._native(used * expected + trial.l1_fee),
            native_worth=worth(funds.feeds, ETH),
            gas_limit=limit(trial.gas),
            gas_price=self._price(funds),
            expected_price=expected,
            deadline=deadline,
            payload=self.account + data[2:],
        )

    @property
    def _delegate(self) -> str:
        if not self.terms.delegate:
            raise ConfigurationError("delegate: there is none, and conversions for trades are batches; name one")
        return self.terms.delegate

    def _purchase(self, draft: Order) -> Purchase:
        token = assets.address_of(draft.spend.asset, self.chain.chain_id)
        assert token is not None  # the planner converts tokens alone
        assert draft.output is not None  # and asks for exact outputs
        known = self.chain.known(token)
        if known is None:
            raise ConfigurationError(f"funding: {token} is not known on {self.chain.name} any more")
        weth = self.chain.token("WETH").address
        most = units_of(draft.spend.quantity, known.decimals)
        return Purchase(
            draft.key,
            token,
            most,
            units_of(draft.output, ETHER_DECIMALS),
            route_of(draft.product, token, self.chain, weth),
        )

    def _data(self, purchases: Sequence[Purchase], funds: Funds, deadline: datetime) -> str:
        seconds = int(deadline.timestamp())
        return "0x" + executed(calls(self.chain, self.account, purchases, funds.allowed, seconds)).hex()

    def _tried(self, purchases: Sequence[Purchase], data: str, funds: Funds, deadline: datetime) -> Trial:
        block = funds.priced.block.number
        asks = [quote_ask(self.chain, each.route, each.output) for each in purchases if each.route is not None]
        supports = {"to": self._delegate, "data": "0x" + (selector("supportsExecutionMode(bytes32)") + MODE).hex()}
        alone = [self._run("eth_call", self._data([each], funds, deadline), block) for each in purchases]
        reads = self.lens.read_calls(asks, block)
        asked = [
            Call("eth_getBlockByNumber", (hex(block), False)),
            Call("eth_call", (supports, hex(block))),
            *reads,
            *alone,
            self._run("eth_call", data, block),
            self._run("eth_estimateGas", data, block),
            *self._l1_call(data, block),
        ]
        stands, supported, *rest = self.rpc.ask(asked)
        self._same_block(stands, funds)
        if isinstance(supported, Failure) and not supported.reverted:
            raise VenueUnavailable(f"the node would not ask the delegate, {supported}")
        if isinstance(supported, Failure) or number(octets(supported)) != 1:
            raise ConfigurationError(f"delegate: {self._delegate} is no ERC-7821 contract on {self.chain.name}")
        answers = self.lens.looked(rest[: len(reads)], asks, block) if asks else []
        rest = rest[len(reads) :]
        costs = _costs(purchases, answers, rest[: len(purchases)])
        whole, estimated, *l1 = rest[len(purchases) :]
        if not any(isinstance(each, Refusal) for each in costs.values()) and (no := _failed(whole, estimated)):
            costs = dict.fromkeys(costs, no)
        gas = 0 if isinstance(estimated, Failure) else quantity(estimated)
        return Trial(costs, gas, number(octets(good(l1[0]))) if l1 else 0)

    def _run(self, method: str, data: str, block: int) -> Call:
        request = {"from": self.account, "to": self.account, "data": data}
        delegated = {self.account: {"code": DESIGNATOR + self._delegate[2:].lower()}}
        return Call(method, (request, hex(block), delegated))

    def _l1_call(self, data: str, block: int) -> list[Call]:
        if not (oracle := self.terms.oracle):
            return []
        size = selector("getL1FeeUpperBound(uint256)") + word(len(data) // 2 - 1 + ENVELOPE)
        return [Call("eth_call", ({"to": oracle, "data": "0x" + size.hex()}, hex(block)))]

    def _same_block(self, found: Any, funds: Funds) -> None:
        if not isinstance(found, dict) or found.get("hash") != funds.priced.block.block_hash:
            raise VenueUnavailable(f"block {funds.priced.block.number} was replaced while the conversion was tried")

    def _unpayable(self, funds: Funds, trial: Trial) -> Refusal | None:
        least = funds.priced.base_fee + funds.priced.tip
        if least > self.terms.ceiling:
            return Refusal(RefusalCode.NO_NET_GAIN, f"gas costs {least} wei, above the ceiling of {self.terms.ceiling}")
        needed = limit(trial.gas) * self._price(funds).fee + trial.l1_fee
        if needed > funds.wei:
            missing, there = self._native(needed - funds.wei), self._native(funds.wei)
            sentence = f"gas may take {self._native(needed)}, {there} is there"
            return Refusal(RefusalCode.INSUFFICIENT_BALANCE, sentence, missing=missing)
        return None

    def _price(self, funds: Funds) -> GasPrice:
        price = funds.priced.price
        return GasPrice(min(price.fee, self.terms.ceiling), min(price.tip, self.terms.ceiling))

    def _offer(self, draft: Order, cost: int, trial: Trial, funds: Funds) -> Offer:
        known = self.chain.known(assets.address_of(draft.spend.asset, self.chain.chain_id) or "")
        assert known is not None  # `_purchase` has looked
        assert draft.output is not None  # as there
        with localcontext(prec=80):
            spent = whole(cost, known.decimals)
            price = draft.output * worth(funds.feeds, ETH) / spent
        quote = Quote(Amount(spent, draft.spend.asset), Amount(draft.output, draft.receive), (), price, draft.product)
        return Offer(draft.key, quote, trial.gas)

    def _native(self, wei: int) -> Amount:
        return Amount(whole(wei, ETHER_DECIMALS), assets.coin(self.chain.chain_id))


def _costs(
    purchases: Sequence[Purchase], quoted: Sequence[bytes | None], alone: Sequence[Any]
) -> dict[str, int | Refusal]:
    """Read what each costs; what is withdrawn costs itself."""
    found: dict[str, int | Refusal] = {}
    answers = iter(quoted)
    for purchase, ran in zip(purchases, alone, strict=True):
        cost = purchase.output if purchase.route is None else cost_of(next(answers))
        if isinstance(ran, Failure) and not ran.reverted:
            raise VenueUnavailable(f"the node would not try a conversion, {ran}")
        if isinstance(ran, Failure) or cost is None:
            words = ran.message[:200] if isinstance(ran, Failure) else "no pool gives so much"
            found[purchase.key] = Refusal(RefusalCode.NO_LIQUIDITY, f"its conversion failed when it was tried: {words}")
        else:
            found[purchase.key] = cost
    return found


def _failed(whole: Any, estimated: Any) -> Refusal | None:
    for answer in (whole, estimated):
        if isinstance(answer, Failure):
            if not answer.reverted:
                raise VenueUnavailable(f"the node would not run the conversion, {answer}")
            sentence = f"each conversion works by itself, but all together revert: {answer.message[:200]}"
            return Refusal(RefusalCode.OTHER, sentence)
    return None
