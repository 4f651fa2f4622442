"""A wallet with its key: what is read by anybody, and transactions that only its signer can make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from domain.chain import Moved, Proposal, Receipt, Rules, Sight, Watch
from domain.claim import Claimed, ClaimProposal, Waiting
from domain.errors import OutcomeUnknown, VenueUnavailable
from domain.venue import Holding, Order
from events.facts import LegRequested, RewardClaimRequested
from events.money import Amount
from events.values import Fill, Funding, FundingSource, GasPrice, Purpose, Refusal, RefusalCode, SignedTransaction
from venues.evm import assets
from venues.evm.apart import Apart, spenders
from venues.evm.batch import Desk, Sale, route_of
from venues.evm.discovery import Discovery
from venues.evm.funding import Buyer
from venues.evm.judgement import Judgement
from venues.evm.names import harmless
from venues.evm.observation import Observer
from venues.evm.proposing import Proposer, Trial
from venues.evm.quantities import ETHER_DECIMALS, units_of, whole
from venues.evm.reading import Head
from venues.evm.receipts import Sold, moved, transferred
from venues.evm.registry import ETH, Chain
from venues.evm.rerouting import Rerouter
from venues.evm.rewards.source import ClaimableSource
from venues.evm.routes import THROUGH
from venues.evm.rpc import Failure, Rpc
from venues.evm.running import ApartRunner, Runner, TogetherRunner
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
    """A wallet that converts, in batches or sale by sale. `relay` is asked to send instead of the nodes."""

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
        rewards: Sequence[ClaimableSource] = (),
        through: Sequence[str] = THROUGH,
    ) -> None:
        super().__init__(
            chain,
            signer.address,
            target,
            rpc=rpc,
            discovery=discovery,
            judgement=judgement,
            clock=clock,
            rewards=rewards,
            through=through,
        )
        self.terms = terms
        self._relay = relay
        self._writer = Writer(signer, self.chain.chain_id, terms.delegate)
        self._runner = _runner(self.chain, self.address, self._symbol == ETH, terms)
        self._written: dict[str, Mapping[str, Any]] = {}
        self._early: Trial | None = None

    def __repr__(self) -> str:
        return f"KeyedWallet({self.address} on {self.chain.name})"

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included, the relay's too."""
        return super().requests + (self._relay.requests if self._relay else 0)

    @property
    def rules(self) -> Rules:
        """Return how the lane of this account is to be moved."""
        return Rules(
            self.terms.confirmations, self.terms.patience, self.terms.ceiling, delegated=bool(self.terms.delegate)
        )

    def rehearse(self, drafts: Sequence[Order]) -> Sequence[Holding]:
        """Read everything that the wallet has, and in the same request try drafts of likely sizes."""
        if not self.terms.delegate:  # what may be taken now is only believed of a block that is known
            return self.holdings()
        self._holder.discovery.meet(token for draft in drafts if (token := self._contract(draft.spend)))
        sales, proposer = self._likely(drafts), self._proposer()
        look, seconds = self._reader.look([self._holder]), int(proposer.deadline(self._clock()).timestamp())
        _, *calls = proposer.calls(sales, "latest", seconds)
        block, *answers = self.rpc.ask([*look.calls, *calls])
        asked = len(look.calls) - 1
        holdings = self._taken(look, [block, *answers[:asked]])
        assert self._reading is not None
        self._early = proposer.trial(sales, [block, *answers[asked:]], self._reading.head.at)
        return holdings

    def propose(self, drafts: Sequence[Order]) -> Proposal:
        """Try all drafts at the block of the last reading, and run the transaction that is left of them.

        What was just rehearsed with the very same drafts is not tried again. Drafts that ask for exact outputs are a
        conversion for a trade, at the block of its own reading.
        """
        if any(draft.output is not None for draft in drafts):
            return self._bought(drafts)
        head, sales, refused = self._believed_sales(drafts)
        early, self._early = self._early, None
        if early and (early.sales != tuple(sales) or early.stand.priced.block.block_hash != head.block_hash):
            early = None
        proposal = self._proposer().propose(drafts, sales, head.number, head.at, self._clock(), early)
        return replace(_still(proposal, head), dropped={**proposal.dropped, **refused})

    def forecast(self, drafts: Sequence[Order]) -> Sequence[Proposal]:
        """Try all drafts at the block of the last reading, and run all transactions that they need, many at once."""
        told: list[Proposal] = []
        waiting = drafts
        while waiting:
            head, sales, refused = self._believed_sales(waiting)
            found = self._proposer().forecast(waiting, sales, head.number, head.at, self._clock())
            first = replace(_still(found[0], head), dropped={**found[0].dropped, **refused})
            told += [first, *found[1:]]
            done = {key for each in told for key in (*each.dropped, *(offer.key for offer in each.offers))}
            waiting = [draft for draft in waiting if draft.key not in done]
        return told

    def _bought(self, drafts: Sequence[Order]) -> Proposal:
        now, funds = self._clock(), self._funds
        if funds is None:
            sources = tuple(FundingSource(draft.spend.asset, Decimal(0), 0) for draft in drafts)
            funds = self._teller().read(Funding(assets.coin(self.chain.chain_id), sources), Decimal(0))
        self._funds = None  # what is tried again is read again
        return Buyer(self.rpc, self.chain, self.address, self.terms).propose(drafts, funds, now)

    def _teller(self) -> Teller:
        return Teller(self.rpc, self.lens, self.chain, self.address, self._clock, self.terms)

    def retract(self, asset: str) -> Proposal | Refusal:
        """Propose to take back what a market may take of a token, as of the latest block."""
        token, head = self._token(Amount(Decimal(0), asset)), self.head()
        return self._proposer().retract(asset, token, head.number, head.at)

    def sign(self, proposal: Proposal, purpose: Purpose, nonce: int) -> SignedTransaction:
        """Sign what was proposed, or the delegation that it needs. Sends nothing."""
        if purpose is Purpose.DELEGATE:
            return self._writer.delegation(nonce, proposal.gas_price, proposal.deadline)
        return self._writer.call(purpose, nonce, proposal)

    def claims(self) -> Sequence[ClaimProposal | Waiting]:
        """Try the claims of the rewards that the settings name, at the latest block. Moves nothing."""
        return self._tried_claims(self.terms)

    def sign_claim(self, proposal: ClaimProposal, nonce: int) -> SignedTransaction:
        """Sign a claim. Sends nothing."""
        gas_limit, price = proposal.gas_limit, proposal.gas_price
        return self._writer.claim(nonce, proposal.to, proposal.payload, gas_limit, price, proposal.deadline)

    def claimed(self, receipt: Receipt, requested: RewardClaimRequested) -> Claimed:
        """Read what a claim moved by its transfers, and whether the source's own event stands beside them."""
        logs = self._receipt(receipt)["logs"]
        changes = transferred(logs, self.address)
        self._reader.describe([(self._holder, changes)], receipt.block.number)
        amounts = {
            token: Amount(whole(abs(units), self._holder.decimals(token)), self._asset(token))
            for token, units in changes.items()
        }
        mine = (source for source in self._provenance.sources if source.source is requested.source)
        burnt = requested.spend.asset if requested.spend else ""
        return Claimed(
            proven=any(source.proves(log, self.address) for source in mine for log in logs),
            spent=next((each for token, each in amounts.items() if changes[token] < 0 and each.asset == burnt), None),
            received=tuple(each for token, each in amounts.items() if changes[token] > 0),
        )

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
            raise OutcomeUnknown(f"the node answered a transaction with '{harmless(answer)}', not its hash")

    def sight(self, watch: Watch) -> Sight:
        """Look at the account and at our transactions."""
        sight, written = self._observer().look(watch)
        self._written = dict(written)
        return sight

    def fills(self, receipt: Receipt, intents: Sequence[LegRequested]) -> Moved:
        """Read what a receipt moved; one without logs, as of a cancellation, moved nothing.

        A revert is no leg's fault: each worked when it was tried.
        """
        if not receipt.succeeded or not intents:
            return Moved({})
        if not (logs := self._receipt(receipt)["logs"]):
            return Moved({})
        tokens = [self._token(intent.spend) for intent in intents]
        self._reader.describe([(self._holder, tokens)], receipt.block.number)
        sold = [self._sold(token, intent) for token, intent in zip(tokens, intents, strict=True)]
        payees, paid_in = self._runner.desk.payees, self.target_contract
        if intents[0].output is not None:  # a trade's conversion ends in ether, whatever dust ends in
            payees, paid_in = frozenset({self.chain.uniswap.router}), self.chain.token("WETH").address
        found = moved(logs, self.address, payees, paid_in, sold)
        fills = {
            intent.leg_id: self._fill(receipt, intent, spent, received)
            for intent, (spent, received) in zip(intents, found.legs, strict=True)
        }
        return Moved(fills, found.doubt)

    def _receipt(self, receipt: Receipt) -> Mapping[str, Any]:
        """Return a receipt as the node wrote it."""
        written = self._written.get(receipt.tx_hash) or self.rpc.call("eth_getTransactionReceipt", receipt.tx_hash)
        if not isinstance(written, Mapping) or written.get("blockHash") != receipt.block.block_hash:
            raise VenueUnavailable(f"the node names no receipt of {receipt.tx_hash} in block {receipt.block.number}")
        return written

    def _asset(self, token: str) -> str:
        return assets.token(self.chain.chain_id, token)

    def _observer(self) -> Observer:
        return Observer(
            self.rpc,
            self.chain.chain_id,
            self.address,
            self.terms.delegate,
            spenders(self.chain),
            self.terms.confirmations,
        )

    def _proposer(self) -> Proposer:
        # What an approval was made for is sold at the market that it was made for.
        rerouter = Rerouter(
            self._runner.desk,
            self._seller.open_routes,
            same_market=not self.terms.delegate,
            same_path=self._seller.through != THROUGH,  # who compares ways has chosen one
        )
        return Proposer(self.rpc, self._runner, rerouter, self.terms, self.target, self._symbol, self.target_decimals)

    def _sold(self, token: str, intent: LegRequested) -> Sold:
        units = units_of(intent.spend.quantity, self._holder.decimals(token))
        if intent.output is not None:
            return Sold(token, units, units_of(intent.output, ETHER_DECIMALS), at_most=True)
        return Sold(token, units, int(intent.quote.receive.quantity.scaleb(self.target_decimals)))

    def _fill(self, receipt: Receipt, intent: LegRequested, spent: int, received: int) -> Fill | Refusal:
        if not spent:
            return Refusal(RefusalCode.OTHER, f"{receipt.tx_hash} succeeded and moved nothing of it")
        places = self._holder.decimals(self._token(intent.spend))
        return Fill(
            order_id=receipt.tx_hash,
            spent=Amount(whole(spent, places), intent.spend.asset),
            received=Amount(
                whole(received, self.target_decimals if intent.output is None else ETHER_DECIMALS), intent.receive
            ),
            fees=(),
            executions=(),
        )

    def _likely(self, drafts: Sequence[Order]) -> list[Sale]:
        """Read the drafts that can be read before the wallet is."""
        sales = []
        for draft in drafts:
            with suppress(ValueError):  # a token's decimals may not be known yet
                if isinstance(sale := self._sale(draft), Sale):
                    sales.append(sale)
        return sales

    def _believed_sales(self, drafts: Sequence[Order]) -> tuple[Head, list[Sale], dict[str, Refusal]]:
        """Read drafts at the block of the last reading, which is made where there is none; by key those that go not."""
        if self._reading is None:
            self.holdings()
        assert self._reading is not None
        found = {draft.key: self._believed_sale(draft) for draft in drafts}
        sales = [sale for sale in found.values() if isinstance(sale, Sale)]
        return self._reading.head, sales, {key: no for key, no in found.items() if isinstance(no, Refusal)}

    def _believed_sale(self, draft: Order) -> Sale | Refusal:
        """Read a draft of what the wallet has; what is not believed is never allowed to be taken."""
        assert self._reading is not None
        sale = self._sale(draft)
        if isinstance(sale, Sale) and sale.token not in self._reading.believed:
            sentence = self._reading.quarantined.get(sale.token, "nothing of it is there any more")
            return Refusal(RefusalCode.NOT_TRADABLE, sentence)
        return sale

    def _sale(self, draft: Order) -> Sale | Refusal:
        """Read a draft in base units."""
        try:
            token = self._token(draft.spend)
            route = route_of(draft.product, token, self.chain, self.target_contract)
        except (ValueError, KeyError) as error:
            return Refusal(RefusalCode.NOT_TRADABLE, str(error))
        if draft.receive != self.target:
            return Refusal(RefusalCode.NOT_TRADABLE, f"a sweep of this wallet ends in {self._symbol} alone")
        return Sale(draft.key, token, units_of(draft.spend.quantity, self._holder.decimals(token)), route)

    def _contract(self, amount: Amount) -> str | None:
        return assets.address_of(amount.asset, self.chain.chain_id)

    def _token(self, amount: Amount) -> str:
        token = self._contract(amount)
        if token is None:
            raise ValueError(f"asset: {amount.asset} is the coin that pays for gas, which no leg spends")
        return token


def _still(proposal: Proposal, head: Head) -> Proposal:
    """Return what was proposed if that was at the block of the reading."""
    if proposal.head.block_hash != head.block_hash:
        raise VenueUnavailable(f"block {head.number} was replaced while the sales were tried")
    return proposal


def _runner(chain: Chain, account: str, ether: bool, terms: Terms) -> Runner:
    """Sell all together where the account is delegated, else one after the other."""
    if terms.delegate:
        return TogetherRunner(Desk(chain, account, ether), terms)
    return ApartRunner(Apart(chain, account, ether), terms)
