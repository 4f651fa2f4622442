"""The endpoints: method, path, scope, and the function that serves each.

Source: docs.cdp.coinbase.com, Advanced Trade REST reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from simulators.coinbase import order_replies, replies
from simulators.coinbase.calls import Call
from simulators.coinbase.conversions import Terms
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.orders import Estimate
from simulators.coinbase.refusals import not_found
from simulators.coinbase.replies import Json
from simulators.coinbase.state import Order
from simulators.exchange.book import Book

PREFIX = "/api/v3/brokerage"
Serve = Callable[[Exchange, Call], Json]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served where, and the scope it takes; none for the public ones. Trading ones limit rates in HTML."""

    name: str
    method: str
    pattern: re.Pattern[str]
    scope: str | None
    serve: Serve
    trading: bool

    def argument(self, path: str) -> str:
        """Return what stands in a path for the one part that varies, empty where none does."""
        match = self.pattern.fullmatch(path)
        return match[1] if match and match.groups() else ""


def list_accounts(exchange: Exchange, call: Call) -> Json:
    """List the wallets, 250 to a page at most."""
    wallets, cursor, more = call.page(
        exchange.wallets.all(), lambda wallet: wallet.uuid, call.count("limit", default=49, most=250)
    )
    accounts = [replies.account(exchange, wallet, call.as_of) for wallet in wallets]
    return {"accounts": accounts, "has_next": more, "cursor": cursor, "size": len(accounts)}


def get_account(exchange: Exchange, call: Call) -> Json:
    """Read one wallet."""
    for wallet in exchange.wallets.all():
        if wallet.uuid == call.argument:
            return {"account": replies.account(exchange, wallet, call.as_of)}
    raise not_found(f"account {call.argument!r} not found")


def list_products(exchange: Exchange, call: Call) -> Json:
    """List the products, all of them on one page."""
    wanted = call.words("product_ids")
    names = [name for name in exchange.market.names() if not wanted or name in wanted]
    if call.word("product_type") not in {"", "SPOT", "UNKNOWN_PRODUCT_TYPE"}:
        names = []
    products = [replies.product(exchange, name) for name in names[: call.count("limit", default=10**6, most=10**6)]]
    return {"products": products, "num_products": len(products)}


def get_product(exchange: Exchange, call: Call) -> Json:
    """Read one product."""
    return replies.product(exchange, call.argument)


def best_bid_ask(exchange: Exchange, call: Call) -> Json:
    """Read the best prices of many products. One that the venue does not have is left out."""
    now = exchange.clock.now()
    names = [name for name in call.words("product_ids") or exchange.market.names() if exchange.market.find(name)]
    books = {name: Book() if name in call.without_book else exchange.market.book(name) for name in names}
    return {"pricebooks": [replies.best_prices(name, book, now) for name, book in books.items()]}


def preview_order(exchange: Exchange, call: Call) -> Json:
    """Say what an order would do."""
    request = call.order()
    estimate = exchange.orders.estimate(request, call.circumstances)
    return order_replies.preview(request, estimate, exchange.ids.next("preview"))


def create_order(exchange: Exchange, call: Call) -> Json:
    """Execute an order. One with an earlier order's id executes nothing and still reads like a success."""
    client_order_id = call.text("client_order_id")
    request = call.order()
    earlier = exchange.orders.earlier(client_order_id)
    if earlier and exchange.scenario.repeated_order == "refused":
        return order_replies.rejected("DUPLICATE_CLIENT_ORDER_ID", request.configuration)
    if earlier:
        return order_replies.accepted(earlier.order_id, client_order_id, request)
    outcome = exchange.orders.place(client_order_id, request, exchange.clock.now(), call.circumstances)
    if isinstance(outcome, Estimate):
        return order_replies.rejected(outcome.failures[0], request.configuration)
    return order_replies.accepted(outcome.order_id, client_order_id, request)


def get_order(exchange: Exchange, call: Call) -> Json:
    """Read one order."""
    found = exchange.orders.find(call.argument)
    if found is None:
        raise not_found(f"order {call.argument!r} not found")
    return {"order": order_replies.order(exchange, found, exchange.clock.now())}


def list_orders(exchange: Exchange, call: Call) -> Json:
    """List orders, newest first."""
    found = [order for order in exchange.orders.all() if _matches(order, call)]
    cut, cursor, more = call.page(found, lambda order: order.order_id, call.count("limit", default=1000, most=1000))
    now = exchange.clock.now()
    orders = [order_replies.order(exchange, order, now) for order in cut]
    return {"orders": orders, "sequence": "0", "has_next": more, "cursor": cursor}


def list_fills(exchange: Exchange, call: Call) -> Json:
    """List fills, newest first."""
    order_ids, product_ids = call.words("order_ids"), call.words("product_ids")
    trade_ids = call.words("trade_ids")
    since, until = call.moment("start_sequence_timestamp"), call.moment("end_sequence_timestamp")
    found = [
        (order, fill)
        for order in exchange.orders.all()
        for fill in reversed(order.fills)
        if (not order_ids or order.order_id in order_ids)
        and (not product_ids or order.product_id in product_ids)
        and (not trade_ids or fill.trade_id in trade_ids)
        and (since is None or fill.time >= since)
        and (until is None or fill.time < until)
    ]
    cut, cursor, _ = call.page(found, lambda pair: pair[1].entry_id, call.count("limit", default=100, most=1000))
    return {"fills": [order_replies.fill(exchange, order, fill) for order, fill in cut], "cursor": cursor}


def convert_quote(exchange: Exchange, call: Call) -> Json:
    """Offer a conversion."""
    terms = Terms(call.text("from_account"), call.text("to_account"), call.number("amount"))
    trade = exchange.conversions.quote(terms, exchange.clock.now(), call.refusal)
    return {"trade": replies.conversion(exchange, trade)}


def commit_convert(exchange: Exchange, call: Call) -> Json:
    """Start a conversion that was quoted."""
    terms = Terms(call.text("from_account"), call.text("to_account"))
    trade = exchange.conversions.commit(call.argument, terms, exchange.clock.now(), call.refusal)
    return {"trade": replies.conversion(exchange, trade)}


def get_convert(exchange: Exchange, call: Call) -> Json:
    """Read a conversion."""
    trade = exchange.conversions.read(call.argument, Terms(call.word("from_account"), call.word("to_account")))
    return {"trade": replies.conversion(exchange, trade)}


def key_permissions(exchange: Exchange, call: Call) -> Json:
    """Say what the calling key may do."""
    return {
        "can_view": "view" in call.permissions,
        "can_trade": "trade" in call.permissions,
        "can_transfer": "transfer" in call.permissions,
        "portfolio_uuid": exchange.portfolio,
        "portfolio_type": "DEFAULT",
    }


def transaction_summary(exchange: Exchange, call: Call) -> Json:
    """Say what the user pays in fees; no volume is kept, so the tier never changes."""
    del call
    return {"total_volume": 0, "total_fees": 0, "fee_tier": replies.fee_tier(exchange.scenario.taker_fee)}


def _matches(order: Order, call: Call) -> bool:
    since, until = call.moment("start_date"), call.moment("end_date")
    return (
        order.order_id in (call.words("order_ids") or [order.order_id])
        and order.product_id in (call.words("product_ids") or [order.product_id])
        and order.status in (call.words("order_status") or [order.status])
        and order.side == (call.word("order_side") or order.side)
        and (since is None or order.created >= since)
        and (until is None or order.created < until)
    )


def _at(method: str, path: str, scope: str | None, serve: Serve, name: str = "", trading: bool = False) -> Endpoint:
    pattern = re.compile(PREFIX + path.replace("{}", "([^/]+)"))
    return Endpoint(name or serve.__name__, method, pattern, scope, serve, trading)


ENDPOINTS = (
    _at("GET", "/accounts", "view", list_accounts),
    _at("GET", "/accounts/{}", "view", get_account),
    _at("GET", "/products", "view", list_products),
    _at("GET", "/products/{}", "view", get_product),
    _at("GET", "/market/products", None, list_products, name="public_products"),
    _at("GET", "/market/products/{}", None, get_product, name="public_product"),
    _at("GET", "/best_bid_ask", "view", best_bid_ask),
    _at("POST", "/orders/preview", "view", preview_order, trading=True),
    _at("POST", "/orders", "trade", create_order, trading=True),
    _at("GET", "/orders/historical/batch", "view", list_orders, trading=True),
    _at("GET", "/orders/historical/fills", "view", list_fills, trading=True),
    _at("GET", "/orders/historical/{}", "view", get_order, trading=True),
    _at("POST", "/convert/quote", "trade", convert_quote),
    _at("POST", "/convert/trade/{}", "trade", commit_convert),
    _at("GET", "/convert/trade/{}", "view", get_convert),
    _at("GET", "/key_permissions", "view", key_permissions),
    _at("GET", "/transaction_summary", "view", transaction_summary),
)


def find_endpoint(method: str, path: str) -> Endpoint | None:
    """Find what serves a path."""
    return next((each for each in ENDPOINTS if each.method == method and each.pattern.fullmatch(path)), None)
