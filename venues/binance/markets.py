"""Binance's markets in our words: the filters of a market become increments and minimums.

Source: developers.binance.com, Spot API, "Filters".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.venue import Product
from venues.binance.replies import Filter, Symbol

NAME = "binance"


def asset(code: str) -> str:
    """Name an asset: `binance:EIGEN`."""
    return f"{NAME}:{code}"


def moment(milliseconds: int) -> datetime:
    """Read a time of the venue's."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)


def product(symbol: Symbol) -> Product:
    """Read a market. A market order keeps both lot filters; its value is at least what the notional filter says."""
    lots = [each for each in symbol.filters if each.filter_type in {"LOT_SIZE", "MARKET_LOT_SIZE"}]
    notional = max([_notional(each) for each in symbol.filters], default=Decimal(0))
    return Product(
        name=symbol.symbol,
        base=asset(symbol.base_asset),
        quote=asset(symbol.quote_asset),
        base_increment=max([Decimal(each.step_size) for each in lots], default=Decimal(0)),
        quote_increment=Decimal(1).scaleb(-symbol.quote_precision),
        base_minimum=max([Decimal(each.min_qty) for each in lots], default=Decimal(0)),
        quote_minimum=notional,
        sale_minimum=notional,
        closed=_closed(symbol, lots),
    )


def _notional(rule: Filter) -> Decimal:
    binds = (rule.filter_type == "NOTIONAL" and rule.apply_min_to_market) or (
        rule.filter_type == "MIN_NOTIONAL" and rule.apply_to_market
    )
    return Decimal(rule.min_notional) if binds else Decimal(0)


def _closed(symbol: Symbol, lots: list[Filter]) -> str:
    """Return the venue's word for why the market takes no market order now, empty when it does."""
    if symbol.status != "TRADING":
        return symbol.status or "without status"
    if not symbol.is_spot_trading_allowed:
        return "without spot trading"
    if "MARKET" not in symbol.order_types:
        return "without market orders"
    if not symbol.quote_order_qty_market_allowed:
        return "without orders by value"
    return "" if any(Decimal(each.step_size) > 0 for each in lots) else "without an increment"
