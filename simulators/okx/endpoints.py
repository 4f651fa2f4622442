"""The endpoints: method, path, permission, how often each may be asked in two seconds, and what serves it.

Source: okx.com/docs-v5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from simulators.exchange.book import Book
from simulators.exchange.clock import real_time
from simulators.okx import refusals, replies
from simulators.okx.calls import Call
from simulators.okx.exchange import Exchange
from simulators.okx.refusals import ErrorReply, OrderRefused
from simulators.okx.replies import Json

Serve = Callable[[Exchange, Call], Json]
PAGE = 100


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served where; without a permission it is public and unsigned."""

    name: str
    method: str
    path: str
    permission: str
    limit: int
    serve: Serve


def server_time(exchange: Exchange, call: Call) -> Json:
    """Tell the time that signed requests are checked against."""
    del call
    ahead = timedelta(seconds=float(exchange.scenario.clock_ahead))
    return replies.answer([{"ts": replies.millis(real_time() + ahead)}])


def instruments(exchange: Exchange, call: Call) -> Json:
    """List the markets, or one."""
    _spot(call)
    name = call.word("instId")
    names = [name] if name else exchange.markets.names()
    return replies.answer([replies.instrument(each, exchange.markets.rules(each)) for each in names])


def tickers(exchange: Exchange, call: Call) -> Json:
    """Read the best prices of all markets."""
    _spot(call)
    now, markets = exchange.clock.now(), exchange.markets
    books = {name: Book() if name in call.without_book else markets.book(name) for name in markets.names()}
    return replies.answer([replies.best_prices(name, book, now) for name, book in books.items()])


def books(exchange: Exchange, call: Call) -> Json:
    """Read a market's book."""
    name = call.text("instId")
    exchange.markets.rules(name)
    book = Book() if name in call.without_book else exchange.markets.book(name)
    return replies.answer([replies.depth(book, call.whole("sz") or 1, exchange.clock.now())])


def balance(exchange: Exchange, call: Call) -> Json:
    """Read the account's balances."""
    now = exchange.clock.now()
    stale = timedelta(seconds=float(call.stale))
    return replies.answer([replies.account(exchange, now, now - stale if stale else None)])


def trade_fee(exchange: Exchange, call: Call) -> Json:
    """Say what the account pays in fees."""
    _spot(call)
    exchange.markets.rules(call.text("instId"))
    return replies.answer([replies.fee(exchange, exchange.clock.now())])


def config(exchange: Exchange, call: Call) -> Json:
    """Say what the calling key may do."""
    del exchange
    return replies.answer([replies.configuration(call.key)])


def new_order(exchange: Exchange, call: Call) -> Json:
    """Execute an order."""
    client, now = call.client_order_id(), exchange.clock.now()
    try:
        return replies.answer([replies.placed(exchange.orders.place(client, call.order(), now, call.circumstances))])
    except OrderRefused as no:
        raise no.told(client) from None


def get_order(exchange: Exchange, call: Call) -> Json:
    """Look an order up by the venue's number or the client's id."""
    name, number, client = call.text("instId"), call.whole("ordId"), call.client_order_id()
    exchange.markets.rules(name)
    if number is None and not client:
        raise ErrorReply("51003", "Either client order ID or order ID is required.")
    orders = exchange.orders
    found = orders.by_client(name, client) if number is None else orders.by_number(name, number)
    if found is None or found.known_at > exchange.clock.now():
        raise ErrorReply(*refusals.NO_SUCH_ORDER)
    return replies.answer([replies.order(found)])


def fills(exchange: Exchange, call: Call) -> Json:
    """List trades, newest first, of one market or one order where it is named."""
    _spot(call)
    name, number, before = call.word("instId"), call.whole("ordId"), call.whole("after")
    now, limit = exchange.clock.now(), min(call.whole("limit") or PAGE, PAGE)
    orders = [each for each in exchange.orders.all() if each.listed_at <= now]
    rows = [
        replies.trade(order, trade)
        for order in orders
        if (not name or order.symbol == name) and (number is None or order.order_id == number)
        for trade in reversed(order.trades)
        if before is None or trade.trade_id < before
    ]
    return replies.answer(rows[:limit])


def convertible(exchange: Exchange, call: Call) -> Json:
    """List what easy convert would take, and what it pays in."""
    _from_trading(call)
    desk = exchange.easy_convert
    return replies.answer([replies.convertible(desk.convertible(), desk.targets())])


def convert(exchange: Exchange, call: Call) -> Json:
    """Convert small balances."""
    _from_trading(call)
    made = exchange.easy_convert.convert(call.codes(), call.text("toCcy"), exchange.clock.now(), call.convert)
    return replies.answer([replies.converted(each) for each in made])


def converted(exchange: Exchange, call: Call) -> Json:
    """List past conversions, newest first."""
    after, before = call.whole("after"), call.whole("before")
    made = [
        each
        for each in exchange.easy_convert.history(exchange.clock.now())
        if (after is None or int(replies.millis(each.time)) < after)
        and (before is None or int(replies.millis(each.time)) > before)
    ]
    rows = [replies.converted(each) | {"acct": "18"} for each in made]
    return replies.answer(rows[: min(call.whole("limit") or PAGE, PAGE)])


def _spot(call: Call) -> None:
    if call.text("instType") != "SPOT":
        raise refusals.wrong("instType")


def _from_trading(call: Call) -> None:
    if call.word("source", "1") != "1":
        raise refusals.wrong("source")


ENDPOINTS = (
    Endpoint("server_time", "GET", "/api/v5/public/time", "", 10, server_time),
    Endpoint("instruments", "GET", "/api/v5/public/instruments", "", 20, instruments),
    Endpoint("tickers", "GET", "/api/v5/market/tickers", "", 20, tickers),
    Endpoint("books", "GET", "/api/v5/market/books", "", 40, books),
    Endpoint("balance", "GET", "/api/v5/account/balance", "read_only", 10, balance),
    Endpoint("trade_fee", "GET", "/api/v5/account/trade-fee", "read_only", 5, trade_fee),
    Endpoint("config", "GET", "/api/v5/account/config", "read_only", 5, config),
    Endpoint("new_order", "POST", "/api/v5/trade/order", "trade", 60, new_order),
    Endpoint("get_order", "GET", "/api/v5/trade/order", "read_only", 60, get_order),
    Endpoint("fills", "GET", "/api/v5/trade/fills-history", "read_only", 10, fills),
    Endpoint("convertible", "GET", "/api/v5/trade/easy-convert-currency-list", "read_only", 1, convertible),
    Endpoint("convert", "POST", "/api/v5/trade/easy-convert", "trade", 1, convert),
    Endpoint("converted", "GET", "/api/v5/trade/easy-convert-history", "read_only", 1, converted),
)
_AT = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


def find_endpoint(method: str, path: str) -> Endpoint | None:
    """Find what serves a path."""
    return _AT.get((method, path))
