"""The admin port of this venue: its orders and conversions as its own endpoints would write them."""

from __future__ import annotations

from decimal import Decimal

from simulators.exchange import admin
from simulators.exchange.arithmetic import trimmed
from simulators.exchange.spot_exchange import SpotAdmin
from simulators.exchange.spot_orders import Order
from simulators.okx import replies
from simulators.okx.exchange import Exchange
from simulators.okx.replies import Json
from simulators.okx.scenario import KeyForm


class KeyWish(KeyForm, admin.KeyWish):
    """A key with these rights."""


class Admin(SpotAdmin[Exchange]):
    """Serves the admin port of this venue."""

    key_wish = KeyWish

    def _shown(self, order: Order) -> Json:
        return replies.order(order) | {"trades": [replies.trade(order, trade) for trade in order.trades]}

    def _small_balances(self) -> list[Json]:
        return [replies.converted(each) for each in reversed(self._exchange.state.conversions)]

    def _prices(self, symbol: str) -> Json:
        return replies.best_prices(symbol, self._exchange.markets.book(symbol), self._exchange.clock.now())

    def _amount(self, quantity: Decimal) -> str:
        return trimmed(quantity)
