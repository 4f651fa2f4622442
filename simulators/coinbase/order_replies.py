"""The shapes of the venue's replies about orders: previews, acceptances, rejections, orders and fills.

Source: docs.cdp.coinbase.com, Advanced Trade REST reference; the types of coinbase-advanced-py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from simulators.coinbase.exchange import Exchange
from simulators.coinbase.orders import Estimate, OrderRequest
from simulators.coinbase.refusals import ORDER_ERRORS, UNKNOWN, Failure
from simulators.coinbase.replies import Json
from simulators.coinbase.state import Fill, Order
from simulators.exchange.arithmetic import DECIMALS, ZERO, exactly, trimmed
from simulators.exchange.clock import rfc3339

AVERAGE_STEP = Decimal(1).scaleb(-DECIMALS)


def preview(request: OrderRequest, estimate: Estimate, preview_id: str) -> Json:
    """Write an estimate: `order_total` is what a sale brings after its fee, or a purchase costs with it."""
    net = estimate.value - estimate.fee if request.side == "SELL" else estimate.value + estimate.fee
    best = estimate.book.bid if request.side == "SELL" else estimate.book.ask
    average = _average(estimate.value, estimate.size)
    return {
        "order_total": trimmed(net),
        "commission_total": trimmed(estimate.fee),
        "errs": list(estimate.failures),
        "warning": [],
        "quote_size": trimmed(estimate.value),
        "base_size": trimmed(estimate.size),
        "best_bid": trimmed(estimate.book.bid or ZERO),
        "best_ask": trimmed(estimate.book.ask or ZERO),
        "is_max": False,
        "order_margin_total": "0",
        "leverage": "",
        "long_leverage": "",
        "short_leverage": "",
        "slippage": trimmed(_average(abs(average - best), best)) if best and average else "0",
        "preview_id": preview_id,
        "current_liquidation_buffer": "",
        "projected_liquidation_buffer": "",
        "max_leverage": "",
        "pnl_configuration": None,
        "est_average_filled_price": trimmed(average),
    }


def accepted(order_id: str, client_order_id: str, request: OrderRequest) -> Json:
    """Write the answer to an accepted order. It repeats the request, not what was executed."""
    return {
        "success": True,
        "failure_reason": UNKNOWN,
        "order_id": order_id,
        "success_response": {
            "order_id": order_id,
            "product_id": request.product_id,
            "side": request.side,
            "client_order_id": client_order_id,
            "attached_order_id": "",
        },
        "order_configuration": dict(request.configuration),
    }


def rejected(failure: str, configuration: Mapping[str, object]) -> Json:
    """Write the answer to a rejected order: it comes with status 200."""
    error, sentence = ORDER_ERRORS.get(Failure(failure), (UNKNOWN, "")) if failure in set(Failure) else (UNKNOWN, "")
    return {
        "success": False,
        "failure_reason": UNKNOWN,
        "order_id": "",
        "error_response": {
            "error": error,
            "message": sentence,
            "error_details": "",
            "preview_failure_reason": failure,
            "new_order_failure_reason": error,
        },
        "order_configuration": dict(configuration),
    }


def order(exchange: Exchange, entity: Order, now: datetime) -> Json:
    """Write an order as it stands."""
    sizes = {"base_size": entity.base_size, "quote_size": entity.quote_size}
    return {
        "order_id": entity.order_id,
        "product_id": entity.product_id,
        "user_id": exchange.user,
        "order_configuration": {
            "market_market_ioc": {name: trimmed(size) for name, size in sizes.items() if size is not None}
        },
        "side": entity.side,
        "client_order_id": entity.client_order_id,
        "status": entity.status,
        "time_in_force": "IMMEDIATE_OR_CANCEL",
        "created_time": rfc3339(entity.created),
        "completion_percentage": _completion(entity),
        "filled_size": trimmed(entity.filled_size),
        "average_filled_price": trimmed(_average(entity.filled_value, entity.filled_size)),
        "fee": "",
        "number_of_fills": str(len(entity.fills)),
        "filled_value": trimmed(entity.filled_value),
        "pending_cancel": False,
        "size_in_quote": entity.quote_size is not None,
        "total_fees": trimmed(entity.fees),
        "size_inclusive_of_fees": entity.quote_size is not None,
        "total_value_after_fees": trimmed(entity.value_after_fees),
        "trigger_status": "INVALID_ORDER_TYPE",
        "order_type": "MARKET",
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": now >= entity.settled_at,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": "" if entity.status == "FILLED" else "Internal error",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": "0",
        "is_liquidation": False,
        "last_fill_time": rfc3339(entity.fills[-1].time) if entity.fills else None,
        "edit_history": [],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": exchange.portfolio,
        "originating_order_id": "",
        "attached_order_id": "",
    }


def fill(exchange: Exchange, entity: Order, trade: Fill) -> Json:
    """Write one trade. Its size is in quote currency when the order's was."""
    in_quote = entity.quote_size is not None
    return {
        "entry_id": trade.entry_id,
        "trade_id": trade.trade_id,
        "order_id": entity.order_id,
        "trade_time": rfc3339(trade.time),
        "trade_type": "FILL",
        "price": trimmed(trade.price),
        "size": trimmed(trade.value if in_quote else trade.size),
        "commission": trimmed(trade.commission),
        "product_id": entity.product_id,
        "sequence_timestamp": rfc3339(trade.time),
        "liquidity_indicator": "TAKER",
        "size_in_quote": in_quote,
        "user_id": exchange.user,
        "side": entity.side,
        "retail_portfolio_id": exchange.portfolio,
    }


@exactly()
def _average(value: Decimal, size: Decimal) -> Decimal:
    return (value / size).quantize(AVERAGE_STEP, ROUND_HALF_EVEN) if size else ZERO


@exactly()
def _completion(entity: Order) -> str:
    if entity.status == "FILLED":
        return "100"
    asked = entity.base_size if entity.base_size is not None else entity.quote_size
    done = entity.filled_size if entity.base_size is not None else entity.value_after_fees
    return trimmed((done / asked * 100).quantize(Decimal("0.01"))) if asked else "0"
