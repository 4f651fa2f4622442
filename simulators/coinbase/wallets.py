"""The user's wallets: an asset's free and held balance, and what the accounts endpoint believes of them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from simulators.coinbase.state import VenueState, Wallet
from simulators.exchange.arithmetic import DECIMALS
from simulators.exchange.identity import id_of
from simulators.exchange.ledger import HOLD, OUTSIDE, USER, Ledger


class Wallets:
    """Opens wallets on demand: whoever is paid in a new currency gets one."""

    def __init__(self, state: VenueState, ledger: Ledger) -> None:
        self._state = state
        self._ledger = ledger

    def all(self) -> list[Wallet]:
        """List the wallets, oldest first."""
        return list(self._state.wallets.values())

    def wallet(self, currency: str) -> Wallet:
        """Find the wallet of a currency, or open it."""
        if currency not in self._state.wallets:
            self.open(currency, DECIMALS)
        return self._state.wallets[currency]

    def open(self, currency: str, decimals: int, fiat: bool = False) -> None:
        """Open an empty wallet."""
        self._state.wallets[currency] = Wallet(currency, self.uuid(currency), decimals, fiat)

    def uuid(self, currency: str) -> str:
        """Return the id that the wallet of a currency has, or would have."""
        return id_of(self._state.seed, "wallet", currency)

    def places(self, currency: str) -> int:
        """Say how many decimal places a currency's balance is kept to."""
        known = self._state.wallets.get(currency)
        return known.decimals if known else DECIMALS

    def available(self, currency: str) -> Decimal:
        """Say what is free to use."""
        return self._ledger.balance(USER, currency)

    def seen(self, currency: str, moment: datetime | None) -> tuple[Decimal, Decimal]:
        """Say what was available and on hold at a moment; now without one."""
        if moment is None:
            return self._ledger.balance(USER, currency), self._ledger.balance(HOLD, currency)
        return self._ledger.balance_at(USER, currency, moment), self._ledger.balance_at(HOLD, currency, moment)

    def deposit(self, currency: str, quantity: Decimal, now: datetime, on_hold: bool = False) -> None:
        """Bring money in from outside, free or on hold."""
        self.wallet(currency)
        self._ledger.move(now, OUTSIDE, HOLD if on_hold else USER, currency, quantity, "deposit", "")
