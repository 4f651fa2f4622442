"""What a failed request to OKX proves, and our words for the venue's refusals.

The whole table stands in docs/reference/okx-errors.md; what failed on the way is judged in `venues/faults.py`.
"""

from __future__ import annotations

from events.values import Refusal, RefusalCode
from venues import faults
from venues.faults import Fault, Verdict, fault_on_the_way, quoted


class Answered(Exception):
    """An answer of HTTP that is not what was asked for: `code` is the venue's own, empty where it isn't in its form."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.code, self.message = status, code, message


RAISED = (*faults.RAISED, Answered)

NO_ORDER = "51603"
DUPLICATE = frozenset({"50071", "51011", "51016"})
# Our clock is off, or the request was under way for longer than it is taken.
LATE = frozenset({"50036", "50037", "50102", "50112"})
# Turned away before it was looked at.
BUSY = frozenset({"50011", "50040", "50061"})
# The venue doesn't know itself, or failed in a way that says nothing about what it did.
UNSURE = frozenset({"1", "2", "50001", "50004", "50005", "50013", "50026", "51054", "51149"})
# The key, where it is used from, or how we ask.
KEY = frozenset(
    {
        *("50030", "50035", "50041", "50100", "50101", "50103", "50104", "50105", "50106", "50107", "50108", "50109"),
        *("50110", "50111", "50113", "50114", "50115", "50116", "50118", "50119", "50120", "50121"),
    }
)


def fault_of(error: Exception) -> Fault:
    """Judge an exception of a request."""
    if not isinstance(error, Answered):
        return fault_on_the_way(error)
    status, code = error.status, error.code
    if not code:
        return _unread(status)
    told = f"HTTP {status}, {code}: {quoted(error.message)}"
    if code in LATE:
        sentence = f"{told} Set this machine's clock right"
        return Fault(Verdict.NOT_ACCEPTED, sentence, passing=True, status=status)
    if code in BUSY:
        return Fault(Verdict.NOT_ACCEPTED, told, passing=True, status=status)
    if code in UNSURE or status >= 500:
        return Fault(Verdict.UNSURE, told, passing=True, status=status)
    if code in KEY or status == 401:
        sentence = f"{told} The venue does not accept the key: check it, its passphrase, its rights and its addresses"
        return Fault(Verdict.MISCONFIGURED, sentence, status=status)
    return Fault(Verdict.REFUSED, told, refusal=refusal_for(code, error.message), status=status)


def _unread(status: int) -> Fault:
    """Judge what somebody in between said, or the venue's door before it read anything."""
    if status == 429:
        return Fault(Verdict.NOT_ACCEPTED, "HTTP 429: asked too often", passing=True, status=status)
    if status == 403:
        return Fault(Verdict.NOT_ACCEPTED, "HTTP 403: turned away before it was read", passing=True, status=status)
    if status >= 500:
        return Fault(Verdict.UNSURE, f"HTTP {status}", passing=True, status=status)
    return Fault(Verdict.UNSURE, f"HTTP {status}, not in the venue's form", status=status)


def refusal_for(code: str, message: str) -> Refusal:
    """Put the venue's no into our words; one that we don't know is final and shown as it is."""
    said = quoted(message) or "it gave no reason"
    return Refusal(MEANINGS.get(code, RefusalCode.OTHER), f"OKX refuses it: {said} ({code})", code)


MEANINGS: dict[str, RefusalCode] = {
    "50007": RefusalCode.NOT_PERMITTED,
    "50009": RefusalCode.NOT_PERMITTED,
    "50012": RefusalCode.NOT_PERMITTED,
    "50027": RefusalCode.NOT_PERMITTED,
    "50028": RefusalCode.NOT_PERMITTED,
    "50029": RefusalCode.NOT_PERMITTED,
    "50032": RefusalCode.NOT_PERMITTED,
    "50033": RefusalCode.NOT_PERMITTED,
    "50051": RefusalCode.NOT_PERMITTED,
    "50052": RefusalCode.NOT_PERMITTED,
    "50059": RefusalCode.NOT_PERMITTED,
    "50060": RefusalCode.NOT_PERMITTED,
    "50122": RefusalCode.BELOW_MINIMUM,
    "51001": RefusalCode.NOT_TRADABLE,
    "51008": RefusalCode.INSUFFICIENT_BALANCE,
    "51009": RefusalCode.NOT_PERMITTED,
    "51010": RefusalCode.NOT_PERMITTED,
    "51012": RefusalCode.NOT_TRADABLE,
    "51020": RefusalCode.BELOW_MINIMUM,
    "51021": RefusalCode.NOT_TRADABLE,
    "51022": RefusalCode.NOT_TRADABLE,
    "51024": RefusalCode.NOT_PERMITTED,
    "51027": RefusalCode.NOT_TRADABLE,
    "51100": RefusalCode.BELOW_MINIMUM,
    "51109": RefusalCode.NO_LIQUIDITY,
    "51118": RefusalCode.BELOW_MINIMUM,
    "51119": RefusalCode.INSUFFICIENT_BALANCE,
    "51120": RefusalCode.BELOW_MINIMUM,
    "51121": RefusalCode.BELOW_MINIMUM,
    "51127": RefusalCode.INSUFFICIENT_BALANCE,
    "51131": RefusalCode.INSUFFICIENT_BALANCE,
    "51155": RefusalCode.NOT_PERMITTED,
    "51736": RefusalCode.INSUFFICIENT_BALANCE,
    "51764": RefusalCode.INSUFFICIENT_BALANCE,
}
