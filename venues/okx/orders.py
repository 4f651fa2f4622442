"""Market orders on OKX, which wants a client's id to be unique among open orders only.

A purchase is asked for by its value, a sale by its size, and the venue is told to reject what it would otherwise cut to
the balance. `expTime` makes it drop an order that it comes to too late. Source: okx.com/docs-v5, "Place order".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from uuid import UUID

from domain.errors import VenueUnavailable
from domain.venue import Order, Product
from events.money import Amount, exactly_less, exactly_sum, plain, ticker
from events.records import replace
from events.values import Execution, LegKind, Quote, Refusal, RefusalCode
from venues.limits import Limiter
from venues.market_orders import Deal, Made, MarketOrders, reckoned, unfunded
from venues.okx import replies
from venues.okx.client import Client
from venues.okx.errors import DUPLICATE, NO_ORDER
from venues.okx.markets import FINEST, asset, least_value, moment, number, product
from venues.times import Times

ENDED = {"filled", "canceled", "mmp_canceled"}
LEVELS, PAGE = "400", 100
INSUFFICIENT, TOO_SMALL = "51008", "51020"  # what the venue says to an order for more than there is, and for too little


@dataclass(frozen=True, slots=True)
class Traded(Made):
    """An order with its trades: the venue does not say what they come to in quote currency."""

    deals: tuple[Deal, ...] = ()


class Orders(MarketOrders):
    """Makes and finds market orders of one account.

    The vendor names no time for which an order can be looked up, and lists those that have ended for seven days.
    """

    remembered = timedelta(days=6)

    def __init__(self, client: Client, limiter: Limiter, times: Times, send_within: timedelta) -> None:
        super().__init__(limiter, times, send_within)
        self._client = client

    def quote(self, order: Order) -> Quote | Refusal:
        """Reckon the order from the market's rules, the balance, the book and the account's fee; nothing is tried."""
        rules = self._rules(order.product)
        account = self._client.read(replies.One[replies.Account], self._client.api.balance).only
        code = ticker(order.spend.asset)
        free = next((number(each.avail_bal) for each in account.details if each.ccy == code), Decimal(0))
        sells = order.kind is LegKind.SELL
        if sells and order.spend.quantity < rules.base_minimum:
            return self._explained(order, _too_small(rules.base_minimum, order))
        if no := unfunded(order, free, INSUFFICIENT):
            return no
        book = self._book(order)
        if isinstance(book, Refusal):
            return book
        fee = self._client.read(
            replies.One[replies.Fee], self._client.api.trade_fee, instType="SPOT", instId=order.product
        ).only
        step = FINEST if sells else rules.base_increment
        offer = reckoned(order, _sides(book, sells), step, Decimal(fee.taker).copy_negate(), FINEST)
        if sells or isinstance(offer, Refusal):
            return offer
        bought = exactly_sum(offer.receive.quantity, *(each.quantity for each in offer.fees))
        return offer if bought >= rules.base_minimum else self._explained(order, _too_small(rules.base_minimum, order))

    def _find(self, order: Order) -> Traded | None:
        asked = self._client.ask(
            replies.One[replies.Order],
            self._client.api.get_order,
            instId=order.product,
            clOrdId=client_id(order.key),
        )
        if isinstance(asked, Refusal):
            if asked.venue_code != NO_ORDER:
                raise VenueUnavailable(f"get_order: {asked.sentence}")
            return None
        seen = asked.only
        ended, filled = seen.state in ENDED, number(seen.acc_fill_sz)
        deals = tuple(map(_deal, self._trades(seen))) if ended and filled else ()
        sells = seen.side == "sell"
        return Traded(
            order_id=seen.ord_id,
            key=order.key if seen.cl_ord_id == client_id(order.key) else seen.cl_ord_id,
            product=seen.inst_id,
            sells=sells,
            at_market=seen.ord_type == "market" and seen.tgt_ccy == _unit(sells),
            size=Decimal(seen.sz),
            state=seen.state,
            ended=ended,
            filled=filled,
            value=exactly_sum(*(deal.value for deal in deals)),
            deals=deals,
        )

    def _trades(self, seen: replies.Order) -> list[replies.Trade]:
        """Read all trades of an order, page by page, oldest first."""
        found: list[replies.Trade] = []
        older: dict[str, str] = {}
        while True:
            page = self._client.read(
                replies.Rows[replies.Trade],
                self._client.api.fills,
                instType="SPOT",
                instId=seen.inst_id,
                ordId=seen.ord_id,
                **older,
            ).items
            found += page
            if len(page) < PAGE or older.get("after") == page[-1].bill_id:
                return sorted(found, key=lambda trade: int(trade.bill_id))
            older = {"after": page[-1].bill_id}

    def _place(self, order: Order, send_before: datetime) -> str | Refusal:
        placed = self._client.move(
            send_before, replies.One[replies.Placed], self._client.api.new_order, deadline=send_before, **_terms(order)
        )
        if isinstance(placed, Refusal):
            return placed
        return order.key if placed.only.cl_ord_id == client_id(order.key) else placed.only.cl_ord_id

    def _deals(self, made: Made) -> Sequence[Deal]:
        assert isinstance(made, Traded)  # it was found above
        return made.deals

    def _is_repetition(self, refusal: Refusal) -> bool:
        return refusal.venue_code in DUPLICATE

    def _explained(self, order: Order, refusal: Refusal) -> Refusal:
        if refusal.code is not RefusalCode.BELOW_MINIMUM:
            return refusal
        try:
            least = self._least(order)
        except VenueUnavailable:
            return refusal
        missing = exactly_less(least, order.spend.quantity)
        return replace(refusal, missing=Amount(missing, order.spend.asset)) if missing > 0 else refusal

    def _least(self, order: Order) -> Decimal:
        """Say what the market takes at least, in what the order spends."""
        rules = self._rules(order.product)
        if order.kind is LegKind.SELL:
            return rules.base_minimum
        book = self._book(order)
        asks = [] if isinstance(book, Refusal) else book.asks
        return least_value(rules.base_minimum, Decimal(asks[0][0]) if asks else None, rules.quote_increment)

    def _book(self, order: Order) -> replies.Book | Refusal:
        book = self._client.ask(replies.One[replies.Book], self._client.api.books, instId=order.product, sz=LEVELS)
        return book if isinstance(book, Refusal) else book.only

    def _rules(self, name: str) -> Product:
        listed = self._client.read(
            replies.Rows[replies.Instrument], self._client.api.instruments, instType="SPOT", instId=name
        )
        found = next((product(each, {}) for each in listed.items if each.inst_id == name), None)
        if found is None:
            raise VenueUnavailable(f"instruments: names no market {name}")
        return found


def client_id(key: str) -> str:
    """Write a key as the venue takes it: at most 32 letters and digits. Keys are UUIDs, so none is another's."""
    try:
        return UUID(key).hex
    except ValueError:
        raise ValueError(f"key: {key!r} is not a UUID, which the venue's ids of 32 characters are made of") from None


def _terms(order: Order) -> dict[str, object]:
    sells = order.kind is LegKind.SELL
    return {
        "instId": order.product,
        "tdMode": "cash",
        "clOrdId": client_id(order.key),
        "side": "sell" if sells else "buy",
        "ordType": "market",
        "sz": plain(order.spend.quantity),
        "tgtCcy": _unit(sells),
        "banAmend": True,
    }


def _unit(sells: bool) -> str:
    """Name the unit that the size of an order is in: that which it spends."""
    return "base_ccy" if sells else "quote_ccy"


def _sides(book: replies.Book, sells: bool) -> Iterator[tuple[str, str]]:
    return ((price, size) for price, size, *_ in (book.bids if sells else book.asks))


def _too_small(least: Decimal, order: Order) -> Refusal:
    sentence = f"{order.product} takes at least {plain(least)} {ticker(order.spend.asset)}"
    if order.kind is not LegKind.SELL:
        sentence = f"{order.product} sells at least {plain(least)} {ticker(order.receive)}"
    return Refusal(RefusalCode.BELOW_MINIMUM, sentence, TOO_SMALL)


def _deal(trade: replies.Trade) -> Deal:
    fee = Amount(Decimal(trade.fee).copy_negate(), asset(trade.fee_ccy))
    price, size = Decimal(trade.fill_px), Decimal(trade.fill_sz)
    with localcontext(prec=60):
        return Deal(Execution(trade.trade_id, price, size, fee, moment(trade.ts)), price * size)
