"""One-to-one conversions on Coinbase: quote, commit, look up.

Neither quote nor commit takes an idempotency key. The quote's id is that of the trade, and it is on record before the
commit; so a lost commit is settled by reading the trade, never by another quote.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending
from events.money import Amount, ticker
from events.values import Fill, Quote, Refusal
from venues.coinbase import replies
from venues.coinbase.client import Client
from venues.coinbase.errors import refusal_for
from venues.limits import Limiter
from venues.times import Times, asked_at

# Convert serves these both ways and nothing else (Create Convert Quote, Advanced Trade FAQ).
PAIRS = (("USD", "USDC"), ("USD", "PYUSD"), ("PYUSD", "USDC"), ("EUR", "EURC"))
LIFETIME = timedelta(minutes=10)
UNCOMMITTED = {"TRADE_STATUS_UNSPECIFIED", ""}
COMPLETED = "TRADE_STATUS_COMPLETED"
FAILED = {"TRADE_STATUS_CANCELED", "TRADE_STATUS_CANCELLED", "TRADE_STATUS_FAILED"}


class Conversions:
    """Makes and finds conversions of one account.

    A commit is sent within `send_within` of its intent or not at all. `never_arrived_after` exceeds the quote's life
    of ten minutes: a quote that is uncommitted then stays so. `settling` are the pauses, in seconds, in which the end
    is waited for.
    """

    def __init__(self, client: Client, limiter: Limiter, times: Times, send_within: timedelta) -> None:
        self._client, self._limiter, self._times, self._send_within = client, limiter, times, send_within

    def quote(self, order: Order) -> Quote | Refusal:
        """Have the venue quote the conversion; the quote's reference is the id of the trade it may become."""
        amount = format(order.spend.quantity, "f")
        reply = self._client.ask(
            replies.ConversionReply, self._client.sdk.create_convert_quote, **_accounts(order), amount=amount
        )
        if isinstance(reply, Refusal):
            return reply
        trade = reply.trade
        if not trade.id or _reason(trade) != replies.Reason():
            return _cancelled(trade)
        spend, receive, fee = _amounts(order, trade)
        price = receive.quantity / spend.quantity if spend.quantity else Decimal(0)
        return Quote(spend, receive, (fee,) if fee else (), price, trade.id, self._times.clock() + LIFETIME)

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Commit the recorded quote once, then read the trade until it has ended or patience does.

        A refused commit is believed only after the trade was read: the refusal may be that of a second commit.
        """
        if not order.reference:
            raise ValueError(f"reference: '' is empty; order {order.key} needs the id of the quote that was recorded")
        self._limiter.conversion()
        committed = self._client.move(
            asked_at(order) + self._send_within,
            replies.ConversionReply,
            self._client.sdk.commit_convert_trade,
            order.reference,
            **_accounts(order),
        )
        try:
            if isinstance(committed, Refusal):
                return self._reading(order) or committed
            return self._follow(order)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the commit was answered, but could not be read back: {error}") from None

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Read the trade whose commit's answer was lost."""
        given_up = self._times.given_up(order)
        answer = self._reading(order)
        if answer is not None:
            return answer
        if given_up:
            return NeverArrived()
        return Pending("the quote is uncommitted, and the commit may still arrive")

    def _follow(self, order: Order) -> Fill | Refusal | Pending:
        answer = self._reading(order)
        for pause in self._times.settling:
            if answer is not None and not isinstance(answer, Pending):
                break
            self._times.sleep(pause)
            answer = self._reading(order)
        return answer or Pending("the commit was accepted, but the trade does not show it yet")

    def _reading(self, order: Order) -> Fill | Refusal | Pending | None:
        """Read the trade once; None while it is uncommitted, or no longer known because it never was committed."""
        call = self._client.sdk.get_convert_trade
        reply = self._client.ask(replies.ConversionReply, call, order.reference, **_accounts(order))
        if isinstance(reply, Refusal):
            if reply.venue_code == "NOT_FOUND":
                return None
            raise VenueUnavailable(f"get_convert_trade: {reply.sentence}")
        trade = reply.trade
        if trade.status in UNCOMMITTED:
            return None
        if trade.status in FAILED:
            return _cancelled(trade)
        if trade.status != COMPLETED:
            return Pending(f"the conversion is {trade.status}")
        spent, received, fee = _amounts(order, trade)
        if spent != order.spend:
            return Pending(f"the venue's trade moves {spent}, not {order.spend}")
        return Fill(trade.id, spent, received, (fee,) if fee else (), ())


def _accounts(order: Order) -> dict[str, str]:
    """Name both sides by currency code, as the API wants; uuids get `Unsupported account in this conversion`."""
    return {"from_account": ticker(order.spend.asset), "to_account": ticker(order.receive)}


def _amounts(order: Order, trade: replies.Conversion) -> tuple[Amount, Amount, Amount | None]:
    """Return what leaves, what lands, and the fee where there is one."""
    source, target = _accounts(order).values()
    total, landed = trade.total, trade.amount
    if total is None or landed is None or (total.currency, landed.currency) != (source, target):
        raise VenueUnavailable(f"convert: unreadable reply: total and amount are not in {source} and {target}")
    fee = trade.total_fee.amount if trade.total_fee else None
    charged = Amount(Decimal(fee.value), order.spend.asset) if fee and Decimal(fee.value) and fee.currency else None
    return Amount(Decimal(total.value), order.spend.asset), Amount(Decimal(landed.value), order.receive), charged


def _reason(trade: replies.Conversion) -> replies.Reason:
    """Return why the trade was not made; an empty reason is none."""
    return trade.cancellation_reason or replies.Reason()


def _cancelled(trade: replies.Conversion) -> Refusal:
    reason = _reason(trade)
    return refusal_for(reason.code or trade.status, reason.message)
