"""Faults: what can go wrong between a client and this venue, as forms that a file or the admin port fills in."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from simulators.binance.endpoints import ENDPOINTS
from simulators.exchange import faults, spot_faults
from simulators.exchange.faults import FaultFile, FaultForm, Spoiling, WireFault, sensible
from simulators.exchange.spot_faults import ClockAhead

NAMES = tuple(endpoint.name for endpoint in ENDPOINTS)
DUST = frozenset({"dust_transfer", "dust_convert"})


class ServerError(Spoiling):
    """A 5xx with the code -1007: the execution status is unknown."""

    kind: Literal["server_error"]
    status: int = Field(default=503, ge=500, le=599)


class RateLimited(Spoiling):
    """A 429, or with `banned` a 418, with the seconds to wait in Retry-After."""

    kind: Literal["rate_limited"]
    banned: bool = False


class Firewall(Spoiling):
    """A 403 with a web page: turned away by what stands in front."""

    kind: Literal["firewall"]


class Refused(Spoiling):
    """A 400 with this code and sentence."""

    kind: Literal["refused"]
    code: int
    sentence: str = "Refused."


class StaleBalances(faults.StaleBalances):
    """Balances as they were so many seconds of venue time ago."""

    serves: ClassVar[frozenset[str]] = frozenset({"account"})


class Partial(faults.Partial):
    """Only this fraction of the order's size is filled; the rest expires."""

    serves: ClassVar[frozenset[str]] = frozenset({"new_order"})


class ListedLate(spot_faults.ListedLate):
    """The order's trades, or the dust conversion, are listed so many seconds of venue time after they were made."""

    serves: ClassVar[frozenset[str]] = frozenset({"new_order"}) | DUST


class KnownLate(spot_faults.KnownLate):
    """The order is found by its ids so many seconds of venue time after it was made."""

    serves: ClassVar[frozenset[str]] = frozenset({"new_order"})


class PriceJump(faults.PriceJump):
    """All prices of the order's book are multiplied just before the order, and stay there."""

    serves: ClassVar[frozenset[str]] = frozenset({"new_order"})


class EmptyBook(faults.EmptyBook):
    """The book is empty for this call: of `product`, or of every symbol the call is about."""

    serves: ClassVar[frozenset[str]] = frozenset({"book_ticker", "depth", "test_order", "new_order"})


class LeftOut(FaultForm):
    """A dust conversion that succeeds with so many assets fewer than were asked for: the last ones."""

    kind: Literal["left_out"]
    assets: Annotated[int, Field(ge=1)] = 1
    serves: ClassVar[frozenset[str]] = DUST


Fault = Annotated[
    WireFault
    | ServerError
    | RateLimited
    | Firewall
    | Refused
    | StaleBalances
    | Partial
    | ListedLate
    | KnownLate
    | PriceJump
    | EmptyBook
    | LeftOut
    | ClockAhead,
    Field(discriminator="kind"),
    AfterValidator(sensible(NAMES)),
]


class Faults(FaultFile):
    """A fault file: a list of faults under the key `faults`."""

    faults: tuple[Fault, ...] = ()
