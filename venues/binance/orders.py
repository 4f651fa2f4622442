"""Market orders on Binance, which refuses a client order id only while an order with it is open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from domain.errors import VenueUnavailable
from domain.venue import Order, Product
from events.money import Amount, exactly_less, plain, ticker
from events.records import replace
from events.values import Execution, LegKind, Quote, Refusal, RefusalCode
from venues.binance import replies
from venues.binance.client import Client
from venues.binance.errors import DUPLICATE, NO_ORDER
from venues.binance.markets import asset, moment, product
from venues.limits import Limiter
from venues.market_orders import Deal, Made, MarketOrders, reckoned, unfunded
from venues.times import Times

ENDED = {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"}
LEVELS = 100
PLACES = Decimal(1).scaleb(-8)
INSUFFICIENT = "-2010"  # what the venue says to an order for more than there is


class Orders(MarketOrders):
    """Makes and finds market orders of one account."""

    def __init__(self, client: Client, limiter: Limiter, times: Times, send_within: timedelta) -> None:
        super().__init__(limiter, times, send_within)
        self._client = client

    def quote(self, order: Order) -> Quote | Refusal:
        """Reckon the order from the book and the account's fee, once the venue has tried it and found nothing wrong."""
        tried = self._client.ask(replies.Nothing, self._client.api.test_order, **_terms(order))
        if isinstance(tried, Refusal):
            return self._explained(order, tried)
        account = self._client.read(replies.Account, self._client.api.account, omitZeroBalances="true")
        code = ticker(order.spend.asset)
        free = next((Decimal(each.free) for each in account.balances if each.asset == code), Decimal(0))
        if no := unfunded(order, free, INSUFFICIENT):
            return no
        book = self._client.ask(replies.Depth, self._client.api.depth, symbol=order.product, limit=LEVELS)
        if isinstance(book, Refusal):
            return book
        sells = order.kind is LegKind.SELL
        step = PLACES if sells else self._rules(order.product).base_increment
        fee_rate = Decimal(account.commission_rates.taker)
        return reckoned(order, book.bids if sells else book.asks, step, fee_rate, PLACES)

    def _find(self, order: Order) -> Made | None:
        found = self._client.ask(
            replies.Order, self._client.api.get_order, symbol=order.product, origClientOrderId=order.key
        )
        if not isinstance(found, Refusal):
            return _made(found)
        if found.venue_code != str(NO_ORDER):
            raise VenueUnavailable(f"get_order: {found.sentence}")
        return None

    def _place(self, order: Order, send_before: datetime) -> str | Refusal:
        placed = self._client.move(
            send_before, replies.Placed, self._client.api.new_order, newClientOrderId=order.key, **_terms(order)
        )
        return placed if isinstance(placed, Refusal) else placed.client_order_id

    def _deals(self, made: Made) -> Iterable[Deal]:
        listed = self._client.read(
            replies.Trades, self._client.api.my_trades, symbol=made.product, orderId=made.order_id, limit=1000
        )
        return map(_deal, sorted(listed.items, key=lambda trade: trade.id))

    def _is_repetition(self, refusal: Refusal) -> bool:
        return DUPLICATE in refusal.sentence

    def _explained(self, order: Order, refusal: Refusal) -> Refusal:
        if refusal.code is not RefusalCode.BELOW_MINIMUM:
            return refusal
        try:
            return replace(refusal, missing=self._missing(order))
        except VenueUnavailable:
            return refusal

    def _missing(self, order: Order) -> Amount | None:
        rules = self._rules(order.product)
        least = rules.base_minimum if order.kind is LegKind.SELL else rules.quote_minimum
        missing = exactly_less(least, order.spend.quantity)
        return Amount(missing, order.spend.asset) if missing > 0 else self._missing_value(order, rules)

    def _missing_value(self, order: Order, rules: Product) -> Amount | None:
        """Say how much more a sale must be worth, in quote currency; None when its size is only off the grid."""
        book = self._client.ask(replies.Depth, self._client.api.depth, symbol=order.product, limit=1)
        if isinstance(book, Refusal) or not book.bids or order.kind is not LegKind.SELL:
            return None
        missing = exactly_less(rules.sale_minimum, order.spend.quantity * Decimal(book.bids[0][0]))
        return Amount(missing, order.receive) if missing > 0 else None

    def _rules(self, name: str) -> Product:
        listed = self._client.read(replies.ExchangeInfo, self._client.api.exchange_info, symbol=name)
        found = next((product(symbol) for symbol in listed.symbols if symbol.symbol == name), None)
        if found is None:
            raise VenueUnavailable(f"exchange_info: names no market {name}")
        return found


def _terms(order: Order) -> dict[str, str]:
    sells = order.kind is LegKind.SELL
    size = "quantity" if sells else "quoteOrderQty"
    side = "SELL" if sells else "BUY"
    return {"symbol": order.product, "side": side, "type": "MARKET", size: plain(order.spend.quantity)}


def _made(seen: replies.Order) -> Made:
    sells = seen.side == "SELL"
    return Made(
        order_id=str(seen.order_id),
        key=seen.client_order_id,
        product=seen.symbol,
        sells=sells,
        at_market=seen.type == "MARKET",
        size=Decimal(seen.orig_qty if sells else seen.orig_quote_order_qty),
        state=seen.status,
        ended=seen.status in ENDED,
        filled=Decimal(seen.executed_qty),
        value=Decimal(seen.cummulative_quote_qty),
    )


def _deal(trade: replies.Trade) -> Deal:
    fee = Amount(Decimal(trade.commission), asset(trade.commission_asset))
    done = Execution(str(trade.id), Decimal(trade.price), Decimal(trade.qty), fee, moment(trade.time))
    return Deal(done, Decimal(trade.quote_qty))
