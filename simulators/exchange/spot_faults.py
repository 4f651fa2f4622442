"""Faults that any exchange with spot orders may have besides, and what they make of an order and of the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from simulators.exchange.arithmetic import ZERO
from simulators.exchange.faults import EmptyBook, FaultForm, Partial
from simulators.exchange.spot_orders import ORDINARY, Circumstances
from simulators.forms import Number, Positive


class ListedLate(FaultForm):
    """What was done is listed so many seconds of venue time after it was made."""

    kind: Literal["listed_late"]
    seconds: Positive


class KnownLate(FaultForm):
    """The order is found by its ids so many seconds of venue time after it was made."""

    kind: Literal["known_late"]
    seconds: Positive


class ClockAhead(FaultForm):
    """The exchange's clock is so many seconds ahead of this machine's for this call."""

    kind: Literal["clock_ahead"]
    seconds: Number


def circumstances_of(faults: Iterable[FaultForm]) -> Circumstances:
    """Say what goes differently for an order that these strike."""
    found = ORDINARY
    for fault in faults:
        match fault:
            case Partial():
                found = replace(found, fraction=fault.fraction)
            case KnownLate():
                found = replace(found, known_late=fault.seconds)
            case ListedLate():
                found = replace(found, listed_late=fault.seconds)
            case EmptyBook():
                found = replace(found, empty_book=True)
    return found


def ahead_by(faults: Iterable[FaultForm]) -> Decimal:
    """Add up by how many seconds these put the clock ahead."""
    return sum((fault.seconds for fault in faults if isinstance(fault, ClockAhead)), ZERO)
