"""A wallet with its key: what is read by anybody, and transactions that only its signer can make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from domain.chain import Proposal, Receipt, Rules, Sight, Watch
from domain.errors import OutcomeUnknown, VenueUnavailable
from domain.venue import Order
from events.facts import LegRequested
from events.money import Amount
from events.values import Fill, Funding, FundingSource, GasPrice, Purpose, Refusal, RefusalCode, SignedTransaction
from venues.evm import assets
from venues.evm.batch import Desk, Sale, route_of
from venues.evm.discovery import Discovery
from venues.evm.funding import Buyer
from venues.evm.judgement import Judgement
from venues.evm.observation import Observer
from venues.evm.proposing import Proposer
from venues.evm.quantities import ETHER_DECIMALS, units_of, whole
from venues.evm.receipts import moved
from venues.evm.registry import ETH, Chain
from venues.evm.rpc import Failure, Rpc
from venues.evm.signer import Signer
from venues.evm.terms import Terms
from venues.evm.transactions import Writer
from venues.evm.treasury import Teller
from venues.evm.wallet import Wallet

# How nodes say that they have the bytes, or had others of this nonce: what became of ours is seen on the chain.
NOTED: Final = (
    "already known",
    "already imported",
    "known transaction",
    "nonce too low",
    "nonce is too low",
    "underpriced",
    "in-flight transaction limit",
)


class KeyedWallet(Wallet):
    """A wallet that converts in batches. `relay` is asked to send instead of the nodes that are read."""

    def __init__(
        self,
        chain: Chain,
        target: str,
        *,
        signer: Signer,
        terms: Terms,
        rpc: Rpc,
        discovery: Discovery,
        judgement: Judgement,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        relay: Rpc | None = None,
    ) -> None:
        super().__init__(chain, signer.address, target, rpc=rpc, discovery=discovery, judgement=judgement, clock=clock)
        self.terms = terms
        self._relay = relay
        self._writer = Writer(signer, self.chain.chain_id, terms.delegate)
        self._desk = Desk(self.chain, self.address, ether=self._symbol == ETH)
        self._written: dict[str, Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        return f"KeyedWallet({self.address} on {self.chain.name})"

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included, the relay's too."""
        return super().requests + (self._relay.requests if self._relay else 0)

    @property
    def rules(self) -> Rules:
        """Return how the lane of this account is to be moved."""
        return Rules(self.terms.confirmations, self.terms.patience, self.terms.ceiling)

    def propose(self, drafts: Sequence[Order]) -> Proposal:
        """Try all drafts at the block of the last reading, and run what is left of them as one batch.

        Drafts that ask for exact outputs are a conversion for a trade, at the block of its own reading.
        """
        if any(draft.output is not None for draft in drafts):
            return self._bought(drafts)
        if self._reading is None:
            self.holdings()
        assert self._reading is not None
        head, refused, sales = self._reading.head, {}, []
        for draft in drafts:
            sale = self._sale(draft)
            if isinstance(sale, Refusal):
                refused[draft.key] = sale
            else:
                sales.append(sale)
        proposer = Proposer(self.rpc, self._desk, self.terms, self.target, self._symbol, self.target_decimals)
        proposal = proposer.propose(drafts, sales, head.number, head.at, self._clock())
        if proposal.head.block_hash != head.block_hash:
            raise VenueUnavailable(f"block {head.number} was replaced while the batch was tried")
        return replace(proposal, dropped={**proposal.dropped, **refused})

    def _bought(self, drafts: Sequence[Order]) -> Proposal:
        now, funds = self._clock(), self._funds
        if funds is None:
            sources = tuple(FundingSource(draft.spend.asset, Decimal(0), 0) for draft in drafts)
            funds = self._teller().read(Funding(assets.coin(self.chain.chain_id), sources), Decimal(0))
        self._funds = None  # what is tried again is read again
        return Buyer(self.rpc, self.lens, self.chain, self.address, self.terms).propose(drafts, funds, now)

    def _teller(self) -> Teller:
        return Teller(self.rpc, self.lens, self.chain, self.address, self._clock, self.terms.ceiling)

    def sign(self, proposal: Proposal, purpose: Purpose, nonce: int) -> SignedTransaction:
        """Sign the batch, or the delegation that it needs. Sends nothing."""
        if purpose is Purpose.DELEGATE:
            return self._writer.delegation(nonce, proposal.gas_price, proposal.deadline)
        return self._writer.batch(nonce, proposal.payload, proposal.gas_limit, proposal.gas_price, proposal.deadline)

    def replace(self, signed: SignedTransaction, purpose: Purpose, gas_price: GasPrice) -> SignedTransaction:
        """Sign the nonce anew for another price. Sends nothing."""
        return self._writer.instead(signed, purpose, gas_price)

    def broadcast(self, raw: str) -> None:
        """Send signed bytes once, to the relay if there is one."""
        answer = (self._relay or self.rpc).send(raw)
        if isinstance(answer, Failure):
            if any(words in answer.message.lower() for words in NOTED):
                return
            raise VenueUnavailable(f"the node does not take the transaction, {answer}")
        if len(answer) != 66:
            raise OutcomeUnknown(f"the node answered a transaction with {answer!r:.80}, not its hash")

    def sight(self, watch: Watch) -> Sight:
        """Look at the account and at our transactions."""
        sight, written = self._observer().look(watch)
        self._written = dict(written)
        return sight

    def fills(self, receipt: Receipt, intents: Sequence[LegRequested]) -> Mapping[str, Fill | Refusal]:
        """Read what a receipt moved; one without logs, as of a cancellation, moved nothing.

        A revert is no leg's fault: each worked when it was tried.
        """
        if not receipt.succeeded or not intents:
            return {}
        written = self._written.get(receipt.tx_hash) or self.rpc.call("eth_getTransactionReceipt", receipt.tx_hash)
        if not isinstance(written, Mapping) or written.get("blockHash") != receipt.block.block_hash:
            raise VenueUnavailable(f"the node names no receipt of {receipt.tx_hash} in block {receipt.block.number}")
        if not written["logs"]:
            return {}
        sold = [self._token(intent.spend) for intent in intents]
        self._describe(sold, receipt.block.number)
        ether = intents[0].receive == assets.coin(self.chain.chain_id)
        payee, paid_in = self._desk.payee, self.target_contract
        if ether:  # also where dust ends in something else: a trade's conversion ends in ether
            payee, paid_in = self.chain.uniswap.router, self.chain.token("WETH").address
        units = moved(written["logs"], self.address, payee, paid_in, sold)
        return {
            intent.leg_id: self._fill(receipt, intent, spent, received)
            for intent, (spent, received) in zip(intents, units, strict=True)
        }

    def _observer(self) -> Observer:
        uniswap = self.chain.uniswap
        spenders = tuple(each for each in (uniswap.router, uniswap.v2_router) if each)
        return Observer(
            self.rpc, self.chain.chain_id, self.address, self.terms.delegate, spenders, self.terms.confirmations
        )

    def _fill(self, receipt: Receipt, intent: LegRequested, spent: int, received: int) -> Fill:
        token = self._token(intent.spend)
        places = self._decimals(token)
        gone, most = whole(spent, places), intent.spend.quantity
        if gone > most or (intent.output is None and gone != most):
            raise VenueUnavailable(f"{token} moved {spent} base units by its logs, {intent.spend} was to be sold")
        ether = intent.receive == assets.coin(self.chain.chain_id)
        return Fill(
            order_id=receipt.tx_hash,
            spent=Amount(whole(spent, places), intent.spend.asset),
            received=Amount(whole(received, ETHER_DECIMALS if ether else self.target_decimals), intent.receive),
            fees=(),
            executions=(),
        )

    def _sale(self, draft: Order) -> Sale | Refusal:
        """Read a draft in base units; what is not believed is never allowed to be taken."""
        assert self._reading is not None
        try:
            token = self._token(draft.spend)
            route = route_of(draft.product, token, self.chain, self.target_contract)
        except (ValueError, KeyError) as error:
            return Refusal(RefusalCode.NOT_TRADABLE, str(error))
        if draft.receive != self.target:
            return Refusal(RefusalCode.NOT_TRADABLE, f"a sweep of this wallet ends in {self._symbol} alone")
        if token not in self._reading.believed:
            sentence = self._reading.quarantined.get(token, "nothing of it is there any more")
            return Refusal(RefusalCode.NOT_TRADABLE, sentence)
        return Sale(draft.key, token, units_of(draft.spend.quantity, self._decimals(token)), route)

    def _token(self, amount: Amount) -> str:
        token = assets.address_of(amount.asset, self.chain.chain_id)
        if token is None:
            raise ValueError(f"asset: {amount.asset} is the coin that pays for gas, which no leg spends")
        return token
