"""The venue contract's stage for OKX: the twin over TLS, the adapter, and one clock for both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from domain.venue import Order
from events.money import Amount
from events.values import LegKind
from simulators.okx.scenario import TRADER, Permission, Scenario
from simulators.okx.scenarios import market
from simulators.okx.twin import OKXTwin
from tests.venues.contract import Loss
from tests.venues.exchange_stage import ExchangeStage
from venues.okx.venue import OKX


def scenario(**changes: Any) -> Scenario:
    """Describe an account with something to sell, to buy from, and too little of DOT and XLM; `changes` on top."""
    form: dict[str, Any] = {
        "limited": False,
        "balances": {
            "ADA": {"free": "100", "locked": "1.5"},
            "XLM": {"free": "3.400000001234"},
            "DOT": {"free": "0.5"},
            "USDT": {"free": "50"},
            "BTC": {"free": "0.01"},
            "DOGE": {},
        },
        "markets": {
            **market("ADA", "USDT", "0.392", "1", "0.00001", "0.0001"),
            **market("XLM", "USDT", "0.12", "10", "0.00001", "0.0001"),
            **market("DOT", "USDT", "2.6", "1", "0.000001", "0.001"),
            **market("BTC", "USDT", "60000", "0.00001", "0.00000001", "0.1", spread_bps="2"),
        },
    }
    return Scenario.model_validate(form | changes)


class OKXStage(ExchangeStage[OKXTwin, OKX]):
    """The stage with an account at OKX."""

    def __init__(self, form: Scenario | None = None, *, permissions: tuple[Permission, ...] = TRADER) -> None:
        super().__init__(OKXTwin(form or scenario()), self._opened_with)
        self._permissions = permissions
        self.passphrase = ""

    def _opened_with(self, name: str, secret: str, **settings: Any) -> OKX:
        passphrase = settings.pop("passphrase", self.passphrase)
        return OKX(name, secret, passphrase, **settings)

    def _key_file(self) -> Path:
        path = self.twin.key_file(self._permissions)
        self.passphrase = json.loads(path.read_text())["passphrase"]
        return path

    def _wait(self, venue: OKX, timeout: tuple[float, float]) -> None:
        venue._client.wire.timeout = timeout

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret whole and in parts, its name, and its passphrase."""
        return [self.secret, self.secret[:16], self.secret[16:], self.key_name, self.passphrase, self.passphrase[5:]]

    def with_wrong_key(self) -> OKX:
        """Open an adapter that signs with another key than the venue knows under this name."""
        return self.restarted(secret="0" * 32)

    def order(self, kind: LegKind) -> Order:
        """Sell 20 ADA, or buy for 10 USDT."""
        if kind is LegKind.SELL:
            return self.sell("20", "ADA")
        return self._order(kind, "BTC-USDT", Amount(Decimal(10), "okx:USDT"), "okx:BTC")

    def sell(self, size: str, code: str, hub: str = "USDT") -> Order:
        """Sell so much of a currency."""
        return self._order(LegKind.SELL, f"{code}-{hub}", Amount(Decimal(size), f"okx:{code}"), f"okx:{hub}")

    def buy(self, money: str) -> Order:
        """Buy BTC for so much."""
        return self._order(LegKind.BUY, "BTC-USDT", Amount(Decimal(money), "okx:USDT"), "okx:BTC")

    def too_small(self) -> Order:
        """Sell 0.5 DOT, of which 1 is the minimum."""
        return self.sell("0.5", "DOT")

    def too_large(self) -> Order:
        """Sell more ADA than there is."""
        return self.sell("100.5", "ADA")

    def empty_the_book(self, order: Order) -> None:
        """Nobody bids or asks for the order's product any more."""
        self.twin.inject(kind="empty_book", endpoint="tickers", calls="all")
        for endpoint in ("books", "new_order"):
            self.twin.inject(kind="empty_book", endpoint=endpoint, calls="all", product=order.product)

    def fill_in_part(self) -> None:
        """Half of the next order fills."""
        self.twin.inject(kind="partial", endpoint="new_order", fraction="0.5")

    def settle_late(self, span: timedelta) -> None:
        """The next order's trades are listed after a while."""
        self.twin.inject(kind="listed_late", endpoint="new_order", seconds=str(span.total_seconds()))

    def lose_answer(self, kind: LegKind, loss: Loss) -> None:
        """Break the connection instead of answering."""
        self.twin.inject(kind="reset", endpoint="new_order", when="before" if loss is Loss.BEFORE else "after")

    def turn_away(self, kind: LegKind) -> None:
        """Answer 429."""
        self.twin.inject(kind="rate_limited", endpoint="new_order")
