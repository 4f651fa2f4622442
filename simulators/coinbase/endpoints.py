"""The endpoints: method, path, scope, and the function that serves each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from simulators.coinbase import replies
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.orders import ORDINARY, Circumstances, Estimate, OrderRequest
from simulators.coinbase.refusals import invalid, not_found
from simulators.coinbase.replies import Json
from simulators.coinbase.state import Order, Side

PREFIX = "/api/v3/brokerage"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an endpoint: path argument, query, JSON body, and what goes differently this time."""

    argument: str
    query: dict[str, list[str]]
    body: Json
    permissions: frozenset[str] = frozenset()
    circumstances: Circumstances = ORDINARY
    as_of: datetime | None = None
    repeat_cursor: bool = False

    def word(self, name: str) -> str:
        """Return a query parameter, empty when it was not sent."""
        return self.query.get(name, [""])[-1]

    def words(self, name: str) -> list[str]:
        """Return every value of a repeated query parameter."""
        return self.query.get(name, [])

    def count(self, name: str, default: int, most: int) -> int:
        """Return a query parameter that counts; more than the most is the most."""
        text = self.word(name)
        if not text:
            return default
        if not text.isdigit() or int(text) < 1:
            raise invalid(f"{name}: {text!r} is not a whole number above zero")
        return min(int(text), most)

    def moment(self, name: str) -> datetime | None:
        """Return a query parameter that is a time."""
        text = self.word(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise invalid(f"{name}: {text!r} is not an RFC 3339 time") from None
        if moment.tzinfo is None:
            raise invalid(f"{name}: {text!r} names no time zone")
        return moment

    def text(self, name: str) -> str:
        """Return a field of the body that must be text."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise invalid(f"{name} is required")
        return value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served where, and the scope it takes; none for the public ones."""

    name: str
    method: str
    pattern: re.Pattern[str]
    scope: str | None
    serve: Callable[[Exchange, Call], Json]
    trading: bool = False


def page(items: Sequence[T], key: Callable[[T], str], call: Call, limit: int) -> tuple[Sequence[T], str, bool]:
    """Cut one page out of a list: its items, the next cursor, and whether more follows."""
    cursor, start = call.word("cursor"), 0
    if cursor:
        places = {key(item): place for place, item in enumerate(items)}
        if cursor not in places:
            raise invalid(f"cursor: {cursor!r} is unknown")
        start = places[cursor]
    cut = items[start : start + limit]
    if call.repeat_cursor and cut:
        return cut, key(cut[0]), True
    rest = items[start + limit :]
    return (cut, key(rest[0]), True) if rest else (cut, "", False)


def list_accounts(exchange: Exchange, call: Call) -> Json:
    """List the wallets, 250 to a page at most."""
    wallets = exchange.wallets.all()
    cut, cursor, more = page(wallets, lambda wallet: wallet.uuid, call, call.count("limit", 49, 250))
    accounts = [replies.account(exchange, wallet, call.as_of) for wallet in cut]
    return {"accounts": accounts, "has_next": more, "cursor": cursor, "size": len(accounts)}


def get_account(exchange: Exchange, call: Call) -> Json:
    """Read one wallet."""
    for wallet in exchange.wallets.all():
        if wallet.uuid == call.argument:
            return {"account": replies.account(exchange, wallet, call.as_of)}
    raise not_found(f"account {call.argument!r} not found")


def list_products(exchange: Exchange, call: Call) -> Json:
    """List the products."""
    wanted = set(call.words("product_ids"))
    names = [name for name in exchange.market.names() if not wanted or name in wanted]
    if call.word("product_type") not in {"", "SPOT", "UNKNOWN_PRODUCT_TYPE"}:
        names = []
    start = int(call.word("offset")) if call.word("offset").isdigit() else 0
    cut = names[start : start + call.count("limit", len(names) or 1, 10**6)]
    return {"products": [replies.product(exchange, name) for name in cut], "num_products": len(cut)}


def get_product(exchange: Exchange, call: Call) -> Json:
    """Read one product."""
    return replies.product(exchange, call.argument)


def best_bid_ask(exchange: Exchange, call: Call) -> Json:
    """Read the best prices of many products. One that the venue does not have is left out."""
    now = exchange.clock.now()
    names = [name for name in call.words("product_ids") if exchange.market.find(name)] or (
        [] if call.words("product_ids") else exchange.market.names()
    )
    return {"pricebooks": [replies.best_prices(name, exchange.market.book(name), now) for name in names]}


def preview_order(exchange: Exchange, call: Call) -> Json:
    """Say what an order would do."""
    request = order_request(call)
    estimate = exchange.orders.estimate(request, call.circumstances)
    return replies.preview(request, estimate, exchange.ids.next("preview"))


def create_order(exchange: Exchange, call: Call) -> Json:
    """Execute an order. One with an earlier order's id executes nothing and still reads like a success."""
    client_order_id = call.text("client_order_id")
    request = order_request(call)
    earlier = exchange.orders.earlier(client_order_id)
    if earlier:
        if exchange.scenario.repeated_order == "refused":
            return replies.rejected("DUPLICATE_CLIENT_ORDER_ID", request.configuration)
        return replies.accepted(earlier.order_id, client_order_id, request)
    outcome = exchange.orders.place(client_order_id, request, exchange.clock.now(), call.circumstances)
    if isinstance(outcome, Estimate):
        return replies.rejected(outcome.failures[0], request.configuration)
    return replies.accepted(outcome.order_id, client_order_id, request)


def get_order(exchange: Exchange, call: Call) -> Json:
    """Read one order."""
    found = exchange.orders.find(call.argument)
    if found is None:
        raise not_found(f"order {call.argument!r} not found")
    return {"order": replies.order(exchange, found, exchange.clock.now())}


def list_orders(exchange: Exchange, call: Call) -> Json:
    """List orders, newest first."""
    found = [order for order in exchange.orders.all() if _matches(order, call)]
    cut, cursor, more = page(found, lambda order: order.order_id, call, call.count("limit", 1000, 1000))
    now = exchange.clock.now()
    orders = [replies.order(exchange, order, now) for order in cut]
    return {"orders": orders, "sequence": "0", "has_next": more, "cursor": cursor}


def list_fills(exchange: Exchange, call: Call) -> Json:
    """List fills, newest first."""
    wanted, products, trades = (set(call.words(name)) for name in ("order_ids", "product_ids", "trade_ids"))
    since, until = call.moment("start_sequence_timestamp"), call.moment("end_sequence_timestamp")
    found = [
        (order, fill)
        for order in exchange.orders.all()
        for fill in reversed(order.fills)
        if (not wanted or order.order_id in wanted)
        and (not products or order.product_id in products)
        and (not trades or fill.trade_id in trades)
        and (since is None or fill.time >= since)
        and (until is None or fill.time < until)
    ]
    cut, cursor, _ = page(found, lambda pair: pair[1].entry_id, call, call.count("limit", 100, 1000))
    return {"fills": [replies.fill(exchange, order, fill) for order, fill in cut], "cursor": cursor}


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
    """Say what the user pays in fees."""
    del call
    return {
        "total_volume": 0,
        "total_fees": 0,
        "fee_tier": replies.total_fee_tier(exchange.scenario.taker_fee),
        "margin_rate": None,
        "goods_and_services_tax": None,
        "advanced_trade_only_volumes": 0,
        "advanced_trade_only_fees": 0,
        "coinbase_pro_volume": 0,
        "coinbase_pro_fees": 0,
        "total_balance": "",
        "has_promo_fee": False,
    }


def order_request(call: Call) -> OrderRequest:
    """Read an order from a body; raises the venue's 400 for one it cannot read."""
    configuration = call.body.get("order_configuration")
    if not isinstance(configuration, dict) or len(configuration) != 1:
        raise invalid("order_configuration must hold exactly one order type")
    side = call.text("side")
    if side not in {"BUY", "SELL"}:
        raise invalid(f"side: {side!r} is neither BUY nor SELL")
    terms = configuration.get("market_market_ioc")
    if not isinstance(terms, dict):
        raise invalid(f"order_configuration: this venue serves market_market_ioc only, not {next(iter(configuration))}")
    request_side: Side = "BUY" if side == "BUY" else "SELL"
    return OrderRequest(
        call.text("product_id"),
        request_side,
        _size(terms, "base_size"),
        _size(terms, "quote_size"),
        configuration,
    )


def _size(terms: dict[str, object], name: str) -> Decimal | None:
    text = terms.get(name)
    if text is None or text == "":
        return None
    try:
        size = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        size = None
    if size is None or not size.is_finite():
        raise invalid(f"{name}: {text!r} is not a number in a string")
    return size


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


def _at(
    name: str, method: str, path: str, scope: str | None, serve: Callable[[Exchange, Call], Json], trading: bool = False
) -> Endpoint:
    pattern = re.compile(PREFIX + path.replace("{}", "([^/]+)"))
    return Endpoint(name, method, pattern, scope, serve, trading)


ENDPOINTS = (
    _at("list_accounts", "GET", "/accounts", "view", list_accounts),
    _at("get_account", "GET", "/accounts/{}", "view", get_account),
    _at("list_products", "GET", "/products", "view", list_products),
    _at("get_product", "GET", "/products/{}", "view", get_product),
    _at("public_products", "GET", "/market/products", None, list_products),
    _at("public_product", "GET", "/market/products/{}", None, get_product),
    _at("best_bid_ask", "GET", "/best_bid_ask", "view", best_bid_ask),
    _at("preview_order", "POST", "/orders/preview", "view", preview_order, True),
    _at("create_order", "POST", "/orders", "trade", create_order, True),
    _at("list_orders", "GET", "/orders/historical/batch", "view", list_orders, True),
    _at("list_fills", "GET", "/orders/historical/fills", "view", list_fills, True),
    _at("get_order", "GET", "/orders/historical/{}", "view", get_order, True),
    _at("key_permissions", "GET", "/key_permissions", "view", key_permissions),
    _at("transaction_summary", "GET", "/transaction_summary", "view", transaction_summary),
)


def find_endpoint(method: str, path: str) -> tuple[Endpoint, str] | None:
    """Find what serves a path, with the argument in it."""
    for endpoint in ENDPOINTS:
        if endpoint.method == method and (match := endpoint.pattern.fullmatch(path)):
            return endpoint, match[1] if match.groups() else ""
    return None


def read_body(raw: bytes) -> Json:
    """Read a JSON object; raises the venue's 400 for anything else."""
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("the body is not a JSON object")
    return body
