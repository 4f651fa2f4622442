"""The dust desk: many small balances in one request, once in some hours, for one target less a fee.

The classic endpoints pay in BNB and take no id of the client's; the newer ones pay in a chosen target and do.
Source: developers.binance.com, Wallet API: "Dust Transfer", "DustLog", "Assets That Can Be Converted Into BNB",
"Dust Convert", "Dust Convertible Assets".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from simulators.binance import refusals
from simulators.binance.markets import PLACES, Markets
from simulators.binance.scenario import DustForm
from simulators.binance.state import DustConversion, DustRow, VenueState
from simulators.exchange.arithmetic import exactly, floor_places
from simulators.exchange.ledger import FEES, HOLD, USER, VENUE, Ledger

LOGGED = 100


@dataclass(frozen=True, slots=True)
class DustCircumstances:
    """What goes differently this time: assets left out though the answer is a success, a log that lags behind."""

    left_out: int = 0
    listed_late: Decimal = Decimal(0)


ORDINARY = DustCircumstances()


class DustDesk:
    """Converts all that is free of each asset named."""

    def __init__(self, form: DustForm, state: VenueState, markets: Markets, ledger: Ledger) -> None:
        self._form = form
        self._state = state
        self._markets = markets
        self._ledger = ledger

    def convertible(self, target: str) -> list[DustRow]:
        """List what the desk would take now, and what each would bring."""
        self._check_target(target)
        held = self._ledger.balances().get(USER, {})
        rows = []
        for asset, free in held.items():
            row = self._row(asset, free, target)
            if row and not self._objection(row):
                rows.append(row)
        return rows

    def in_btc(self, asset: str, quantity: Decimal) -> Decimal:
        """Say what a quantity is worth in BTC; what has no price is worth nothing."""
        return floor_places(quantity * (self._markets.worth(asset, "BTC") or 0), PLACES)

    def log(self, now: datetime) -> list[DustConversion]:
        """List conversions, newest first, as far as the log knows them; it keeps the last hundred rows."""
        rows, kept = 0, []
        for conversion in reversed(self._state.dust):
            rows += len(conversion.rows)
            if rows > LOGGED:
                break
            if conversion.listed_at <= now:
                kept.append(conversion)
        return kept

    def earlier(self, client_id: str) -> DustConversion | None:
        """Find the conversion that a client's id already belongs to."""
        return next((each for each in self._state.dust if client_id and each.client_id == client_id), None)

    @exactly()
    def convert(
        self,
        assets: Sequence[str],
        target: str,
        client_id: str,
        now: datetime,
        circumstances: DustCircumstances = ORDINARY,
    ) -> DustConversion:
        """Convert; raises the venue's no, and then nothing has moved."""
        self._check_target(target)
        if earlier := self.earlier(client_id):
            if self._form.repeated_client == "earlier":
                return earlier
            raise refusals.ErrorReply(-9001, "clientId already exists")
        rest = timedelta(hours=float(self._form.cooldown_hours))
        if self._state.dust and now - self._state.dust[-1].time < rest:
            raise refusals.ErrorReply(*refusals.RESTING)
        rows = [self._checked(asset, target) for asset in dict.fromkeys(assets)]
        rows = rows[: max(len(rows) - circumstances.left_out, 0)]
        number = self._state.issued["dust"] = self._state.issued.get("dust", 0) + 1
        listed_at = now + timedelta(seconds=float(circumstances.listed_late))
        conversion = DustConversion(number, client_id, target, now, listed_at, rows)
        for row in rows:
            self._settle(conversion, row)
        if rows:
            self._state.dust.append(conversion)
        return conversion

    def _check_target(self, target: str) -> None:
        if target not in self._form.targets:
            raise refusals.ErrorReply(-9002, f"targetAsset {target} is not supported")

    def _checked(self, asset: str, target: str) -> DustRow:
        free = self._ledger.balance(USER, asset)
        row = self._row(asset, free, target)
        if free <= 0:
            raise refusals.ErrorReply(*refusals.NOT_HELD)
        if row is None:
            raise refusals.ErrorReply(*refusals.NOT_CONVERTIBLE)
        if no := self._objection(row):
            raise no
        return row

    def _row(self, asset: str, free: Decimal, target: str) -> DustRow | None:
        rate = self._markets.worth(asset, target)
        if asset == target or asset in self._form.excluded or rate is None or free <= 0:
            return None
        brought = floor_places(free * rate, PLACES)
        return DustRow(asset, free, brought, floor_places(brought * self._form.fee, PLACES))

    def _objection(self, row: DustRow) -> refusals.ErrorReply | None:
        if self._ledger.balance(HOLD, row.asset) > 0:
            return refusals.ErrorReply(*refusals.NOT_CONVERTIBLE)
        if self.in_btc(row.asset, row.amount) >= self._form.largest:
            return refusals.too_valuable(row.asset)
        return refusals.too_little(row.asset) if row.brought <= row.fee else None

    def _settle(self, conversion: DustConversion, row: DustRow) -> None:
        now, reference = conversion.time, f"dust-{conversion.number}"
        self._ledger.move(now, USER, VENUE, row.asset, row.amount, "dust", reference)
        self._ledger.move(now, VENUE, USER, conversion.target, row.brought, "dust", reference)
        if row.fee > 0:
            self._ledger.move(now, USER, FEES, conversion.target, row.fee, "fee", reference)
