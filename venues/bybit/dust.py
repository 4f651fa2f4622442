"""Bybit's exchange of small balances: up to twenty coins in one quote, which is confirmed within thirty seconds.

The quote's id is that of the exchange it becomes, and it is on record before it is confirmed; so a lost confirmation is
settled by asking the history for that id, never by another quote. The venue works behind its answer: the history says
what became of each coin, and it may be some of them. What a coin brings stands in quote and history after the fee: in
the vendor's example 0.00000729008095952 is 2 % of 0.00035721396701649 and itself.
Source: bybit-exchange.github.io/docs/v5/asset/convert-small-balance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending, SmallBalances, SmallOffer
from events.money import Amount, exactly_sum, ticker
from events.values import Fill, Quote, Refusal, RefusalCode
from venues.bybit import replies
from venues.bybit.client import Client
from venues.bybit.errors import REPEATED, VOID
from venues.bybit.markets import asset, moment
from venues.bybit.orders import free
from venues.bybit.replies import number
from venues.limits import Limiter
from venues.spot_account import Answer, not_listed
from venues.times import Times, asked_at

# How many coins the venue takes in one quote.
LARGEST = 20
SUPPORTED = 1
QUOTED, FAILED = "init", "failure"
ENDED = {"success", "partial_fulfillment", FAILED}
# How old a quote is at least that was never confirmed if it has gone no further: a hundred times as old as it is good.
UNCONFIRMED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """What small balances are paid in, a code of the venue's: MNT, USDT or USDC."""

    pays: str

    @property
    def name(self) -> str:
        """Return what legs call it: `dust-USDT`."""
        return f"dust-{self.pays}"


class Dust:
    """Exchanges small balances of one account; the times are as for orders."""

    def __init__(self, client: Client, limiter: Limiter, desk: Desk, times: Times, send_within: timedelta) -> None:
        self._client, self._limiter, self._desk, self._times = client, limiter, desk, times
        self._send_within = send_within

    def standing(self) -> SmallBalances:
        """Read what would be taken: a list, and a quote for each twenty of it. A no to one is no offer of its coins."""
        listed = self._client.ask(replies.SmallCoins, self._client.api.small_balances)
        if isinstance(listed, Refusal) or self._desk.pays not in listed.support_to_coins:
            return SmallBalances(self._desk.name, asset(self._desk.pays))
        taken = (each for each in listed.small_asset_coins if each.support_convert == SUPPORTED)
        codes = sorted(each.from_coin for each in taken if each.from_coin != self._desk.pays)
        offers: dict[str, SmallOffer] = {}
        for start in range(0, len(codes), LARGEST):
            quoted = self._quoted(codes[start : start + LARGEST])
            if not isinstance(quoted, Refusal):
                offers |= {asset(coin.from_coin): _offer(coin) for coin in _supported(quoted)}
        return SmallBalances(self._desk.name, asset(self._desk.pays), offers)

    def offer(self, orders: Sequence[Order]) -> Mapping[str, Quote | Refusal]:
        """Have all orders quoted together; what the venue leaves out is refused, and the rest is quoted anew.

        So whatever one id stands for is what was offered under it, and is confirmed with it.
        """
        refused: dict[str, Quote | Refusal] = {}
        while wanted := [order for order in orders if order.spend.asset not in refused]:
            quoted = self._quoted([ticker(order.spend.asset) for order in wanted])
            if isinstance(quoted, Refusal):
                return refused | {order.spend.asset: quoted for order in wanted}
            taken = {asset(coin.from_coin): coin for coin in _supported(quoted)}
            left_out = [order.spend.asset for order in wanted if order.spend.asset not in taken]
            if not left_out:
                return refused | {name: self._quote(name, coin, quoted) for name, coin in taken.items()}
            refused |= {name: not_listed(name) for name in left_out}
        return refused

    def exchange(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Confirm the quote of all of them, once, and follow the exchange until it has ended or patience does.

        What the history has under the quote's id was confirmed before, and is not confirmed again. A quote may stand
        there before it is: the venue confirms one once.
        """
        quote_id, asked = _quote_of(orders), asked_at(orders[0])
        if (record := self._record(quote_id)) and record.status != QUOTED:
            return self._answered(orders, record)
        self._limiter.conversion()
        call = self._client.api.exchange_small
        made = self._client.move(asked + self._send_within, replies.Confirmed, call, quoteId=quote_id)
        if isinstance(made, Refusal) and made.venue_code not in REPEATED:
            never = made.venue_code in VOID
            return {order.spend.asset: NeverArrived() if never else made for order in orders}
        if not isinstance(made, Refusal) and made.quote_id != quote_id:
            raise OutcomeUnknown("exchange_small: the venue's answer is about another quote")
        try:
            return self._follow(orders, quote_id)
        except (VenueUnavailable, ConfigurationError) as error:
            raise OutcomeUnknown(f"the quote was confirmed, but could not be read back: {error}") from None

    def outcome(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Look for the exchange in the history, then at the balances."""
        age, given_up = self._times.clock() - asked_at(orders[0]), self._times.given_up(orders[0])
        record = self._record(_quote_of(orders))
        if record and not (record.status == QUOTED and age > UNCONFIRMED):
            return self._answered(orders, record)
        wallets = self._client.read(replies.Wallets, self._client.api.wallet_balance)
        there = {asset(coin.coin): free(coin) for each in wallets.items for coin in each.coin}
        gone = [order for order in orders if there.get(order.spend.asset, Decimal(0)) < order.spend.quantity]
        if gone:
            names = ", ".join(ticker(order.spend.asset) for order in gone)
            return _all(orders, Pending(f"{names} left the account, but the history of exchanges does not say so yet"))
        if not given_up:
            return _all(orders, Pending("the venue's history does not have it yet, and the request may still arrive"))
        return _all(orders, NeverArrived())

    def _quoted(self, codes: Sequence[str]) -> replies.SmallQuote | Refusal:
        """Have these coins quoted; what is in the quote besides would go with them, so it is not believed."""
        call = self._client.api.quote_small
        quoted = self._client.ask(replies.SmallQuote, call, fromCoinList=list(codes), toCoin=self._desk.pays)
        if not isinstance(quoted, Refusal):
            named = {(coin.from_coin, coin.to_coin) for coin in _supported(quoted)}
            if strangers := sorted(named - {(code, self._desk.pays) for code in codes}):
                raise VenueUnavailable(f"quote_small: the quote has {' for '.join(strangers[0])}, unasked")
        return quoted

    def _quote(self, name: str, coin: replies.QuotedCoin, quoted: replies.SmallQuote) -> Quote:
        offer, pays = _offer(coin), asset(self._desk.pays)
        price = exactly_sum(offer.brings, offer.fee) / offer.quantity
        fees = (Amount(offer.fee, pays),)
        until = moment(quoted.result.quote_expire_time)
        return Quote(Amount(offer.quantity, name), Amount(offer.brings, pays), fees, price, quoted.quote_id, until)

    def _follow(self, orders: Sequence[Order], quote_id: str) -> Mapping[str, Answer]:
        answers: Mapping[str, Answer] = _all(orders, Pending("the exchange was accepted, but is not to be found yet"))
        for pause in (0, *self._times.settling):
            self._times.sleep(pause)
            if record := self._record(quote_id):
                answers = self._answered(orders, record)
            if not any(isinstance(answer, Pending) for answer in answers.values()):
                break
        return answers

    def _record(self, quote_id: str) -> replies.ExchangeRecord | None:
        found = self._client.read(replies.ExchangeRecords, self._client.api.small_history, quoteId=quote_id)
        return next((each for each in found.records if each.exchange_tx_id == quote_id), None)

    def _answered(self, orders: Sequence[Order], record: replies.ExchangeRecord) -> Mapping[str, Answer]:
        """Give each order what became of its coin, once all of the exchange has ended."""
        if record.status not in ENDED:
            return _all(orders, Pending(f"the exchange is {record.status}"))
        done = {asset(each.from_coin): each for each in record.sub_records}
        return {order.spend.asset: self._answer(order, done.get(order.spend.asset), record) for order in orders}

    def _answer(self, order: Order, done: replies.Exchanged | None, record: replies.ExchangeRecord) -> Answer:
        status = done.status if done else FAILED
        if status not in ENDED:
            return Pending(f"the exchange has ended, but {ticker(order.spend.asset)} is {status}")
        if done is None or status == FAILED or not number(done.from_amount):
            sentence = f"the venue did not exchange {ticker(order.spend.asset)}, though it took the request"
            return Refusal(RefusalCode.OTHER, sentence, record.status)
        if done.to_coin != self._desk.pays:
            return Pending(f"the venue's exchange paid in {done.to_coin}, not in {self._desk.pays}")
        spent, received = Amount(number(done.from_amount), order.spend.asset), number(done.to_amount)
        fees = _fees((done.fee_coin, done.fee_amount), done.tax_fee_info)
        return Fill(record.exchange_tx_id, spent, Amount(received, asset(self._desk.pays)), fees, ())


def _supported(quoted: replies.SmallQuote) -> list[replies.QuotedCoin]:
    coins = quoted.result.exchange_coins
    return [each for each in coins if each.support_convert == SUPPORTED and number(each.available_balance) > 0]


def _offer(coin: replies.QuotedCoin) -> SmallOffer:
    fee = coin.fee_info.amount if coin.fee_info else ""
    tax = coin.tax_fee_info.total_amount if coin.tax_fee_info else ""
    kept = exactly_sum(number(fee), number(tax))
    return SmallOffer(number(coin.available_balance), number(coin.to_amount), kept)


def _fees(fee: tuple[str, str], tax: replies.Tax | None) -> tuple[Amount, ...]:
    charged = [fee, *([(tax.fee_coin, tax.total_amount)] if tax else [])]
    return tuple(Amount(number(amount), asset(code)) for code, amount in charged if code and number(amount))


def _quote_of(orders: Iterable[Order]) -> str:
    """Name the quote that all of them were offered under."""
    references = {order.reference for order in orders}
    if len(references) != 1 or not all(references):
        raise ValueError(f"reference: {sorted(references)} is not the id of one quote, which was recorded")
    return references.pop()


def _all(orders: Sequence[Order], answer: Answer) -> Mapping[str, Answer]:
    return {order.spend.asset: answer for order in orders}
