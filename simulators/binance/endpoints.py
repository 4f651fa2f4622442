"""The endpoints: method, path, permission, weight, and the function that serves each.

Source: developers.binance.com, Spot and Wallet REST API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from simulators.binance import replies
from simulators.binance.calls import Call
from simulators.binance.exchange import Exchange
from simulators.binance.refusals import INVALID_SYMBOL, NO_SUCH_ORDER, ErrorReply, missing
from simulators.binance.replies import Json
from simulators.exchange.book import Book
from simulators.exchange.clock import real_time

Serve = Callable[[Exchange, Call], object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served where; without a permission it is public and unsigned."""

    name: str
    method: str
    path: str
    permission: str
    weight: int
    serve: Serve


def server_time(exchange: Exchange, call: Call) -> Json:
    """Tell the time that signed requests are checked against."""
    del call
    ahead = timedelta(seconds=float(exchange.scenario.clock_ahead))
    return {"serverTime": replies.millis(real_time() + ahead)}


def exchange_info(exchange: Exchange, call: Call) -> Json:
    """List the markets."""
    names = _named(exchange, call) or exchange.markets.names()
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
    return {
        "timezone": "UTC",
        "serverTime": replies.millis(exchange.clock.now()),
        "rateLimits": [limit | {"limit": exchange.scenario.weight_per_minute}],
        "exchangeFilters": [],
        "symbols": [replies.symbol(name, exchange.markets.rules(name)) for name in names],
    }


def book_ticker(exchange: Exchange, call: Call) -> object:
    """Read the best prices: of one symbol, of those listed, or of all."""
    names = _named(exchange, call) or exchange.markets.names()
    books = {name: Book() if name in call.without_book else exchange.markets.book(name) for name in names}
    prices = [replies.best_prices(name, book) for name, book in books.items()]
    return prices[0] if call.word("symbol") else prices


def depth(exchange: Exchange, call: Call) -> Json:
    """Read a symbol's book."""
    name = call.text("symbol")
    exchange.markets.rules(name)
    book = Book() if name in call.without_book else exchange.markets.book(name)
    return replies.depth(book, _whole(call.word("limit", "100")))


def account(exchange: Exchange, call: Call) -> Json:
    """Read the account's balances."""
    now = exchange.clock.now()
    stale = timedelta(seconds=float(call.stale))
    as_of = now - stale if stale else None
    return replies.account(exchange, now, as_of, call.word("omitZeroBalances") == "true")


def commission(exchange: Exchange, call: Call) -> Json:
    """Say what the account pays in fees on a market."""
    name = call.text("symbol")
    exchange.markets.rules(name)
    return replies.commission(exchange, name)


def test_order(exchange: Exchange, call: Call) -> Json:
    """Check an order against the market's filters, not against the balance; nothing moves."""
    exchange.orders.check(call.order(), call.circumstances, funded=False)
    return {}


def new_order(exchange: Exchange, call: Call) -> Json:
    """Execute an order."""
    client = call.client_order_id() or exchange.ids.next("order")
    return replies.placed(exchange.orders.place(client, call.order(), exchange.clock.now(), call.circumstances))


def get_order(exchange: Exchange, call: Call) -> Json:
    """Look an order up by the venue's number or the client's id."""
    symbol, number, client = call.text("symbol"), call.word("orderId"), call.word("origClientOrderId")
    exchange.markets.rules(symbol)
    if not number and not client:
        raise missing("orderId")
    orders = exchange.orders
    found = orders.by_number(symbol, _whole(number)) if number else orders.by_client(symbol, client)
    if found is None or found.known_at > exchange.clock.now():
        raise ErrorReply(*NO_SUCH_ORDER)
    return replies.order(found)


def my_trades(exchange: Exchange, call: Call) -> list[Json]:
    """List the trades of a symbol, of one order where it is named."""
    symbol, number, now = call.text("symbol"), call.word("orderId"), exchange.clock.now()
    exchange.markets.rules(symbol)
    orders = [order for order in reversed(exchange.orders.all()) if order.symbol == symbol and order.listed_at <= now]
    if number:
        orders = [order for order in orders if order.order_id == _whole(number)]
    return [replies.trade(order, trade) for order in orders for trade in order.trades][-1000:]


def api_restrictions(exchange: Exchange, call: Call) -> Json:
    """Say what the calling key may do."""
    permissions = call.key.permissions if call.key else frozenset()
    return {
        "ipRestrict": False,
        "createTime": replies.millis(exchange.clock.now()),
        "enableReading": "reading" in permissions,
        "enableWithdrawals": "withdrawals" in permissions,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": "trading" in permissions,
        "enablePortfolioMarginTrading": False,
    }


def dust_transfer(exchange: Exchange, call: Call) -> Json:
    """Convert small balances into BNB."""
    return replies.converted(exchange.dust.convert(call.assets(), "BNB", "", exchange.clock.now(), call.dust))


def dust_assets(exchange: Exchange, call: Call) -> Json:
    """List what the classic desk would take."""
    del call
    return replies.convertible_to_bnb(exchange.dust, exchange.dust.convertible("BNB"), exchange.scenario.dust.fee)


def dust_log(exchange: Exchange, call: Call) -> Json:
    """List past dust conversions, newest first."""
    since, until = call.word("startTime"), call.word("endTime")
    made = [
        each
        for each in exchange.dust.log(exchange.clock.now())
        if (not since or replies.millis(each.time) >= _whole(since))
        and (not until or replies.millis(each.time) <= _whole(until))
    ]
    return {"total": len(made), "userAssetDribblets": [replies.logged(each) for each in made]}


def dust_convertible(exchange: Exchange, call: Call) -> Json:
    """List what the newer desk would take for a target."""
    rows = exchange.dust.convertible(call.text("targetAsset"))
    return replies.convertible(exchange.dust, rows, exchange.scenario.dust.fee)


def dust_convert(exchange: Exchange, call: Call) -> Json:
    """Convert small balances into a target."""
    target, now = call.word("targetAsset", "BNB"), exchange.clock.now()
    return replies.converted(exchange.dust.convert(call.assets(), target, call.word("clientId"), now, call.dust))


def _named(exchange: Exchange, call: Call) -> list[str]:
    named = sorted(call.products())
    if not all(exchange.markets.find(name) for name in named):
        raise ErrorReply(*INVALID_SYMBOL)
    return named


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise missing("orderId")
    return int(text)


ENDPOINTS = (
    Endpoint("server_time", "GET", "/api/v3/time", "", 1, server_time),
    Endpoint("exchange_info", "GET", "/api/v3/exchangeInfo", "", 20, exchange_info),
    Endpoint("book_ticker", "GET", "/api/v3/ticker/bookTicker", "", 4, book_ticker),
    Endpoint("depth", "GET", "/api/v3/depth", "", 5, depth),
    Endpoint("account", "GET", "/api/v3/account", "reading", 20, account),
    Endpoint("commission", "GET", "/api/v3/account/commission", "reading", 20, commission),
    Endpoint("test_order", "POST", "/api/v3/order/test", "trading", 1, test_order),
    Endpoint("new_order", "POST", "/api/v3/order", "trading", 1, new_order),
    Endpoint("get_order", "GET", "/api/v3/order", "reading", 4, get_order),
    Endpoint("my_trades", "GET", "/api/v3/myTrades", "reading", 20, my_trades),
    Endpoint("api_restrictions", "GET", "/sapi/v1/account/apiRestrictions", "reading", 1, api_restrictions),
    Endpoint("dust_transfer", "POST", "/sapi/v1/asset/dust", "trading", 10, dust_transfer),
    Endpoint("dust_assets", "POST", "/sapi/v1/asset/dust-btc", "reading", 1, dust_assets),
    Endpoint("dust_log", "GET", "/sapi/v1/asset/dribblet", "reading", 1, dust_log),
    Endpoint(
        "dust_convertible",
        "POST",
        "/sapi/v1/asset/dust-convert/query-convertible-assets",
        "reading",
        1,
        dust_convertible,
    ),
    Endpoint("dust_convert", "POST", "/sapi/v1/asset/dust-convert/convert", "trading", 10, dust_convert),
)
_AT = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


def find_endpoint(method: str, path: str) -> Endpoint | None:
    """Find what serves a path."""
    return _AT.get((method, path))
