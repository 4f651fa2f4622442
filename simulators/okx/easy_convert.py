"""Easy convert: up to five small balances in one request, each running until it is filled or failed.

The request names no quantities: all that is free of a currency goes, as far as the venue's decimal places reach. While
it runs it is frozen. Source: okx.com/docs-v5, "Place easy convert", "Easy convert currency list", "Easy convert
history"; what the vendor does not document is marked on the twin's page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from simulators.exchange.arithmetic import ZERO, exactly, floor_places
from simulators.exchange.ledger import FEES, HOLD, USER, VENUE, Ledger
from simulators.okx import refusals
from simulators.okx.markets import PLACES, Markets
from simulators.okx.scenario import ConvertForm
from simulators.okx.state import Conversion, VenueState

HISTORY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ConvertCircumstances:
    """What goes differently this time: currencies left out, or that fail in the end; longer running, a late history."""

    left_out: int = 0
    failing: int = 0
    running: Decimal = ZERO
    listed_late: Decimal = ZERO


ORDINARY = ConvertCircumstances()


class EasyConvert:
    """Converts all that is free of each currency named."""

    def __init__(self, form: ConvertForm, state: VenueState, markets: Markets, ledger: Ledger) -> None:
        self._form = form
        self._state = state
        self._markets = markets
        self._ledger = ledger

    def convertible(self) -> dict[str, Decimal]:
        """List what would be taken now, with all that is free of it."""
        held = self._ledger.balances().get(USER, {})
        return {code: free for code, free in held.items() if free > 0 and not self._objection(code)}

    def targets(self) -> list[str]:
        """List what is paid in."""
        return list(self._form.targets)

    def history(self, now: datetime) -> list[Conversion]:
        """List conversions of the last seven days, newest first, as far as the history knows them."""
        known = (each for each in reversed(self._state.conversions) if each.listed_at <= now)
        return [each for each in known if now - each.time <= HISTORY]

    @exactly()
    def convert(
        self,
        codes: Sequence[str],
        target: str,
        now: datetime,
        circumstances: ConvertCircumstances = ORDINARY,
    ) -> list[Conversion]:
        """Take the balances and let them run; raises the venue's no, and then nothing has moved."""
        if not codes:
            raise refusals.missing("fromCcy")
        if len(codes) > self._form.most:
            raise refusals.ErrorReply("50025", f"Parameter fromCcy count exceeds the limit {self._form.most}.")
        if target not in self._form.targets or target in codes:
            raise refusals.wrong("toCcy")
        for code in codes:
            if no := self._objection(code):
                raise no
        taken = list(dict.fromkeys(codes))
        taken = taken[: max(len(taken) - circumstances.left_out, 0)]
        made = [
            self._begun(code, target, now, circumstances, index >= len(taken) - circumstances.failing)
            for index, code in enumerate(taken)
        ]
        self.catch_up(now)
        return made

    def catch_up(self, now: datetime) -> None:
        """End what is due."""
        for each in self._state.conversions:
            if each.status == "running" and each.due <= now:
                self._end(each)

    def _begun(
        self, code: str, target: str, now: datetime, circumstances: ConvertCircumstances, fails: bool
    ) -> Conversion:
        amount = floor_places(self._ledger.balance(USER, code), self._form.places)
        span = self._form.seconds + circumstances.running
        made = Conversion(
            source=code,
            target=target,
            amount=amount,
            brought=self._net(code, target, amount)[0],
            status="running",
            time=now,
            due=now + timedelta(seconds=float(span)),
            listed_at=now + timedelta(seconds=float(circumstances.listed_late)),
            fails=fails,
        )
        self._ledger.move(now, USER, HOLD, code, amount, "easy convert", self._name(made))
        self._state.conversions.append(made)
        return made

    @exactly()
    def _end(self, made: Conversion) -> None:
        reference, brought, fee = self._name(made), *self._net(made.source, made.target, made.amount)
        if made.fails or brought <= 0:
            made.status, made.brought = "failed", ZERO
            self._ledger.move(made.due, HOLD, USER, made.source, made.amount, "easy convert failed", reference)
            return
        made.status, made.brought = "filled", brought
        self._ledger.move(made.due, HOLD, VENUE, made.source, made.amount, "easy convert", reference)
        self._ledger.move(made.due, VENUE, USER, made.target, brought + fee, "easy convert", reference)
        if fee > 0:
            self._ledger.move(made.due, USER, FEES, made.target, fee, "fee", reference)

    def _net(self, code: str, target: str, amount: Decimal) -> tuple[Decimal, Decimal]:
        """Say what arrives at the best prices now, and what is charged of it."""
        gross = floor_places(amount * (self._markets.worth(code, target) or ZERO), PLACES)
        fee = floor_places(gross * self._form.fee, PLACES)
        return gross - fee, fee

    def _objection(self, code: str) -> refusals.ErrorReply | None:
        free, price = self._ledger.balance(USER, code), self._markets.worth(code, "USDT")
        if floor_places(free, self._form.places) <= 0:
            return refusals.ErrorReply("51736", f"Insufficient {code} balance")
        if code in self._form.excluded or price is None or free * price >= self._form.largest:
            return refusals.wrong("fromCcy")
        return None

    def _name(self, made: Conversion) -> str:
        return f"easy-{made.source}-{int(made.time.timestamp() * 1000)}"
