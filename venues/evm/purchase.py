"""Purchases: exactly so much ETH for at most so much of a token, and nothing that may be taken afterwards.

Uniswap V3 swaps to an exact output through SwapRouter02; what it is allowed to take of a token is the most that may be
spent, and is taken back in the same batch, or by a transaction of its own where there are no batches, since less is
spent. WETH is withdrawn one to one (https://docs.uniswap.org/contracts/v3/guides/swaps/single-swaps).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from venues.evm.apart import Apart
from venues.evm.batch import ROUTER, Call, Sale, approval, multicall, unwrapping
from venues.evm.lens import Ask
from venues.evm.registry import Chain
from venues.evm.routes import QUOTE_GAS, Route, routes
from venues.evm.words import WORD, number, packed, selector, word

# Pools in which dollars are changed for each other: a way over others costs more than a direct one.
NEAR: Final = (100, 500)


@dataclass(frozen=True, slots=True)
class Purchase(Sale):
    """Exactly `output` wei for at most `units` of a token, over a route, None for withdrawing WETH."""

    output: int

    @property
    def at_most(self) -> bool:
        """Only WETH costs what it brings."""
        return self.route is not None


class Purchases(Apart):
    """Writes each purchase as one call that is whole by itself, ether at its end."""

    def sell(self, sale: Sale, minimum: int, deadline: int) -> bytes:
        """Write the call that buys; it brings exactly what it is for, whatever the `minimum`."""
        if not isinstance(sale, Purchase) or sale.route is None:
            return Apart.sell(self, sale, minimum, deadline)
        return multicall(deadline, [_swap(sale, sale.route), unwrapping(sale.output, self.account)])


def ways_to_ether(chain: Chain, token: str) -> list[Route]:
    """List the ways over V3 from a token to WETH: directly, and through USDC."""
    found = routes(chain, token, chain.token("WETH").address)
    return [route for route in found if route.fees and (route.via is None or route.fees[0] in NEAR)]


def quote_ask(chain: Chain, route: Route, output: int) -> Ask:
    """Ask what exactly `output` base units of the route's end cost."""
    path = _backwards(route)
    data = b"".join(
        [
            selector("quoteExactOutput(bytes,uint256)"),
            word(2 * WORD),
            word(output),
            word(len(path)),
            path,
            bytes(-len(path) % WORD),
        ]
    )
    return Ask(chain.uniswap.quoter, data, words=1, gas=QUOTE_GAS, writes=True)


def cost_of(answer: bytes | None) -> int | None:
    """Read what it costs in base units; None where it cannot be had."""
    return number(answer) or None if answer and len(answer) >= WORD else None


def calls(
    chain: Chain, account: str, purchases: Sequence[Purchase], allowed: Mapping[str, int], deadline: int
) -> list[Call]:
    """Write all calls of a batch; `allowed` is what the router may take of tokens before it, in base units."""
    router = chain.uniswap.router
    made = [Call(router, multicall(deadline))]
    for purchase in purchases:
        made += _bought(chain, purchase, allowed.get(purchase.token, 0))
    swapped = sum(purchase.output for purchase in purchases if purchase.route is not None)
    if swapped:
        made.append(Call(router, unwrapping(swapped, account)))
    return made


def _bought(chain: Chain, purchase: Purchase, allowed: int) -> Iterator[Call]:
    if purchase.route is None:
        yield Call(purchase.token, selector("withdraw(uint256)") + word(purchase.output))
        return
    router = chain.uniswap.router
    if allowed:  # a token like USDT refuses a new allowance while an old one stands
        yield Call(purchase.token, approval(router, 0))
    yield Call(purchase.token, approval(router, purchase.units))
    yield Call(router, _swap(purchase, purchase.route))
    yield Call(purchase.token, approval(router, 0))


def _swap(purchase: Purchase, route: Route) -> bytes:
    if len(route.fees) == 1:
        kind = "(address,address,uint24,address,uint256,uint256,uint160)"
        one = (*route.path, route.fees[0], ROUTER, purchase.output, purchase.units, 0)
        return selector(f"exactOutputSingle({kind})") + encode([kind], [one])
    kind = "(bytes,address,uint256,uint256)"
    several = (_backwards(route), ROUTER, purchase.output, purchase.units)
    return selector(f"exactOutput({kind})") + encode([kind], [several])


def _backwards(route: Route) -> bytes:
    """Write the path from its end, as exact outputs are asked for."""
    path, fees = route.path[::-1], route.fees[::-1]
    return packed(path[0]) + b"".join(
        fee.to_bytes(3, "big") + packed(to) for fee, to in zip(fees, path[1:], strict=True)
    )
