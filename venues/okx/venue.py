"""OKX as a venue: one key's trading account; what lies in its funding account is not seen, and never sold.

What each of the venue's answers proves is in errors; orders and easy convert have modules of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from domain.venue import Capabilities, Holding, Price
from venues.exchange import KeyRights
from venues.limits import Limiter
from venues.okx import replies
from venues.okx.client import Client, Signer
from venues.okx.easy_convert import LARGEST_BATCH, Desk, EasyConvert
from venues.okx.markets import NAME, asset, best_prices, number, product
from venues.okx.orders import Orders
from venues.spot_account import SpotAccount
from venues.times import ORDINARY, Times

HOST = "www.okx.com"
# A signed request is taken for 30 s by the venue's clock, and ours may be as much ahead of that.
SIGNATURE_LIFE = timedelta(seconds=60)


class OKX(SpotAccount):
    """One trading account at OKX.

    What may move money is sent soon after its intent or not at all, and what is signed is taken for a minute at most.
    `easy_convert` is None for an account that does without it.
    """

    def __init__(
        self,
        key_name: str,
        secret: str,
        passphrase: str,
        *,
        limiter: Limiter,
        base_url: str = HOST,
        ca_file: Path | None = None,
        times: Times = ORDINARY,
        easy_convert: Desk | None = None,
    ) -> None:
        self._client = Client(
            Signer(key_name, secret, passphrase),
            base_url=base_url,
            ca_file=ca_file,
            limiter=limiter,
            times=times,
        )
        within = times.send_within(SIGNATURE_LIFE)
        self._easy = None
        if easy_convert is not None:
            self._easy = EasyConvert(self._client, limiter, easy_convert, times, within)
        super().__init__(self._client, Orders(self._client, limiter, times, within), self._easy)

    @property
    def name(self) -> str:
        """Return `okx`."""
        return NAME

    def holdings(self) -> Sequence[Holding]:
        """Read every currency of the trading account of which there is something, free or in open orders."""
        account = self._client.read(replies.One[replies.Account], self._client.api.balance).only
        held = [Holding(asset(each.ccy), number(each.avail_bal), number(each.frozen_bal)) for each in account.details]
        return [each for each in held if each.available or each.hold]

    def capabilities(self) -> Capabilities:
        """Read all spot markets and their prices, and easy convert: three requests; nothing goes one to one."""
        listed = self._client.read(replies.Rows[replies.Instrument], self._client.api.instruments, instType="SPOT")
        prices = best_prices(self._client)
        asks = {name: price.ask for name, price in prices.items()}
        products = [product(each, asks) for each in listed.items]
        small = self._easy.standing(prices) if self._easy else None
        return Capabilities({(each.base, each.quote): each for each in products}, frozenset(), small=small)

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Read best bids and asks in one request: the venue gives those of all markets or of one."""
        known = best_prices(self._client) if products else {}
        return {name: known.get(name, Price(None, None)) for name in products}

    def market_in_usdt(self, code: str) -> str:
        """Name the market in which an asset is sold for USDT."""
        return f"{code}-USDT"

    @property
    def largest_batch(self) -> int:
        """Return five."""
        return LARGEST_BATCH

    def permissions(self) -> KeyRights:
        """Read what the key may do: read_only, trade, withdraw."""
        told = self._client.read(replies.One[replies.Configuration], self._client.api.config).only
        granted = {word.strip() for word in told.perm.split(",")}
        return KeyRights("read_only" in granted, "trade" in granted, "withdraw" in granted)
