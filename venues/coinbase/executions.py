"""The trades of an order, in base units, once they add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

from events.money import Amount, exactly_less, exactly_sum, floor_to
from events.values import Execution
from venues.coinbase.replies import Order, Trade

# The finest step in which the venue writes sizes.
STEP = Decimal(1).scaleb(-16)


def executions_of(order: Order, trades: Sequence[Trade], quote: str) -> tuple[Execution, ...] | None:
    """Return the order's trades, oldest first, or None while some are missing, corrected or reversed."""
    if any(trade.trade_type != "FILL" for trade in trades) or len(trades) != int(order.number_of_fills or "0"):
        return None
    ordered = sorted(trades, key=lambda trade: (trade.trade_time, trade.trade_id))
    sizes = _sizes(order, ordered)
    if sizes is None:
        return None
    return tuple(
        Execution(
            trade.trade_id, Decimal(trade.price), size, Amount(Decimal(trade.commission), quote), trade.trade_time
        )
        for trade, size in zip(ordered, sizes, strict=True)
    )


def _sizes(order: Order, trades: Sequence[Trade]) -> list[Decimal] | None:
    written, filled = [Decimal(trade.size) for trade in trades], Decimal(order.filled_size)
    if not any(trade.size_in_quote for trade in trades):
        return written if exactly_sum(*written) == filled else None
    value, fees = Decimal(order.filled_value), Decimal(order.total_fees or "0")
    whole = exactly_sum(*written) in (value, exactly_sum(value, fees))
    return (
        _shared(filled, [(w, Decimal(trade.price)) for w, trade in zip(written, trades, strict=True)])
        if whole
        else None
    )


def _shared(filled: Decimal, bought: Sequence[tuple[Decimal, Decimal]]) -> list[Decimal]:
    """Cut the filled size by what each trade paid at its price; rounding goes to the last."""
    with localcontext(prec=60):
        weights = [value / price for value, price in bought]
        parts = [floor_to(filled * weight / sum(weights), STEP) for weight in weights[:-1]]
    return [*parts, exactly_less(filled, *parts)]
