"""The venue contract's stage for Binance: the twin over TLS, the vendor's request layer, and one clock for both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from simulators.binance.scenario import TRADER, Algorithm, Permission, Scenario
from simulators.binance.scenarios import market
from simulators.binance.twin import BinanceTwin
from tests.venues.exchange_stage import Door
from tests.venues.spot_stage import SpotStage
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


class BinanceStage(SpotStage[BinanceTwin, Binance]):
    """The stage with an account at Binance."""

    making, books = "new_order", ("book_ticker", "depth", "test_order")

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        algorithm: Algorithm = "hmac",
        permissions: tuple[Permission, ...] = TRADER,
        door: Door[BinanceTwin] | None = None,
    ) -> None:
        super().__init__(BinanceTwin(form or scenario()), Binance, door)
        self._algorithm, self._permissions = algorithm, permissions

    def _key_file(self) -> Path:
        return self.twin.key_file(self._permissions, self._algorithm)

    def _wait(self, venue: Binance, timeout: tuple[float, float]) -> None:
        venue._client.wire.timeout = timeout

    def with_wrong_key(self) -> Binance:
        """Open an adapter that signs with another key than the venue knows under this name."""
        if self._algorithm == "hmac":
            return self.restarted(secret="0" * 64)
        other = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
        pem = other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self.restarted(secret=pem.decode())
