"""The admin port of this venue: its orders and exchanges of small balances as its own endpoints would write them."""

from __future__ import annotations

from decimal import Decimal

from simulators.bybit import replies
from simulators.bybit.exchange import Exchange
from simulators.bybit.replies import Json
from simulators.bybit.scenario import KeyForm
from simulators.exchange import admin
from simulators.exchange.arithmetic import trimmed
from simulators.exchange.spot_exchange import SpotAdmin
from simulators.exchange.spot_orders import Order


class KeyWish(KeyForm, admin.KeyWish):
    """A key with these rights."""


class Admin(SpotAdmin[Exchange]):
    """Serves the admin port of this venue."""

    key_wish = KeyWish

    def _shown(self, order: Order) -> Json:
        return replies.order(order) | {"trades": [replies.execution(order, trade) for trade in order.trades]}

    def _small_balances(self) -> list[Json]:
        now = self._exchange.clock.now()
        return [replies.exchanged(each, now) for each in self._exchange.small.history(now)]

    def _prices(self, symbol: str) -> Json:
        return replies.best_prices(symbol, self._exchange.markets.book(symbol))

    def _amount(self, quantity: Decimal) -> str:
        return trimmed(quantity)
