"""The endpoints: method, path, permission, and the function that serves each.

Source: bybit-exchange.github.io/docs/v5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from simulators.bybit import replies
from simulators.bybit.calls import WEEK, Call
from simulators.bybit.exchange import Exchange
from simulators.bybit.refusals import BAD_KEY, ErrorReply, bad, enveloped
from simulators.bybit.replies import Json
from simulators.exchange.book import Book
from simulators.exchange.clock import real_time
from simulators.exchange.spot_orders import Order

ANY = "any"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served where; without a permission it is public and unsigned, with `any` every key will do."""

    name: str
    method: str
    path: str
    permission: str
    result: Callable[[Exchange, Call], Json]

    def serve(self, exchange: Exchange, call: Call) -> object:
        """Serve a call."""
        return enveloped(self.result(exchange, call))


def server_time(exchange: Exchange, call: Call) -> Json:
    """Tell the time that signed requests are checked against."""
    del call
    now = real_time() + timedelta(seconds=float(exchange.scenario.clock_ahead))
    return {"timeSecond": replies.millis(now)[:-3], "timeNano": replies.millis(now) + "000000"}


def instruments(exchange: Exchange, call: Call) -> Json:
    """List the markets."""
    return _listed(call, [replies.instrument(name, exchange.markets.rules(name)) for name in _named(exchange, call)])


def tickers(exchange: Exchange, call: Call) -> Json:
    """Read the best prices: of one symbol, or of all."""
    return _listed(call, [replies.best_prices(name, _book(exchange, call, name)) for name in _named(exchange, call)])


def orderbook(exchange: Exchange, call: Call) -> Json:
    """Read a symbol's book."""
    _spot(call)
    name = call.text("symbol")
    exchange.markets.rules(name)
    limit = call.whole("limit", 1, 200)
    return replies.depth(name, _book(exchange, call, name), limit, exchange.clock.now())


def wallet_balance(exchange: Exchange, call: Call) -> Json:
    """Read the account's balances."""
    call.named("accountType", "UNIFIED")
    as_of = exchange.clock.now() - timedelta(seconds=float(call.stale)) if call.stale else None
    return {"list": [replies.wallet(exchange, as_of)]}


def fee_rate(exchange: Exchange, call: Call) -> Json:
    """Say what the account pays on a market, or on each."""
    return _listed(call, [replies.fee_rate(exchange, name) for name in _named(exchange, call)])


def create_order(exchange: Exchange, call: Call) -> Json:
    """Execute an order."""
    _spot(call)
    client = call.client_order_id() or exchange.ids.next("order")
    made = exchange.orders.place(client, call.order(), exchange.clock.now(), call.circumstances)
    return {"orderId": str(made.order_id), "orderLinkId": made.client_order_id}


def recent_orders(exchange: Exchange, call: Call) -> Json:
    """Look an order up among the newest; those that have ended are there only if they are asked for."""
    wanted = call.word("openOnly", "0") == "1" and not call.forgotten
    return _orders(exchange, call, exchange.orders.all()) if wanted else _listed(call, [])


def past_orders(exchange: Exchange, call: Call) -> Json:
    """Look an order up among those of the last week, or of another; of that only those that filled."""
    if bool(call.word("startTime")) != bool(call.word("endTime")):
        raise bad("endTime")
    now = exchange.clock.now()
    first, last = call.week(now)

    made = (order for order in exchange.orders.all() if first <= order.created <= last)
    return _orders(exchange, call, [order for order in made if order.whole or now - order.created <= WEEK])


def executions(exchange: Exchange, call: Call) -> Json:
    """List the trades of an order, newest first, a page at a time."""
    _spot(call)
    number, now, limit = call.text("orderId"), exchange.clock.now(), call.whole("limit", 50, 100)
    first, last = call.week(now)
    made = (order for order in exchange.orders.all() if first <= order.created <= last)
    listed = [order for order in made if order.listed_at <= now and str(order.order_id) == number]
    rows = [replies.execution(order, trade) for order in listed for trade in reversed(order.trades)]
    start = call.whole("cursor", 1, 10**6) - 1
    more = {"nextPageCursor": str(start + limit + 1) if start + limit < len(rows) else ""}
    return _listed(call, rows[start : start + limit]) | more


def query_api(exchange: Exchange, call: Call) -> Json:
    """Say what the calling key may do."""
    del exchange
    if call.key is None:
        raise ErrorReply(*BAD_KEY)
    return replies.key(call.key)


def small_balances(exchange: Exchange, call: Call) -> Json:
    """List the small balances."""
    call.named("accountType", "eb_convert_uta")
    one = call.word("fromCoin")
    rows = [replies.small_coin(row) for row in exchange.small.listed() if one in {"", row.coin}]
    return {"smallAssetCoins": rows, "supportToCoins": list(exchange.small.targets)}


def quote_small(exchange: Exchange, call: Call) -> Json:
    """Quote an exchange of small balances."""
    call.named("accountType", "eb_convert_uta")
    number = exchange.state.issued["quote"] = exchange.state.issued.get("quote", 0) + 1
    quote_id, now = f"10100751576025{number:014d}", exchange.clock.now()
    quote = exchange.small.quote(call.texts("fromCoinList"), call.text("toCoin"), quote_id, now)
    return replies.small_quote(quote, exchange.small.fee)


def exchange_small(exchange: Exchange, call: Call) -> Json:
    """Confirm a quote."""
    now = exchange.clock.now()
    return replies.confirmed(exchange.small.confirm(call.text("quoteId"), now, call.small), now)


def small_history(exchange: Exchange, call: Call) -> Json:
    """List exchanges of small balances, newest first; of one quote where it is named."""
    if call.word("accountType") not in {"", "eb_convert_uta", "eb_convert_funding"}:
        raise bad("accountType")
    one, now = call.word("quoteId"), exchange.clock.now()
    made = [each for each in exchange.small.history(now) if one in {"", each.quote_id}]
    size, page = call.whole("size", 50, 100), call.whole("cursor", 1, 10**6)
    rows = [replies.exchanged(each, now) for each in made[(page - 1) * size : page * size]]
    pages = {"cursor": str(page), "size": str(size), "lastPage": str(-(-len(made) // size) or 1)}
    return {**pages, "totalCount": str(len(made)), "records": rows}


def _spot(call: Call) -> None:
    call.named("category", "spot")


def _named(exchange: Exchange, call: Call) -> list[str]:
    """Name the symbol that is asked for, or all."""
    _spot(call)
    if name := call.word("symbol"):
        exchange.markets.rules(name)
        return [name]
    return exchange.markets.names()


def _book(exchange: Exchange, call: Call, name: str) -> Book:
    return Book() if name in call.without_book else exchange.markets.book(name)


def _orders(exchange: Exchange, call: Call, kept: Iterable[Order]) -> Json:
    _spot(call)
    number, client, now = call.word("orderId"), call.word("orderLinkId"), exchange.clock.now()

    def is_meant(order: Order) -> bool:
        return (not number or str(order.order_id) == number) and (not client or order.client_order_id == client)

    known = [order for order in kept if order.known_at <= now and is_meant(order)]
    return _listed(call, [replies.order(order) for order in known[: call.whole("limit", 20, 50)]])


def _listed(call: Call, rows: list[Json]) -> Json:
    return {"category": call.word("category"), "list": rows, "nextPageCursor": ""}


ENDPOINTS = (
    Endpoint("server_time", "GET", "/v5/market/time", "", server_time),
    Endpoint("instruments", "GET", "/v5/market/instruments-info", "", instruments),
    Endpoint("tickers", "GET", "/v5/market/tickers", "", tickers),
    Endpoint("orderbook", "GET", "/v5/market/orderbook", "", orderbook),
    Endpoint("wallet_balance", "GET", "/v5/account/wallet-balance", ANY, wallet_balance),
    Endpoint("fee_rate", "GET", "/v5/account/fee-rate", ANY, fee_rate),
    Endpoint("create_order", "POST", "/v5/order/create", "trading", create_order),
    Endpoint("recent_orders", "GET", "/v5/order/realtime", ANY, recent_orders),
    Endpoint("past_orders", "GET", "/v5/order/history", ANY, past_orders),
    Endpoint("executions", "GET", "/v5/execution/list", ANY, executions),
    Endpoint("query_api", "GET", "/v5/user/query-api", ANY, query_api),
    Endpoint("small_balances", "GET", "/v5/asset/covert/small-balance-list", "converting", small_balances),
    Endpoint("quote_small", "POST", "/v5/asset/covert/get-quote", "converting", quote_small),
    Endpoint("exchange_small", "POST", "/v5/asset/covert/small-balance-execute", "converting", exchange_small),
    Endpoint("small_history", "GET", "/v5/asset/covert/small-balance-history", "converting", small_history),
)
_AT = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


def find_endpoint(method: str, path: str) -> Endpoint | None:
    """Find what serves a path."""
    return _AT.get((method, path))
