"""OKX's markets in our words.

Source: okx.com/docs-v5, "Get instruments". The vendor names no grid for amounts in quote currency and no minimum in it;
ccxt cuts such amounts at the market's tick, and the minimum of a purchase is that of its size at the best ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal, localcontext

from domain.venue import Price, Product
from venues.okx.client import Client
from venues.okx.replies import Instrument, Rows, Ticker

NAME = "okx"
# The finest amount of quote currency that an order is made for, where the tick is finer.
FINEST = Decimal("0.00000001")


def asset(code: str) -> str:
    """Name an asset: `okx:EIGEN`."""
    return f"{NAME}:{code}"


def moment(milliseconds: str) -> datetime:
    """Read a time of the venue's."""
    whole = int(milliseconds)
    return datetime.fromtimestamp(whole // 1000, UTC) + timedelta(milliseconds=whole % 1000)


def number(text: str) -> Decimal:
    """Read a number that may be empty, which is zero."""
    return Decimal(text or 0)


def product(instrument: Instrument, asks: Mapping[str, Decimal | None]) -> Product:
    """Read a market; `asks` are the best ones by market, without one a purchase has no minimum yet."""
    step, least = number(instrument.lot_sz), number(instrument.min_sz)
    grid = max(number(instrument.tick_sz), FINEST)
    return Product(
        name=instrument.inst_id,
        base=asset(instrument.base_ccy),
        quote=asset(instrument.quote_ccy),
        base_increment=step,
        quote_increment=grid,
        base_minimum=least,
        quote_minimum=least_value(least, asks.get(instrument.inst_id), grid),
        closed=_closed(instrument, step),
    )


def least_value(size: Decimal, ask: Decimal | None, grid: Decimal) -> Decimal:
    """Say what buying so little costs, on the grid of values."""
    if not ask:
        return grid
    with localcontext(prec=60):
        return (size * ask / grid).to_integral_value(ROUND_CEILING) * grid


def _closed(instrument: Instrument, step: Decimal) -> str:
    """Return the venue's word for why the market takes no order now, empty when it does."""
    if instrument.state != "live":
        return instrument.state or "without state"
    return "" if step > 0 else "without an increment"


def best_prices(client: Client) -> dict[str, Price]:
    """Read the best bids and asks of all spot markets in one request."""
    listed = client.read(Rows[Ticker], client.api.tickers, instType="SPOT")
    return {each.inst_id: Price(_some(each.bid_px), _some(each.ask_px)) for each in listed.items}


def _some(price: str) -> Decimal | None:
    """A side of the book without orders has no price; zero is none either."""
    return number(price) or None
