"""The admin port of this venue: its orders and dust conversions as its own endpoints would write them."""

from __future__ import annotations

from decimal import Decimal

from simulators.binance import replies
from simulators.binance.exchange import Exchange
from simulators.binance.replies import Json
from simulators.binance.scenario import KeyForm
from simulators.exchange import admin
from simulators.exchange.spot_exchange import SpotAdmin
from simulators.exchange.spot_orders import Order


class KeyWish(KeyForm, admin.KeyWish):
    """A key with these rights."""


class Admin(SpotAdmin[Exchange]):
    """Serves the admin port of this venue."""

    key_wish = KeyWish

    def _shown(self, order: Order) -> Json:
        return replies.order(order) | {"trades": [replies.trade(order, trade) for trade in order.trades]}

    def _small_balances(self) -> list[Json]:
        made = reversed(self._exchange.state.dust)
        return [replies.logged(each) | {"clientId": each.client_id} for each in made]

    def _prices(self, symbol: str) -> Json:
        return replies.best_prices(symbol, self._exchange.markets.book(symbol))

    def _amount(self, quantity: Decimal) -> str:
        return replies.amount(quantity)
