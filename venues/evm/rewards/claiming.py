"""Trying claims: each source's at one block, with what it would bring after all gas, and why it cannot be made.

Three requests and one or two for each source: the head, what each source has, the calls that would be signed with the
state of the account, and simulated sales of everything that would arrive. What KING brings is the better of a sale and
of its basket.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Final

from domain.chain import Code
from domain.claim import ClaimProposal, Waiting
from domain.errors import VenueUnavailable
from events.money import Amount
from events.values import Block, GasPrice, Reward, Unclaimed
from venues.evm import assets, pricing
from venues.evm.feeds import Feeds, feed_asks, feeds_of, worth
from venues.evm.lens import Lens
from venues.evm.observation import Priced, code_seen, price_calls, priced
from venues.evm.quantities import ETHER_DECIMALS, whole
from venues.evm.registry import ETH, Chain
from venues.evm.rehearsal import reason_of
from venues.evm.rewards.claim_data import NoClaimData
from venues.evm.rewards.source import ClaimableSource, Ready
from venues.evm.routes import best_sales, sale_asks, ways
from venues.evm.rpc import Call, Failure, Rpc, good, quantity
from venues.evm.terms import Terms
from venues.evm.words import selector

# What selling one token takes of a batch, its allowance included (measured: 86,791 with twenty of them).
SALE_GAS: Final = 90_000
# What it takes by itself: the approval's transaction and the swap's (measured: 150,265).
SALE_GAS_APART: Final = 160_000
# How contracts that pay rewards say no, in words.
REFUSALS: Final[Mapping[str, str]] = {
    "0x" + selector(f"{name}()").hex(): f"{sentence} ({name})"
    for name, sentence in {
        "InvalidProof": "the proof is not of this amount and account",
        "NothingToClaim": "somebody has claimed it meanwhile",
        "MerkleRootWasUpdated": "the drop has a newer root, so newer claim data is needed",
        "InvalidChain": "the drop pays this account on another chain",
        "EnforcedPause": "the drop is paused",
        "InvalidClaimProof": "the proof is not of these earnings",
        "InvalidRootIndex": "the coordinator has no such root",
        "InvalidEarnerLeafIndex": "the earner's place is not that of the proof",
        "InvalidTokenLeafIndex": "a token's place is not that of its proof",
        "EarningsNotGreaterThanClaimed": "somebody has claimed it meanwhile",
        "RootDisabled": "the root was withdrawn, so newer claim data is needed",
        "RootNotActivated": "the root may not be claimed against yet",
        "UnauthorizedCaller": "the earner has named another claimer",
        "CurrentlyPaused": "the coordinator is paused",
        "InsufficientShares": "so much KING is not there",
    }.items()
}
# Says as of a block how tokens count, and which of them are believed; the others are worth nothing.
Believe = Callable[[Collection[str], int], tuple[Mapping[str, int], Collection[str]]]


@dataclass(frozen=True, slots=True)
class Stand:
    """What is known of the account and of prices at the block that claims are tried at."""

    priced: Priced
    nonce: int
    code: Code
    wei: int
    feeds: Feeds
    values: Mapping[tuple[str, int], Decimal]


@dataclass(frozen=True, slots=True)
class ClaimReader:
    """Tries the claims of one account. `symbol` and `target` are what sales end in."""

    rpc: Rpc
    lens: Lens
    chain: Chain
    account: str
    symbol: str
    target: str
    target_decimals: int
    terms: Terms
    clock: Callable[[], datetime]

    def read(
        self, sources: Sequence[ClaimableSource], head: Block, at: datetime, believe: Believe
    ) -> list[ClaimProposal | Waiting]:
        """Try every source's claim at a block that was made `at`."""
        found = [self._ready(source, head.number) for source in sources]
        ready = [each for each in found if isinstance(each, Ready)]
        if not ready:
            return [each for each in found if isinstance(each, Waiting)]
        answers = self._tried(ready, head.number)
        decimals, believed = believe(sorted({token for each in ready for token, _ in _pieces(each)}), head.number)
        pieces = sorted({piece for each in ready for piece in _pieces(each) if piece[0] in believed})
        feeds, values = self._valued(pieces, decimals, head.number, at)
        stand = Stand(
            priced=priced(answers[:3]),
            nonce=quantity(good(answers[3])),
            code=code_seen(answers[4], self.terms.delegate),
            wei=quantity(good(answers[5])),
            feeds=feeds,
            values=values,
        )
        tried = iter(zip(answers[6::2], answers[7::2], strict=True))
        return [
            self._judged(each, *next(tried), stand, decimals) if isinstance(each, Ready) else each for each in found
        ]

    def _ready(self, source: ClaimableSource, block: int) -> Ready | Waiting:
        """What one source's data lacks keeps none of the others from being claimed."""
        try:
            return source.ready(self.lens, self.account, block)
        except NoClaimData as error:
            return Waiting(source.source, Unclaimed.NO_CLAIM_DATA, str(error))

    def _tried(self, ready: Sequence[Ready], block: int) -> Sequence[object]:
        at = hex(block)
        requests = [{"from": self.account, "to": each.to, "data": "0x" + each.data.hex()} for each in ready]
        return self.rpc.ask(
            [
                *price_calls(at),
                Call("eth_getTransactionCount", (self.account, at)),
                Call("eth_getCode", (self.account, at)),
                Call("eth_getBalance", (self.account, at)),
                *(Call(method, (request, at)) for request in requests for method in ("eth_call", "eth_estimateGas")),
            ]
        )

    def _valued(
        self, pieces: Sequence[tuple[str, int]], decimals: Mapping[str, int], block: int, at: datetime
    ) -> tuple[Feeds, Mapping[tuple[str, int], Decimal]]:
        """Simulate the sale of every piece, a token and how much of it, and value it in USD."""
        possible = [ways(self.chain, [piece] if piece[0] != self.target else [], self.target) for piece in pieces]
        feeds_asked = feed_asks(self.chain)
        asks = [*feeds_asked, *(ask for some in possible for ask in sale_asks(self.chain, some))]
        answers = self.lens.read(asks, block)
        feeds, start = feeds_of(self.chain, answers[: len(feeds_asked)], at), len(feeds_asked)
        unit, values = worth(feeds, self.symbol), {}
        for piece, some in zip(pieces, possible, strict=True):
            (token, units), end = piece, start + 2 * len(some)
            sold = best_sales(some, answers[start:end]).get(token)
            start = end
            if token == self.target:
                values[piece] = whole(units, self.target_decimals) * unit
            elif sold is not None:
                price = pricing.price_of(sold, decimals[token], self.target_decimals)
                known = self.chain.known(token)
                if known and pricing.checked(price, known.symbol, unit, feeds).bid is None:
                    continue
                with localcontext(prec=80):
                    values[piece] = whole(sold.proceeds, self.target_decimals) * unit
        return feeds, values

    def _judged(
        self, ready: Ready, called: object, estimated: object, stand: Stand, decimals: Mapping[str, int]
    ) -> ClaimProposal | Waiting:
        rewards = self._rewards(ready, stand, decimals)
        for answer in (called, estimated):
            if isinstance(answer, Failure):
                if not answer.reverted:
                    raise VenueUnavailable(f"the node would not try a claim, {answer}")
                return Waiting(ready.source, Unclaimed.REFUSED, _words(answer), rewards)
        if not any(reward.value for reward in rewards):
            sentence = "nothing says what it is worth: none of it is believed and has a route"
            return Waiting(ready.source, Unclaimed.NO_PRICE, sentence, rewards)
        gas = quantity(estimated)
        price, limit = self._price(stand), gas * 5 // 4 + 20_000
        if limit * price.fee > stand.wei:
            needed, there = (assets.coin(self.chain.chain_id), limit * price.fee), stand.wei
            sentence = f"gas may take {_coins(needed[1], needed[0])}, {_coins(there, needed[0])} is there"
            return Waiting(ready.source, Unclaimed.NO_GAS, sentence, rewards)
        sales = sum(bool(reward.value) for reward in rewards) - (1 if ready.spend else 0)
        return ClaimProposal(
            source=ready.source,
            head=stand.priced.block,
            nonce=stand.nonce,
            code=stand.code,
            ether=whole(stand.wei, ETHER_DECIMALS),
            spend=self._amount(*ready.spend, decimals) if ready.spend else None,
            rewards=rewards,
            otherwise=stand.values.get(ready.spend, Decimal(0)) if ready.spend else Decimal(0),
            gas=gas,
            gas_later=(SALE_GAS if self.terms.delegate else SALE_GAS_APART) * max(0, sales),
            expected_price=stand.priced.base_fee + stand.priced.tip,
            native=assets.coin(self.chain.chain_id),
            native_worth=worth(stand.feeds, ETH),
            gas_limit=limit,
            gas_price=price,
            deadline=(self.clock() + self.terms.deadline).replace(microsecond=0),
            to=ready.to,
            payload="0x" + ready.data.hex(),
        )

    def _price(self, stand: Stand) -> GasPrice:
        price = stand.priced.price
        return GasPrice(min(price.fee, self.terms.ceiling), min(price.tip, self.terms.ceiling))

    def _rewards(self, ready: Ready, stand: Stand, decimals: Mapping[str, int]) -> tuple[Reward, ...]:
        inside = sum((stand.values.get(piece, Decimal(0)) for piece in ready.inside.items()), Decimal(0))
        found = []
        for place, (token, units) in enumerate(ready.received.items()):
            sold = stand.values.get((token, units), Decimal(0))
            found.append(Reward(self._amount(token, units, decimals), max(sold, inside) if place == 0 else sold))
        return tuple(found)

    def _amount(self, token: str, units: int, decimals: Mapping[str, int]) -> Amount:
        return Amount(whole(units, decimals.get(token, 0)), assets.token(self.chain.chain_id, token))


def _pieces(ready: Ready) -> list[tuple[str, int]]:
    """List what may have to be sold."""
    return [*ready.received.items(), *ready.inside.items(), *([ready.spend] if ready.spend else [])]


def _coins(wei: int, coin: str) -> Amount:
    return Amount(whole(wei, ETHER_DECIMALS), coin)


def _words(answer: Failure) -> str:
    """Say in words why a claim reverts."""
    said = answer.data[:10].lower()
    if said in REFUSALS:
        return f"it reverts: {REFUSALS[said]}"
    try:
        words = reason_of(bytes.fromhex(answer.data[2:]))
    except ValueError:
        words = ""
    return f"it reverts: {words}" if words else "it reverts without saying why"
