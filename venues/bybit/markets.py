"""Bybit's markets in our words. Source: bybit-exchange.github.io/docs/v5, "Get Instruments Info"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.venue import Product
from venues.bybit.replies import Instrument, number

NAME = "bybit"


def asset(code: str) -> str:
    """Name an asset: `bybit:EIGEN`."""
    return f"{NAME}:{code}"


def moment(milliseconds: str) -> datetime:
    """Read a time of the venue's."""
    seconds, rest = divmod(int(milliseconds), 1000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=rest)


def millis(at: datetime) -> str:
    """Write a time as the venue reads it."""
    return str(int(at.timestamp() * 1000))


def product(market: Instrument) -> Product:
    """Read a market; its least value binds purchases and sales alike."""
    lot = market.lot_size_filter
    step, least = Decimal(lot.base_precision), Decimal(lot.min_order_amt)
    closed = "" if market.status == "Trading" else market.status or "without status"
    return Product(
        name=market.symbol,
        base=asset(market.base_coin),
        quote=asset(market.quote_coin),
        base_increment=step,
        quote_increment=Decimal(lot.quote_precision),
        base_minimum=max(number(lot.min_order_qty), step),
        quote_minimum=least,
        sale_minimum=least,
        closed=closed,
    )
