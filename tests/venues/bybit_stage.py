"""The venue contract's stage for Bybit: the twin over TLS, the adapter, and one clock for both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulators.bybit.scenario import TRADER, Algorithm, Permission, Scenario
from simulators.bybit.scenarios import market
from simulators.bybit.twin import BybitTwin
from tests.venues.exchange_stage import Door
from tests.venues.spot_stage import SpotStage
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


class BybitStage(SpotStage[BybitTwin, Bybit]):
    """The stage with an account at Bybit."""

    making, books = "create_order", ("tickers", "orderbook")

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        algorithm: Algorithm = "hmac",
        permissions: tuple[Permission, ...] = TRADER,
        door: Door[BybitTwin] | None = None,
    ) -> None:
        super().__init__(BybitTwin(form or scenario()), Bybit, door)
        self._algorithm, self._permissions = algorithm, permissions

    def _key_file(self) -> Path:
        return self.twin.key_file(self._permissions, self._algorithm)

    def _wait(self, venue: Bybit, timeout: tuple[float, float]) -> None:
        venue._client.wire.timeout = timeout

    def with_wrong_key(self) -> Bybit:
        """Open an adapter that signs with another key than the venue knows under this name."""
        if self._algorithm == "hmac":
            return self.restarted(secret="0" * 36)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.PKCS8
        pem = other.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return self.restarted(secret=pem.decode())
