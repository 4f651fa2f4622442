"""The shapes of the venue's replies. Every number is a string without an exponent.

Source: docs.cdp.coinbase.com, Advanced Trade REST reference; the types of coinbase-advanced-py.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from simulators.coinbase.conversions import STARTED
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.market import currencies
from simulators.coinbase.state import Conversion, Wallet
from simulators.exchange.arithmetic import ZERO, exactly, trimmed
from simulators.exchange.book import Book
from simulators.exchange.clock import rfc3339

Json = dict[str, object]
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
def _middle(book: Book) -> str:
    return trimmed((book.bid + book.ask) / 2) if book.bid and book.ask else ""
