"""Rerouting: sales quoted over other routes in the request that tries them, so that a better route is not missed.

Pools move between a scan and the sweep that it announced. Only routes that sold the token before are asked, the best
first, and what sells better over one of them is tried over that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from venues.evm.batch import Desk, Sale
from venues.evm.lens import aggregated, returned
from venues.evm.registry import Chain
from venues.evm.routes import Route
from venues.evm.rpc import Call, Failure, octets

# How many routes of one sale are asked, its own among them, and of all: some 20 million gas, where nodes allow 50.
ROUTES: Final = 3
MOST: Final = 150


@dataclass(frozen=True, slots=True)
class Rerouter:
    """Asks other routes of sales: `known` names those over which a token was sold, `same_market` keeps the contract."""

    desk: Desk
    known: Callable[[str], Sequence[Route]]
    same_market: bool

    def call(self, sales: Sequence[Sale], block: str) -> Call:
        """Return the read of what the sales would bring over each of their routes; `better` wants its answer."""
        asks = [route.ask(self.chain, sale.units) for sale, route in self._ways(sales)]
        return Call("eth_call", ({"to": self.chain.multicall3, "data": "0x" + aggregated(asks).hex()}, block))

    def better(self, sales: Sequence[Sale], answer: object) -> Mapping[str, Route]:
        """Return the better route by a sale's key; none where the node would not say."""
        ways = self._ways(sales)
        if isinstance(answer, Failure):
            return {}
        best: dict[str, tuple[int, Route]] = {}
        for (sale, route), found in zip(ways, returned(octets(answer), len(ways)), strict=True):
            brings = route.proceeds(found)
            if sale.key not in best or brings > best[sale.key][0]:
                best[sale.key] = brings, route
        planned = {sale.key: sale.route for sale in sales}
        return {key: route for key, (_, route) in best.items() if route != planned[key]}

    @property
    def chain(self) -> Chain:
        return self.desk.chain

    def _ways(self, sales: Sequence[Sale]) -> list[tuple[Sale, Route]]:
        """List what is asked: each sale's own route first, then others."""
        found: list[tuple[Sale, Route]] = []
        for sale in sales:
            if sale.route is not None:
                others = [route for route in self.known(sale.token) if self._fits(sale, route)]
                found += [(sale, route) for route in (sale.route, *others)[:ROUTES]]
        return found[:MOST]

    def _fits(self, sale: Sale, route: Route) -> bool:
        same = self.desk.market(replace(sale, route=route)) == self.desk.market(sale)
        return route != sale.route and (same or not self.same_market)


def rerouted(sales: Sequence[Sale], better: Mapping[str, Route]) -> list[Sale]:
    """Return the sales over their better routes."""
    return [replace(sale, route=better.get(sale.key, sale.route)) for sale in sales]
