"""Sales apart, for an account whose code is not delegated: an approval and a swap, each in a transaction of its own.

The approval is for exactly what is sold, so the swap ends it. What is tried before anything is approved is the same
swap, called from the account's own address by the rehearsal.
"""

from __future__ import annotations

from dataclasses import dataclass

from venues.evm.batch import COIN, Desk, Sale, multicall, pair_sale, unwrapping
from venues.evm.lens import Ask
from venues.evm.registry import Chain
from venues.evm.words import padded, selector


@dataclass(frozen=True, slots=True)
class Apart(Desk):
    """Writes each sale as one call that is whole by itself: its deadline, and ether at its end where that is wanted."""

    @property
    def payees(self) -> frozenset[str]:
        """Return all who may get what swaps bring: for ether the router that unwraps it."""
        return frozenset(spenders(self.chain)) if self.ether else frozenset({self.account})

    def proceeds(self, sale: Sale) -> tuple[str, str]:
        """Return what a sale brings by itself, `COIN` for ether; the account gets it."""
        brings_ether = self.ether or sale.route is None
        return (COIN if brings_ether or sale.route is None else sale.route.path[-1], self.account)

    def sell(self, sale: Sale, minimum: int, deadline: int) -> bytes:
        """Write the call that sells, or reverts when less than `minimum` base units would arrive."""
        route = sale.route
        if route is None:
            return Desk.sell(self, sale, minimum, deadline)
        if not route.fees:
            into = "ETH" if self.ether else "Tokens"
            return pair_sale(into, sale.units, minimum, route.path, self.account, deadline)
        calls = [Desk.sell(self, sale, minimum, deadline)]
        return multicall(deadline, [*calls, unwrapping(minimum, self.account)] if self.ether else calls)


def spenders(chain: Chain) -> tuple[str, ...]:
    """Return the contracts that a sale may allow to take a token."""
    return tuple(each for each in (chain.uniswap.router, chain.uniswap.v2_router) if each)


def allowance_ask(token: str, owner: str, spender: str) -> Ask:
    """Ask how many base units a spender may take."""
    return Ask(token, selector("allowance(address,address)") + padded(owner) + padded(spender))
