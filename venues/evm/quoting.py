"""What a wallet's tokens would bring: every way to sell each simulated, the feeds read, and what sells tried.

All of it is as of one block. What sold the last time is tried over the same route in the request that quotes; one that
sells better over another is tried in a request of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.judgement import Observation
from domain.venue import Price, Product
from venues.evm import pricing
from venues.evm.feeds import Feeds, feed_asks, feeds_of
from venues.evm.lens import Ask, Lens
from venues.evm.probe import Probe
from venues.evm.quantities import ETHER_DECIMALS
from venues.evm.reading import Head, Holder
from venues.evm.registry import ETH, Chain, asset_of
from venues.evm.routes import Route, Sale, best_sales, sale_asks, ways
from venues.evm.rpc import Rpc


@dataclass(frozen=True, slots=True)
class Target:
    """What a wallet's tokens are sold into, by its symbol."""

    chain: Chain
    symbol: str

    @property
    def asset(self) -> str:
        """Return the asset that a sweep ends in."""
        return asset_of(self.chain, self.symbol)

    @property
    def decimals(self) -> int:
        """Return its decimals."""
        return ETHER_DECIMALS if self.symbol == ETH else self.chain.token(self.symbol).decimals

    @property
    def contract(self) -> str:
        """Return the contract that sales end in: WETH for ether, which is unwrapped afterwards."""
        return self.chain.token("WETH" if self.symbol == ETH else self.symbol).address


@dataclass(frozen=True, slots=True)
class Quoted:
    """The markets of a reading's tokens at its block, and what the feeds said."""

    products: Mapping[tuple[str, str], Product]
    prices: Mapping[str, Price]
    feeds: Feeds


@dataclass(slots=True)
class Quoter:
    """Quotes what one wallet's tokens bring of its target."""

    holder: Holder
    target: Target
    rpc: Rpc
    lens: Lens
    probe: Probe
    _routes: dict[str, Route] = field(default_factory=dict)

    def quote(self, head: Head, units: Mapping[str, int]) -> Quoted:
        """Simulate the sales, read the feeds and try what sells, all at one block."""
        chain, target = self.holder.chain, self.target.contract
        possible = ways(chain, [(token, each) for token, each in units.items() if token != target], target)
        feeds_asked = feed_asks(chain)
        asks = [*feeds_asked, *sale_asks(chain, possible)]
        routes = self._routes
        guessed = {token: Sale(routes[token], each, 0, 0, 0) for token, each in units.items() if token in routes}
        answers, tried = self._asked(asks, guessed, head.number)
        feeds = feeds_of(chain, answers[: len(feeds_asked)], head.at)
        sales = best_sales(possible, answers[len(feeds_asked) :])
        early = self.probe.read(tried, list(guessed), sales) if tried is not None else {}
        seen = {token: each for token, each in early.items() if token in sales and sales[token].route == routes[token]}
        seen |= self.probe.observe([token for token in sales if token not in seen], sales, head.number)
        self._routes = routes | {token: sale.route for token, sale in sales.items()}
        quoted = [self._market(sale, seen[token], feeds) for token, sale in sales.items()]
        if self.target.symbol == ETH and target in units:
            quoted.append((self._product(target, pricing.UNWRAP), pricing.PAR))
        products = {(product.base, product.quote): product for product, _ in quoted}
        return Quoted(products, {product.name: price for product, price in quoted}, feeds)

    def _asked(
        self, asks: Sequence[Ask], guessed: Mapping[str, Sale], block: int
    ) -> tuple[list[bytes | None], object | None]:
        """Read contracts, and in the same request try the sales over the routes that were best the last time."""
        if not guessed or not self.lens.override:
            return self.lens.read(asks, block), None
        *looked, tried = self.rpc.ask([*self.lens.read_calls(asks, block), self.probe.call(guessed, block)])
        return self.lens.looked(looked, asks, block), tried

    def _market(self, sale: Sale, seen: Observation | None, feeds: Feeds) -> tuple[Product, Price]:
        holder, token = self.holder, sale.route.path[0]
        ruling = holder.judgement.rule(token, holder.claim(token), seen)
        product = self._product(token, pricing.route_name(sale.route, holder.chain))
        if kept := holder.judgement.kept(token, ruling):
            return replace(product, quarantine=kept), Price(None, None)
        if seen and seen.sale:
            sale = sale.as_tried(seen.sale.received)
        price = pricing.price_of(sale, holder.decimals(token), self.target.decimals)
        known, usd = holder.chain.known(token), feeds.usd(self.target.symbol)
        if known and usd:
            price = pricing.checked(price, known.symbol, usd, feeds)
        return product, price

    def _product(self, token: str, route: str) -> Product:
        decimals, target = self.holder.decimals(token), self.target
        return pricing.product(self.holder.chain, token, decimals, route, target.asset, target.decimals)
