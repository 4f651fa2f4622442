"""Binance as a venue: one key's spot account, read and traded through the vendor's own request layer.

What each of the venue's answers proves is in errors; orders and small balances have modules of their own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
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
from venues.spot_account import SpotAccount
from venues.times import ORDINARY, Times

HOST = "api.binance.com"
# How long a signed request is taken: its window, and the second by which its clock may be ahead of the venue's.
SIGNATURE_LIFE = timedelta(milliseconds=WINDOW + 1000)
LONGEST_QUERY = 7500  # in characters; servers commonly stop reading a URL at 8,000


class Binance(SpotAccount):
    """One spot account at Binance.

    An order is sent soon after its intent or not at all, and what is signed is taken for six seconds at most.
    """

    def __init__(
        self,
        key_name: str,
        secret: str,
        *,
        limiter: Limiter,
        base_url: str = HOST,
        ca_file: Path | None = None,
        times: Times = ORDINARY,
        small_balances: Desk | None = None,
    ) -> None:
        self._client = Client(key_name, secret, base_url=base_url, ca_file=ca_file, limiter=limiter, times=times)
        within = times.send_within(SIGNATURE_LIFE)
        dust = None if small_balances is None else Dust(self._client, limiter, small_balances, times, within)
        super().__init__(self._client, Orders(self._client, limiter, times, within), dust)

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
