"""The shapes of the venue's replies. Amounts are strings with eight decimal places, times are milliseconds.

Source: developers.binance.com, Spot and Wallet REST API.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from simulators.binance.dust import DustDesk
from simulators.binance.exchange import Exchange
from simulators.binance.markets import PLACES
from simulators.binance.scenario import SymbolForm
from simulators.binance.state import DustConversion, DustRow
from simulators.exchange.arithmetic import exactly, trimmed
from simulators.exchange.book import Book
from simulators.exchange.ledger import HOLD, USER
from simulators.exchange.spot_orders import Order, Trade
from simulators.exchange.state import total

Json = dict[str, object]
OFF = "0.00000000"


@exactly()
def amount(quantity: Decimal) -> str:
    """Write an amount."""
    return format(quantity.quantize(Decimal(1).scaleb(-PLACES)), "f")


def millis(moment: datetime) -> int:
    """Write a moment."""
    return int(moment.timestamp() * 1000)


def symbol(name: str, rules: SymbolForm) -> Json:
    """Write a market's rules."""
    filters = [
        _filter("PRICE_FILTER", minPrice=rules.tick, maxPrice=Decimal(1_000_000), tickSize=rules.tick),
        _filter("LOT_SIZE", minQty=rules.smallest, maxQty=rules.largest, stepSize=rules.step),
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        _filter(
            "MARKET_LOT_SIZE",
            minQty=rules.market_smallest,
            maxQty=rules.market_largest,
            stepSize=rules.market_step,
        ),
        _notional(rules),
    ]
    return {
        "symbol": name,
        "status": rules.status,
        "baseAsset": rules.base,
        "baseAssetPrecision": PLACES,
        "quoteAsset": rules.quote,
        "quotePrecision": PLACES,
        "quoteAssetPrecision": PLACES,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", *(["MARKET"] if rules.market_orders else [])],
        "icebergAllowed": True,
        "quoteOrderQtyMarketAllowed": rules.quote_sizes,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters,
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _filter(kind: str, **numbers: Decimal) -> Json:
    return {"filterType": kind, **{name: amount(number) for name, number in numbers.items()}}


def _notional(rules: SymbolForm) -> Json:
    least, binds = amount(rules.notional), rules.binds_market_orders
    if rules.notional_filter == "MIN_NOTIONAL":
        return {"filterType": "MIN_NOTIONAL", "minNotional": least, "applyToMarket": binds, "avgPriceMins": 5}
    return {
        "filterType": "NOTIONAL",
        "minNotional": least,
        "applyMinToMarket": binds,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    }


def best_prices(name: str, book: Book) -> Json:
    """Write the best bid and ask; an empty side is zero."""
    bid, ask = (levels[0] if levels else None for levels in (book.bids, book.asks))
    return {
        "symbol": name,
        "bidPrice": amount(bid.price) if bid else OFF,
        "bidQty": amount(bid.size) if bid else OFF,
        "askPrice": amount(ask.price) if ask else OFF,
        "askQty": amount(ask.size) if ask else OFF,
    }


def depth(book: Book, limit: int) -> Json:
    """Write a book, best level first."""
    sides = {"bids": book.bids, "asks": book.asks}
    levels = {name: [[amount(each.price), amount(each.size)] for each in side[:limit]] for name, side in sides.items()}
    return {"lastUpdateId": 1, **levels}


def account(exchange: Exchange, moment: datetime, as_of: datetime | None, without_zeros: bool) -> Json:
    """Write the account, with balances as of a moment in the past where one is given."""
    ledger, fee = exchange.ledger, amount(exchange.scenario.taker_fee)
    balances = []
    for asset in sorted({asset for books in ledger.balances().values() for asset in books} | _opened(exchange)):
        free, locked = (
            ledger.balance_at(where, asset, as_of) if as_of else ledger.balance(where, asset) for where in (USER, HOLD)
        )
        if free or locked or not without_zeros:
            balances.append({"asset": asset, "free": amount(free), "locked": amount(locked)})
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "commissionRates": {"maker": fee, "taker": fee, "buyer": OFF, "seller": OFF},
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "updateTime": millis(moment),
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 354937868,
    }


def _opened(exchange: Exchange) -> set[str]:
    return set(exchange.scenario.balances)


def commission(exchange: Exchange, name: str) -> Json:
    """Write what the account pays in fees on a market."""
    rate = amount(exchange.scenario.taker_fee)
    rates = {"maker": rate, "taker": rate, "buyer": OFF, "seller": OFF}
    none = {"maker": OFF, "taker": OFF, "buyer": OFF, "seller": OFF}
    in_bnb = exchange.scenario.fees_in_bnb
    return {
        "symbol": name,
        "standardCommission": rates,
        "specialCommission": none,
        "taxCommission": none,
        "discount": {"enabledForAccount": in_bnb, "enabledForSymbol": True, "discountAsset": "BNB", "discount": OFF},
    }


def order(found: Order) -> Json:
    """Write an order as it is looked up."""
    return {
        "symbol": found.symbol,
        "orderId": found.order_id,
        "orderListId": -1,
        "clientOrderId": found.client_order_id,
        "price": OFF,
        "origQty": amount(found.quantity),
        "executedQty": amount(found.filled),
        "cummulativeQuoteQty": amount(found.value),
        "status": "FILLED" if found.whole else "EXPIRED",
        "timeInForce": "GTC",
        "type": "MARKET",
        "side": found.side,
        "stopPrice": OFF,
        "icebergQty": OFF,
        "time": millis(found.created),
        "updateTime": millis(found.created),
        "isWorking": True,
        "workingTime": millis(found.created),
        "origQuoteOrderQty": amount(found.quote_quantity),
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def placed(made: Order) -> Json:
    """Write the full answer to a new order."""
    answer = order(made)
    for name in ("time", "updateTime", "isWorking", "stopPrice", "icebergQty"):
        del answer[name]
    fills = [
        {"price": amount(trade.price), "qty": amount(trade.size), "commission": amount(trade.commission)}
        | {"commissionAsset": trade.commission_asset, "tradeId": trade.trade_id}
        for trade in made.trades
    ]
    return answer | {"transactTime": millis(made.created), "fills": fills}


def trade(of: Order, made: Trade) -> Json:
    """Write a trade of an order."""
    return {
        "symbol": of.symbol,
        "id": made.trade_id,
        "orderId": of.order_id,
        "orderListId": -1,
        "price": amount(made.price),
        "qty": amount(made.size),
        "quoteQty": amount(made.value),
        "commission": amount(made.commission),
        "commissionAsset": made.commission_asset,
        "time": millis(of.created),
        "isBuyer": of.side == "BUY",
        "isMaker": False,
        "isBestMatch": True,
    }


def converted(made: DustConversion) -> Json:
    """Write the answer to a dust conversion."""
    return {
        "totalServiceCharge": trimmed(total(row.fee for row in made.rows)),
        "totalTransfered": trimmed(total(row.brought for row in made.rows)),
        "transferResult": [_dust_row(made, row) | {"tranId": made.number} for row in made.rows],
    }


def logged(made: DustConversion) -> Json:
    """Write a dust conversion as the log has it."""
    return {
        "operateTime": millis(made.time),
        "totalTransferedAmount": trimmed(total(row.brought for row in made.rows)),
        "totalServiceChargeAmount": trimmed(total(row.fee for row in made.rows)),
        "transId": made.number,
        "userAssetDribbletDetails": [
            _dust_row(made, row) | {"transId": made.number, "targetAsset": made.target} for row in made.rows
        ],
    }


def _dust_row(made: DustConversion, row: DustRow) -> Json:
    return {
        "fromAsset": row.asset,
        "amount": trimmed(row.amount),
        "transferedAmount": trimmed(row.brought),
        "serviceChargeAmount": trimmed(row.fee),
        "operateTime": millis(made.time),
    }


def convertible_to_bnb(desk: DustDesk, rows: list[DustRow], fee: Decimal) -> Json:
    """Write what the classic desk would take."""
    return {
        "details": [
            {
                "asset": row.asset,
                "assetFullName": row.asset,
                "amountFree": trimmed(row.amount),
                "toBTC": trimmed(desk.in_btc(row.asset, row.amount)),
                "toBNB": trimmed(row.brought),
                "toBNBOffExchange": trimmed(row.brought - row.fee),
                "exchange": trimmed(row.fee),
            }
            for row in rows
        ],
        "totalTransferBtc": trimmed(total(desk.in_btc(row.asset, row.amount) for row in rows)),
        "totalTransferBNB": trimmed(total(row.brought for row in rows)),
        "dribbletPercentage": trimmed(fee),
    }


def convertible(desk: DustDesk, rows: list[DustRow], fee: Decimal) -> Json:
    """Write what the newer desk would take."""
    return {
        "details": [
            {
                "asset": row.asset,
                "assetFullName": row.asset,
                "amountFree": trimmed(row.amount),
                "exchange": trimmed(row.fee),
                "toQuotaAssetAmount": trimmed(desk.in_btc(row.asset, row.amount)),
                "toTargetAssetAmount": trimmed(row.brought),
                "toTargetAssetOffExchange": trimmed(row.brought - row.fee),
            }
            for row in rows
        ],
        "totalTransferQuotaAssetAmount": trimmed(total(desk.in_btc(row.asset, row.amount) for row in rows)),
        "totalTransferTargetAssetAmount": trimmed(total(row.brought for row in rows)),
        "dribbletPercentage": trimmed(fee),
        "dribbletBase": "0.001",
    }
