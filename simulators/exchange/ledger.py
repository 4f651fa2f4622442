"""The ledger: double entry, exact, and checked after every movement.

Accounts: `user` (free to use), `hold` (the user's, set aside), `venue` (everybody else in the market), `fees`, and
`outside` (where deposits come from). Only `venue` and `outside` may fall below zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from simulators.exchange.arithmetic import ZERO, exactly
from simulators.exchange.state import ExchangeState, Movement, total

USER, HOLD, VENUE, FEES, OUTSIDE = "user", "hold", "venue", "fees", "outside"
ACCOUNTS = (USER, HOLD, VENUE, FEES, OUTSIDE)
UNBOUNDED = frozenset({VENUE, OUTSIDE})


class BrokenLedger(Exception):
    """A movement would lose or make money: a defect of the twin, never of its client."""


class Ledger:
    """Balances by account and asset, each a fold of the opening balances and the movements."""

    def __init__(self, state: ExchangeState) -> None:
        self._state = state
        self._balances: dict[str, defaultdict[str, Decimal]] = {
            name: defaultdict(Decimal, state.opening.get(name, {})) for name in ACCOUNTS
        }
        self._totals = {
            asset: total(balances[asset] for balances in self._balances.values())
            for asset in {asset for balances in state.opening.values() for asset in balances}
        }
        for movement in state.movements:
            self._apply(movement)

    @property
    def opening(self) -> dict[str, dict[str, Decimal]]:
        """Return the balances before the first movement."""
        return self._state.opening

    @property
    def movements(self) -> list[Movement]:
        """Return every movement, oldest first."""
        return self._state.movements

    def balance(self, account: str, asset: str) -> Decimal:
        """Return what an account has of an asset."""
        return self._balances[account][asset]

    def balances(self) -> dict[str, dict[str, Decimal]]:
        """Return every balance that is not zero, by account and asset."""
        return {
            account: {asset: quantity for asset, quantity in sorted(assets.items()) if quantity}
            for account, assets in self._balances.items()
        }

    @exactly()
    def balance_at(self, account: str, asset: str, moment: datetime) -> Decimal:
        """Return what an account had of an asset at a moment."""
        since = ZERO
        for movement in self._later_than(moment):
            if movement.asset == asset:
                since += movement.quantity * ((movement.credit == account) - (movement.debit == account))
        return self.balance(account, asset) - since

    def move(
        self, time: datetime, debit: str, credit: str, asset: str, quantity: Decimal, reason: str, reference: str
    ) -> None:
        """Record a movement; raises `BrokenLedger` for one that is not above zero or overdraws an account."""
        if quantity <= 0:
            raise BrokenLedger(f"{reason} {reference}: {quantity} {asset} is not above zero")
        number = len(self._state.movements) + 1
        movement = Movement(number, time, debit, credit, asset, quantity, reason, reference)
        self._apply(movement)
        self._state.movements.append(movement)

    @exactly()
    def _apply(self, movement: Movement) -> None:
        asset = movement.asset
        self._balances[movement.debit][asset] -= movement.quantity
        self._balances[movement.credit][asset] += movement.quantity
        if movement.debit not in UNBOUNDED and self._balances[movement.debit][asset] < 0:
            raise BrokenLedger(f"movement {movement.number} overdraws {movement.debit} {asset}")
        if total(balances[asset] for balances in self._balances.values()) != self._totals.setdefault(asset, ZERO):
            raise BrokenLedger(f"movement {movement.number} changes the total of {asset}")

    def _later_than(self, moment: datetime) -> Iterator[Movement]:
        for movement in reversed(self._state.movements):
            if movement.time <= moment:
                return
            yield movement
