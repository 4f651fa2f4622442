"""Market orders on Binance: price, make, read back, look up.

The venue refuses a client order id only while an order with it is open, and a market order ends at once; so a second
request under one id would trade a second time. Nothing is sent therefore before the id was looked up, and a request
whose answer was lost is over only when it cannot be taken any more: its signature is good for a few seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal, localcontext

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending, Product
from events.money import Amount, exactly_less, exactly_sum, floor_to, plain, ticker
from events.records import replace
from events.values import Execution, Fill, LegKind, Quote, Refusal, RefusalCode
from venues.binance import replies
from venues.binance.client import Client
from venues.binance.errors import DUPLICATE, NO_ORDER
from venues.binance.markets import asset, moment, product
from venues.limits import Limiter
from venues.market_orders import base_and_quote, first_difference, side
from venues.times import Times, asked_at

ENDED = {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"}
LEVELS = 100
PLACES = Decimal(1).scaleb(-8)
INSUFFICIENT = "-2010"  # what the venue says to an order for more than there is


class Orders:
    """Makes and finds market orders of one account.

    An order is sent within `send_within` of its intent or not at all. `never_arrived_after` is counted from the intent
    and exceeds that by the time for which a signed request is valid: what the venue does not know then, it can no
    longer come to know. `settling` are the pauses, in seconds, in which a fill is waited for.
    """

    def __init__(self, client: Client, limiter: Limiter, times: Times, send_within: timedelta) -> None:
        self._client, self._limiter, self._times, self._send_within = client, limiter, times, send_within

    def quote(self, order: Order) -> Quote | Refusal:
        """Reckon the order from the book and the account's fee, once the venue has tried it and found nothing wrong."""
        tried = self._client.ask(replies.Nothing, self._client.api.test_order, **_terms(order))
        if isinstance(tried, Refusal):
            return self._explained(order, tried)
        account = self._client.read(replies.Account, self._client.api.account, omitZeroBalances="true")
        if no := _unfunded(order, account):
            return no
        book = self._client.ask(replies.Depth, self._client.api.depth, symbol=order.product, limit=LEVELS)
        if isinstance(book, Refusal):
            return book
        step = self._rules(order.product).base_increment if order.kind is not LegKind.SELL else PLACES
        return _offer(order, book, step, Decimal(account.commission_rates.taker))

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Make the order once and follow it until it has settled or patience ends."""
        if not order.key:
            raise ValueError("key: '' is empty; the venue would make up an id, and a repetition would trade twice")
        asked_at(order)
        if not isinstance(seen := self._find(order), Refusal):
            return self._follow(order, seen)
        self._limiter.conversion()
        placed = self._client.move(
            asked_at(order) + self._send_within,
            replies.Placed,
            self._client.api.new_order,
            newClientOrderId=order.key,
            **_terms(order),
        )
        if isinstance(placed, Refusal):
            return self._rejected(order, placed)
        if placed.client_order_id != order.key:
            raise OutcomeUnknown("new_order: the venue's answer is about another order")
        try:
            return self._follow(order, None)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the order was accepted, but could not be read back: {error}") from None

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Look the order up by its key."""
        given_up = self._times.given_up(order)
        seen = self._find(order)
        if not isinstance(seen, Refusal):
            try:
                return self._reading(order, seen)
            except OutcomeUnknown as foreign:
                return Pending(str(foreign))
        if given_up:
            return NeverArrived()
        return Pending("the venue does not know the order yet, and the request may still arrive")

    def _find(self, order: Order) -> replies.Order | Refusal:
        """Look the order up; a refusal stands for an order that the venue does not know."""
        found = self._client.ask(
            replies.Order, self._client.api.get_order, symbol=order.product, origClientOrderId=order.key
        )
        if isinstance(found, Refusal) and found.venue_code != str(NO_ORDER):
            raise VenueUnavailable(f"get_order: {found.sentence}")
        return found

    def _rejected(self, order: Order, refusal: Refusal) -> Fill | Refusal | Pending:
        """Believe a rejection, unless it says that the order was made before."""
        if DUPLICATE not in refusal.sentence:
            return self._explained(order, refusal)
        try:
            answer = self.outcome(order)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the order was made before, but could not be read back: {error}") from None
        return Pending(refusal.sentence) if isinstance(answer, NeverArrived) else answer

    def _follow(self, order: Order, seen: replies.Order | None) -> Fill | Refusal | Pending:
        answer: Fill | Refusal | Pending = Pending("the order was accepted, but is not to be found yet")
        for pause in (0, *self._times.settling):
            self._times.sleep(pause)
            found = seen or self._find(order)
            seen = None
            if not isinstance(found, Refusal) and not isinstance(answer := self._reading(order, found), Pending):
                break
        return answer

    def _reading(self, order: Order, seen: replies.Order) -> Fill | Refusal | Pending:
        """Say what an order has come to; raises `OutcomeUnknown` when it is not the one that was asked for."""
        if differs := _difference(order, seen):
            raise OutcomeUnknown(f"the venue's order under this key has another {differs}")
        if seen.status not in ENDED:
            return Pending(f"the order is {seen.status}")
        if Decimal(seen.executed_qty) == 0:
            sentence = "nobody took the other side: the order ended without a fill"
            return Refusal(RefusalCode.NO_LIQUIDITY, sentence, seen.status)
        return self._filled(order, seen)

    def _filled(self, order: Order, seen: replies.Order) -> Fill | Pending:
        listed = self._client.read(
            replies.Trades, self._client.api.my_trades, symbol=order.product, orderId=seen.order_id, limit=1000
        ).items
        size, value = Decimal(seen.executed_qty), Decimal(seen.cummulative_quote_qty)
        if (_sum(each.qty for each in listed), _sum(each.quote_qty for each in listed)) != (size, value):
            return Pending("the order is filled, but its trades do not add up to it yet")
        ordered = sorted(listed, key=lambda trade: trade.id)
        fees: defaultdict[str, Decimal] = defaultdict(Decimal)
        for trade in ordered:
            fees[asset(trade.commission_asset)] = exactly_sum(
                fees[asset(trade.commission_asset)], Decimal(trade.commission)
            )
        base, quote = base_and_quote(order)
        sold, paid = Amount(size, base), Amount(value, quote)
        spent, received = (sold, paid) if order.kind is LegKind.SELL else (paid, sold)
        return Fill(
            str(seen.order_id),
            Amount(exactly_sum(spent.quantity, fees.get(spent.asset, Decimal(0))), spent.asset),
            Amount(exactly_less(received.quantity, fees.get(received.asset, Decimal(0))), received.asset),
            tuple(Amount(quantity, of) for of, quantity in fees.items()),
            tuple(map(_execution, ordered)),
        )

    def _explained(self, order: Order, refusal: Refusal) -> Refusal:
        """Say by how much the order falls short of the market's minimum, where that is known."""
        if refusal.code is not RefusalCode.BELOW_MINIMUM:
            return refusal
        try:
            rules = self._rules(order.product)
        except VenueUnavailable:
            return refusal
        least = rules.base_minimum if order.kind is LegKind.SELL else rules.quote_minimum
        missing = exactly_less(least, order.spend.quantity)
        if missing > 0:
            return replace(refusal, missing=Amount(missing, order.spend.asset))
        return replace(refusal, missing=self._missing_value(order, rules))

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
    return {"symbol": order.product, "side": side(order), "type": "MARKET", size: plain(order.spend.quantity)}


def _unfunded(order: Order, account: replies.Account) -> Refusal | None:
    code = ticker(order.spend.asset)
    free = next((Decimal(each.free) for each in account.balances if each.asset == code), Decimal(0))
    if order.spend.quantity <= free:
        return None
    sentence = f"{plain(free)} {code} is free, it was asked for with {plain(order.spend.quantity)}"
    return Refusal(RefusalCode.INSUFFICIENT_BALANCE, sentence, INSUFFICIENT)


def _offer(order: Order, book: replies.Depth, step: Decimal, fee_rate: Decimal) -> Quote | Refusal:
    """Walk the book as the order would; the fee is taken out of what arrives."""
    sells = order.kind is LegKind.SELL
    left, size, value = order.spend.quantity, Decimal(0), Decimal(0)
    with localcontext(prec=60):
        for price, there in ((Decimal(price), Decimal(size)) for price, size in (book.bids if sells else book.asks)):
            taken = min(there, left if sells else floor_to(left / price, step))
            size, value = size + taken, value + taken * price
            left -= taken if sells else taken * price
        if size <= 0:
            return Refusal(RefusalCode.NO_LIQUIDITY, f"nobody takes the other side on {order.product}", "empty book")
        base, quote = base_and_quote(order)
        spend, gross = (Amount(size, base), value) if sells else (Amount(value, quote), size)
        fee = Amount(floor_to(gross * fee_rate, PLACES), quote if sells else base)
        return Quote(spend, Amount(gross - fee.quantity, fee.asset), (fee,), value / size, reference="")


def _difference(order: Order, seen: replies.Order) -> str:
    """Name what the venue's order differs in from the one that was asked for, empty when it is the same."""
    sells = order.kind is LegKind.SELL
    asked = Decimal(seen.orig_qty if sells else seen.orig_quote_order_qty)
    facts = {
        "client order id": seen.client_order_id == order.key,
        "market": seen.symbol == order.product,
        "side": seen.side == side(order),
        "type": seen.type == "MARKET",
        "size": asked == order.spend.quantity,
    }
    return first_difference(facts)


def _execution(trade: replies.Trade) -> Execution:
    fee = Amount(Decimal(trade.commission), asset(trade.commission_asset))
    return Execution(str(trade.id), Decimal(trade.price), Decimal(trade.qty), fee, moment(trade.time))


def _sum(numbers: Iterable[str]) -> Decimal:
    return exactly_sum(*(Decimal(each) for each in numbers))
