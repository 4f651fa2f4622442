"""A wallet on an EVM chain as a venue: read without a key, through nodes that anybody runs.

What a wallet has is what its tokens claim; what that is worth is what a simulated sale would bring at one block.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext

from domain.claim import ClaimProposal, Waiting
from domain.errors import ConfigurationError, VenueUnavailable
from domain.judgement import Ruling, Verdict
from domain.treasury import Treasury
from domain.venue import Capabilities, Holding, NeverArrived, Order, Pending, Price, Survey, Venue
from events.money import Amount
from events.values import Block, Fill, Funding, Quote, Refusal, RefusalCode
from venues.evm import assets, pricing
from venues.evm.discovery import Discovery
from venues.evm.examination import Examination
from venues.evm.feeds import worth
from venues.evm.judgement import Judgement
from venues.evm.lens import Lens
from venues.evm.probe import Probe
from venues.evm.quantities import ETHER_DECIMALS, units_of, whole
from venues.evm.quoting import Quoted, Quoter, Seller, Target
from venues.evm.reading import Head, Holder, Look, Reader, Reading
from venues.evm.registry import ETH, NAME, Chain, asset_of
from venues.evm.rewards.claiming import ClaimReader
from venues.evm.rewards.provenance import Provenance, provers
from venues.evm.rewards.source import ClaimableSource
from venues.evm.routes import THROUGH, best_sales, sale_asks, ways
from venues.evm.rpc import Rpc, quantity
from venues.evm.terms import Terms
from venues.evm.treasury import Funds, Teller


class Wallet:
    """One address on one chain. `target` is a symbol of TARGETS; what is not believed is `judgement`'s to say.

    A sale goes `through` at most one of these tokens.
    """

    def __init__(
        self,
        chain: Chain,
        address: str,
        target: str,
        *,
        rpc: Rpc,
        discovery: Discovery,
        judgement: Judgement,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        rewards: Sequence[ClaimableSource] = (),
        through: Sequence[str] = THROUGH,
    ) -> None:
        self.chain = chain
        self.address = address
        self.rpc = rpc
        self.lens = Lens(rpc, chain.multicall3)
        self._symbol = target
        self._target = Target(chain, target)
        self._holder = Holder(chain, address, discovery, judgement)
        self._reader = Reader(chain, rpc, self.lens, clock)
        self._probe = Probe(rpc, self.lens, chain, address, self._target.contract)
        self._seller = Seller(self._holder, self._target, self._probe, tuple(through))
        self._quoter = Quoter(chain, rpc, self.lens)
        self._clock = clock
        self._rewards = tuple(rewards)
        self._provenance = Provenance(rpc, address, provers(chain.rewards), discovery.keep)
        self._reading: Reading | None = None
        self._quoted: Quoted | None = None
        self._funds: Funds | None = None

    def __repr__(self) -> str:
        return f"Wallet({self.address} on {self.chain.name})"

    @property
    def name(self) -> str:
        """Return `evm`."""
        return NAME

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included."""
        return self.rpc.requests

    @property
    def target(self) -> str:
        """Return the asset that a sweep ends in."""
        return self._target.asset

    @property
    def target_decimals(self) -> int:
        """Return the decimals of the target."""
        return self._target.decimals

    @property
    def target_contract(self) -> str:
        """Return the contract that sales end in: WETH for ether, which is unwrapped afterwards."""
        return self._target.contract

    def danger(self) -> str:
        """Find nothing: reading takes no key."""
        return ""

    def close(self) -> None:
        """Close the connections that are kept open between requests."""
        self.rpc.close()

    def holdings(self) -> Sequence[Holding]:
        """Read everything that the wallet has: the coin, and each token with a balance."""
        look = self._reader.look([self._holder])
        return self._taken(look, self.rpc.ask(look.calls))

    def survey(self, venues: Sequence[Venue]) -> Sequence[Survey | VenueUnavailable]:
        """Read wallets of this chain, in one request what they have and in one what it would bring."""
        wallets = [each for each in venues if isinstance(each, Wallet) and each.chain == self.chain]
        if len(wallets) != len(venues):
            raise ValueError(f"venues: only wallets on {self.chain.name} are read together")
        before = sum(wallet.requests for wallet in wallets)
        look = self._reader.look([wallet._holder for wallet in wallets])
        readings = self._reader.seen(look, self.rpc.ask(look.calls))
        sound = [(wallet, each) for wallet, each in zip(wallets, readings, strict=True) if isinstance(each, Reading)]
        wanted = [(wallet._seller, reading.believed) for wallet, reading in sound]
        quoted = iter(self._quoter.quote(sound[0][1].head, wanted) if sound else ())
        requests = sum(wallet.requests for wallet in wallets) - before
        return [
            wallet._surveyed(each, next(quoted), requests) if isinstance(each, Reading) else each
            for wallet, each in zip(wallets, readings, strict=True)
        ]

    def holding(self, asset: str) -> Holding:
        """Read one asset as of the latest block."""
        token = assets.address_of(asset, self.chain.chain_id)
        if token is None:
            answer = quantity(self.rpc.call("eth_getBalance", self.address, "latest"))
            return Holding(asset, whole(answer, ETHER_DECIMALS), Decimal(0))
        units = self.lens.balances([(token, self.address)], self.head().number)[0]
        if units is None:
            raise VenueUnavailable(f"{token} on {self.chain.name} does not say what the wallet has of it")
        return self._holding(token, units, self._holder.quarantined([token]))

    def claims(self) -> Sequence[ClaimProposal | Waiting]:
        """Try the claims of the rewards that the settings name, at the latest block. Moves nothing."""
        return self._tried_claims(Terms(None, self.chain.confirmations))

    def _tried_claims(self, terms: Terms) -> Sequence[ClaimProposal | Waiting]:
        if not self._rewards:
            return []
        head = self.head()
        reader = ClaimReader(
            rpc=self.rpc,
            lens=self.lens,
            chain=self.chain,
            account=self.address,
            symbol=self._symbol,
            target=self.target_contract,
            target_decimals=self.target_decimals,
            terms=terms,
            clock=self._clock,
        )
        return reader.read(self._rewards, Block(head.number, head.block_hash), head.at, self._believed)

    def _believed(self, tokens: Collection[str], block: int) -> tuple[Mapping[str, int], Collection[str]]:
        """Return the decimals of tokens, and which of them are believed."""
        self._reader.describe([(self._holder, tokens)], block)
        quarantined = self._holder.quarantined(tokens)
        decimals = {token: self._holder.decimals(token) for token in tokens}
        return decimals, [token for token in tokens if token not in quarantined]

    def capabilities(self) -> Capabilities:
        """Return the market of each token that is believed: the route over which a sale brings most."""
        quoted = self._quote()
        return Capabilities(quoted.products, frozenset(), quoted.others)

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Return what the named products' sales would bring, as of the block of the holdings."""
        return pricing.by_name(self._quote().prices, sorted(products)) if products else {}

    def base_fee(self) -> int:
        """Return what the block of the holdings charges for a unit of gas, in wei."""
        if self._reading is None:
            self.holdings()
        assert self._reading is not None
        return self._reading.head.base_fee

    def worth(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Say what the target is worth in USD by its feed; `VenueUnavailable` while none says."""
        return {self.target: worth(self._quote().feeds, self._symbol)} if self.target in assets else {}

    def appraise(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Say what known assets are worth in USD by their feeds."""
        feeds = self._quote().feeds
        known = {asset_of(self.chain, symbol): feeds.usd(symbol) for symbol in (ETH, *self.chain.tokens)}
        return {asset: price for asset in assets if (price := known.get(asset))}

    def treasury(self, funding: Funding, asked: Decimal) -> Treasury:
        """Read what the wallet has for trades, and what up to `asked` ETH would cost, in one request."""
        self._funds = self._teller().read(funding, asked)
        return self._funds.treasury

    def is_latest(self, block: Block) -> bool:
        """Say whether nothing has come after a block."""
        return self.head().block_hash == block.block_hash

    def _teller(self) -> Teller:
        return Teller(self.rpc, self.lens, self.chain, self.address, self._clock)

    def quote(self, order: Order) -> Quote | Refusal:
        """Simulate the sale of an order's amount by itself, gas not counted. Moves nothing."""
        token = assets.address_of(order.spend.asset, self.chain.chain_id)
        if token is None or order.receive != self.target:
            return Refusal(RefusalCode.NOT_TRADABLE, f"a sweep of this wallet ends in {self._symbol} alone")
        units = units_of(order.spend.quantity, self._holder.decimals(token))
        (quoted,) = self._quoter.quote(self.head(), [(self._seller, {token: units})])
        product = quoted.products.get((order.spend.asset, self.target))
        price = quoted.prices[product.name] if product else Price(None, None)
        if product and product.quarantine:
            return Refusal(RefusalCode.NOT_TRADABLE, product.quarantine)
        if product is None or not price.bid:
            return Refusal(RefusalCode.NO_LIQUIDITY, price.doubt or "no route sells it now")
        with localcontext(prec=80):
            received = (order.spend.quantity * price.bid).quantize(product.quote_increment)
        unit_worth = price.bid * worth(quoted.feeds, self._symbol)
        return Quote(order.spend, Amount(received, self.target), (), unit_worth, product.name)

    def examine(self, token: str) -> Examination:
        """Try one token, believed or not, at the latest block, and say what it is; what it is paid in is not sold."""
        head, target = self.head(), self.target_contract
        units = self._reader.balances(self._holder, [token], head.number)[0]
        claim, judgement = self._reader.claims([token], head.number)[token], self._holder.judgement
        possible = ways(self.chain, [(token, units)] if units and token != target else [], target)
        sales = best_sales(possible, self.lens.read(sale_asks(self.chain, possible), head.number))
        seen = None if token == target else self._probe.observe([token], sales, head.number)[token]
        paid_in = Ruling(Verdict.SOUND, "sales are paid in it, so it is not tried")
        ruling = paid_in if token == target else judgement.rule(token, claim, seen)
        known = self.chain.known(token)
        return Examination(
            asset=assets.token(self.chain.chain_id, token),
            block=head.number,
            symbol=claim.symbol,
            title=claim.title,
            decimals=known.decimals if known else claim.decimals or 0,
            standing=judgement.standing(token),
            ruling=ruling,
            kept=judgement.kept(token, ruling),
            remedy=judgement.remedy(token, ruling),
            route=pricing.route_name(sales[token].route, self.chain) if token in sales else "",
            seen=seen,
        )

    def called(self, symbol: str) -> list[str]:
        """Return the tokens that go by a symbol, by our registry or by their own claim."""
        ours = self.chain.tokens.get(symbol)
        claimed = {token for token, claim in self._holder.discovery.tokens.items() if claim and claim.symbol == symbol}
        return sorted(claimed | ({ours.address} if ours else set()))

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Refuse: a wallet converts by transactions that carry many orders."""
        raise ConfigurationError(f"{self!r} takes transactions, no single orders such as {order.key}")

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Refuse: what became of a transaction is seen on the chain."""
        raise ConfigurationError(f"{self!r} takes transactions, no single orders such as {order.key}")

    def _taken(self, look: Look, answers: Sequence[object]) -> Sequence[Holding]:
        """Take the answers to a look at this wallet alone."""
        (reading,) = self._reader.seen(look, answers)
        if isinstance(reading, VenueUnavailable):
            raise reading
        self._reading, self._quoted = reading, None
        return self._held(reading)

    def _surveyed(self, reading: Reading, quoted: Quoted, requests: int) -> Survey | VenueUnavailable:
        self._reading, self._quoted = reading, quoted
        try:
            usd = worth(quoted.feeds, self._symbol)
        except VenueUnavailable as outage:
            return outage
        markets = Capabilities(quoted.products, frozenset())
        return Survey(tuple(self._held(reading)), markets, quoted.prices, {self.target: usd}, requests)

    def _held(self, reading: Reading) -> Sequence[Holding]:
        coin = Holding(assets.coin(self.chain.chain_id), whole(reading.ether, ETHER_DECIMALS), Decimal(0))
        tokens = ((token, units) for token, units in sorted(reading.units.items()) if units > 0)
        origins = self._provenance.origins(reading.believed, self._holder.discovery.found.arrivals)
        held = ((self._holding(token, units, reading.quarantined), origins.get(token)) for token, units in tokens)
        return [coin, *(replace(each, source=origin[0], proof=origin[1]) if origin else each for each, origin in held)]

    def _holding(self, token: str, units: int, quarantined: Mapping[str, str]) -> Holding:
        available = whole(units, self._holder.decimals(token))
        return Holding(assets.token(self.chain.chain_id, token), available, Decimal(0), quarantined.get(token, ""))

    def _quote(self) -> Quoted:
        """Quote every token of the last reading, once."""
        if self._reading is None:
            self.holdings()
        assert self._reading is not None
        if self._quoted is None:
            (self._quoted,) = self._quoter.quote(self._reading.head, [(self._seller, self._reading.believed)])
        return self._quoted

    def head(self) -> Head:
        """Read the latest block; `VenueUnavailable` where it is old."""
        return self._reader.head()
