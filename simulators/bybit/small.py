"""The exchange of small balances: list, quote, confirm, and the history in which the end of it stands.

A quote says what would be taken of each coin: all that is free. Confirmed in time it is carried out behind the answer.
Source: bybit-exchange.github.io/docs/v5/asset/convert-small-balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from simulators.bybit import refusals
from simulators.bybit.markets import PLACES, Markets
from simulators.bybit.refusals import ErrorReply
from simulators.bybit.scenario import SmallForm
from simulators.bybit.state import SmallQuote, SmallRow, VenueState
from simulators.exchange.arithmetic import exactly, floor_places
from simulators.exchange.ledger import FEES, USER, VENUE, Ledger
from simulators.exchange.state import total


@dataclass(frozen=True, slots=True)
class SmallCircumstances:
    """What goes differently this time: coins that fail, a history that lags behind, a slow exchange."""

    failing: int = 0
    listed_late: Decimal = Decimal(0)
    slow: Decimal = Decimal(0)


ORDINARY = SmallCircumstances()


class SmallDesk:
    """Exchanges all that is free of each coin named."""

    def __init__(self, form: SmallForm, state: VenueState, markets: Markets, ledger: Ledger) -> None:
        self._form = form
        self._state = state
        self._markets = markets
        self._ledger = ledger

    @property
    def targets(self) -> tuple[str, ...]:
        """Name what may be paid in."""
        return self._form.targets

    @property
    def fee(self) -> Decimal:
        """Say what part of the proceeds is kept."""
        return self._form.fee

    def listed(self) -> list[SmallRow]:
        """List the coins that are worth little, and whether they would be taken."""
        held = self._ledger.balances().get(USER, {})
        rows = [self._row(coin, "USDT") for coin in held]
        return [row for row in rows if row.value < self._form.largest]

    def quote(self, coins: Sequence[str], target: str, quote_id: str, now: datetime) -> SmallQuote:
        """Quote an exchange; raises the venue's no."""
        if target not in self._form.targets or not 0 < len(set(coins)) <= self._form.most_coins:
            raise ErrorReply(*refusals.SMALL_PARAMETERS)
        rows = [self._row(coin, target) for coin in dict.fromkeys(coins)]
        if any(row.value >= self._form.largest for row in rows):
            raise ErrorReply(*refusals.TOO_LARGE)
        if total(row.value for row in rows) > self._form.largest_in_all:
            raise ErrorReply(*refusals.TOO_LARGE)
        if not any(row.amount for row in rows):
            raise ErrorReply(*refusals.NOT_HELD)
        quote = SmallQuote(quote_id, target, now, now + timedelta(seconds=float(self._form.quote_seconds)), rows)
        self._state.small[quote_id] = quote
        return quote

    def confirm(self, quote_id: str, now: datetime, circumstances: SmallCircumstances = ORDINARY) -> SmallQuote:
        """Carry a quote out; raises the venue's no, and then nothing has moved."""
        quote = self._state.small.get(quote_id)
        if quote is None:
            raise ErrorReply(*refusals.NO_SUCH_QUOTE)
        if quote.listed_at is not None:
            raise ErrorReply(*refusals.QUOTE_USED)
        if now >= quote.expires:
            raise ErrorReply(*refusals.QUOTE_EXPIRED)
        if any(status_of(each, now) == "processing" for each in self._state.small.values() if each.listed_at):
            raise ErrorReply(*refusals.UNDER_WAY)
        taken = [row.coin for row in quote.rows if row.taken]
        gone = {row.coin for row in quote.rows if row.taken and self._ledger.balance(USER, row.coin) < row.amount}
        quote.failed = frozenset(gone | set(taken[max(len(taken) - circumstances.failing, 0) :]))
        quote.listed_at = now + timedelta(seconds=float(circumstances.listed_late))
        quote.ends_at = now + timedelta(seconds=float(self._form.takes_seconds + circumstances.slow))
        for row in quote.rows:
            if row.taken and row.coin not in quote.failed:
                self._settle(quote, row, now)
        return quote

    def history(self, now: datetime) -> list[SmallQuote]:
        """List exchanges, newest first, as far as the history knows them."""
        listed = (each for each in self._state.small.values() if self._is_listed(each, now))
        return sorted(listed, key=lambda each: each.created, reverse=True)

    def _is_listed(self, quote: SmallQuote, now: datetime) -> bool:
        return self._form.quotes_listed if quote.listed_at is None else quote.listed_at <= now

    @exactly()
    def _row(self, coin: str, target: str) -> SmallRow:
        """Say what would be taken of a coin: nothing of the target itself, of what has no price, of the excluded."""
        free = self._ledger.balance(USER, coin)
        value = floor_places(free * (self._markets.worth(coin, "USDT") or 0), PLACES)
        rate = self._markets.worth(coin, target)
        if coin == target or coin in self._form.excluded or rate is None or free <= 0:
            return SmallRow(coin, False, free, value)
        gross = floor_places(free * rate, PLACES)
        fee = floor_places(gross * self._form.fee, PLACES)
        return SmallRow(coin, gross > fee, free, value, gross - fee, fee)

    def _settle(self, quote: SmallQuote, row: SmallRow, now: datetime) -> None:
        for debit, credit, coin, quantity, reason in (
            (USER, VENUE, row.coin, row.amount, "small balances"),
            (VENUE, USER, quote.target, row.brings + row.fee, "small balances"),
            (USER, FEES, quote.target, row.fee, "fee"),
        ):
            if quantity > 0:
                self._ledger.move(now, debit, credit, coin, quantity, reason, quote.quote_id)


def status_of(quote: SmallQuote, now: datetime) -> str:
    """Say how an exchange stands; the coins that fail make it a part of one."""
    if quote.ends_at is None:
        return "init"
    if now < quote.ends_at:
        return "processing"
    taken = {row.coin for row in quote.rows if row.taken}
    if not quote.failed & taken:
        return "success"
    return "failure" if taken <= quote.failed else "partial_fulfillment"
