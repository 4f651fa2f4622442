"""From simulated sales and feeds to markets with a bid and an ask.

The bid of a token is what one unit brings when the whole holding is sold; the ask is what one unit of a small part
brings over the same route. A holding that would crash its own pool has a bid far below its ask, and no fair price.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from domain.venue import Price, Product
from events.values import LegKind
from venues.evm.assets import token as named
from venues.evm.feeds import Feeds
from venues.evm.registry import Chain
from venues.evm.routes import Route, Sale

# How far a pool's price of a known token may stand from that token's feed, as a part of the feed's.
APART: Final = Decimal("0.1")
UNWRAP: Final = "unwrap"
PAR: Final = Price(Decimal(1), Decimal(1))


def product(chain: Chain, address: str, decimals: int, route: str, target: str, target_decimals: int) -> Product:
    """Return the market of a token in the asset `target`, named by its route and its contract."""
    unit = Decimal(1).scaleb(-decimals)
    return Product(
        name=f"{route}@{address}",
        base=named(chain.chain_id, address),
        quote=target,
        base_increment=unit,
        quote_increment=Decimal(1).scaleb(-target_decimals),
        base_minimum=unit,
        quote_minimum=Decimal(1).scaleb(-target_decimals),
        exit=LegKind.SWAP,
    )


def route_name(route: Route, chain: Chain) -> str:
    """Write a route for its reader: `v3:3000`, `v3:3000,500 via WETH`, `v2`."""
    pools = f"v3:{','.join(map(str, route.fees))}" if route.fees else "v2"
    if route.via is None:
        return pools
    middle = chain.known(route.via)
    return f"{pools} via {middle.symbol if middle else route.via}"


def price_of(sale: Sale, decimals: int, target_decimals: int) -> Price:
    """Return bid and ask in whole units of the target."""
    shift = decimals - target_decimals
    bid = (Decimal(sale.proceeds) / sale.units).scaleb(shift)
    ask = (Decimal(sale.part_proceeds) / sale.part).scaleb(shift)
    return Price(bid, ask or None)


def checked(price: Price, symbol: str, worth: Decimal, feeds: Feeds) -> Price:
    """Withdraw the price of a known token when its feed says something else; `worth` is the target's in USD."""
    known = feeds.usd(symbol)
    if known is None or price.bid is None:
        return price
    paid = price.bid * worth
    if abs(paid - known) <= known * APART:
        return price
    sentence = f"a sale would bring {paid:.6g} USD for one, while the feed of {symbol} says {known:.6g}"
    return Price(None, None, f"{sentence}; the pools or the feed are wrong")


def by_name(prices: Mapping[str, Price], names: list[str]) -> dict[str, Price]:
    """Return the prices of the named products; one that was not quoted has none."""
    return {name: prices.get(name, Price(None, None)) for name in names}
