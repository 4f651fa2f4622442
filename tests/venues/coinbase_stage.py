"""The venue contract's stage for Coinbase: the twin over TLS, the real SDK, and one clock for both."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519

from domain.venue import Order
from events.money import Amount
from events.values import LegKind, Quote
from simulators.coinbase.markets import market
from simulators.coinbase.scenario import Algorithm, Scenario, Scope
from simulators.coinbase.twin import TRADER, CoinbaseTwin
from tests.venues.contract import Loss
from tests.venues.exchange_stage import Door, ExchangeStage
from venues.coinbase.venue import Coinbase


def scenario(**changes: Any) -> Scenario:
    """Describe an account with something to sell, to buy from, to convert, and too little of TONE; `changes` on top."""
    form: dict[str, Any] = {
        "requests_per_second": "1000",
        "burst": 1000,
        "quote_minimum_binds_sells": False,
        "wallets": {
            "ADA": {"available": "100", "hold": "1.5"},
            "TONE": {"available": "26"},
            "USD": {"available": "50", "fiat": True},
            "USDC": {"available": "50"},
            "BTC": {"available": "0.01"},
            "DOGE": {},
        },
        "products": {
            "ADA-USDC": market("0.392", base_increment="0.01", quote_increment="0.0001"),
            "TONE-USDC": market("0.01523", "1", "0.00001", base_min_size="26.7187147229469674"),
            "BTC-USDC": market("60000", base_increment="0.00000001", quote_increment="0.01", spread_bps="2"),
        },
    }
    return Scenario.model_validate(form | changes)


class CoinbaseStage(ExchangeStage[CoinbaseTwin, Coinbase]):
    """The stage with an account at Coinbase."""

    prefix = "/api/v3/brokerage"

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        algorithm: Algorithm = "ed25519",
        scopes: tuple[Scope, ...] = TRADER,
        door: Door[CoinbaseTwin] | None = None,
    ) -> None:
        super().__init__(CoinbaseTwin(form or scenario()), Coinbase, door)
        self._algorithm, self._scopes = algorithm, scopes

    def _key_file(self) -> Path:
        return self.twin.key_file(self._scopes, self._algorithm)

    def _wait(self, venue: Coinbase, timeout: tuple[float, float]) -> None:
        venue._client.sdk.timeout = timeout

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret whole and in parts, its name, and how every token begins."""
        body = self.secret.replace("-----BEGIN EC PRIVATE KEY-----", "").strip()
        return [self.secret, body[:20], body[-20:], self.key_name, self.key_name.rsplit("/", 1)[-1], "eyJ"]

    def with_wrong_key(self) -> Coinbase:
        """Open an adapter that signs with another key than the venue knows under this name."""
        other = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
        return self.restarted(secret=b64(other.private_bytes_raw()))

    def order(self, kind: LegKind) -> Order:
        """Sell 10 ADA, buy for 10 USDC, or convert 5 USD."""
        match kind:
            case LegKind.SELL:
                return self.sell("10", "ADA")
            case LegKind.CONVERT:
                return self.quoted(self._order(kind, "USD-USDC", Amount(Decimal(5), "coinbase:USD"), "coinbase:USDC"))
            case _:
                return self._order(kind, "BTC-USDC", Amount(Decimal(10), "coinbase:USDC"), "coinbase:BTC")

    def sell(self, size: str, code: str, hub: str = "USDC") -> Order:
        """Sell so much of a currency."""
        return self._order(LegKind.SELL, f"{code}-{hub}", Amount(Decimal(size), f"coinbase:{code}"), f"coinbase:{hub}")

    def quoted(self, order: Order) -> Order:
        """Have a conversion quoted, so that it can be recorded and committed."""
        quote = self.venue.quote(order)
        assert isinstance(quote, Quote), quote
        return replace(order, reference=quote.reference)

    def too_small(self) -> Order:
        """Sell 26 TONE, of which 26.7 are the minimum."""
        return self.sell("26", "TONE")

    def too_large(self) -> Order:
        """Sell more ADA than there is."""
        return self.sell("100.5", "ADA")

    def empty_the_book(self, order: Order) -> None:
        """Nobody bids or asks for the order's product any more."""
        for endpoint in ("best_bid_ask", "preview_order", "create_order"):
            self.twin.inject(kind="empty_book", endpoint=endpoint, calls="all", product=order.product)

    def fill_in_part(self) -> None:
        """Half of the next order fills."""
        self.twin.inject(kind="partial", endpoint="create_order", fraction="0.5")

    def settle_late(self, span: timedelta) -> None:
        """The next order settles after a while."""
        self.twin.inject(kind="settled_late", endpoint="create_order", seconds=str(span.total_seconds()))

    def lose_answer(self, kind: LegKind, loss: Loss) -> None:
        """Break the connection instead of answering."""
        self.twin.inject(kind="reset", endpoint=moving(kind), when="before" if loss is Loss.BEFORE else "after")

    def turn_away(self, kind: LegKind) -> None:
        """Answer 429 with a web page."""
        self.twin.inject(kind="rate_limited", endpoint=moving(kind))


def moving(kind: LegKind) -> str:
    """Name the endpoint that moves money for a kind of leg."""
    return "commit_convert" if kind is LegKind.CONVERT else "create_order"


def b64(raw: bytes) -> str:
    """Write bytes as the portal writes an Ed25519 key."""
    return base64.b64encode(raw).decode()
