"""Bybit as a venue: one key's unified account, its spot markets and its exchange of small balances.

What each of the venue's answers proves is in errors; orders and small balances have modules of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from domain.venue import Capabilities, Holding, Price
from venues.bybit import replies
from venues.bybit.client import WINDOW, Client
from venues.bybit.dust import LARGEST, Desk, Dust
from venues.bybit.markets import NAME, asset, product
from venues.bybit.orders import Orders, free, held
from venues.bybit.replies import number
from venues.exchange import KeyRights
from venues.limits import Limiter
from venues.spot_account import SpotAccount
from venues.times import ORDINARY, Times

HOST = "api.bybit.com"
# How long a signed request is taken: its window, and the second by which its clock may be ahead of the venue's.
SIGNATURE_LIFE = timedelta(milliseconds=WINDOW + 1000)
# Where a key trades, invests or writes; in any other area, and in those to come, it may pay somebody.
PAYS_NOBODY = frozenset(
    {"Spot", "Exchange", "ContractTrade", "Options", "Derivatives", "BlockTrade", "CopyTrading"}
    | {"Earn", "NFT", "Affiliate", "ByXPost"}
)
# What a key may do with the wallet without moving anything: list what was moved.
ONLY_LISTS = {"SubMemberTransferList"}


class Bybit(SpotAccount):
    """One unified account at Bybit.

    What may move money is sent soon after its intent or not at all; what is signed is taken for six seconds at most,
    and a quote of small balances is good for thirty.
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
        """Return `bybit`."""
        return NAME

    def holdings(self) -> Sequence[Holding]:
        """Read every coin of the account of which there is something of its own, free or held."""
        wallets = self._client.read(replies.Wallets, self._client.api.wallet_balance)
        coins = [coin for wallet in wallets.items for coin in wallet.coin]
        return [Holding(asset(coin.coin), free(coin), held(coin)) for coin in coins if free(coin) or held(coin)]

    def capabilities(self) -> Capabilities:
        """Read all spot markets in one request, and small balances in two or more; nothing is exchanged one to one."""
        listed = self._client.read(replies.Instruments, self._client.api.instruments)
        products = [product(market) for market in listed.items]
        small = self._dust.standing() if self._dust else None
        return Capabilities({(each.base, each.quote): each for each in products}, frozenset(), small=small)

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Read best bids and asks in one request: of one market, or of all, since the venue takes no list."""
        if not products:
            return {}
        named = sorted(set(products))
        which = {"symbol": named[0]} if len(named) == 1 else {}
        tickers = self._client.read(replies.Tickers, self._client.api.tickers, **which)
        known = {each.symbol: Price(_some(each.bid), _some(each.ask)) for each in tickers.items}
        return {name: known.get(name, Price(None, None)) for name in named}

    @property
    def largest_batch(self) -> int:
        """Return 20: so many coins go into one quote."""
        return LARGEST

    def permissions(self) -> KeyRights:
        """Read what the key may do: `doctor` fails and live mode refuses a key that may move money out."""
        key = self._client.read(replies.Key, self._client.api.query_api)
        granted = {area: set(rights or ()) for area, rights in key.permissions.items()} if key.read_only == 0 else {}
        moves = any(rights - ONLY_LISTS for area, rights in granted.items() if area not in PAYS_NOBODY)
        return KeyRights(True, "SpotTrade" in granted.get("Spot", set()), moves)


def _some(price: str) -> Decimal | None:
    """A side of the book without orders has no price, or zero, which is none."""
    return number(price) or None
