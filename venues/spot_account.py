"""What every account at an exchange does alike that finds orders by the client's id and may exchange small balances."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from domain.errors import ConfigurationError, VenueUnavailable
from domain.venue import Holding, NeverArrived, Order, Pending, Price, SmallBalances
from events.money import ticker
from events.values import Fill, LegKind, Quote, Refusal, RefusalCode
from venues.dollars import AT_PAR
from venues.exchange import KeyRights
from venues.market_orders import MarketOrders

Answer = Fill | Refusal | Pending | NeverArrived


class SmallExchange(Protocol):
    """The exchange of small balances of one account; offers and answers are by the asset that is spent."""

    def standing(self) -> SmallBalances:
        """Read what would be taken now, and until when the venue rests."""
        ...

    def offer(self, orders: Sequence[Order]) -> Mapping[str, Quote | Refusal]:
        """Say what each order would bring. Moves nothing."""
        ...

    def exchange(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Exchange all of them in one request, once."""
        ...

    def outcome(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Ask what became of the request. Moves nothing."""
        ...


def not_listed(asset: str) -> Refusal:
    """Say that an exchange of small balances does not take an asset now."""
    name = ticker(asset)
    return Refusal(RefusalCode.NOT_TRADABLE, f"{name} is not among the small balances that are exchanged now")


def refused(orders: Sequence[Order], refusal: Refusal) -> Mapping[str, Answer]:
    """Give the assets that a no to a whole request names that no; the others were not exchanged, and may be again."""
    words = set(refusal.sentence.replace(",", " ").split())
    named = {order.spend.asset for order in orders if ticker(order.spend.asset) in words}
    others: Answer = NeverArrived() if named else refusal
    return {order.spend.asset: refusal if order.spend.asset in named else others for order in orders}


class Connection(Protocol):
    """What an account asks through."""

    @property
    def host(self) -> str:
        """Name who is asked."""
        ...

    @property
    def requests(self) -> int:
        """Count the requests sent, lost ones included."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...


class SpotAccount(ABC):
    """One spot account; `dust` is None where the owner does not use the venue's exchange of small balances."""

    def __init__(self, client: Connection, orders: MarketOrders, dust: SmallExchange | None) -> None:
        self._connection, self._orders, self._dust = client, orders, dust

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.host})"

    def close(self) -> None:
        """Close the connections that are kept open between requests; a later request opens new ones."""
        self._connection.close()

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included."""
        return self._connection.requests

    @abstractmethod
    def holdings(self) -> Sequence[Holding]:
        """Read every asset of the account of which there is something, free or set aside."""

    @abstractmethod
    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Read best bids and asks in one request."""

    @property
    @abstractmethod
    def largest_batch(self) -> int | None:
        """Say how many small balances one request takes, None where the venue names no limit."""

    @abstractmethod
    def permissions(self) -> KeyRights:
        """Read what the key may do: `doctor` fails and live mode refuses a key that may move money out."""

    def market_in_usdt(self, code: str) -> str:
        """Name the market in which an asset is sold for USDT."""
        return f"{code}USDT"

    def holding(self, asset: str) -> Holding:
        """Read one asset's balance; one that is not listed is held as zero."""
        everything = {holding.asset: holding for holding in self.holdings()}
        return everything.get(asset, Holding(asset, Decimal(0), Decimal(0)))

    def worth(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Take dollar coins at par, anything else at its best bid in USDT; without one it is `VenueUnavailable`."""
        markets = {each: self.market_in_usdt(ticker(each)) for each in assets if ticker(each) not in AT_PAR}
        prices = self.prices(markets.values())
        worth = dict.fromkeys(assets, Decimal(1))
        for each, market in markets.items():
            if not (bid := prices[market].bid):
                raise VenueUnavailable(f"{market} has no bid, so what {ticker(each)} is worth is not known")
            worth[each] = bid
        return worth

    def quote(self, order: Order) -> Quote | Refusal:
        """Reckon what an order would bring. Moves nothing."""
        if order.kind is LegKind.DUST:
            return self._small_balances.offer([order])[order.spend.asset]
        return self._orders.quote(order)

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Make the order once, and read it back; see the module of orders."""
        return self._orders.execute(order)

    def outcome(self, order: Order) -> Answer:
        """Ask what became of an order. Moves nothing."""
        return self._orders.outcome(order)

    def offer_small(self, orders: Sequence[Order]) -> Mapping[str, Quote | Refusal]:
        """Say what each small balance would bring. Moves nothing."""
        return self._small_balances.offer(orders)

    def exchange_small(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Exchange small balances in one request, once; see the module of dust."""
        return self._small_balances.exchange(orders)

    def small_outcome(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Ask what became of a request for small balances. Moves nothing."""
        return self._small_balances.outcome(orders)

    def danger(self) -> str:
        """Say why the key must not be used unwatched, empty when it may."""
        return self.permissions().danger

    @property
    def _small_balances(self) -> SmallExchange:
        if self._dust is None:
            raise ConfigurationError("small balances: the settings do not use the venue's exchange of them")
        return self._dust
