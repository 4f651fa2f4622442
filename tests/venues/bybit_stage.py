"""The venue contract's stage for Bybit: the twin over TLS, the adapter, and one clock for both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from domain.venue import Order
from events.money import Amount
from events.values import LegKind
from simulators.bybit.scenario import TRADER, Algorithm, Permission, Scenario
from simulators.bybit.scenarios import market
from simulators.bybit.twin import BybitTwin
from tests.venues.contract import Loss
from tests.venues.exchange_stage import ExchangeStage
from venues.bybit.venue import Bybit


def scenario(**changes: Any) -> Scenario:
    """Describe an account with something to sell, to buy from, and too little of DOT and ADA; `changes` on top."""
    form: dict[str, Any] = {
        "requests_per_second": 10**6,
        "balances": {
            "ADA": {"free": "100", "locked": "1.5"},
            "XLM": {"free": "3.400000000000000001"},
            "DOT": {"free": "0.5"},
            "USDT": {"free": "50"},
            "MNT": {"free": "2"},
            "BTC": {"free": "0.01"},
            "DOGE": {},
        },
        "symbols": {
            **market("ADA", "USDT", "0.392", "0.01", "0.0001"),
            **market("XLM", "USDT", "0.12", "0.1", "0.0001"),
            **market("DOT", "USDT", "2.6", "0.01", "0.001"),
            **market("MNT", "USDT", "0.75", "0.01", "0.0001"),
            **market("BTC", "USDT", "60000", "0.000001", "0.01", spread_bps="2"),
        },
    }
    return Scenario.model_validate(form | changes)


class BybitStage(ExchangeStage[BybitTwin, Bybit]):
    """The stage with an account at Bybit."""

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        algorithm: Algorithm = "hmac",
        permissions: tuple[Permission, ...] = TRADER,
    ) -> None:
        super().__init__(BybitTwin(form or scenario()), Bybit)
        self._algorithm, self._permissions = algorithm, permissions

    def _key_file(self) -> Path:
        return self.twin.key_file(self._permissions, self._algorithm)

    def _wait(self, venue: Bybit, timeout: tuple[float, float]) -> None:
        venue._client.wire.timeout = timeout

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret whole and in parts, and its name."""
        body = self.secret.replace("-----BEGIN PRIVATE KEY-----", "").strip()
        return [self.secret, body[:18], body[18:36], self.key_name]

    def with_wrong_key(self) -> Bybit:
        """Open an adapter that signs with another key than the venue knows under this name."""
        if self._algorithm == "hmac":
            return self.restarted(secret="0" * 36)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.PKCS8
        pem = other.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return self.restarted(secret=pem.decode())

    def order(self, kind: LegKind) -> Order:
        """Sell 20 ADA, or buy for 10 USDT."""
        if kind is LegKind.SELL:
            return self.sell("20", "ADA")
        return self._order(kind, "BTCUSDT", Amount(Decimal(10), "bybit:USDT"), "bybit:BTC")

    def sell(self, size: str, code: str, hub: str = "USDT") -> Order:
        """Sell so much of a currency."""
        return self._order(LegKind.SELL, code + hub, Amount(Decimal(size), f"bybit:{code}"), f"bybit:{hub}")

    def too_small(self) -> Order:
        """Sell 0.5 DOT, worth 1.30 USDT, of which 5 are the minimum."""
        return self.sell("0.5", "DOT")

    def too_large(self) -> Order:
        """Sell more ADA than there is."""
        return self.sell("100.5", "ADA")

    def empty_the_book(self, order: Order) -> None:
        """Nobody bids or asks for the order's product any more."""
        for endpoint in ("tickers", "orderbook", "create_order"):
            self.twin.inject(kind="empty_book", endpoint=endpoint, calls="all", product=order.product)

    def fill_in_part(self) -> None:
        """Half of the next order fills."""
        self.twin.inject(kind="partial", endpoint="create_order", fraction="0.5")

    def settle_late(self, span: timedelta) -> None:
        """The next order's trades are listed after a while."""
        self.twin.inject(kind="listed_late", endpoint="create_order", seconds=str(span.total_seconds()))

    def lose_answer(self, kind: LegKind, loss: Loss) -> None:
        """Break the connection instead of answering."""
        self.twin.inject(kind="reset", endpoint="create_order", when="before" if loss is Loss.BEFORE else "after")

    def turn_away(self, kind: LegKind) -> None:
        """Say that it is asked too often."""
        self.twin.inject(kind="rate_limited", endpoint="create_order")
