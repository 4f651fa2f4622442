"""OKX's easy convert: up to five small balances in one request, for one mainstream currency.

The request names currencies and no quantities, so all that is free of each goes; it carries no id of ours. It is done
some time after it was accepted, each currency by itself: running, then filled or failed. A lost answer is settled by
the history and the balances: a row of the currency for what we are paid in, not older than the intent, says what became
of it, whatever the quantity; without a row, a balance that is still there proves that nothing happened once the request
can no longer arrive. The venue names no price beforehand, so an offer is reckoned from the markets' best prices.
Source: okx.com/docs-v5, "Place easy convert", "Easy convert currency list", "Easy convert history".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext

from domain.errors import OutcomeUnknown
from domain.venue import NeverArrived, Order, Pending, Price, SmallBalances, SmallOffer
from events.money import Amount, floor_to, ticker
from events.values import Fill, Quote, Refusal, RefusalCode
from venues.limits import Limiter
from venues.okx import replies
from venues.okx.client import Client
from venues.okx.markets import asset, best_prices, moment, number
from venues.spot_account import Answer, not_listed, refused
from venues.times import Times, asked_at

LARGEST_BATCH = 5
# How far the venue's clock may be behind ours, when its history is searched for what was asked just now.
SKEW = timedelta(seconds=10)
# For how long the history is sure to have a row: the vendor says seven days.
REMEMBERED = timedelta(days=6)
FUNDING = "6"  # the account that is not ours
# What the venue cuts quantities at.
GRAIN = Decimal("0.00000001")
# The finest part of what arrives.
FINEST = Decimal(1).scaleb(-16)
BRIDGES = ("USDT", "USDC", "USD")
RUNNING, FILLED, FAILED = "running", "filled", "failed"
# Of several rows of a currency the one that moved money counts, then the one that may still.
RANKS = {FILLED: 0, RUNNING: 1, FAILED: 2}


@dataclass(frozen=True, slots=True)
class Desk:
    """What easy convert pays in, a code of the venue's, and how many seconds two requests to it are apart."""

    pays: str
    seconds_between: Decimal = Decimal(2)

    @property
    def name(self) -> str:
        """Return what legs call it: `easy-BTC`."""
        return f"easy-{self.pays}"


class EasyConvert:
    """Exchanges small balances of one account; a request is sent within `send_within` of its intent or not at all."""

    def __init__(self, client: Client, limiter: Limiter, desk: Desk, times: Times, send_within: timedelta) -> None:
        self._client, self._limiter, self._desk, self._times = client, limiter, desk, times
        self._send_within = send_within

    def standing(self, prices: Mapping[str, Price] | None = None) -> SmallBalances:
        """Read what would be taken, and best prices unless they are given. It never rests."""
        offers = self._offers(prices)
        found = {} if isinstance(offers, Refusal) else offers
        return SmallBalances(self._desk.name, asset(self._desk.pays), found)

    def offer(self, orders: Sequence[Order]) -> Mapping[str, Quote | Refusal]:
        """Say what each order would bring, by the asset it spends: two requests for all."""
        offers = self._offers(None)
        if isinstance(offers, Refusal):
            return {order.spend.asset: offers for order in orders}
        return {order.spend.asset: self._quote(order, offers.get(order.spend.asset)) for order in orders}

    def exchange(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Exchange all of them in one request, once; what the history has since the intent is not asked for again.

        A no to one currency is that one's; the others then were not exchanged either, and may be asked for again.
        """
        if not orders[0].key:
            raise ValueError("key: '' is empty; a request without a key could not be told from another")
        if len(orders) > LARGEST_BATCH:
            raise ValueError(f"orders: {len(orders)} are more than the {LARGEST_BATCH} that one request takes")
        asked = asked_at(orders[0])
        if self._history(orders):
            return self.outcome(orders)
        self._limiter.conversion()
        self._wait_for_turn()
        made = self._client.move(
            asked + self._send_within,
            replies.Rows[replies.Converted],
            self._client.api.convert,
            fromCcy=[ticker(order.spend.asset) for order in orders],
            toCcy=self._desk.pays,
        )
        if isinstance(made, Refusal):
            return refused(orders, made)
        done = _by_asset(made.items)
        if strangers := set(done) - {order.spend.asset for order in orders}:
            raise OutcomeUnknown(f"the venue's answer is about {', '.join(sorted(strangers))}, which was not asked for")
        return {order.spend.asset: self._told(order, done.get(order.spend.asset), LEFT_OUT) for order in orders}

    def outcome(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Look for the rows in the history, then at the balances of what has none."""
        late, forgotten = self._times.given_up(orders[0]), self._times.age(orders[0]) > REMEMBERED
        done = self._history(orders)
        free = self._free() if len(done) < len(orders) else {}
        answers: dict[str, Answer] = {}
        for order in orders:
            name, missing = order.spend.asset, free.get(order.spend.asset, Decimal(0)) < order.spend.quantity
            if missing:
                absent: Answer = Pending(f"{ticker(name)} left the account, but the history does not say so yet")
            elif not late:
                absent = Pending("the venue's history does not have it yet, and the request may still arrive")
            elif forgotten:
                absent = Pending("the request is too old for the venue's history to say that it never arrived")
            else:
                absent = LEFT_OUT if done else NeverArrived()
            answers[name] = self._told(order, done.get(name), absent)
        return answers

    def _wait_for_turn(self) -> None:
        """Keep the gap: each of its three endpoints has a limit of its own, and all share one turn here."""
        self._limiter.apart("easy converts", self._desk.seconds_between)

    def _free(self) -> dict[str, Decimal]:
        account = self._client.read(replies.One[replies.Account], self._client.api.balance).only
        return {asset(each.ccy): number(each.avail_bal) for each in account.details}

    def _offers(self, prices: Mapping[str, Price] | None) -> Mapping[str, SmallOffer] | Refusal:
        self._wait_for_turn()
        listed = self._client.ask(replies.One[replies.Convertible], self._client.api.convertible)
        if isinstance(listed, Refusal):
            return listed
        if self._desk.pays not in listed.only.to_ccy:
            return {}
        known = best_prices(self._client) if prices is None else prices
        offers = {}
        for each in listed.only.from_data:
            quantity, rate = Decimal(each.from_amt), _rate(each.from_ccy, self._desk.pays, known)
            if quantity > 0 and rate and each.from_ccy != self._desk.pays:
                offers[asset(each.from_ccy)] = SmallOffer(quantity, floor_to(quantity * rate, FINEST), Decimal(0))
        return offers

    def _quote(self, order: Order, offer: SmallOffer | None) -> Quote | Refusal:
        if offer is None:
            return not_listed(order.spend.asset)
        spend, brings = Amount(offer.quantity, order.spend.asset), Amount(offer.brings, asset(self._desk.pays))
        return Quote(spend, brings, (), offer.brings / offer.quantity, reference="")

    def _history(self, orders: Sequence[Order]) -> Mapping[str, replies.Converted]:
        """Find what became of each currency since it was asked for; one request."""
        since = asked_at(orders[0]) - SKEW
        self._wait_for_turn()
        listed = self._client.read(
            replies.Rows[replies.Converted],
            self._client.api.converted,
            before=str(int(since.timestamp() * 1000) - 1),
        )
        wanted = {order.spend.asset: order for order in orders}
        rows = [
            each
            for each in listed.items
            if each.acct != FUNDING
            and each.to_ccy == self._desk.pays
            and (mine := wanted.get(asset(each.from_ccy)))
            and _follows(mine, each)
        ]
        return _by_asset(rows)

    def _told(self, order: Order, row: replies.Converted | None, absent: Answer) -> Answer:
        """Read a row; `absent` is the answer without one."""
        if row is None:
            return absent
        name = ticker(order.spend.asset)
        if row.status == FAILED:
            return Refusal(RefusalCode.OTHER, f"OKX says that its exchange of {name} failed", FAILED)
        spent, received = number(row.fill_from_sz), number(row.fill_to_sz)
        if row.status != FILLED or spent <= 0 or received <= 0:
            return Pending(f"the exchange of {name} is {row.status}")
        pays = Amount(received, asset(self._desk.pays))
        return Fill(f"easy-{row.u_time}", Amount(spent, order.spend.asset), pays, (), ())


LEFT_OUT = Refusal(RefusalCode.NOT_TRADABLE, "the venue left it out of an exchange that it made", "left out")


def _follows(order: Order, row: replies.Converted) -> bool:
    """Say whether a row can be what became of an order: after the intent any is, for all that is there goes.

    Just before it, which may be the venue's clock, the quantity decides: else it is of an earlier request.
    """
    if moment(row.u_time) >= asked_at(order):
        return True
    asked, taken = order.spend.quantity, number(row.fill_from_sz)
    return moment(row.u_time) >= asked_at(order) - SKEW and floor_to(asked, GRAIN) <= taken <= asked


def _by_asset(rows: Sequence[replies.Converted]) -> dict[str, replies.Converted]:
    """Pick the row that counts of each currency, the oldest of its kind; a status that is not known may still move."""
    ranked = sorted(rows, key=lambda row: (RANKS.get(row.status, RANKS[RUNNING]), int(row.u_time)), reverse=True)
    return {asset(row.from_ccy): row for row in ranked}


def _rate(code: str, pays: str, prices: Mapping[str, Price]) -> Decimal | None:
    """Say what one unit brings at the best prices, directly or over a dollar coin; None where nobody trades it."""
    if direct := _direct(code, pays, prices):
        return direct
    ways = ((_direct(code, bridge, prices), _direct(bridge, pays, prices)) for bridge in BRIDGES)
    return max((first * second for first, second in ways if first and second), default=None)


def _direct(code: str, pays: str, prices: Mapping[str, Price]) -> Decimal | None:
    sold, bought = prices.get(f"{code}-{pays}"), prices.get(f"{pays}-{code}")
    if sold and sold.bid:
        return sold.bid
    with localcontext(prec=60):
        return 1 / bought.ask if bought and bought.ask else None
