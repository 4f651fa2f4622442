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

from domain.errors import ConfigurationError, VenueUnavailable
from domain.venue import Capabilities, Holding, NeverArrived, Order, Pending, Price
from events.money import ticker
from events.values import Fill, LegKind, Quote, Refusal
from venues.binance import replies
from venues.binance.client import WINDOW, Client
from venues.binance.dust import Answer, Desk, Dust
from venues.binance.markets import NAME, asset, product
from venues.binance.orders import Orders
from venues.dollars import AT_PAR
from venues.keyrights import DANGER, KeyRights
from venues.limits import Limiter

HOST = "api.binance.com"
# How long a signed request is taken: its window, and the second by which its clock may be ahead of the venue's.
SIGNATURE_LIFE = timedelta(milliseconds=WINDOW + 1000)
SENT_WITHIN = timedelta(seconds=20)  # the longest waits for the limit and for a slow disk fit in
LONGEST_QUERY = 7500  # in characters; servers commonly stop reading a URL at 8,000


class Binance:
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
        send_within = sendable_for(never_arrived_after)
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
        self._orders = Orders(
            self._client,
            limiter,
            clock=clock,
            sleep=sleep,
            settling=settling,
            send_within=send_within,
            never_arrived_after=never_arrived_after,
        )
        self._dust = None
        if small_balances is not None:
            self._dust = Dust(
                self._client,
                limiter,
                small_balances,
                clock=clock,
                send_within=send_within,
                never_arrived_after=never_arrived_after,
            )

    def __repr__(self) -> str:
        return f"Binance({self._client.host})"

    def close(self) -> None:
        """Close the connections that are kept open between requests; a later request opens new ones."""
        self._client.close()

    @property
    def name(self) -> str:
        """Return `binance`."""
        return NAME

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included."""
        return self._client.requests

    def holdings(self) -> Sequence[Holding]:
        """Read every asset of the spot account of which there is something, free or in open orders."""
        account = self._client.read(replies.Account, self._client.api.account, omitZeroBalances="true")
        return [
            Holding(asset(each.asset), Decimal(each.free), Decimal(each.locked))
            for each in account.balances
            if Decimal(each.free) or Decimal(each.locked)
        ]

    def holding(self, asset: str) -> Holding:
        """Read one asset's balance; the venue gives all of them or none."""
        everything = {holding.asset: holding for holding in self.holdings()}
        return everything.get(asset, Holding(asset, Decimal(0), Decimal(0)))

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

    def worth(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Take dollar coins at par, anything else at its best bid in USDT; without one it is `VenueUnavailable`."""
        markets = {each: f"{ticker(each)}USDT" for each in assets if ticker(each) not in AT_PAR}
        prices = self.prices(markets.values())
        worth = dict.fromkeys(assets, Decimal(1))
        for each, market in markets.items():
            if not (bid := prices[market].bid):
                raise VenueUnavailable(f"{market} has no bid, so what {ticker(each)} is worth is not known")
            worth[each] = bid
        return worth

    def quote(self, order: Order) -> Quote | Refusal:
        """Reckon what an order would bring, once the venue has tried it. Moves nothing."""
        if order.kind is LegKind.DUST:
            return self._small_balances.offer([order])[order.spend.asset]
        return self._orders.quote(order)

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Make the order once, and read it back; see the module of orders."""
        return self._orders.execute(order)

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Ask what became of an order. Moves nothing."""
        return self._orders.outcome(order)

    @property
    def largest_batch(self) -> None:
        """Return None: the vendor documents no largest number of assets in one request."""
        return None

    def offer_small(self, orders: Sequence[Order]) -> Mapping[str, Quote | Refusal]:
        """Say what each small balance would bring. Moves nothing."""
        return self._small_balances.offer(orders)

    def exchange_small(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Exchange small balances in one request, once; see the module of dust."""
        return self._small_balances.exchange(orders)

    def small_outcome(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Ask what became of a request for small balances. Moves nothing."""
        return self._small_balances.outcome(orders)

    @property
    def _small_balances(self) -> Dust:
        if self._dust is None:
            raise ConfigurationError("small balances: the settings do not use the venue's exchange of them")
        return self._dust

    def permissions(self) -> KeyRights:
        """Read what the key may do: `doctor` fails and live mode refuses a key that may move money out."""
        rights = self._client.read(replies.Restrictions, self._client.api.api_restrictions)
        leaves = rights.enable_withdrawals or rights.enable_internal_transfer or rights.permits_universal_transfer
        return KeyRights(rights.enable_reading, rights.enable_spot_and_margin_trading, leaves)

    def danger(self) -> str:
        """Say why the key must not be used unwatched, empty when it may."""
        return DANGER if self.permissions().can_transfer else ""


def sendable_for(never_arrived_after: timedelta) -> timedelta:
    """How long after its intent an order may be sent, so that its signature has run out before it never arrived.

    Less than that life is for simulated venues on this machine, where no request is under way for long.
    """
    left = never_arrived_after - SIGNATURE_LIFE
    return min(left, SENT_WITHIN) if left > timedelta() else never_arrived_after


def _some(price: str) -> Decimal | None:
    """A side of the book without orders has the price zero, which is none."""
    return Decimal(price) or None
