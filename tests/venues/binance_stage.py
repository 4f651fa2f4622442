"""The venue contract's stage for Binance: the twin over TLS, the vendor's request layer, and one clock for both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from domain.venue import Order
from events.money import Amount
from events.values import LegKind
from simulators.binance.scenario import TRADER, Algorithm, Permission, Scenario
from simulators.binance.scenarios import market
from simulators.binance.twin import BinanceTwin
from tests.venues.contract import Loss
from tests.venues.exchange_stage import ExchangeStage
from venues.binance.venue import Binance


def scenario(**changes: Any) -> Scenario:
    """Describe an account with something to sell, to buy from, and too little of DOT and ADA; `changes` on top."""
    form: dict[str, Any] = {
        "weight_per_minute": 10**6,
        "balances": {
            "ADA": {"free": "100", "locked": "1.5"},
            "XLM": {"free": "3.4"},
            "DOT": {"free": "0.5"},
            "USDT": {"free": "50"},
            "BNB": {"free": "0.1"},
            "BTC": {"free": "0.01"},
            "DOGE": {},
        },
        "symbols": {
            **market("ADA", "USDT", "0.392", "0.1", "0.0001"),
            **market("XLM", "USDT", "0.12", "1", "0.0001"),
            **market("DOT", "USDT", "2.6", "0.01", "0.001"),
            **market("BNB", "USDT", "600", "0.001", "0.01"),
            **market("BTC", "USDT", "60000", "0.00001", "0.01", spread_bps="2"),
        },
    }
    return Scenario.model_validate(form | changes)


class BinanceStage(ExchangeStage[BinanceTwin, Binance]):
    """The stage with an account at Binance."""

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        algorithm: Algorithm = "hmac",
        permissions: tuple[Permission, ...] = TRADER,
    ) -> None:
        super().__init__(BinanceTwin(form or scenario()), Binance)
        self._algorithm, self._permissions = algorithm, permissions

    def _key_file(self) -> Path:
        return self.twin.key_file(self._permissions, self._algorithm)

    def _wait(self, venue: Binance, timeout: tuple[float, float]) -> None:
        venue._client.wire.timeout = timeout

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret whole and in parts, and its name."""
        body = self.secret.replace("-----BEGIN PRIVATE KEY-----", "").strip()
        return [self.secret, body[:20], body[20:40], self.key_name]

    def with_wrong_key(self) -> Binance:
        """Open an adapter that signs with another key than the venue knows under this name."""
        if self._algorithm == "hmac":
            return self.restarted(secret="0" * 64)
        other = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
        pem = other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self.restarted(secret=pem.decode())

    def order(self, kind: LegKind) -> Order:
        """Sell 20 ADA, or buy for 10 USDT."""
        if kind is LegKind.SELL:
            return self.sell("20", "ADA")
        return self._order(kind, "BTCUSDT", Amount(Decimal(10), "binance:USDT"), "binance:BTC")

    def sell(self, size: str, code: str, hub: str = "USDT") -> Order:
        """Sell so much of a currency."""
        return self._order(LegKind.SELL, code + hub, Amount(Decimal(size), f"binance:{code}"), f"binance:{hub}")

    def too_small(self) -> Order:
        """Sell 0.5 DOT, worth 1.30 USDT, of which 5 are the minimum."""
        return self.sell("0.5", "DOT")

    def too_large(self) -> Order:
        """Sell more ADA than there is."""
        return self.sell("100.5", "ADA")

    def empty_the_book(self, order: Order) -> None:
        """Nobody bids or asks for the order's product any more."""
        for endpoint in ("book_ticker", "depth", "test_order", "new_order"):
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
