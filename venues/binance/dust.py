"""Binance's exchange of small balances: many assets in one request, for one target less a fee.

The newer endpoints take an id of the request and a target; the classic ones pay in BNB and take no id. Neither can be
looked up by an id, so a lost answer is settled by the log of conversions and the balances: what the log has was done,
what it doesn't have and is still there was not, once the request can no longer arrive.

What the venue calls transferred is before its service charge: in the vendor's example 0.02102542 is 2 % of 1.05127099.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from domain.errors import OutcomeUnknown
from domain.venue import NeverArrived, Order, Pending, SmallBalances, SmallOffer
from events.money import Amount, exactly_less, ticker
from events.values import Fill, Quote, Refusal, RefusalCode
from venues.binance import replies
from venues.binance.client import Client
from venues.binance.markets import asset, moment
from venues.limits import Limiter
from venues.spot_account import Answer, not_listed, refused
from venues.times import Times, asked_at

# How long the venue rests after a conversion (its error -9000).
REST = timedelta(hours=6)
# How far the venue's clock may be behind ours, when its log is searched for what was asked just now.
SKEW = timedelta(seconds=10)
# What the log writes its times in.
SECOND = timedelta(seconds=1)
BNB = "BNB"


@dataclass(frozen=True, slots=True)
class Desk:
    """Which endpoints are used, and what they pay in: a code of the venue's, BNB for the classic ones."""

    pays: str
    classic: bool = False

    @property
    def name(self) -> str:
        """Return what legs call it: `dust-BTC`."""
        return f"dust-{self.pays}"


class Dust:
    """Exchanges small balances of one account; the times are as for orders."""

    def __init__(self, client: Client, limiter: Limiter, desk: Desk, times: Times, send_within: timedelta) -> None:
        self._client, self._limiter, self._desk, self._times = client, limiter, desk, times
        self._send_within = send_within

    def standing(self) -> SmallBalances:
        """Read what would be taken, and until when the venue rests: two requests. A no to the first is no offer."""
        offers = self._offers()
        if isinstance(offers, Refusal):
            return SmallBalances(self._desk.name, asset(self._desk.pays))
        latest = max((each.operate_time for each in self._log(self._times.clock() - REST)), default=None)
        ready_at = None if latest is None else moment(latest) + REST
        return SmallBalances(self._desk.name, asset(self._desk.pays), offers, ready_at)

    def offer(self, orders: Sequence[Order]) -> Mapping[str, Quote | Refusal]:
        """Say what each order would bring, by the asset it spends: one request for all."""
        offers = self._offers()
        if isinstance(offers, Refusal):
            return {order.spend.asset: offers for order in orders}
        return {order.spend.asset: self._quote(order, offers.get(order.spend.asset)) for order in orders}

    def exchange(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Exchange all of them in one request, once; what the log says was done already is not asked again.

        A no to one asset is that asset's; the others then were not exchanged either, and may be asked for again.
        """
        if not orders[0].key:
            raise ValueError("key: '' is empty; a request without a key could not be told from another")
        asked = asked_at(orders[0])
        if done := self._logged(orders):
            return self._answered(orders, done)
        self._limiter.conversion()
        made = self._client.move(asked + self._send_within, replies.Conversion, self._call(), **self._terms(orders))
        if isinstance(made, Refusal):
            return refused(orders, made)
        done = {asset(each.from_asset): each for each in made.transfer_result}
        if strangers := set(done) - {order.spend.asset for order in orders}:
            raise OutcomeUnknown(f"the venue's answer is about {', '.join(sorted(strangers))}, which was not asked for")
        return self._answered(orders, done)

    def outcome(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Look for the conversion in the log, then at the balances."""
        given_up = self._times.given_up(orders[0])
        if done := self._logged(orders):
            return self._answered(orders, done)
        account = self._client.read(replies.Account, self._client.api.account, omitZeroBalances="true")
        free = {asset(each.asset): Decimal(each.free) for each in account.balances}
        gone = [order for order in orders if free.get(order.spend.asset, Decimal(0)) < order.spend.quantity]
        if gone:
            names = ", ".join(ticker(order.spend.asset) for order in gone)
            pending = Pending(f"{names} left the account, but the log of conversions does not say so yet")
            return {order.spend.asset: pending for order in orders}
        if not given_up:
            waiting = Pending("the venue's log does not have it yet, and the request may still arrive")
            return {order.spend.asset: waiting for order in orders}
        return {order.spend.asset: NeverArrived() for order in orders}

    def _offers(self) -> Mapping[str, SmallOffer] | Refusal:
        if self._desk.classic:
            in_bnb = self._client.ask(replies.SmallBalancesInBnb, self._client.api.dust_assets)
            if isinstance(in_bnb, Refusal):
                return in_bnb
            return {
                asset(each.asset): _offer(each.amount_free, each.to_bnb, each.to_bnb_off_exchange)
                for each in in_bnb.details
            }
        listed = self._client.ask(replies.SmallBalances, self._client.api.dust_convertible, targetAsset=self._desk.pays)
        if isinstance(listed, Refusal):
            return listed
        return {
            asset(each.asset): _offer(each.amount_free, each.to_target_asset_amount, each.to_target_asset_off_exchange)
            for each in listed.details
        }

    def _quote(self, order: Order, offer: SmallOffer | None) -> Quote | Refusal:
        if offer is None:
            return not_listed(order.spend.asset)
        pays = asset(self._desk.pays)
        spend = Amount(offer.quantity, order.spend.asset)
        price = (offer.brings + offer.fee) / offer.quantity if offer.quantity else Decimal(0)
        return Quote(spend, Amount(offer.brings, pays), (Amount(offer.fee, pays),), price, reference="")

    def _call(self) -> Callable[..., object]:
        return self._client.api.dust_transfer if self._desk.classic else self._client.api.dust_convert

    def _terms(self, orders: Sequence[Order]) -> dict[str, object]:
        assets = tuple(ticker(order.spend.asset) for order in orders)
        if self._desk.classic:
            return {"asset": assets}
        return {"asset": assets, "clientId": orders[0].key, "targetAsset": self._desk.pays}

    def _log(self, since: datetime) -> list[replies.Dribblet]:
        log = self._client.read(replies.Dribblets, self._client.api.dust_log, startTime=millis(since))
        return log.user_asset_dribblets

    def _logged(self, orders: Sequence[Order]) -> Mapping[str, replies.Converted]:
        """Find the conversion that took these assets, and no others, since they were asked for."""
        wanted = {order.spend.asset: order for order in orders}
        for each in self._log(asked_at(orders[0]) - SKEW):
            rows = {asset(row.from_asset): row for row in each.user_asset_dribblet_details}
            if set(rows) <= set(wanted) and any(_follows(wanted[name], row) for name, row in rows.items()):
                return rows
        return {}

    def _answered(self, orders: Sequence[Order], done: Mapping[str, replies.Converted]) -> Mapping[str, Answer]:
        """Give each order what its row says; a success that leaves an asset out has not exchanged it."""
        left_out = Refusal(RefusalCode.NOT_TRADABLE, "the venue left it out of an exchange that it made", "left out")
        answers: dict[str, Answer] = {}
        for order in orders:
            row = done.get(order.spend.asset)
            answers[order.spend.asset] = left_out if row is None else self._fill(order, row)
        return answers

    def _fill(self, order: Order, row: replies.Converted) -> Fill:
        pays, fee = asset(self._desk.pays), Decimal(row.service_charge_amount)
        received = Amount(exactly_less(Decimal(row.transfered_amount), fee), pays)
        spent = Amount(Decimal(row.amount), order.spend.asset)
        return Fill(f"dust-{row.operate_time}", spent, received, (Amount(fee, pays),), ())


def _follows(order: Order, row: replies.Converted) -> bool:
    """Say whether a row can be what became of an order: after the intent any is, for all that is there goes.

    Just before it, which may be the venue's clock, the quantity decides: else it is of an earlier request.
    """
    return moment(row.operate_time) > asked_at(order) - SECOND or order.spend.quantity == Decimal(row.amount)


def millis(at: datetime) -> int:
    """Write a time as the venue reads it."""
    return int(at.timestamp() * 1000)


def _offer(free: str, gross: str, net: str) -> SmallOffer:
    brings = Decimal(net)
    return SmallOffer(Decimal(free), brings, exactly_less(Decimal(gross), brings))
