"""The shapes of the venue's replies. Numbers and times are text.

Source: okx.com/docs-v5, Trading Account, Order Book Trading, Public Data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from simulators.exchange.arithmetic import trimmed
from simulators.exchange.book import Book, Level
from simulators.exchange.ledger import HOLD, USER
from simulators.exchange.spot_orders import Order, Trade
from simulators.exchange.state import total
from simulators.okx.exchange import Exchange
from simulators.okx.scenario import MarketForm
from simulators.okx.state import Conversion, Key

Json = dict[str, object]


def answer(rows: Sequence[object]) -> Json:
    """Write a success."""
    return {"code": "0", "data": list(rows), "msg": ""}


def millis(moment: datetime) -> str:
    """Write a moment."""
    return str(int(moment.timestamp() * 1000))


def instrument(name: str, rules: MarketForm) -> Json:
    """Write a market's rules."""
    return {
        "instType": "SPOT",
        "instId": name,
        "baseCcy": rules.base,
        "quoteCcy": rules.quote,
        "tickSz": trimmed(rules.tick),
        "lotSz": trimmed(rules.step),
        "minSz": trimmed(rules.smallest),
        "state": rules.state,
        "listTime": "1606468572000",
        "expTime": "",
        "lever": "",
        "maxMktAmt": "1000000",
        "maxMktSz": "",
        "uly": "",
    }


def best_prices(name: str, book: Book, now: datetime) -> Json:
    """Write the best bid and ask; an empty side is empty text."""
    bid, ask = (levels[0] if levels else None for levels in (book.bids, book.asks))
    return {
        "instType": "SPOT",
        "instId": name,
        "bidPx": trimmed(bid.price) if bid else "",
        "bidSz": trimmed(bid.size) if bid else "",
        "askPx": trimmed(ask.price) if ask else "",
        "askSz": trimmed(ask.size) if ask else "",
        "ts": millis(now),
    }


def depth(book: Book, limit: int, now: datetime) -> Json:
    """Write a book, best level first."""
    return {"asks": _levels(book.asks, limit), "bids": _levels(book.bids, limit), "ts": millis(now)}


def _levels(levels: Sequence[Level], limit: int) -> list[list[str]]:
    return [[trimmed(each.price), trimmed(each.size), "0", "1"] for each in levels[:limit]]


def account(exchange: Exchange, now: datetime, as_of: datetime | None) -> Json:
    """Write the account, with balances as of a moment in the past where one is given; zeros are left out."""
    ledger, details = exchange.ledger, []
    for code in sorted({code for books in ledger.balances().values() for code in books} | set(ledger.opening[USER])):
        free, frozen = (
            ledger.balance_at(where, code, as_of) if as_of else ledger.balance(where, code) for where in (USER, HOLD)
        )
        if free or frozen:
            details.append(
                {
                    "ccy": code,
                    "availBal": trimmed(free),
                    "frozenBal": trimmed(frozen),
                    "cashBal": trimmed(total((free, frozen))),
                    "uTime": millis(now),
                }
            )
    return {"uTime": millis(now), "totalEq": "", "details": details}


def fee(exchange: Exchange, now: datetime) -> Json:
    """Write what the account pays: below zero, because it is charged."""
    rate = trimmed(exchange.scenario.taker_fee.copy_negate())
    return {"category": "1", "instType": "SPOT", "level": "Lv1", "maker": rate, "taker": rate, "ts": millis(now)}


def configuration(key: Key | None) -> Json:
    """Write what the key may do."""
    permissions = sorted(key.permissions if key else ())
    return {
        "uid": "44705892343619584",
        "mainUid": "44705892343619584",
        "acctLv": "1",
        "label": key.label if key else "",
        "ip": "",
        "perm": ",".join(permissions),
    }


def placed(made: Order) -> Json:
    """Write the answer to a new order."""
    return {"clOrdId": made.client_order_id, "ordId": str(made.order_id), "tag": "", "sCode": "0", "sMsg": ""}


def order(found: Order) -> Json:
    """Write an order as it is looked up."""
    by_value = found.quote_quantity > 0
    charged = total(trade.commission for trade in found.trades)
    return {
        "instType": "SPOT",
        "instId": found.symbol,
        "ordId": str(found.order_id),
        "clOrdId": found.client_order_id,
        "ordType": "market",
        "tdMode": "cash",
        "side": found.side.lower(),
        "tgtCcy": "quote_ccy" if by_value else "base_ccy",
        "sz": trimmed(found.quote_quantity if by_value else found.quantity),
        "px": "",
        "accFillSz": trimmed(found.filled),
        "avgPx": _average(found),
        "state": "filled" if found.whole else "canceled",
        "fee": trimmed(charged.copy_negate()),
        "feeCcy": found.trades[0].commission_asset if found.trades else "",
        "cTime": millis(found.created),
        "uTime": millis(found.created),
    }


def _average(found: Order) -> str:
    return trimmed(found.value / found.filled) if found.filled else ""


def trade(of: Order, made: Trade) -> Json:
    """Write a trade of an order."""
    return {
        "instType": "SPOT",
        "instId": of.symbol,
        "tradeId": str(made.trade_id),
        "billId": str(made.trade_id),
        "ordId": str(of.order_id),
        "clOrdId": of.client_order_id,
        "side": of.side.lower(),
        "fillPx": trimmed(made.price),
        "fillSz": trimmed(made.size),
        "fee": trimmed(made.commission.copy_negate()),
        "feeCcy": made.commission_asset,
        "execType": "T",
        "ts": millis(of.created),
        "fillTime": millis(of.created),
    }


def convertible(amounts: dict[str, Decimal], targets: list[str]) -> Json:
    """Write what easy convert would take."""
    rows = [{"fromCcy": code, "fromAmt": trimmed(free)} for code, free in amounts.items()]
    return {"fromData": rows, "toCcy": targets}


def converted(made: Conversion) -> Json:
    """Write one currency of an easy convert."""
    return {
        "fromCcy": made.source,
        "fillFromSz": trimmed(made.amount),
        "toCcy": made.target,
        "fillToSz": trimmed(made.brought),
        "status": made.status,
        "uTime": millis(made.time),
    }
