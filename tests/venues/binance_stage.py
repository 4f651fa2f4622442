"""The venue contract's stage for Binance: the twin over TLS, the vendor's request layer, and one clock for both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from uuid import NAMESPACE_OID, uuid5

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from domain.venue import Order
from events.money import Amount, ticker
from events.values import LegKind
from simulators.binance.scenario import TRADER, Algorithm, Permission, Scenario
from simulators.binance.scenarios import market
from simulators.binance.twin import BinanceTwin
from tests.venues.contract import Loss, Outage
from venues.binance.venue import Binance
from venues.limits import Limiter
from venues.times import Times

# How long an answer is waited for: as long as a busy machine may take, and shortly where none is meant to come.
PATIENCE, IMPATIENCE = 20.0, 0.25
SPOILED: Mapping[Outage, dict[str, object]] = {
    Outage.SILENT: {"kind": "timeout", "seconds": "5"},
    Outage.BROKEN: {"kind": "reset"},
    Outage.FAILING: {"kind": "server_error"},
    Outage.BUSY: {"kind": "rate_limited"},
    Outage.GARBLED: {"kind": "html"},
    Outage.CUT: {"kind": "cut_json"},
}


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


class BinanceStage:
    """A twin, an adapter that talks to it, and the levers of both."""

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        algorithm: Algorithm = "hmac",
        permissions: tuple[Permission, ...] = TRADER,
    ) -> None:
        self.twin = BinanceTwin(form or scenario())
        self._algorithm, self._permissions = algorithm, permissions
        self._passed = timedelta()
        self._patience = PATIENCE
        self._opened: list[Binance] = []
        self._orders = 0

    def __enter__(self) -> Self:
        self.twin.start()
        key = json.loads(self.twin.key_file(self._permissions, self._algorithm).read_text())
        self.key_name, self.secret = key["name"], key["privateKey"]
        self.venue = self.restarted()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for venue in self._opened:
            venue.close()
        self.twin.stop()

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret whole and in parts, and its name."""
        body = self.secret.replace("-----BEGIN PRIVATE KEY-----", "").strip()
        return [self.secret, body[:20], body[20:40], self.key_name]

    def clock(self) -> datetime:
        """Tell the time, as much ahead of this machine's as the twin's is."""
        return datetime.now(UTC) + self._passed

    def restarted(self, **settings: Any) -> Binance:
        """Open one more adapter for the same account; `settings` replace the ordinary ones."""
        ordinary: dict[str, Any] = {
            "limiter": Limiter(
                "key", requests_per_second=Decimal(1000), seconds_between_conversions=Decimal(0), sleep=lambda _: None
            ),
            "base_url": self.twin.base_url,
            "ca_file": self.twin.ca_file,
            "times": Times(
                self.clock, timeout=(PATIENCE, self._patience), retry_pauses=(0.001, 0.001), settling=(0.001, 0.001)
            ),
        }
        secret = settings.pop("secret", self.secret)
        venue = Binance(settings.pop("key_name", self.key_name), secret, **ordinary | settings)
        self._opened.append(venue)
        return venue

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

    def balance(self, asset: str) -> Decimal:
        """Ask the twin's ledger."""
        return self.twin.balance(ticker(asset))

    def served(self) -> int:
        """Add up the twin's counts."""
        return sum(self.twin.gate.counts().values())

    def calls(self, endpoint: str) -> int:
        """Say how often an endpoint was asked."""
        return self.twin.gate.counts().get(endpoint, 0)

    def pass_time(self, span: timedelta) -> None:
        """Move both clocks on."""
        self._passed += span
        with self.twin.exchange.transaction():
            self.twin.exchange.clock.advance(span)

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

    def fail(self, outage: Outage) -> None:
        """Spoil every answer."""
        self.wait_at_most(IMPATIENCE if outage is Outage.SILENT else PATIENCE)
        self.twin.inject(endpoint="any", calls="all", **SPOILED[outage])

    def recover(self) -> None:
        """Spoil none any more."""
        self.twin.calm()
        self.wait_at_most(PATIENCE)

    def wait_at_most(self, seconds: float) -> None:
        """Have every adapter, those opened later too, wait so long for an answer."""
        self._patience = seconds
        for venue in self._opened:
            venue._client.wire.timeout = (PATIENCE, seconds)

    def _order(self, kind: LegKind, product: str, spend: Amount, receive: str) -> Order:
        self._orders += 1
        key = str(uuid5(NAMESPACE_OID, str(self._orders)))
        return Order(key, kind, product, spend, receive, requested_at=self.clock())
