"""The shapes of the venue's replies. Amounts are plain strings, times are milliseconds, written as strings too.

Source: bybit-exchange.github.io/docs/v5.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from simulators.bybit.exchange import Exchange
from simulators.bybit.scenario import SymbolForm
from simulators.bybit.small import status_of
from simulators.bybit.state import Key, SmallQuote, SmallRow
from simulators.exchange.arithmetic import trimmed
from simulators.exchange.book import Book, Level
from simulators.exchange.ledger import HOLD, USER
from simulators.exchange.spot_orders import Order, Trade
from simulators.exchange.state import total

Json = dict[str, object]
UNDER_WAY = ("init", "processing")
NO_TAX: Json = {"totalAmount": "0", "feeCoin": "", "taxFeeItems": []}


def millis(moment: datetime) -> str:
    """Write a moment."""
    return str(int(moment.timestamp() * 1000))


def instrument(name: str, rules: SymbolForm) -> Json:
    """Write a market's rules."""
    return {
        "symbol": name,
        "baseCoin": rules.base,
        "quoteCoin": rules.quote,
        "innovation": "0",
        "status": rules.status,
        "marginTrading": "none",
        "lotSizeFilter": {
            "basePrecision": trimmed(rules.step),
            "quotePrecision": trimmed(rules.quote_step),
            "minOrderQty": trimmed(rules.smallest),
            "maxOrderQty": "1000000000",
            "minOrderAmt": trimmed(rules.least_value),
            "maxOrderAmt": "1000000",
        },
        "priceFilter": {"tickSize": trimmed(rules.tick)},
    }


def best_prices(name: str, book: Book) -> Json:
    """Write the best bid and ask; an empty side is an empty string."""
    bid, ask = (levels[0] if levels else None for levels in (book.bids, book.asks))
    return {
        "symbol": name,
        "bid1Price": trimmed(bid.price) if bid else "",
        "bid1Size": trimmed(bid.size) if bid else "",
        "ask1Price": trimmed(ask.price) if ask else "",
        "ask1Size": trimmed(ask.size) if ask else "",
        "lastPrice": trimmed(bid.price) if bid else "",
    }


def depth(name: str, book: Book, limit: int, now: datetime) -> Json:
    """Write a book, best level first."""

    def side(levels: tuple[Level, ...]) -> list[list[str]]:
        return [[trimmed(each.price), trimmed(each.size)] for each in levels[:limit]]

    return {"s": name, "b": side(book.bids), "a": side(book.asks), "ts": int(millis(now)), "u": 1}


def wallet(exchange: Exchange, as_of: datetime | None) -> Json:
    """Write the account, with balances as of a moment in the past where one is given."""
    ledger, borrowed = exchange.ledger, exchange.scenario.borrowed
    held = {coin for place in (USER, HOLD) for coin in ledger.balances().get(place, {})} | set(borrowed)
    coins = []
    for coin in sorted(held):
        free, locked = (
            ledger.balance_at(place, coin, as_of) if as_of else ledger.balance(place, coin) for place in (USER, HOLD)
        )
        owed = borrowed.get(coin, Decimal(0))
        coins.append(
            {
                "coin": coin,
                "equity": trimmed(free + locked),
                "usdValue": "",
                "walletBalance": trimmed(free + locked + owed),
                "locked": trimmed(locked),
                "spotBorrow": trimmed(owed),
                "borrowAmount": trimmed(owed),
                "totalOrderIM": "0",
                "totalPositionIM": "0",
                "availableToWithdraw": "",
                "unrealisedPnl": "0",
            }
        )
    return {"accountType": "UNIFIED", "totalEquity": "", "totalAvailableBalance": "", "coin": coins}


def fee_rate(exchange: Exchange, name: str) -> Json:
    """Write what the account pays on a market."""
    rate = trimmed(exchange.scenario.taker_fee)
    return {"symbol": name, "takerFeeRate": rate, "makerFeeRate": rate}


def order(found: Order) -> Json:
    """Write an order as it is looked up; what is left of a purchase by value makes it filled in part."""
    by_value, nothing = found.quote_quantity > 0, not found.trades
    whole = found.whole and (not by_value or found.value == found.quote_quantity)
    ended = "Filled" if whole else "Cancelled" if nothing else "PartiallyFilledCanceled"
    return {
        "orderId": str(found.order_id),
        "orderLinkId": found.client_order_id,
        "symbol": found.symbol,
        "side": found.side.title(),
        "orderType": "Market",
        "orderStatus": ended,
        "marketUnit": "quoteCoin" if by_value else "baseCoin",
        "qty": trimmed(found.quote_quantity if by_value else found.quantity),
        "price": "0",
        "avgPrice": "" if nothing else trimmed(found.value / found.filled),
        "cumExecQty": trimmed(found.filled),
        "cumExecValue": trimmed(found.value),
        "cumExecFee": trimmed(total(trade.commission for trade in found.trades)),
        "leavesQty": "0",
        "timeInForce": "IOC",
        "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoImmediateQtyToFill" if nothing else "EC_NoError",
        "createdTime": millis(found.created),
        "updatedTime": millis(found.created),
    }


def execution(of: Order, made: Trade) -> Json:
    """Write a trade of an order."""
    return {
        "symbol": of.symbol,
        "orderId": str(of.order_id),
        "orderLinkId": of.client_order_id,
        "side": of.side.title(),
        "orderType": "Market",
        "execId": f"{made.trade_id:019d}",
        "execPrice": trimmed(made.price),
        "execQty": trimmed(made.size),
        "execValue": trimmed(made.value),
        "execFee": trimmed(made.commission),
        "feeCurrency": made.commission_asset,
        "execType": "Trade",
        "execTime": millis(of.created),
        "isMaker": False,
    }


def key(asking: Key) -> Json:
    """Write what a key may do."""
    may = asking.permissions
    return {
        "apiKey": asking.api_key,
        "note": asking.label,
        "readOnly": 0 if may else 1,
        "secret": "",
        "permissions": {
            "Spot": ["SpotTrade"] if "trading" in may else [],
            "Wallet": ["AccountTransfer", "Withdraw"] if "withdrawals" in may else [],
            "Exchange": ["ExchangeHistory"] if "converting" in may else [],
            "ContractTrade": [],
            "Options": [],
            "Derivatives": ["DerivativesTrade"],
            "Earn": [],
        },
        "ips": ["*"],
        "type": 1,
        "uta": 1,
    }


def small_coin(row: SmallRow) -> Json:
    """Write a small balance as the list has it."""
    return {
        "fromCoin": row.coin,
        "supportConvert": 1 if row.taken else 2,
        "availableBalance": trimmed(row.amount),
        "baseValue": trimmed(row.value),
        "toCoin": "",
        "toAmount": "",
        "exchangeRate": "",
        "feeInfo": None,
        "taxFeeInfo": None,
    }


def small_quote(quote: SmallQuote, fee_rate: Decimal) -> Json:
    """Write a quote."""
    rate = trimmed(fee_rate)
    coins = [
        small_coin(row)
        | {
            "toCoin": quote.target,
            "toAmount": trimmed(row.brings),
            "exchangeRate": trimmed(row.brings / row.amount) if row.amount else "0",
            "feeInfo": {"feeCoin": quote.target, "amount": trimmed(row.fee), "feeRate": rate},
            "taxFeeInfo": NO_TAX,
        }
        for row in quote.rows
    ]
    fees = trimmed(total(row.fee for row in quote.rows))
    return {
        "quoteId": quote.quote_id,
        "result": {
            "quoteCreateTime": millis(quote.created),
            "quoteExpireTime": millis(quote.expires),
            "exchangeCoins": coins,
            "totalFeeInfo": {"feeCoin": quote.target, "amount": fees, "feeRate": rate},
            "totalTaxFeeInfo": NO_TAX,
        },
    }


def confirmed(quote: SmallQuote, now: datetime) -> Json:
    """Write the answer to a confirmation, which never says more than that it is under way."""
    return {
        "quoteId": quote.quote_id,
        "exchangeTxId": quote.quote_id,
        "submitTime": millis(now),
        "status": "processing",
        "msg": "",
    }


def exchanged(quote: SmallQuote, now: datetime) -> Json:
    """Write an exchange as the history has it: what each coin came to, once it has ended."""
    status = status_of(quote, now)
    done = [row for row in quote.rows if row.taken]
    made = [row for row in done if row.coin not in quote.failed] if status not in UNDER_WAY else []
    return {
        "accountType": "eb_convert_uta",
        "exchangeTxId": quote.quote_id,
        "toCoin": quote.target,
        "toAmount": trimmed(total(row.brings for row in made)),
        "subRecords": [_sub_record(quote, row, status) for row in done],
        "status": status,
        "createdAt": millis(quote.created),
        "exchangeSource": "small_asset_uta",
        "feeCoin": quote.target,
        "totalFeeAmount": trimmed(total(row.fee for row in made)),
        "totalTaxFeeInfo": NO_TAX,
    }


def _sub_record(quote: SmallQuote, row: SmallRow, status: str) -> Json:
    one = status if status in UNDER_WAY else "failure" if row.coin in quote.failed else "success"
    made = one == "success"
    return {
        "fromCoin": row.coin,
        "fromAmount": trimmed(row.amount) if made else "0",
        "toCoin": quote.target,
        "toAmount": trimmed(row.brings) if made else "0",
        "feeCoin": quote.target,
        "feeAmount": trimmed(row.fee) if made else "0",
        "status": one,
        "taxFeeInfo": NO_TAX,
    }
