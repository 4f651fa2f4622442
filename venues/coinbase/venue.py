"""Coinbase Advanced Trade as a venue: one key's account, read and traded through the vendor's own SDK.

What each of the venue's answers proves is in errors; orders and conversions have modules of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from domain.venue import Capabilities, Holding, NeverArrived, Order, Pending, Price, Product
from events.money import exactly_sum
from events.values import Fill, LegKind, Quote, Refusal
from venues.coinbase import replies
from venues.coinbase.client import Client
from venues.coinbase.conversions import PAIRS, Conversions
from venues.coinbase.orders import Orders
from venues.coinbase.pages import pages
from venues.exchange import KeyRights
from venues.limits import Limiter
from venues.times import ORDINARY, Times

NAME = "coinbase"
HOST = "api.coinbase.com"
TOKEN_LIFE = timedelta(seconds=120)  # `exp` minus `nbf`, set by the SDK and demanded by the venue
PAGE = 250  # the most wallets that List Accounts gives at once
LONGEST_QUERY = 7500  # in characters; servers commonly stop reading a URL at 8,000
SPENDABLE_TYPES = {"ACCOUNT_TYPE_CRYPTO", "ACCOUNT_TYPE_FIAT"}
SPOT_PLATFORMS = {"ACCOUNT_PLATFORM_CONSUMER", "ACCOUNT_PLATFORM_UNSPECIFIED", ""}
FLAGS = ("trading_disabled", "is_disabled", "cancel_only", "limit_only", "post_only", "auction_mode", "view_only")


class Coinbase:
    """One account at Coinbase.

    An order is sent soon after its intent or not at all, and what is signed is valid for 120 s; a conversion can't
    arrive any more `convert_never_arrived_after` its intent, once its quote has expired as well.
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
        convert_never_arrived_after: timedelta = timedelta(minutes=11),
    ) -> None:
        self._client = Client(key_name, secret, base_url=base_url, ca_file=ca_file, limiter=limiter, times=times)
        send_within = times.send_within(TOKEN_LIFE)
        self._orders = Orders(self._client, limiter, times, send_within)
        conversions = replace(times, never_arrived_after=convert_never_arrived_after)
        self._conversions = Conversions(self._client, limiter, conversions, send_within)
        self._wallets: dict[str, tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"Coinbase({self._client.host})"

    def close(self) -> None:
        """Close the connections that are kept open between requests; a later request opens new ones."""
        self._client.close()

    @property
    def name(self) -> str:
        """Return `coinbase`."""
        return NAME

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included."""
        return self._client.requests

    def holdings(self) -> Sequence[Holding]:
        """Read every wallet that an order can spend from, one holding for each currency.

        Left out: deleted and inactive wallets, vaults, and those of the futures platforms. A wallet that comes twice,
        since pages shift while they are read, counts once.
        """
        listed = pages(
            lambda cursor: self._client.read(replies.Wallets, self._client.sdk.get_accounts, limit=PAGE, cursor=cursor)
        )
        wallets = {wallet.uuid: wallet for page in listed for wallet in page.accounts if _is_spendable(wallet)}
        by_asset: defaultdict[str, list[replies.Wallet]] = defaultdict(list)
        for wallet in wallets.values():
            by_asset[_asset(wallet.currency)].append(wallet)
        self._wallets = {asset: tuple(wallet.uuid for wallet in theirs) for asset, theirs in by_asset.items()}
        return [_holding(asset, theirs) for asset, theirs in by_asset.items()]

    def holding(self, asset: str) -> Holding:
        """Read one asset's wallets: one request where they are known already, else all pages."""
        found = [self._wallet(uuid) for uuid in self._wallets.get(asset, ())]
        if found and all(wallet is not None and _is_spendable(wallet) for wallet in found):
            return _holding(asset, [wallet for wallet in found if wallet is not None])
        everything = {holding.asset: holding for holding in self.holdings()}
        return everything.get(asset, Holding(asset, Decimal(0), Decimal(0)))

    def capabilities(self) -> Capabilities:
        """Read all spot markets in one request; Convert's pairs are the vendor's documented ones."""
        call = self._client.sdk.get_products
        listed = self._client.read(replies.Markets, call, product_type="SPOT", get_tradability_status=True)
        products = [_product(market) for market in listed.products]
        pairs = [(_asset(one), _asset(other)) for one, other in PAIRS]
        return Capabilities(
            {(product.base, product.quote): product for product in products},
            frozenset(pairs) | frozenset((other, one) for one, other in pairs),
        )

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Read best bids and asks in one request: of the named products, or of all when the names exceed a URL."""
        if not products:
            return {}
        named = sorted(set(products))
        fits = sum(len(f"&product_ids={name}") for name in named) <= LONGEST_QUERY
        books = self._client.read(replies.Books, self._client.sdk.get_best_bid_ask, product_ids=named if fits else None)
        known = {book.product_id: Price(_best(book.bids), _best(book.asks)) for book in books.pricebooks}
        return {name: known.get(name, Price(None, None)) for name in named}

    def worth(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Take hubs at par, as Coinbase redeems USDC."""
        return dict.fromkeys(assets, Decimal(1))

    def quote(self, order: Order) -> Quote | Refusal:
        """Ask for the venue's preview, or its quote of a conversion. Moves nothing."""
        return self._desk(order).quote(order)

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Make the order once, and read it back; see the modules of orders and conversions."""
        return self._desk(order).execute(order)

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Ask what became of an order. Moves nothing."""
        return self._desk(order).outcome(order)

    def permissions(self) -> KeyRights:
        """Read what the key may do: `doctor` fails and live mode refuses a key that may transfer."""
        rights = self._client.read(replies.Rights, self._client.sdk.get_api_key_permissions)
        return KeyRights(rights.can_view, rights.can_trade, rights.can_transfer, rights.portfolio_uuid)

    def danger(self) -> str:
        """Say why the key must not be used unwatched, empty when it may."""
        return self.permissions().danger

    def _desk(self, order: Order) -> Orders | Conversions:
        return self._conversions if order.kind is LegKind.CONVERT else self._orders

    def _wallet(self, uuid: str) -> replies.Wallet | None:
        reply = self._client.ask(replies.WalletReply, self._client.sdk.get_account, uuid)
        return None if isinstance(reply, Refusal) else reply.account


def _asset(code: str) -> str:
    return f"{NAME}:{code}"


def _is_spendable(wallet: replies.Wallet) -> bool:
    live = wallet.active and not wallet.deleted_at
    return live and wallet.type in SPENDABLE_TYPES and wallet.platform in SPOT_PLATFORMS


def _holding(asset: str, wallets: Iterable[replies.Wallet]) -> Holding:
    wallets = list(wallets)
    return Holding(
        asset,
        exactly_sum(*(Decimal(wallet.available_balance.value) for wallet in wallets)),
        exactly_sum(*(Decimal(wallet.hold.value) for wallet in wallets)),
    )


def _product(market: replies.Market) -> Product:
    return Product(
        name=market.product_id,
        base=_asset(market.base_currency_id),
        quote=_asset(market.quote_currency_id),
        base_increment=Decimal(market.base_increment),
        quote_increment=Decimal(market.quote_increment),
        base_minimum=Decimal(market.base_min_size),
        quote_minimum=Decimal(market.quote_min_size),
        closed=_closed(market),
    )


def _closed(market: replies.Market) -> str:
    """Return the venue's word for why the market takes no market order now, empty when it does."""
    if flag := next((flag for flag in FLAGS if getattr(market, flag)), ""):
        return flag
    if not (Decimal(market.base_increment) > 0 and Decimal(market.quote_increment) > 0):
        return "without an increment"
    return "" if market.status == "online" else market.status or "without status"


def _best(levels: Sequence[replies.Level]) -> Decimal | None:
    """The best level comes first; a side without one, or at zero, has no price."""
    return (Decimal(levels[0].price) or None) if levels else None
