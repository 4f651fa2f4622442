"""Binance as a venue: one key's spot account, read and traded through the vendor's own request layer.

What each of the venue's answers proves is in errors; orders and small balances have modules of their own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from domain.venue import Capabilities, Holding, Price
from venues.binance import replies
from venues.binance.client import WINDOW, Client
from venues.binance.dust import Desk, Dust
from venues.binance.markets import NAME, asset, product
from venues.binance.orders import Orders
from venues.exchange import KeyRights
from venues.limits import Limiter
from venues.market_orders import Pace, sendable_for
from venues.spot_account import SpotAccount

HOST = "api.binance.com"
# How long a signed request is taken: its window, and the second by which its clock may be ahead of the venue's.
SIGNATURE_LIFE = timedelta(milliseconds=WINDOW + 1000)
LONGEST_QUERY = 7500  # in characters; servers commonly stop reading a URL at 8,000


class Binance(SpotAccount):
    """One spot account at Binance.

    `timeout` (connect, read), `retry_pauses` of reads and `settling` are in seconds. What may move money is never
    repeated. An order that the venue doesn't know `never_arrived_after` its intent can no longer arrive, because it is
    sent soon after its intent or not at all, and what is signed is taken for six seconds at most.
    """

    def __init__(
        self,
        key_name: str,
        secret: str,
        *,
        limiter: Limiter,
        base_url: str = HOST,
        ca_file: Path | None = None,
        timeout: tuple[float, float] = (3.05, 8.0),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        retry_pauses: Sequence[float] = (0.25, 1.0),
        settling: Sequence[float] = (0.05, 0.1, 0.2, 0.4, 0.8),
        never_arrived_after: timedelta = timedelta(seconds=150),
        small_balances: Desk | None = None,
    ) -> None:
        self._client = Client(
            key_name,
            secret,
            base_url=base_url,
            ca_file=ca_file,
            timeout=timeout,
            limiter=limiter,
            clock=clock,
            sleep=sleep,
            pauses=retry_pauses,
        )
        send_within = sendable_for(never_arrived_after, SIGNATURE_LIFE)
        pace = Pace(clock, sleep, tuple(settling), send_within, never_arrived_after)
        dust = Dust(self._client, limiter, small_balances, pace) if small_balances is not None else None
        super().__init__(self._client, Orders(self._client, limiter, pace), dust)

    @property
    def name(self) -> str:
        """Return `binance`."""
        return NAME

    def holdings(self) -> Sequence[Holding]:
        """Read every asset of the spot account of which there is something, free or in open orders."""
        account = self._client.read(replies.Account, self._client.api.account, omitZeroBalances="true")
        return [
            Holding(asset(each.asset), Decimal(each.free), Decimal(each.locked))
            for each in account.balances
            if Decimal(each.free) or Decimal(each.locked)
        ]

    def capabilities(self) -> Capabilities:
        """Read all spot markets in one request, and small balances in two; nothing is exchanged one to one."""
        listed = self._client.read(replies.ExchangeInfo, self._client.api.exchange_info, permissions="SPOT")
        products = [product(symbol) for symbol in listed.symbols]
        small = self._dust.standing() if self._dust else None
        return Capabilities({(each.base, each.quote): each for each in products}, frozenset(), small=small)

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Read best bids and asks in one request: of the named markets, or of all when the names exceed a URL."""
        if not products:
            return {}
        named = sorted(set(products))
        listed = json.dumps(named, separators=(",", ":"))
        which = {"symbols": listed} if len(listed) + 8 * len(named) <= LONGEST_QUERY else {}
        books = self._client.read(replies.BookTickers, self._client.api.book_ticker, **which)
        known = {book.symbol: Price(_some(book.bid_price), _some(book.ask_price)) for book in books.items}
        return {name: known.get(name, Price(None, None)) for name in named}

    @property
    def largest_batch(self) -> None:
        """Return None: the vendor documents no largest number of assets in one request."""
        return None

    def permissions(self) -> KeyRights:
        """Read what the key may do: `doctor` fails and live mode refuses a key that may move money out."""
        rights = self._client.read(replies.Restrictions, self._client.api.api_restrictions)
        leaves = rights.enable_withdrawals or rights.enable_internal_transfer or rights.permits_universal_transfer
        return KeyRights(rights.enable_reading, rights.enable_spot_and_margin_trading, leaves)


def _some(price: str) -> Decimal | None:
    """A side of the book without orders has the price zero, which is none."""
    return Decimal(price) or None
