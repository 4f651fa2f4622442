"""Faults: what can go wrong between a client and this venue, as forms that a file or the admin port fills in."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from simulators.bybit.endpoints import ENDPOINTS
from simulators.exchange import faults, spot_faults
from simulators.exchange.faults import FaultFile, FaultForm, Spoiling, WireFault, sensible
from simulators.exchange.spot_faults import ClockAhead
from simulators.forms import Positive

NAMES = tuple(endpoint.name for endpoint in ENDPOINTS)


class ServerError(Spoiling):
    """A 5xx with the code 10016."""

    kind: Literal["server_error"]
    status: int = Field(default=503, ge=500, le=599)


class RateLimited(Spoiling):
    """The code 10006, or with `address` a 403 without a body in the venue's form."""

    kind: Literal["rate_limited"]
    address: bool = False


class Refused(Spoiling):
    """This code and sentence."""

    kind: Literal["refused"]
    code: int
    sentence: str = "Refused."
    status: int = Field(default=200, ge=200, le=599)


class StaleBalances(faults.StaleBalances):
    """Balances as they were so many seconds of venue time ago."""

    serves: ClassVar[frozenset[str]] = frozenset({"wallet_balance"})


class Partial(faults.Partial):
    """Only this fraction of the order's size is filled; the rest is cancelled."""

    serves: ClassVar[frozenset[str]] = frozenset({"create_order"})


class ListedLate(spot_faults.ListedLate):
    """Trades, or the history of exchanges, show it so many seconds of venue time after it was made."""

    serves: ClassVar[frozenset[str]] = frozenset({"create_order", "exchange_small"})


class KnownLate(spot_faults.KnownLate):
    """The order is found by its ids so many seconds of venue time after it was made."""

    serves: ClassVar[frozenset[str]] = frozenset({"create_order"})


class Forgotten(FaultForm):
    """The list of the newest orders has none that has ended, as after the venue's restart."""

    kind: Literal["forgotten"]
    serves: ClassVar[frozenset[str]] = frozenset({"recent_orders"})


class PriceJump(faults.PriceJump):
    """All prices of the order's book are multiplied just before the order, and stay there."""

    serves: ClassVar[frozenset[str]] = frozenset({"create_order"})


class EmptyBook(faults.EmptyBook):
    """The book is empty for this call: of `product`, or of every symbol the call is about."""

    serves: ClassVar[frozenset[str]] = frozenset({"tickers", "orderbook", "create_order"})


class Failing(FaultForm):
    """An exchange of small balances that so many coins are left out of: the last ones."""

    kind: Literal["failing"]
    coins: Annotated[int, Field(ge=1)] = 1
    serves: ClassVar[frozenset[str]] = frozenset({"exchange_small"})


class SlowExchange(FaultForm):
    """An exchange of small balances that is under way for so many seconds of venue time."""

    kind: Literal["slow_exchange"]
    seconds: Positive
    serves: ClassVar[frozenset[str]] = frozenset({"exchange_small"})


Fault = Annotated[
    WireFault
    | ServerError
    | RateLimited
    | Refused
    | StaleBalances
    | Partial
    | ListedLate
    | KnownLate
    | Forgotten
    | PriceJump
    | EmptyBook
    | Failing
    | SlowExchange
    | ClockAhead,
    Field(discriminator="kind"),
    AfterValidator(sensible(NAMES)),
]


class Faults(FaultFile):
    """A fault file: a list of faults under the key `faults`."""

    faults: tuple[Fault, ...] = ()
