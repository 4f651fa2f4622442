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
from venues.evm import assets, pricing
from venues.evm.feeds import Feeds, feed_asks, feeds_of
from venues.evm.lens import Ask, Lens
from venues.evm.probe import Probe
from venues.evm.quantities import ETHER_DECIMALS
from venues.evm.reading import Head, Holder
from venues.evm.registry import ETH, Chain, asset_of
from venues.evm.routes import THROUGH, Route, Sale, Way, open_routes, routes, sale_asks, sales_by_path
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
    """The markets of a reading's tokens at its block, other ways to sell them, and what the feeds said."""

    products: Mapping[tuple[str, str], Product]
    others: Mapping[tuple[str, str], tuple[Product, ...]]
    prices: Mapping[str, Price]
    feeds: Feeds


@dataclass(frozen=True, slots=True)
class Seller:
    """A wallet whose tokens are sold into a target, `through` at most one of these, and what tries their sales."""

    holder: Holder
    target: Target
    probe: Probe
    through: tuple[str, ...] = THROUGH

    def routes(self, token: str) -> list[Route]:
        """List all ways to sell a token."""
        return list(routes(self.holder.chain, token, self.target.contract, self.through))

    def open_routes(self, token: str) -> list[Route]:
        """Return the routes over which a token was sold into the target the last time, the best first."""
        found = self.holder.discovery.routes.get(token, ())
        possible = set(self.routes(token)) if found else set()
        return [route for route in found if route in possible]

    def guessed(self, units: Mapping[str, int]) -> dict[str, Sale]:
        """Return the sales that are likely the best; what they bring is not known yet."""
        best = {token: some[0] for token in units if (some := self.open_routes(token))}
        return {token: Sale(route, units[token], 0, 0, 0) for token, route in best.items()}

    def quoted(
        self,
        sales: Mapping[str, Sequence[Sale]],
        seen: Mapping[str, Observation | None],
        units: Collection[str],
        feeds: Feeds,
    ) -> Quoted:
        """Return the markets of what sells, as it was seen when its best way was tried, and the ways beside."""
        markets = [self._market(best, seen[token], feeds) for token, (best, *_) in sales.items()]
        if self.target.symbol == ETH and self.target.contract in units:
            markets.append((self._product(self.target.contract, pricing.UNWRAP), pricing.PAR))
        products = {(product.base, product.quote): product for product, _ in markets}
        beside = [self._beside(sale, feeds) for _, *rest in sales.values() for sale in rest]
        others: dict[tuple[str, str], tuple[Product, ...]] = {}
        for product, _ in beside:
            if products[pair := (product.base, product.quote)].open:
                others[pair] = (*others.get(pair, ()), product)
        return Quoted(products, others, {product.name: price for product, price in (*beside, *markets)}, feeds)

    def _beside(self, sale: Sale, feeds: Feeds) -> tuple[Product, Price]:
        """Price another way than the best by its simulated swap alone; what the token is was seen over the best."""
        price = pricing.price_of(sale, self.holder.decimals(sale.route.path[0]), self.target.decimals)
        return self._way(sale), self._checked(sale, price, feeds)

    def _market(self, sale: Sale, seen: Observation | None, feeds: Feeds) -> tuple[Product, Price]:
        holder, token = self.holder, sale.route.path[0]
        ruling = holder.judgement.rule(token, holder.claim(token), seen)
        if kept := holder.judgement.kept(token, ruling):
            return replace(self._way(sale), quarantine=kept), Price(None, None)
        if seen and seen.sale:
            sale = sale.as_tried(seen.sale.received)
        price = pricing.price_of(sale, holder.decimals(token), self.target.decimals)
        return self._way(sale), self._checked(sale, price, feeds)

    def _way(self, sale: Sale) -> Product:
        chain, route = self.holder.chain, sale.route
        via = "" if route.via is None else assets.token(chain.chain_id, route.via)
        return replace(self._product(route.path[0], pricing.route_name(route, chain)), via=via)

    def _checked(self, sale: Sale, price: Price, feeds: Feeds) -> Price:
        known, usd = self.holder.chain.known(sale.route.path[0]), feeds.usd(self.target.symbol)
        return pricing.checked(price, known.symbol, usd, feeds) if known and usd else price

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
        by_path = [sales_by_path(some, each) for some, each in zip(possible, found, strict=True)]
        sales = [{token: best for token, (best, *_) in some.items()} for some in by_path]
        seen = [
            _fitting(seller.probe.read(each, list(guess), best), guess, best)
            for (seller, _), each, guess, best in zip(wanted, tried, guessed, sales, strict=True)
        ]
        self._try_others(wanted, sales, seen, head.number)
        self._remember(wanted, possible, found)
        return [
            seller.quoted(some, each, units, feeds)
            for (seller, units), some, each in zip(wanted, by_path, seen, strict=True)
        ]

    def _ways(self, wanted: Sequence[Wanted], head: Head) -> list[list[Way]]:
        """List the ways that were open the last time, and all ways for as many tokens as there is room for.

        Which pools there are is a matter of a token and not of who holds it, so one holder asks for all. Where the room
        does not suffice, chance chooses by the block which tokens are looked at anew; unknown ones always are.
        """
        known = [
            {(token, seller.target.contract): seller.open_routes(token) for token in units} for seller, units in wanted
        ]
        first = {
            pair: (seller, some)
            for (seller, _), some in reversed(list(zip(wanted, known, strict=True)))
            for pair, found in some.items()
            if found
        }
        room = ROOM - sum(2 * len(found) for some in known for found in some.values())
        for pair in sorted(first, key=lambda pair: sha256(f"{head.block_hash}{pair}".encode()).digest()):
            seller, some = first[pair]
            every = seller.routes(pair[0])
            room -= 2 * len(every)
            if room >= 0:
                some[pair] = every
        return [
            [
                Way(route, units[token])
                for (token, target), found in some.items()
                if token != target
                for route in found or seller.routes(token)
            ]
            for (seller, units), some in zip(wanted, known, strict=True)
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
        """Keep which routes are open, each seller's best first, then those of others."""
        own = [open_routes(some, answers) for some, answers in zip(possible, found, strict=True)]
        everywhere: dict[tuple[str, str], dict[Route, None]] = {}
        for (seller, _), some in zip(wanted, own, strict=True):
            for token, best in some.items():
                everywhere.setdefault((token, seller.target.contract), {}).update(dict.fromkeys(best))
        for (seller, _), asked, some in zip(wanted, possible, own, strict=True):
            tokens = dict.fromkeys(way.route.path[0] for way in asked)
            shared = {token: everywhere.get((token, seller.target.contract), {}) for token in tokens}
            seller.holder.discovery.remember(
                {token: list(dict.fromkeys([*some.get(token, ()), *others])) for token, others in shared.items()}
            )


def _fitting(
    seen: Mapping[str, Observation | None], guessed: Mapping[str, Sale], sales: Mapping[str, Sale]
) -> dict[str, Observation | None]:
    """Keep what was seen over the routes that turned out to be the best."""
    same = {token for token, sale in sales.items() if token in guessed and guessed[token].route == sale.route}
    return {token: each for token, each in seen.items() if token in same}
