"""Faults: what can go wrong between a client and the venue, as forms that a file or the admin port fills in.

A fault belongs to an endpoint and to some of its calls, counted from when the fault was loaded.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from simulators.exchange import faults
from simulators.exchange.faults import FaultFile, FaultForm, Spoiling, WireFault, sensible
from simulators.forms import Positive

ENDPOINTS = (
    "list_accounts",
    "get_account",
    "list_products",
    "get_product",
    "public_products",
    "public_product",
    "best_bid_ask",
    "preview_order",
    "create_order",
    "list_orders",
    "list_fills",
    "get_order",
    "convert_quote",
    "commit_convert",
    "get_convert",
    "key_permissions",
    "transaction_summary",
)


class ServerError(Spoiling):
    """A 5xx with the venue's INTERNAL."""

    kind: Literal["server_error"]
    status: int = Field(default=503, ge=500, le=599)


class RateLimited(Spoiling):
    """A 429, as the HTML page of the order endpoints or as JSON."""

    kind: Literal["rate_limited"]
    body: Literal["html", "json"] = "html"


class Unauthorized(Spoiling):
    """The 401 in plain text, for a good token."""

    kind: Literal["unauthorized"]


class Forbidden(Spoiling):
    """A 403: scopes missing, conversion not allowed, or a book in limit only mode."""

    kind: Literal["forbidden"]
    reason: Literal["scopes", "convert", "limit_only"] = "scopes"


class Invalid(Spoiling):
    """A 400 with this sentence, by default the one about a wallet that is not in sync yet."""

    kind: Literal["invalid"]
    sentence: str = "account is not available"


class StaleBalances(faults.StaleBalances):
    """Balances as they were so many seconds of venue time ago."""

    serves: ClassVar[frozenset[str]] = frozenset({"list_accounts", "get_account"})


class Partial(faults.Partial):
    """Only this fraction of the order's size is filled; the rest is cancelled."""

    serves: ClassVar[frozenset[str]] = frozenset({"create_order"})


class SettledLate(FaultForm):
    """The order's `settled` turns true so many seconds of venue time after its fill."""

    kind: Literal["settled_late"]
    seconds: Positive
    serves: ClassVar[frozenset[str]] = frozenset({"create_order"})


class PriceJump(faults.PriceJump):
    """All prices of the order's book are multiplied just before the order, and stay there."""

    serves: ClassVar[frozenset[str]] = frozenset({"create_order"})


class EmptyBook(faults.EmptyBook):
    """The book is empty for this call: of `product`, or of every product the call is about."""

    serves: ClassVar[frozenset[str]] = frozenset({"best_bid_ask", "preview_order", "create_order"})


class RepeatedCursor(FaultForm):
    """The page says that more follows and gives the cursor that leads back to itself."""

    kind: Literal["repeated_cursor"]
    serves: ClassVar[frozenset[str]] = frozenset({"list_accounts", "list_orders", "list_fills"})


class Refused(FaultForm):
    """The venue refuses with this code: in a preview's `errs`, or as a rejected order."""

    kind: Literal["refused"]
    reason: str
    serves: ClassVar[frozenset[str]] = frozenset({"preview_order", "create_order"})


class ConvertRefused(FaultForm):
    """A quote without an id and with this reason; of a commit, a conversion that ends canceled."""

    kind: Literal["convert_refused"]
    reason: str = "Conversion is not available"
    serves: ClassVar[frozenset[str]] = frozenset({"convert_quote", "commit_convert"})


Fault = Annotated[
    WireFault
    | ServerError
    | RateLimited
    | Unauthorized
    | Forbidden
    | Invalid
    | StaleBalances
    | Partial
    | SettledLate
    | PriceJump
    | EmptyBook
    | RepeatedCursor
    | Refused
    | ConvertRefused,
    Field(discriminator="kind"),
    AfterValidator(sensible(ENDPOINTS)),
]


class Faults(FaultFile):
    """A fault file: a list of faults under the key `faults`."""

    faults: tuple[Fault, ...] = ()
