"""What wallets' tokens would bring: every way to sell each simulated, the feeds read, and what sells tried.

All of it is as of one block, in one request for all wallets of a chain. What sold the last time is tried over the same
route in the request that quotes; what sells better over another is tried in a request after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from domain.judgement import Observation
from domain.venue import Price, Product
from venues.evm import pricing
from venues.evm.feeds import Feeds, feed_asks, feeds_of
from venues.evm.lens import Ask, Lens
from venues.evm.probe import Probe
from venues.evm.quantities import ETHER_DECIMALS
from venues.evm.reading import Head, Holder
from venues.evm.registry import ETH, Chain, asset_of
from venues.evm.routes import Route, Sale, Way, best_sales, open_routes, routes, sale_asks
from venues.evm.rpc import Rpc

# What one request asks for tokens whose ways are known, 2 for each way; a token has some 60 in all.
ROOM: Final = 2_000


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


@dataclass(frozen=True, slots=True)
class Seller:
    """A wallet whose tokens are sold into a target, and what tries their sales."""

    holder: Holder
    target: Target
    probe: Probe

    def open_routes(self, token: str) -> list[Route]:
        """Return the routes over which a token was sold into the target the last time, the best first."""
        found = self.holder.discovery.routes.get(token, ())
        possible = set(routes(self.holder.chain, token, self.target.contract)) if found else set()
        return [route for route in found if route in possible]

    def guessed(self, units: Mapping[str, int]) -> dict[str, Sale]:
        """Return the sales that are likely the best; what they bring is not known yet."""
        best = {token: some[0] for token in units if (some := self.open_routes(token))}
        return {token: Sale(route, units[token], 0, 0, 0) for token, route in best.items()}

    def quoted(
        self, sales: Mapping[str, Sale], seen: Mapping[str, Observation | None], units: Collection[str], feeds: Feeds
    ) -> Quoted:
        """Return the markets of what sells, as it was seen when it was tried."""
        markets = [self._market(sale, seen[token], feeds) for token, sale in sales.items()]
        if self.target.symbol == ETH and self.target.contract in units:
            markets.append((self._product(self.target.contract, pricing.UNWRAP), pricing.PAR))
        products = {(product.base, product.quote): product for product, _ in markets}
        return Quoted(products, {product.name: price for product, price in markets}, feeds)

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


Wanted = tuple[Seller, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Quoter:
    """Quotes what wallets of one chain would get for what they have."""

    chain: Chain
    rpc: Rpc
    lens: Lens

    def quote(self, head: Head, wanted: Sequence[Wanted]) -> list[Quoted]:
        """Quote base units by token for each seller, all at one block."""
        possible, feeds_asked = self._ways(wanted, head), feed_asks(self.chain)
        asks = [*feeds_asked, *(ask for some in possible for ask in sale_asks(self.chain, some))]
        guessed = [seller.guessed(units) for seller, units in wanted]
        answers, tried = self._asked(asks, wanted, guessed, head.number)
        feeds, rest = feeds_of(self.chain, answers[: len(feeds_asked)], head.at), iter(answers[len(feeds_asked) :])
        found = [[next(rest) for _ in range(2 * len(some))] for some in possible]
        sales = [best_sales(some, each) for some, each in zip(possible, found, strict=True)]
        seen = [
            _fitting(seller.probe.read(each, list(guess), best), guess, best)
            for (seller, _), each, guess, best in zip(wanted, tried, guessed, sales, strict=True)
        ]
        self._try_others(wanted, sales, seen, head.number)
        self._remember(wanted, possible, found)
        return [
            seller.quoted(best, each, units, feeds)
            for (seller, units), best, each in zip(wanted, sales, seen, strict=True)
        ]

    def _ways(self, wanted: Sequence[Wanted], head: Head) -> list[list[Way]]:
        """List the ways that were open the last time, and all ways for as many tokens as there is room for.

        Which pools there are is a matter of a token and not of who holds it, so one holder asks for all. Where the room
        does not suffice, chance chooses by the block which tokens are looked at anew; unknown ones always are.
        """
        known = [
            {(token, seller.target.contract): seller.open_routes(token) for token in units} for seller, units in wanted
        ]
        first = {pair: some for some in reversed(known) for pair, found in some.items() if found}
        room = ROOM - sum(2 * len(found) for some in known for found in some.values())
        for pair in sorted(first, key=lambda pair: sha256(f"{head.block_hash}{pair}".encode()).digest()):
            every = list(routes(self.chain, *pair))
            room -= 2 * len(every)
            if room >= 0:
                first[pair][pair] = every
        return [
            [
                Way(route, units[token])
                for (token, target), found in some.items()
                if token != target
                for route in found or routes(self.chain, token, target)
            ]
            for (_, units), some in zip(wanted, known, strict=True)
        ]

    def _asked(
        self, asks: Sequence[Ask], wanted: Sequence[Wanted], guessed: Sequence[Mapping[str, Sale]], block: int
    ) -> tuple[list[bytes | None], list[object]]:
        """Read contracts, and in the same request try the sales over the routes that were best the last time."""
        if not self.lens.override:
            return self.lens.read(asks, block), [None for _ in wanted]
        reads = self.lens.read_calls(asks, block)
        probes = [seller.probe.call(sales, block) for (seller, _), sales in zip(wanted, guessed, strict=True) if sales]
        answers = self.rpc.ask([*reads, *probes])
        read, rest = self.lens.looked(answers[: len(reads)], asks, block), iter(answers[len(reads) :])
        return read, [next(rest) if sales else None for sales in guessed]

    def _try_others(
        self,
        wanted: Sequence[Wanted],
        sales: Sequence[Mapping[str, Sale]],
        seen: Sequence[dict[str, Observation | None]],
        block: int,
    ) -> None:
        """Try what was not tried yet: of all sellers in one request, and what that did not reach by itself."""
        rows = [
            (seller.probe, {token: sale for token, sale in best.items() if token not in each}, each)
            for (seller, _), best, each in zip(wanted, sales, seen, strict=True)
        ]
        untried = [row for row in rows if row[1]]
        if len(untried) > 1 and self.lens.override:
            answers = self.rpc.ask([probe.call(others, block) for probe, others, _ in untried])
            for (probe, others, each), answer in zip(untried, answers, strict=True):
                each.update(probe.read(answer, list(others), others))
        for probe, others, each in untried:
            each.update(probe.observe([token for token in others if token not in each], others, block))

    def _remember(
        self, wanted: Sequence[Wanted], possible: Sequence[Sequence[Way]], found: Sequence[Sequence[bytes | None]]
    ) -> None:
        """Keep which routes are open, each seller's best first; one that others asked over is open for all."""
        everywhere: dict[tuple[str, str], list[Route]] = {}
        for (seller, _), some, answers in zip(wanted, possible, found, strict=True):
            own = open_routes(some, answers)
            for token, open_ in own.items():
                shared = everywhere.setdefault((token, seller.target.contract), open_)
                open_ += [route for route in shared if route not in open_]
            seller.holder.discovery.remember(own)


def _fitting(
    seen: Mapping[str, Observation | None], guessed: Mapping[str, Sale], sales: Mapping[str, Sale]
) -> dict[str, Observation | None]:
    """Keep what was seen over the routes that turned out to be the best."""
    same = {token for token, sale in sales.items() if token in guessed and guessed[token].route == sale.route}
    return {token: each for token, each in seen.items() if token in same}
