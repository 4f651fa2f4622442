"""Faults: what can go wrong between a client and this venue, as forms that a file or the admin port fills in."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from simulators.exchange import faults, spot_faults
from simulators.exchange.faults import FaultFile, FaultForm, Spoiling, WireFault, sensible
from simulators.exchange.spot_faults import ClockAhead
from simulators.forms import Positive
from simulators.okx.endpoints import ENDPOINTS

NAMES = tuple(endpoint.name for endpoint in ENDPOINTS)
CONVERT = frozenset({"convert"})
ORDER = frozenset({"new_order"})


class ServerError(Spoiling):
    """A 5xx with the code 50026, or a 400 with 50004: the venue doesn't say whether it did it."""

    kind: Literal["server_error"]
    status: int = Field(default=500, ge=500, le=599)


class RateLimited(Spoiling):
    """A 429 with the code 50011."""

    kind: Literal["rate_limited"]


class Firewall(Spoiling):
    """A 403 with a web page: turned away by what stands in front."""

    kind: Literal["firewall"]


class Refused(Spoiling):
    """An answer with this code and sentence."""

    kind: Literal["refused"]
    code: str
    sentence: str = "Refused."
    status: int = 200


class StaleBalances(faults.StaleBalances):
    """Balances as they were so many seconds of venue time ago."""

    serves: ClassVar[frozenset[str]] = frozenset({"balance"})


class Partial(faults.Partial):
    """Only this fraction of the order's size is filled; the rest is canceled."""

    serves: ClassVar[frozenset[str]] = ORDER


class ListedLate(spot_faults.ListedLate):
    """The order's trades, or the conversions, are listed so many seconds of venue time after they were made."""

    serves: ClassVar[frozenset[str]] = ORDER | CONVERT


class KnownLate(spot_faults.KnownLate):
    """The order is found by its ids so many seconds of venue time after it was made."""

    serves: ClassVar[frozenset[str]] = ORDER


class PriceJump(faults.PriceJump):
    """All prices of the order's book are multiplied just before the order, and stay there."""

    serves: ClassVar[frozenset[str]] = ORDER


class EmptyBook(faults.EmptyBook):
    """The book is empty for this call: of the market that the call is about, of all where it names none."""

    serves: ClassVar[frozenset[str]] = frozenset({"tickers", "books"}) | ORDER


class LeftOut(FaultForm):
    """A conversion that succeeds with so many currencies fewer than were asked for: the last ones."""

    kind: Literal["left_out"]
    assets: Annotated[int, Field(ge=1)] = 1
    serves: ClassVar[frozenset[str]] = CONVERT


class Failing(FaultForm):
    """A conversion of which so many currencies fail in the end: the last ones."""

    kind: Literal["failing"]
    assets: Annotated[int, Field(ge=1)] = 1
    serves: ClassVar[frozenset[str]] = CONVERT


class Running(FaultForm):
    """A conversion that runs so many seconds of venue time longer than usual."""

    kind: Literal["running"]
    seconds: Positive
    serves: ClassVar[frozenset[str]] = CONVERT


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
    | Failing
    | Running
    | ClockAhead,
    Field(discriminator="kind"),
    AfterValidator(sensible(NAMES)),
]


class Faults(FaultFile):
    """A fault file: a list of faults under the key `faults`."""

    faults: tuple[Fault, ...] = ()
