"""The venue contract's stage for OKX: the twin over TLS, the adapter, and one clock for both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domain.venue import Order
from simulators.okx.scenario import TRADER, Permission, Scenario
from simulators.okx.scenarios import market
from simulators.okx.twin import OKXTwin
from tests.venues.exchange_stage import Door
from tests.venues.spot_stage import SpotStage
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


class OKXStage(SpotStage[OKXTwin, OKX]):
    """The stage with an account at OKX."""

    making, books = "new_order", ("books",)

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        permissions: tuple[Permission, ...] = TRADER,
        door: Door[OKXTwin] | None = None,
    ) -> None:
        super().__init__(OKXTwin(form or scenario()), self._opened_with, door)
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

    def _market(self, code: str, hub: str) -> str:
        return f"{code}-{hub}"

    def empty_the_book(self, order: Order) -> None:
        """Nobody bids or asks for the order's product any more; best prices name none, so all of them are empty."""
        self.twin.inject(kind="empty_book", endpoint="tickers", calls="all")
        super().empty_the_book(order)
