"""Market orders on Coinbase: preview, create, read back, look up.

A create is believed only after the order was read back: a repeated client_order_id is answered with success and the
new request's echo, and nothing is executed (coinbase-advanced-py issues 49 and 105).
"""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending
from events.money import Amount, exactly_less, exactly_sum, plain
from events.records import replace
from events.values import Fill, LegKind, Quote, Refusal, RefusalCode
from venues.coinbase import replies
from venues.coinbase.client import Client
from venues.coinbase.errors import refusal_for, refusal_in
from venues.coinbase.executions import executions_of
from venues.coinbase.pages import pages
from venues.limits import Limiter
from venues.market_orders import base_and_quote, first_difference, side
from venues.times import Times, asked_at

ENDED = {"FILLED", "CANCELLED", "EXPIRED", "FAILED"}
# How far before the intent an order is looked for; more than all attempts at one leg take, so that none is missed.
SEARCHED_BACK = timedelta(days=1)
PAGE = 250


class Orders:
    """Makes and finds market orders of one account.

    An order is sent within `send_within` of its intent or not at all. `never_arrived_after` is counted from the intent
    and exceeds that by the 120 s for which a signed request is valid: what the venue does not know then, it can no
    longer come to know. `settling` are the pauses, in seconds, in which a fill is waited for.
    """

    def __init__(self, client: Client, limiter: Limiter, times: Times, send_within: timedelta) -> None:
        self._client, self._limiter, self._times, self._send_within = client, limiter, times, send_within

    def quote(self, order: Order) -> Quote | Refusal:
        """Have the venue preview the order, fees included."""
        preview = self._client.ask(
            replies.Preview,
            self._client.sdk.preview_order,
            product_id=order.product,
            side=side(order),
            order_configuration=_configuration(order),
        )
        if isinstance(preview, Refusal):
            return preview
        if preview.errs:
            refusal = refusal_for(_word(preview.errs[0]))
            return replace(refusal, missing=self._missing(order, refusal, preview))
        if not (preview.order_total and preview.commission_total and preview.base_size):
            raise VenueUnavailable(
                "preview_order: unreadable reply: order_total, commission_total or base_size is empty"
            )
        return _offer(order, preview)

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Create the order once and follow it until it has settled or patience ends."""
        if not order.key:
            raise ValueError("key: '' is empty; the SDK would make up an id, and a repetition would trade twice")
        self._limiter.conversion()
        created = self._client.move(
            asked_at(order) + self._send_within,
            replies.Created,
            self._client.sdk.create_order,
            client_order_id=order.key,
            product_id=order.product,
            side=side(order),
            order_configuration=_configuration(order),
        )
        if isinstance(created, Refusal):
            return created
        if not created.success:
            return self._rejected(order, refusal_in(created.error_response))
        if created.success_response is None or not created.success_response.order_id:
            raise OutcomeUnknown("create_order: unreadable reply: success without an order_id")
        try:
            return self._follow(order, created.success_response.order_id)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the order was accepted, but could not be read back: {error}") from None

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Look the order up by its key among those made since shortly before its intent."""
        given_up = self._times.given_up(order)
        order_id = self._find(order)
        if order_id is not None:
            try:
                return self._reading(order, order_id)
            except OutcomeUnknown as foreign:
                return Pending(str(foreign))
        if given_up:
            return NeverArrived()
        return Pending("the venue does not list the order yet, and the request may still arrive")

    def _rejected(self, order: Order, refusal: Refusal) -> Fill | Refusal | Pending:
        """Believe a rejection, unless it says that the order was made before."""
        if "DUPLICATE" not in refusal.venue_code:
            return refusal
        try:
            answer = self.outcome(order)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the order was made before, but could not be read back: {error}") from None
        return Pending(refusal.sentence) if isinstance(answer, NeverArrived) else answer

    def _follow(self, order: Order, order_id: str) -> Fill | Refusal | Pending:
        answer = self._reading(order, order_id)
        for pause in self._times.settling:
            if not isinstance(answer, Pending):
                break
            self._times.sleep(pause)
            answer = self._reading(order, order_id)
        return answer

    def _reading(self, order: Order, order_id: str) -> Fill | Refusal | Pending:
        """Read the order once; raises `OutcomeUnknown` when it is not the one that was asked for."""
        reply = self._client.ask(replies.OrderReply, self._client.sdk.get_order, order_id)
        if isinstance(reply, Refusal):
            return Pending(f"the order was accepted, but is not to be read yet: {reply.sentence}")
        seen = reply.order
        if differs := _difference(order, seen):
            raise OutcomeUnknown(f"the venue's order under this key has another {differs}")
        if seen.status not in ENDED:
            return Pending(f"the order is {seen.status}")
        if _number(seen.filled_size) == 0:
            return self._unfilled(order, seen)
        if not seen.settled:
            return Pending("the order is filled, but not settled yet")
        return self._filled(order, seen)

    def _unfilled(self, order: Order, seen: replies.Order) -> Refusal | Pending:
        """An order that ended without a fill is believed once it settled, or once nothing can come any more."""
        too_early = not self._times.given_up(order)
        if (not seen.settled and too_early) or self._trades(seen.order_id):
            return Pending(f"the order is {seen.status} without a fill, but not settled yet")
        if seen.status == "FAILED" and seen.reject_reason:
            return refusal_for(seen.reject_reason, seen.reject_message or "")
        return Refusal(
            RefusalCode.NO_LIQUIDITY, "nobody took the other side: the order ended without a fill", seen.status
        )

    def _filled(self, order: Order, seen: replies.Order) -> Fill | Pending:
        base, quote = base_and_quote(order)
        size, fees = _number(seen.filled_size), _number(seen.total_fees)
        executions = executions_of(seen, self._trades(seen.order_id), quote)
        if executions is None:
            return Pending("the order is filled, but its trades do not add up to it yet")
        value = _number(seen.filled_value)
        sold, bought = Amount(size, base), Amount(size, base)
        if order.kind is LegKind.SELL:
            spent, received = sold, Amount(exactly_less(value, fees), quote)
        else:
            spent, received = Amount(exactly_sum(value, fees), quote), bought
        return Fill(seen.order_id, spent, received, (Amount(fees, quote),), executions)

    def _trades(self, order_id: str) -> list[replies.Trade]:
        found = pages(
            lambda cursor: self._client.read(
                replies.Trades, self._client.sdk.get_fills, order_ids=[order_id], limit=PAGE, cursor=cursor
            )
        )
        return [trade for page in found for trade in page.fills]

    def _find(self, order: Order) -> str | None:
        since = (asked_at(order) - SEARCHED_BACK).astimezone(UTC)
        listed = pages(
            lambda cursor: self._client.read(
                replies.OrderNames,
                self._client.sdk.list_orders,
                product_ids=[order.product],
                start_date=since.strftime("%Y-%m-%dT%H:%M:%SZ"),
                limit=PAGE,
                cursor=cursor,
            )
        )
        return next(
            (each.order_id for page in listed for each in page.orders if each.client_order_id == order.key), None
        )

    def _missing(self, order: Order, refusal: Refusal, preview: replies.Preview) -> Amount | None:
        """Say by how much the order falls short of the product's minimum, where both are known."""
        if refusal.code is not RefusalCode.BELOW_MINIMUM:
            return None
        market = self._client.ask(replies.Market, self._client.sdk.get_product, order.product)
        if isinstance(market, Refusal):
            return None
        base, quote = base_and_quote(order)
        in_quote = "QUOTE_SIZE" in refusal.venue_code
        minimum, asset = (market.quote_min_size, quote) if in_quote else (market.base_min_size, base)
        offered = order.spend.quantity if asset == order.spend.asset else _number(preview.quote_size)
        lacking = exactly_less(Decimal(minimum), offered)
        return Amount(lacking, asset) if lacking > 0 and (offered > 0 or asset == order.spend.asset) else None


def _offer(order: Order, preview: replies.Preview) -> Quote:
    base, quote = base_and_quote(order)
    size, total, fee = (_number(each) for each in (preview.base_size, preview.order_total, preview.commission_total))
    traded = exactly_sum(total, fee) if order.kind is LegKind.SELL else exactly_less(total, fee)
    price = _number(preview.est_average_filled_price) or (traded / size if size else Decimal(0))
    sold, paid = Amount(size, base), Amount(total, quote)
    spend, receive = (sold, paid) if order.kind is LegKind.SELL else (paid, sold)
    return Quote(spend, receive, (Amount(fee, quote),), price, reference="")


def _configuration(order: Order) -> dict[str, dict[str, str]]:
    name = "base_size" if order.kind is LegKind.SELL else "quote_size"
    return {"market_market_ioc": {name: plain(order.spend.quantity)}}


def _difference(order: Order, seen: replies.Order) -> str:
    """Name what the venue's order differs in from the one that was asked for, empty when it is the same."""
    size = seen.order_configuration.market_market_ioc or replies.Size()
    asked = size.base_size if order.kind is LegKind.SELL else size.quote_size
    facts = {
        "client_order_id": seen.client_order_id == order.key,
        "product": seen.product_id == order.product,
        "side": seen.side == side(order),
        "size": asked is not None and Decimal(asked) == order.spend.quantity,
    }
    return first_difference(facts)


def _word(error: str | dict[str, object]) -> str:
    if isinstance(error, str):
        return error
    return next((each for each in error.values() if isinstance(each, str)), "")


def _number(text: str) -> Decimal:
    return Decimal(text or "0")
