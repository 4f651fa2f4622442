"""Faults that any exchange may have: what can go wrong between a client and it, as forms that a file fills in.

A fault belongs to an endpoint and to some of its calls, counted from when the fault was loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator

from simulators.forms import Calls, NotNegative, Number, Positive, Strict

When = Literal["before", "after", "later"]


def _fraction(value: Decimal) -> Decimal:
    if not 0 <= value < 1:
        raise ValueError('must be zero or above and below one, like "0.5"')
    return value


Fraction = Annotated[Number, AfterValidator(_fraction)]


class FaultForm(Strict):
    """Which calls a fault strikes: of an endpoint, by number, and only those about `product` where one is named."""

    endpoint: str
    calls: Calls = "1"
    product: str = ""

    serves: ClassVar[frozenset[str]] = frozenset()

    def strikes(self, endpoint: str, products: frozenset[str]) -> bool:
        """Say whether a call is of the kind that this fault counts."""
        return self.endpoint in {"any", endpoint} and (not self.product or self.product in products)


class Spoiling(FaultForm):
    """A fault that replaces the answer. `when` says whether the request takes effect: never, at once, or later."""

    when: When = "before"
    delay: NotNegative = Decimal(1)


class Timeout(Spoiling):
    """No answer: the connection stays open for `seconds`, then closes."""

    kind: Literal["timeout"]
    seconds: Positive = Decimal(30)


class ConnectionReset(Spoiling):
    """No answer: the connection ends with a TCP RST."""

    kind: Literal["reset"]


class HtmlPage(Spoiling):
    """Status 200 with an HTML page."""

    kind: Literal["html"]


class CutJson(Spoiling):
    """Status 200 with half of the JSON, well announced."""

    kind: Literal["cut_json"]
    when: When = "after"


class CutBody(Spoiling):
    """Half of the body announced, then the connection closes."""

    kind: Literal["cut_body"]
    when: When = "after"


class Slow(FaultForm):
    """The right answer, so many seconds late; the request takes effect at once."""

    kind: Literal["slow"]
    seconds: Positive


class StaleBalances(FaultForm):
    """Balances as they were so many seconds of venue time ago."""

    kind: Literal["stale_balances"]
    seconds: Positive


class Partial(FaultForm):
    """Only this fraction of the order's size is filled; the rest ends with the order."""

    kind: Literal["partial"]
    fraction: Fraction


class PriceJump(FaultForm):
    """All prices of the order's book are multiplied just before the order, and stay there."""

    kind: Literal["price_jump"]
    factor: Positive


class EmptyBook(FaultForm):
    """The book is empty for this call: of `product`, or of every market the call is about."""

    kind: Literal["empty_book"]


# What strikes any exchange's answers; what an exchange adds to it has its own words.
WireFault = Timeout | ConnectionReset | HtmlPage | CutJson | CutBody | Slow


class FaultFile(Strict):
    """A fault file: a list of faults under the key `faults`."""

    faults: tuple[FaultForm, ...] = ()


Form = TypeVar("Form", bound=FaultForm)


def sensible(endpoints: Collection[str]) -> Callable[[Form], Form]:
    """Check that a fault strikes one of these endpoints, one that its kind can strike, and cuts an answer there is."""

    def checked(fault: Form) -> Form:
        if fault.endpoint != "any" and fault.endpoint not in endpoints:
            raise ValueError(f"endpoint {fault.endpoint!r}: must be any, {', '.join(endpoints)}")
        if fault.serves and fault.endpoint not in fault.serves:
            kinds = ", ".join(sorted(fault.serves))
            raise ValueError(f"endpoint {fault.endpoint!r}: this kind of fault strikes {kinds}")
        if isinstance(fault, CutJson | CutBody) and fault.when != "after":
            raise ValueError(f"when {fault.when!r}: must be after, because there is an answer to cut")
        return fault

    return checked
