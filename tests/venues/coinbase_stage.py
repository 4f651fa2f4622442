"""The venue contract's stage for Coinbase: the twin over TLS, the real SDK, and one clock for both."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from uuid import NAMESPACE_OID, uuid5

from cryptography.hazmat.primitives.asymmetric import ed25519

from domain.venue import Order
from events.money import Amount, ticker
from events.values import LegKind, Quote
from simulators.coinbase.markets import market
from simulators.coinbase.scenario import Algorithm, Scenario, Scope
from simulators.coinbase.twin import TRADER, CoinbaseTwin
from tests.venues.contract import Loss, Outage
from venues.coinbase.venue import Coinbase
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


class CoinbaseStage:
    """A twin, an adapter that talks to it, and the levers of both. `door` stands between the two where it is given."""

    def __init__(
        self,
        form: Scenario | None = None,
        *,
        algorithm: Algorithm = "ed25519",
        scopes: tuple[Scope, ...] = TRADER,
        door: Callable[[CoinbaseTwin], AbstractContextManager[str]] | None = None,
    ) -> None:
        self.twin = CoinbaseTwin(form or scenario())
        self._algorithm, self._scopes = algorithm, scopes
        self._door = door
        self._passed = timedelta()
        self._patience = PATIENCE
        self._opened: list[Coinbase] = []
        self._orders = 0

    def __enter__(self) -> Self:
        self.twin.start()
        self._open_door = self._door(self.twin) if self._door else None
        self.base_url = self._open_door.__enter__() if self._open_door else self.twin.base_url
        key = json.loads(self.twin.key_file(self._scopes, self._algorithm).read_text())
        self.key_name, self.secret = key["name"], key["privateKey"]
        self.venue = self.restarted()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for venue in self._opened:
            venue.close()
        if self._open_door:
            self._open_door.__exit__(kind, error, trace)
        self.twin.stop()

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret whole and in parts, its name, and how every token begins."""
        body = self.secret.replace("-----BEGIN EC PRIVATE KEY-----", "").strip()
        return [self.secret, body[:20], body[-20:], self.key_name, self.key_name.rsplit("/", 1)[-1], "eyJ"]

    def clock(self) -> datetime:
        """Tell the time, as much ahead of this machine's as the twin's is."""
        return datetime.now(UTC) + self._passed

    def restarted(self, **settings: Any) -> Coinbase:
        """Open one more adapter for the same account; `settings` replace the ordinary ones."""
        ordinary: dict[str, Any] = {
            "limiter": Limiter(
                "key", requests_per_second=Decimal(1000), seconds_between_conversions=Decimal(0), sleep=lambda _: None
            ),
            "base_url": self.base_url,
            "ca_file": self.twin.ca_file,
            "times": Times(
                self.clock, timeout=(PATIENCE, self._patience), retry_pauses=(0.001, 0.001), settling=(0.001, 0.001)
            ),
        }
        secret = settings.pop("secret", self.secret)
        venue = Coinbase(settings.pop("key_name", self.key_name), secret, **ordinary | settings)
        self._opened.append(venue)
        return venue

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
            venue._client.sdk.timeout = (PATIENCE, seconds)

    def _order(self, kind: LegKind, product: str, spend: Amount, receive: str) -> Order:
        self._orders += 1
        key = str(uuid5(NAMESPACE_OID, str(self._orders)))
        return Order(key, kind, product, spend, receive, requested_at=self.clock())


def moving(kind: LegKind) -> str:
    """Name the endpoint that moves money for a kind of leg."""
    return "commit_convert" if kind is LegKind.CONVERT else "create_order"


def b64(raw: bytes) -> str:
    """Write bytes as the portal writes an Ed25519 key."""
    return base64.b64encode(raw).decode()
