"""What a venue says, in our words, and the protocol every venue keeps. No SDK type crosses this line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from domain.errors import VenueUnavailable
from events.money import Amount
from events.values import Fill, LegKind, Proof, Quote, Refusal, Source


@dataclass(frozen=True, slots=True)
class Holding:
    """What the venue says an account has of one asset: free to move, and held by open orders.

    `quarantine` says why nothing about the asset is believed, empty for one that is judged like any other. `source` is
    where it came from, as far as `proof` shows it.
    """

    asset: str
    available: Decimal
    hold: Decimal
    quarantine: str = ""
    source: Source = Source.LEFTOVER
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A market: `base` for `quote`, with the venue's increments and minimums (base ones in base units, and so on).

    `sale_minimum` is the least value, in `quote`, that a sale must have. `closed` is empty for a market that takes
    market orders now, else the venue's word for why it does not. `exit` is the kind of leg that sells its base.
    `quarantine` says why its base is not believed though there is a market. `via` is the asset in the middle, empty
    where it sells directly.
    """

    name: str
    base: str
    quote: str
    base_increment: Decimal
    quote_increment: Decimal
    base_minimum: Decimal
    quote_minimum: Decimal
    sale_minimum: Decimal = Decimal(0)
    closed: str = ""
    exit: LegKind = LegKind.SELL
    quarantine: str = ""
    via: str = ""

    @property
    def open(self) -> bool:
        """Say whether anything is sold on it now."""
        return not self.closed and not self.quarantine


@dataclass(frozen=True, slots=True)
class SmallOffer:
    """What the venue would take of an asset, and what would arrive for it, after the fee that it keeps of it."""

    quantity: Decimal
    brings: Decimal
    fee: Decimal

    @property
    def kept(self) -> Decimal:
        """Say what part of the value is left after the fee."""
        gross = self.brings + self.fee
        return self.brings / gross if gross > 0 else Decimal(0)


@dataclass(frozen=True, slots=True)
class SmallBalances:
    """The venue's exchange of small balances as it stands now.

    All is paid in `pays`. `offers` says by asset what it would take. It takes its next request at `ready_at`, None for
    at once. `name` is what legs call it.
    """

    name: str
    pays: str
    offers: Mapping[str, SmallOffer] = field(default_factory=dict)
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What can be converted into what: markets by (base, quote), pairs exchanged one to one, and small balances.

    `others` are further ways to sell the same pair, which bring less than the one in `products`.
    """

    products: Mapping[tuple[str, str], Product]
    convertible: frozenset[tuple[str, str]]
    others: Mapping[tuple[str, str], tuple[Product, ...]] = field(default_factory=dict)
    small: SmallBalances | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """Best bid and ask of a product, in its quote currency. A side without orders is None: no price is not zero.

    `doubt` says why a venue does not stand by a price that it could name; both sides are None then.
    """

    bid: Decimal | None
    ask: Decimal | None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A leg as a venue is asked for it.

    SELL spends `spend` of the product's base; BUY and TOP_UP spend quote currency; CONVERT exchanges one to one.
    `key` is the idempotency key; `reference` is the quote's, for venues that make a quote the identity of the trade.
    With `output` exactly so much of `receive` is to arrive, for at most `spend`.
    """

    key: str
    kind: LegKind
    product: str
    spend: Amount
    receive: str
    reference: str = ""
    requested_at: datetime | None = None
    output: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The venue has the order, or may still get it, and no final answer yet."""

    detail: str


@dataclass(frozen=True, slots=True)
class NeverArrived:
    """The venue knows nothing of the order, and the request can no longer take effect."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a scan needs of one account, read at one moment; `requests` is what that took, shared ones included."""

    holdings: tuple[Holding, ...]
    capabilities: Capabilities
    prices: Mapping[str, Price]
    worth: Mapping[str, Decimal]
    requests: int


class Venue(Protocol):
    """One account at one venue. Every call raises `VenueUnavailable` when the venue cannot be read and
    `ConfigurationError` when the key is wrong; `execute` alone raises `OutcomeUnknown`, when its answer was lost."""

    @property
    def name(self) -> str:
        """Return the venue's word, the first part of its assets' names: `coinbase`."""
        ...

    @property
    def requests(self) -> int:
        """Count the requests sent so far, lost ones included."""
        ...

    def danger(self) -> str:
        """Say why the account's key is too powerful to be used with nobody watching, empty when it is not."""
        ...

    def holdings(self) -> Sequence[Holding]: ...

    def holding(self, asset: str) -> Holding:
        """Read one asset's balance; an asset without a wallet is held as zero."""
        ...

    def capabilities(self) -> Capabilities: ...

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        """Return the best prices of the named products in as few requests as the venue allows."""
        ...

    def worth(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Say what one unit of each is worth in the policy's currency; those not named are worth one."""
        ...

    def quote(self, order: Order) -> Quote | Refusal:
        """Ask the venue's own preview. Moves nothing."""
        ...

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        """Make the order, at most once for one key; one recorded too long ago is `VenueUnavailable`, not sent.

        A fill was read back and agrees with the order.
        """
        ...

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        """Ask what became of an order whose answer was lost. Moves nothing."""
        ...


@runtime_checkable
class Surveyor(Protocol):
    """A venue that can read other accounts of its kind in the same requests as its own."""

    def survey(self, venues: Sequence[Venue]) -> Sequence[Survey | VenueUnavailable]:
        """Read all of them; what spoils the reading of one is its outage. Raises `VenueUnavailable` for all."""
        ...


@runtime_checkable
class Appraiser(Protocol):
    """A venue that knows what assets are worth by other means than its own markets, such as price feeds."""

    def appraise(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        """Say what one unit is worth in the policy's currency; those that nothing is known of are not named."""
        ...


@runtime_checkable
class SmallBalanceDesk(Protocol):
    """A venue that exchanges small balances, many in one request under one key; answers are by the asset spent."""

    @property
    def largest_batch(self) -> int | None:
        """Say how many orders one request takes, None where the venue names no limit."""
        ...

    def offer_small(self, orders: Sequence[Order]) -> Mapping[str, Quote | Refusal]:
        """Say what each order would bring. Moves nothing."""
        ...

    def exchange_small(self, orders: Sequence[Order]) -> Mapping[str, Fill | Refusal | Pending | NeverArrived]:
        """Exchange all of them in one request, once; an order that the venue proves not to have is `NeverArrived`."""
        ...

    def small_outcome(self, orders: Sequence[Order]) -> Mapping[str, Fill | Refusal | Pending | NeverArrived]:
        """Ask what became of a request whose answer was lost. Moves nothing."""
        ...
