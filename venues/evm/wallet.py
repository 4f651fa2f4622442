"""A wallet on an EVM chain as a venue: read without a key, through nodes that anybody runs.

What a wallet has is what its tokens claim; what that is worth is what a simulated sale would bring at one block.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Final

from domain.errors import ConfigurationError, VenueUnavailable
from domain.judgement import Observation, Ruling, Verdict
from domain.likeness import skeleton
from domain.treasury import Treasury
from domain.venue import Capabilities, Holding, NeverArrived, Order, Pending, Price, Product
from events.money import Amount
from events.values import Block, Fill, Funding, Quote, Refusal, RefusalCode
from venues.evm import assets, pricing
from venues.evm.discovery import Claim, Discovery
from venues.evm.examination import Examination
from venues.evm.feeds import Feeds, feed_asks, feeds_of, worth
from venues.evm.judgement import Judgement
from venues.evm.lens import ASKS_AT_ONCE, Ask, Lens
from venues.evm.names import harmless
from venues.evm.probe import Probe
from venues.evm.quantities import ETHER_DECIMALS, units_of, whole
from venues.evm.registry import ETH, NAME, Chain, asset_of
from venues.evm.routes import Route, Sale, best_sales, sale_asks, ways
from venues.evm.rpc import Call, Rpc, good, quantity
from venues.evm.treasury import Funds, Teller
from venues.evm.words import WORD, number, selector, text

# More decimals than any token has that is meant to be counted.
MOST_DECIMALS: Final = 36
_TEXT_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class Head:
    """The block that a reading is of."""

    number: int
    block_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What the wallet was found to have, in base units, and which of its tokens are quarantined."""

    head: Head
    ether: int
    units: Mapping[str, int]
    quarantined: Mapping[str, str]

    @property
    def believed(self) -> dict[str, int]:
        """Return what there is of tokens that are believed."""
        return {token: units for token, units in self.units.items() if units > 0 and token not in self.quarantined}


@dataclass(frozen=True, slots=True)
class Quoted:
    """The markets of a reading's tokens at its block, and what the feeds said."""

    products: Mapping[tuple[str, str], Product]
    prices: Mapping[str, Price]
    feeds: Feeds


class Wallet:
    """One address on one chain. `target` is a symbol of TARGETS; what is not believed is `judgement`'s to say."""

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
    ) -> None:
        self.chain = chain
        self.address = address
        self.rpc = rpc
        self.lens = Lens(rpc, chain.multicall3)
        self._symbol = target
        self._discovery = discovery
        self._judgement = judgement
        self._clock = clock
        self._routes: dict[str, Route] = {}
        self._probe = Probe(rpc, self.lens, chain, address, self.target_contract)
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
        return asset_of(self.chain, self._symbol)

    @property
    def target_decimals(self) -> int:
        """Return the decimals of the target."""
        return ETHER_DECIMALS if self._symbol == ETH else self.chain.token(self._symbol).decimals

    @property
    def target_contract(self) -> str:
        """Return the contract that sales end in: WETH for ether, which is unwrapped afterwards."""
        return self.chain.token("WETH" if self._symbol == ETH else self._symbol).address

    def danger(self) -> str:
        """Find nothing: reading takes no key."""
        return ""

    def close(self) -> None:
        """Close the connections that are kept open between requests."""
        self.rpc.close()

    def holdings(self) -> Sequence[Holding]:
        """Read everything that the wallet has: the coin, and each token with a balance."""
        self._reading, self._quoted = self._read(), None
        reading = self._reading
        coin = Holding(assets.coin(self.chain.chain_id), whole(reading.ether, ETHER_DECIMALS), Decimal(0))
        tokens = ((token, units) for token, units in sorted(reading.units.items()) if units > 0)
        return [coin, *(self._holding(token, units, reading.quarantined) for token, units in tokens)]

    def holding(self, asset: str) -> Holding:
        """Read one asset as of the latest block."""
        token = assets.address_of(asset, self.chain.chain_id)
        if token is None:
            answer = quantity(self.rpc.call("eth_getBalance", self.address, "latest"))
            return Holding(asset, whole(answer, ETHER_DECIMALS), Decimal(0))
        units = self.lens.balances([(token, self.address)], self.head().number)[0]
        if units is None:
            raise VenueUnavailable(f"{token} on {self.chain.name} does not say what the wallet has of it")
        claims = {token: self._discovery.tokens.get(token)}
        return self._holding(token, units, self._judgement.quarantined(claims))

    def capabilities(self) -> Capabilities:
        """Return the market of each token that is believed: the route over which a sale brings most."""
        return Capabilities(self._quote().products, frozenset())

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Return what the named products' sales would bring, as of the block of the holdings."""
        return pricing.by_name(self._quote().prices, sorted(products)) if products else {}

    def worth(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Say what the target is worth in USD by its feed; `VenueUnavailable` while none says."""
        return {self.target: worth(self._quote().feeds, self._symbol)} if self.target in assets else {}

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
        units = units_of(order.spend.quantity, self._decimals(token))
        quoted = self._quoted_at(self.head(), {token: units})
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
        units, claim = self._balances([token], head.number)[0], self._claims([token], head.number)[token]
        possible = ways(self.chain, [(token, units)] if units and token != target else [], target)
        sales = best_sales(possible, self.lens.read(sale_asks(self.chain, possible), head.number))
        seen = None if token == target else self._probe.observe([token], sales, head.number)[token]
        paid_in = Ruling(Verdict.SOUND, "sales are paid in it, so it is not tried")
        ruling = paid_in if token == target else self._judgement.rule(token, claim, seen)
        known = self.chain.known(token)
        return Examination(
            asset=assets.token(self.chain.chain_id, token),
            block=head.number,
            symbol=claim.symbol,
            title=claim.title,
            decimals=known.decimals if known else claim.decimals or 0,
            standing=self._judgement.standing(token),
            ruling=ruling,
            kept=self._judgement.kept(token, ruling),
            remedy=self._judgement.remedy(token, ruling),
            route=pricing.route_name(sales[token].route, self.chain) if token in sales else "",
            seen=seen,
        )

    def called(self, symbol: str) -> list[str]:
        """Return the tokens that go by a symbol, by our registry or by their own claim."""
        ours = self.chain.tokens.get(symbol)
        claimed = {token for token, claim in self._discovery.tokens.items() if claim and claim.symbol == symbol}
        return sorted(claimed | ({ours.address} if ours else set()))

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Refuse: a wallet converts by transactions that carry many orders."""
        raise ConfigurationError(f"{self!r} takes transactions, no single orders such as {order.key}")

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Refuse: what became of a transaction is seen on the chain."""
        raise ConfigurationError(f"{self!r} takes transactions, no single orders such as {order.key}")

    def _read(self) -> Reading:
        """Read the head, news of tokens, the coin and all balances in one request; one more for new tokens."""
        known = self._tokens()
        calls = [
            Call("eth_getBlockByNumber", ("latest", False)),
            self._discovery.news(),
            Call("eth_getBalance", (self.address, "latest")),
            self.lens.scan_call([(token, self.address) for token in known]),
        ]
        block, news, coin, scanned = self.rpc.ask(calls)
        head, ether = self._checked_head(good(block)), quantity(good(coin))
        self._discovery.take(news, head.number)
        found = self.lens.scanned(scanned, [(token, self.address) for token in known])
        units = dict(zip(known, found, strict=True)) if found is not None else {}
        fresh = [token for token in self._tokens() if token not in units]
        units |= dict(zip(fresh, self._balances(fresh, head.number), strict=True)) if fresh else {}
        self._refuse_silence(units)
        self._describe([token for token, each in units.items() if each], head.number)
        claims = {token: self._discovery.tokens.get(token) for token in units}
        held = {token: each for token, each in units.items() if each is not None}
        return Reading(head, ether, held, self._judgement.quarantined(claims))

    def _tokens(self) -> list[str]:
        """List what is always read, the registry's tokens, and what was found."""
        always = [token.address for token in self.chain.tokens.values()]
        return sorted({*always, *self._discovery.tokens})

    def _balances(self, tokens: Sequence[str], block: int) -> list[int | None]:
        return self.lens.balances([(token, self.address) for token in tokens], block)

    def _refuse_silence(self, units: Mapping[str, int | None]) -> None:
        """A registry's token always answers; one that does not is an outage, not an empty wallet."""
        for token in self.chain.tokens.values():
            if units[token.address] is None:
                raise VenueUnavailable(f"{token.symbol} ({token.address}) on {self.chain.name} gives no balance")

    def _describe(self, tokens: Iterable[str], block: int) -> None:
        """Ask the unknown tokens that were not asked before what they call themselves and how they count."""
        unasked = [token for token in tokens if not self.chain.known(token) and not self._discovery.tokens.get(token)]
        if unasked:
            self._discovery.learn(self._claims(unasked, block))

    def _claims(self, tokens: Sequence[str], block: int) -> dict[str, Claim]:
        questions = (
            (selector("decimals()"), 1),
            (selector("symbol()"), _TEXT_WORDS),
            (selector("name()"), _TEXT_WORDS),
        )
        asks = [Ask(token, question, words=words) for token in tokens for question, words in questions]
        answers = self.lens.read(asks, block)
        said = zip(tokens, answers[::3], answers[1::3], answers[2::3], strict=True)
        return {token: _claim(*each) for token, *each in said}

    def _decimals(self, token: str) -> int:
        """Return the registry's decimals of a token, else its own, 0 for one that does not say."""
        if known := self.chain.known(token):
            return known.decimals
        claim = self._discovery.tokens.get(token)
        return (claim.decimals or 0) if claim else 0

    def _holding(self, token: str, units: int, quarantined: Mapping[str, str]) -> Holding:
        available = whole(units, self._decimals(token))
        return Holding(assets.token(self.chain.chain_id, token), available, Decimal(0), quarantined.get(token, ""))

    def _quote(self) -> Quoted:
        """Quote every token of the last reading, once."""
        if self._reading is None:
            self.holdings()
        assert self._reading is not None
        if self._quoted is None:
            self._quoted = self._quoted_at(self._reading.head, self._reading.believed)
        return self._quoted

    def _quoted_at(self, head: Head, units: Mapping[str, int]) -> Quoted:
        """Simulate the sales, read the feeds and try what sells, all at one block."""
        target = self.target_contract
        possible = ways(self.chain, [(token, each) for token, each in units.items() if token != target], target)
        feeds_asked = feed_asks(self.chain)
        asks = [*feeds_asked, *sale_asks(self.chain, possible)]
        routes = self._routes
        guessed = {token: Sale(routes[token], each, 0, 0, 0) for token, each in units.items() if token in routes}
        answers, tried = self._asked(asks, guessed, head.number)
        feeds = feeds_of(self.chain, answers[: len(feeds_asked)], head.at)
        sales = best_sales(possible, answers[len(feeds_asked) :])
        early = self._probe.read(tried, list(guessed), sales) if tried is not None else {}
        seen = {token: each for token, each in early.items() if token in sales and sales[token].route == routes[token]}
        seen |= self._probe.observe([token for token in sales if token not in seen], sales, head.number)
        self._routes = routes | {token: sale.route for token, sale in sales.items()}
        quoted = [self._market(sale, seen[token], feeds) for token, sale in sales.items()]
        if self._symbol == ETH and target in units:
            unwrapped = self._product(target, pricing.UNWRAP)
            quoted.append((unwrapped, pricing.PAR))
        products = {(product.base, product.quote): product for product, _ in quoted}
        return Quoted(products, {product.name: price for product, price in quoted}, feeds)

    def _asked(
        self, asks: Sequence[Ask], guessed: Mapping[str, Sale], block: int
    ) -> tuple[list[bytes | None], object | None]:
        """Read contracts, and in the same request try the sales over the routes that were best the last time."""
        if not guessed or not self.lens.override or len(asks) > ASKS_AT_ONCE:
            return self.lens.read(asks, block), None
        looked, tried = self.rpc.ask([self.lens.read_call(asks, block), self._probe.call(guessed, block)])
        answers = self.lens.looked(looked, asks)
        return (self.lens.read(asks, block) if answers is None else answers), tried

    def _market(self, sale: Sale, seen: Observation | None, feeds: Feeds) -> tuple[Product, Price]:
        token = sale.route.path[0]
        ruling = self._judgement.rule(token, self._discovery.tokens.get(token), seen)
        if kept := self._judgement.kept(token, ruling):
            market = self._product(token, pricing.route_name(sale.route, self.chain))
            return replace(market, quarantine=kept), Price(None, None)
        if seen and seen.sale:
            sale = sale.as_tried(seen.sale.received)
        price = pricing.price_of(sale, self._decimals(token), self.target_decimals)
        known, usd = self.chain.known(token), feeds.usd(self._symbol)
        if known and usd:
            price = pricing.checked(price, known.symbol, usd, feeds)
        return self._product(token, pricing.route_name(sale.route, self.chain)), price

    def _product(self, token: str, route: str) -> Product:
        return pricing.product(self.chain, token, self._decimals(token), route, self.target, self.target_decimals)

    def head(self) -> Head:
        """Read the latest block; `VenueUnavailable` where it is old."""
        return self._checked_head(self.rpc.call("eth_getBlockByNumber", "latest", False))

    def _checked_head(self, block: object) -> Head:
        """Read the latest block; a node whose latest is old lags, and what it says is no longer so."""
        if not isinstance(block, dict):
            raise VenueUnavailable("a node names no latest block")
        seconds = quantity(block.get("timestamp"))
        at = datetime.fromtimestamp(min(seconds, 2**33), UTC)
        age = self._clock() - at
        if self.chain.silence is not None and age > self.chain.silence:
            raise VenueUnavailable(
                f"the latest block that the node of {self.chain.name} knows is {age} old; the node lags"
            )
        return Head(quantity(block.get("number")), str(block.get("hash")), at)


def _claim(decimals: bytes | None, symbol: bytes | None, title: bytes | None) -> Claim:
    places = number(decimals) if decimals and len(decimals) >= WORD else None
    counted = places if places is not None and places <= MOST_DECIMALS else None
    names = [text(answer) if answer else "" for answer in (symbol, title)]
    return Claim(counted, *map(harmless, names), *map(skeleton, names))
