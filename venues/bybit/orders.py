"""Market orders on Bybit: an order is accepted first and made then, and read back from two places.

The newest are looked up among the open ones, and from there on among all that have ended, which is some seconds late
and shows one week: the last, unless another is named. Of what is older it shows only what filled.
What is tried before is reckoned here: the venue tries no spot order without making it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from domain.errors import VenueUnavailable
from domain.venue import Order, Product
from events.money import Amount, exactly_less, exactly_sum, plain, ticker
from events.records import replace
from events.values import Execution, LegKind, Quote, Refusal, RefusalCode
from venues.bybit import replies
from venues.bybit.client import Client
from venues.bybit.errors import REPEATED, refusal_for
from venues.bybit.markets import asset, millis, moment, product
from venues.bybit.replies import number
from venues.faults import quoted
from venues.limits import Limiter
from venues.market_orders import Deal, Made, MarketOrders, reckoned, unfunded
from venues.times import Times, asked_at

ENDED = {"Filled", "Cancelled", "PartiallyFilledCanceled", "Rejected", "Deactivated"}
# Ends without a fill that say of the book, or nothing, why.
NOBODY = {"", "EC_NoError", "EC_NoImmediateQtyToFill", "EC_NoEnoughQtyToFill", "EC_CancelForNoFullFill"}
WEEK = timedelta(days=7)
# How far before the intent an order is looked for; more than all attempts at one leg take, so that none is missed.
SEARCHED_BACK = timedelta(days=1)
LEVELS, PAGE, CLOSED_TOO = "200", "100", "1"
# The finest part that balances are kept in.
GRAIN = Decimal(1).scaleb(-18)
# What the venue says to an order for more than there is, and to one that is worth less than the least.
INSUFFICIENT, TOO_LITTLE, TOO_SMALL = "170131", 170140, 170136


@dataclass(frozen=True, slots=True)
class Dated(Made):
    """An order and when it was made, in milliseconds: trades are listed by the week, the last if none is named."""

    created: str = ""


class Orders(MarketOrders):
    """Makes and finds market orders of one account."""

    remembered = WEEK - SEARCHED_BACK

    def __init__(self, client: Client, limiter: Limiter, times: Times, send_within: timedelta) -> None:
        super().__init__(limiter, times, send_within)
        self._client = client

    def quote(self, order: Order) -> Quote | Refusal:
        """Reckon the order from the book, the account's fee, the market's rules and what is free."""
        rates = self._client.ask(replies.FeeRates, self._client.api.fee_rate, symbol=order.product)
        if isinstance(rates, Refusal):
            return rates
        book = self._book(order)
        if isinstance(book, Refusal):
            return book
        rules = self._rules(order.product)
        if no := _below_minimum(order, rules, book):
            return no
        if no := unfunded(order, self._free(order.spend.asset), INSUFFICIENT):
            return no
        fee_rate = next((Decimal(each.taker_fee_rate) for each in rates.items if each.symbol == order.product), None)
        if fee_rate is None:
            raise VenueUnavailable(f"fee_rate: names no market {order.product}")
        levels = book.bids if order.kind is LegKind.SELL else book.asks
        return reckoned(order, levels, rules.base_increment, fee_rate, GRAIN)

    def _find(self, order: Order) -> Dated | None:
        api = self._client.api
        for found in (
            self._client.read(replies.Orders, call, orderLinkId=order.key, **more)
            for call, more in ((api.recent_orders, {"openOnly": CLOSED_TOO}), (api.past_orders, self._week_of(order)))
        ):
            if made := next((each for each in found.items if each.order_link_id == order.key), None):
                return _made(made)
        return None

    def _week_of(self, order: Order) -> dict[str, str]:
        """Name the week in which an order was made, unless it is the last one."""
        if self._times.age(order) <= self.remembered:
            return {}
        since = asked_at(order) - SEARCHED_BACK
        return {"startTime": millis(since), "endTime": millis(since + WEEK)}

    def _place(self, order: Order, send_before: datetime) -> str | Refusal:
        placed = self._client.move(
            send_before, replies.Placed, self._client.api.create_order, orderLinkId=order.key, **_terms(order)
        )
        return placed if isinstance(placed, Refusal) else placed.order_link_id

    def _deals(self, made: Made) -> Iterable[Deal]:
        assert isinstance(made, Dated)  # it was found above
        trades = [each for each in self._executions(made) if each.exec_type == "Trade"]
        return map(_deal, sorted(trades, key=lambda each: (int(each.exec_time), each.exec_id)))

    def _executions(self, made: Dated) -> Iterator[replies.Execution]:
        cursor: dict[str, str] = {}
        while True:
            call = self._client.api.executions
            page = self._client.read(
                replies.Executions, call, orderId=made.order_id, startTime=made.created, limit=PAGE, **cursor
            )
            yield from page.items
            if not page.items or not page.next_page_cursor:
                return
            cursor = {"cursor": page.next_page_cursor}

    def _unfilled(self, made: Made) -> Refusal:
        if made.reason in NOBODY:
            return super()._unfilled(made)
        sentence = f"Bybit ended the order without a fill: {made.reason}"
        return Refusal(RefusalCode.OTHER, sentence, made.reason)

    def _is_repetition(self, refusal: Refusal) -> bool:
        return refusal.venue_code in REPEATED

    def _explained(self, order: Order, refusal: Refusal) -> Refusal:
        if refusal.code is not RefusalCode.BELOW_MINIMUM:
            return refusal
        try:
            book, rules = self._book(order), self._rules(order.product)
        except VenueUnavailable:
            return refusal
        reckoning = None if isinstance(book, Refusal) else _below_minimum(order, rules, book)
        return replace(refusal, missing=reckoning.missing) if reckoning else refusal

    def _book(self, order: Order) -> replies.Book | Refusal:
        return self._client.ask(replies.Book, self._client.api.orderbook, symbol=order.product, limit=LEVELS)

    def _free(self, asset: str) -> Decimal:
        wallets = self._client.read(replies.Wallets, self._client.api.wallet_balance)
        return next(
            (free(coin) for each in wallets.items for coin in each.coin if coin.coin == ticker(asset)), Decimal(0)
        )

    def _rules(self, name: str) -> Product:
        listed = self._client.read(replies.Instruments, self._client.api.instruments, symbol=name)
        found = next((product(market) for market in listed.items if market.symbol == name), None)
        if found is None:
            raise VenueUnavailable(f"instruments: names no market {name}")
        return found


def held(coin: replies.Coin) -> Decimal:
    """Add up what open orders and positions hold of a coin."""
    return exactly_sum(*map(number, (coin.locked, coin.total_order, coin.total_position)))


def free(coin: replies.Coin) -> Decimal:
    """Say what is the account's own of a coin and held by nothing: what was borrowed is not to be sold."""
    own = exactly_less(number(coin.wallet_balance), number(coin.spot_borrow), held(coin))
    return max(own, Decimal(0))


def _terms(order: Order) -> dict[str, str]:
    sells = order.kind is LegKind.SELL
    return {
        "symbol": order.product,
        "side": "Sell" if sells else "Buy",
        "orderType": "Market",
        "marketUnit": _unit(sells),
        "qty": plain(order.spend.quantity),
    }


def _unit(sells: bool) -> str:
    """Name what the size of an order is in: what it spends."""
    return "baseCoin" if sells else "quoteCoin"


def _below_minimum(order: Order, rules: Product, book: replies.Book) -> Refusal | None:
    """Refuse an order that the market is too coarse for, in the words that the venue has for it."""
    size, least = order.spend.quantity, rules.quote_minimum
    if order.kind is LegKind.SELL and size < rules.base_minimum:
        missing = Amount(exactly_less(rules.base_minimum, size), order.spend.asset)
        return replace(refusal_for(TOO_SMALL, "Order quantity lower than the minimum."), missing=missing)
    if order.kind is LegKind.SELL and not book.bids:
        return None
    value = size * Decimal(book.bids[0][0]) if order.kind is LegKind.SELL else size
    if value >= least:
        return None
    quote = order.receive if order.kind is LegKind.SELL else order.spend.asset
    missing = Amount(exactly_less(least, value), quote)
    return replace(refusal_for(TOO_LITTLE, "Order value exceeded lower limit."), missing=missing)


def _made(seen: replies.Order) -> Dated:
    sells = seen.side == "Sell"
    own_unit = seen.market_unit in {"", _unit(sells)}
    return Dated(
        order_id=seen.order_id,
        key=seen.order_link_id,
        product=seen.symbol,
        sells=sells,
        at_market=seen.order_type == "Market" and own_unit,
        size=Decimal(seen.qty),
        state=seen.order_status,
        ended=seen.order_status in ENDED,
        filled=number(seen.cum_exec_qty),
        value=number(seen.cum_exec_value),
        reason=seen.reject_reason,
        created=seen.created_time,
    )


def _deal(trade: replies.Execution) -> Deal:
    fee = Amount(number(trade.exec_fee), asset(trade.fee_currency))
    price, size = Decimal(trade.exec_price), Decimal(trade.exec_qty)
    done = Execution(trade.exec_id, price, size, fee, moment(trade.exec_time))
    return Deal(done, Decimal(trade.exec_value), _taxes(trade.extra_fees))


def _taxes(told: list[replies.ExtraFee] | str | None) -> tuple[Amount, ...]:
    """Read what some countries take of a trade; raises `VenueUnavailable` for what cannot be read."""
    try:
        listed = msgspec.json.decode(told, type=list[replies.ExtraFee]) if isinstance(told, str) and told else told
    except msgspec.DecodeError as error:
        raise VenueUnavailable(f"executions: unreadable extra fees: {quoted(str(error))}") from None
    charged = listed if isinstance(listed, list) else []
    return tuple(Amount(number(each.fee), asset(each.fee_coin)) for each in charged if number(each.fee))
