"""Convert: one to one between a few currencies; quoted, committed, then completed by the venue in its own time.

Between commit and completion the amount is on hold. Source: docs.cdp.coinbase.com, "Create Convert Quote".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from simulators.coinbase.refusals import invalid, not_found
from simulators.coinbase.scenario import ConvertForm
from simulators.coinbase.state import Conversion, VenueState
from simulators.coinbase.wallets import Wallets
from simulators.exchange.arithmetic import is_multiple
from simulators.exchange.identity import Ids
from simulators.exchange.ledger import HOLD, USER, VENUE, Ledger

QUOTED, STARTED = "TRADE_STATUS_UNSPECIFIED", "TRADE_STATUS_STARTED"
COMPLETED, CANCELED = "TRADE_STATUS_COMPLETED", "TRADE_STATUS_CANCELED"
PAIRS = frozenset(frozenset(pair) for pair in (("USD", "USDC"), ("USD", "PYUSD"), ("PYUSD", "USDC"), ("EUR", "EURC")))
TOO_LITTLE = "You do not have enough funds"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a client wants exchanged: currency codes and, for a quote, an amount of the source."""

    source: str
    target: str
    amount: Decimal = Decimal(0)


class Conversions:
    """The desk for convert trades."""

    def __init__(self, form: ConvertForm, state: VenueState, wallets: Wallets, ledger: Ledger, ids: Ids) -> None:
        self._form = form
        self._state = state
        self._wallets = wallets
        self._ledger = ledger
        self._ids = ids

    def all(self) -> list[Conversion]:
        """List the convert trades, newest first."""
        return list(reversed(self._state.conversions.values()))

    def quote(self, terms: Terms, now: datetime, refusal: str = "") -> Conversion:
        """Offer a conversion. A refused one has no id and says why; nothing moves."""
        _check_pair(terms)
        if terms.amount <= 0 or not is_multiple(terms.amount, self._form.increment):
            raise invalid(f"amount: must be a positive multiple of {self._form.increment:f}")
        reason = refusal or (TOO_LITTLE if terms.amount > self._wallets.available(terms.source) else "")
        if reason:
            return Conversion("", terms.source, terms.target, terms.amount, now, reason=reason)
        trade = Conversion(self._ids.next("convert"), terms.source, terms.target, terms.amount, now)
        self._state.conversions[trade.trade_id] = trade
        return trade

    def commit(self, trade_id: str, terms: Terms, now: datetime, refusal: str = "") -> Conversion:
        """Start a conversion; its amount goes on hold. One that is refused or unaffordable ends canceled."""
        trade = self._find(trade_id, terms)
        if trade.status != QUOTED:
            if self._form.second_commit == "error":
                raise invalid(f"trade {trade_id} was already committed")
            return trade
        if now - trade.quoted > timedelta(seconds=float(self._form.lifetime)):
            raise invalid(f"trade {trade_id} has expired")
        trade.committed = now
        if trade.amount > self._wallets.available(trade.source):
            trade.status, trade.reason = CANCELED, TOO_LITTLE
            return trade
        if refusal:
            trade.ends, trade.reason = CANCELED, refusal
        trade.status = STARTED
        self._ledger.move(now, USER, HOLD, trade.source, trade.amount, "convert started", trade_id)
        return trade

    def read(self, trade_id: str, terms: Terms) -> Conversion:
        """Read a conversion; reading a started one counts towards its completion."""
        trade = self._find(trade_id, terms)
        if trade.status == STARTED:
            trade.reads += 1
        return trade

    def complete_due(self, now: datetime) -> None:
        """End every started conversion whose time has come."""
        for trade in self._state.conversions.values():
            if trade.status != STARTED or trade.committed is None or trade.reads < self._form.reads:
                continue
            if now - trade.committed >= timedelta(seconds=float(self._form.seconds)):
                self._end(trade, now)

    def _end(self, trade: Conversion, now: datetime) -> None:
        if trade.ends == COMPLETED:
            self._wallets.wallet(trade.target)
            self._ledger.move(now, HOLD, VENUE, trade.source, trade.amount, "convert", trade.trade_id)
            self._ledger.move(now, VENUE, USER, trade.target, trade.amount, "convert", trade.trade_id)
        else:
            self._ledger.move(now, HOLD, USER, trade.source, trade.amount, "convert canceled", trade.trade_id)
        trade.status = trade.ends

    def _find(self, trade_id: str, terms: Terms) -> Conversion:
        _check_pair(terms)
        trade = self._state.conversions.get(trade_id)
        if trade is None:
            raise not_found(f"trade {trade_id!r} not found")
        if (trade.source, trade.target) != (terms.source, terms.target):
            raise invalid(f"trade {trade_id} is from {trade.source} to {trade.target}")
        return trade


def _check_pair(terms: Terms) -> None:
    """Take currency codes of a served pair; wallet uuids get the same 400 as any other pair."""
    if frozenset((terms.source, terms.target)) not in PAIRS:
        raise invalid("Unsupported account in this conversion")
