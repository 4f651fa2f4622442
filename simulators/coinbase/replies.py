"""The shapes of the venue's replies. Every number is a string without an exponent.

Source: docs.cdp.coinbase.com, Advanced Trade REST reference; the types of coinbase-advanced-py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from simulators.coinbase.arithmetic import ZERO, exactly, trimmed
from simulators.coinbase.book import Book
from simulators.coinbase.clock import rfc3339
from simulators.coinbase.conversions import STARTED
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.market import currencies
from simulators.coinbase.orders import Estimate, OrderRequest
from simulators.coinbase.refusals import ORDER_ERRORS, UNKNOWN, Failure
from simulators.coinbase.state import Conversion, Fill, Order, Wallet

Json = dict[str, object]
AVERAGE_STEP = Decimal(1).scaleb(-16)
WALLETS_OPENED = "2021-05-31T09:59:59.000000Z"


def money(value: Decimal, currency: str) -> Json:
    """Write an amount."""
    return {"value": trimmed(value), "currency": currency}


def account(exchange: Exchange, wallet: Wallet, moment: datetime | None) -> Json:
    """Write a wallet, as of a moment in the past where one is given."""
    available, hold = exchange.wallets.seen(wallet.currency, moment)
    return {
        "uuid": wallet.uuid,
        "name": f"{wallet.currency} Wallet",
        "currency": wallet.currency,
        "available_balance": money(available, wallet.currency),
        "default": False,
        "active": True,
        "created_at": WALLETS_OPENED,
        "updated_at": WALLETS_OPENED,
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if wallet.fiat else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": money(hold, wallet.currency),
        "retail_portfolio_id": exchange.portfolio,
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def product(exchange: Exchange, name: str) -> Json:
    """Write a product's rules and flags."""
    rules, book = exchange.market.product(name), exchange.market.book(name)
    base, quote = currencies(name)
    return {
        "product_id": name,
        "price": trimmed(book.bid) if book.bid else "",
        "price_percentage_change_24h": "0",
        "volume_24h": "0",
        "volume_percentage_change_24h": "0",
        "base_increment": trimmed(rules.base_increment),
        "quote_increment": trimmed(rules.quote_increment),
        "quote_min_size": trimmed(rules.quote_min_size),
        "quote_max_size": trimmed(rules.quote_max_size),
        "base_min_size": trimmed(rules.base_min_size),
        "base_max_size": trimmed(rules.base_max_size),
        "base_name": base,
        "quote_name": quote,
        "watched": False,
        "is_disabled": rules.is_disabled,
        "new": False,
        "status": rules.status,
        "cancel_only": rules.cancel_only,
        "limit_only": rules.limit_only,
        "post_only": rules.post_only,
        "trading_disabled": rules.trading_disabled,
        "auction_mode": rules.auction_mode,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": base,
        "fcm_trading_session_details": None,
        "mid_market_price": _middle(book),
        "alias": rules.alias,
        "alias_to": exchange.market.aliases(name),
        "base_display_symbol": base,
        "quote_display_symbol": "USD" if quote == "USDC" else quote,
        "view_only": rules.view_only,
        "price_increment": trimmed(exchange.market.price_increment(name)),
        "display_name": f"{base}-{quote}",
        "product_venue": "CBE",
        "approximate_quote_24h_volume": "0",
        "future_product_details": None,
    }


def best_prices(name: str, book: Book, now: datetime) -> Json:
    """Write the best level of each side of a book."""
    return {
        "product_id": name,
        "bids": [{"price": trimmed(level.price), "size": trimmed(level.size)} for level in book.bids[:1]],
        "asks": [{"price": trimmed(level.price), "size": trimmed(level.size)} for level in book.asks[:1]],
        "time": rfc3339(now),
    }


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


def fee_tier(rate: Decimal) -> Json:
    """Write the user's fee tier."""
    return {
        "pricing_tier": "",
        "usd_from": "0",
        "usd_to": "1000",
        "taker_fee_rate": trimmed(rate),
        "maker_fee_rate": trimmed(rate / 2),
        "aop_from": "",
        "aop_to": "",
    }


def conversion(exchange: Exchange, trade: Conversion) -> Json:
    """Write a convert trade: `total` leaves the source, `amount` lands in the target."""
    leaves, lands = money(trade.amount, trade.source), money(trade.amount, trade.target)
    fee = {"title": "Fees", "description": "", "amount": money(ZERO, trade.source), "label": "", "disclosure": None}
    one = {"amount": money(Decimal(1), trade.source), "scale": 2}
    reason = {"message": trade.reason, "code": "", "error_code": "", "error_cta": ""}
    sides = [_ledger_account(exchange, currency) for currency in (trade.source, trade.target)]
    return {
        "id": trade.trade_id,
        "status": trade.status,
        "user_entered_amount": leaves,
        "amount": lands,
        "subtotal": leaves,
        "total": leaves,
        "fees": [],
        "total_fee": fee,
        "source": sides[0],
        "target": sides[1],
        "unit_price": {"target_to_fiat": one, "target_to_source": one, "source_to_fiat": one},
        "user_warnings": [],
        "user_reference": trade.trade_id[:8].upper(),
        "source_currency": trade.source,
        "target_currency": trade.target,
        "cancellation_reason": reason if trade.status != STARTED else dict.fromkeys(reason, ""),
        "source_id": exchange.wallets.uuid(trade.source),
        "target_id": exchange.wallets.uuid(trade.target),
        "subscription_info": None,
        "exchange_rate": money(Decimal(1), trade.source),
        "tax_details": [],
        "trade_incentive_info": None,
        "total_fee_without_tax": fee,
        "fiat_denoted_total": leaves,
    }


def _ledger_account(exchange: Exchange, currency: str) -> Json:
    owner = {"id": exchange.user, "uuid": exchange.user, "user_uuid": exchange.user, "type": "RETAIL"}
    return {
        "type": "RETAIL_PORTFOLIO",
        "network": "internal",
        "ledger_account": {"account_id": exchange.wallets.uuid(currency), "currency": currency, "owner": owner},
    }


@exactly()
def _average(value: Decimal, size: Decimal) -> Decimal:
    return (value / size).quantize(AVERAGE_STEP, ROUND_HALF_EVEN) if size else ZERO


@exactly()
def _middle(book: Book) -> str:
    return trimmed((book.bid + book.ask) / 2) if book.bid and book.ask else ""


@exactly()
def _completion(entity: Order) -> str:
    if entity.status == "FILLED":
        return "100"
    asked = entity.base_size if entity.base_size is not None else entity.quote_size
    done = entity.filled_size if entity.base_size is not None else entity.value_after_fees
    return trimmed((done / asked * 100).quantize(Decimal("0.01"))) if asked else "0"
