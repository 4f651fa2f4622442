"""What a failed request to Bybit proves, and our words for the venue's refusals.

The whole table stands in docs/reference/bybit-errors.md; what failed on the way is judged in `venues/faults.py`.
"""

from __future__ import annotations

from events.values import Refusal, RefusalCode
from venues import faults
from venues.faults import Fault, Verdict, fault_on_the_way, quoted


class NoAnswer(Exception):
    """An answer that brought no result: its HTTP status, and code and message where it was in the venue's form."""

    def __init__(self, status: int, code: int | None = None, message: str = "") -> None:
        super().__init__(f"HTTP {status}, {code}")
        self.status, self.code, self.message = status, code, message


# What a request may raise besides: answers without a result.
RAISED = (*faults.RAISED, NoAnswer)

# The request's time lies outside of the window in which it is taken.
CLOCK = frozenset({10002, -1})
# Turned away before it was looked at: too many requests, too many orders, overloaded, or another exchange under way.
BUSY = frozenset({429, 10006, 10018, 10429, 170005, 170222, 700012, 700021})
# Turned away for longer than a pause helps.
BANNED = frozenset({10009})
# The venue itself doesn't know whether it did it, or an error within it that says nothing about that.
UNSURE = frozenset(
    {10000, 10016, 170001, 170007, 170032, 170035, 170146, 170149, 170234, 131001, 131003, 131200, 131201, 790000}
    | {131230, 3400214}
)
# The key, or the account that it belongs to.
KEY = frozenset({-2015, 10003, 10004, 10005, 10007, 10008, 10010, 10028, 33004, 790001, 3100197})
# The client's id was used before, so an order of it may have been made.
REPEATED = frozenset({"10014", "110030", "110072", "170141", "700009"})
# A quote of small balances that can be confirmed no more: nothing moved, and another may be asked for.
VOID = frozenset({"700004", "700008", "700016", "32024"})


def fault_of(error: Exception) -> Fault:
    """Judge an exception of a request."""
    if not isinstance(error, NoAnswer):
        return fault_on_the_way(error)
    if error.code is not None:
        return _answered(error.status, error.code, error.message)
    match error.status:
        case 401:
            sentence = "HTTP 401: the venue does not accept the key: check it and the addresses it is bound to"
            return Fault(Verdict.MISCONFIGURED, sentence, status=401)
        case 403:
            sentence = "HTTP 403: turned away before it was read: asked too often, or from a country it does not serve"
            return Fault(Verdict.NOT_ACCEPTED, sentence, status=403)
        case 429:
            return Fault(Verdict.NOT_ACCEPTED, "HTTP 429: asked too often", passing=True, status=429)
        case status if status >= 500:
            return Fault(Verdict.UNSURE, f"HTTP {status}", passing=True, status=status)
        case status:
            return Fault(Verdict.UNSURE, f"HTTP {status}, not in the venue's form", status=status)


def _answered(status: int, code: int, message: str) -> Fault:
    """Judge an answer of the venue's own."""
    told = f"{code}: {quoted(message) or 'it gave no reason'}"
    if code in CLOCK:
        return Fault(Verdict.NOT_ACCEPTED, f"{told} Set this machine's clock right", passing=True, status=status)
    if code in BUSY:
        return Fault(Verdict.NOT_ACCEPTED, told, passing=True, status=status)
    if code in BANNED:
        return Fault(Verdict.NOT_ACCEPTED, told, status=status)
    if code in UNSURE or status >= 500:
        return Fault(Verdict.UNSURE, told, passing=True, status=status)
    if code in KEY:
        sentence = f"{told} The venue does not accept the key: check it, its rights, and the addresses it is bound to"
        return Fault(Verdict.MISCONFIGURED, sentence, status=status)
    return Fault(Verdict.REFUSED, told, refusal=refusal_for(code, message), status=status)


def refusal_for(code: int, message: str) -> Refusal:
    """Put the venue's no into our words; one that we don't know is final and shown as it is."""
    said = quoted(message) or "it gave no reason"
    return Refusal(MEANINGS.get(code, RefusalCode.OTHER), f"Bybit refuses it: {said} ({code})", str(code))


MEANINGS: dict[int, RefusalCode] = {
    10024: RefusalCode.NOT_PERMITTED,
    10027: RefusalCode.NOT_PERMITTED,
    10029: RefusalCode.NOT_TRADABLE,
    110004: RefusalCode.INSUFFICIENT_BALANCE,
    110007: RefusalCode.INSUFFICIENT_BALANCE,
    110012: RefusalCode.INSUFFICIENT_BALANCE,
    110066: RefusalCode.NOT_TRADABLE,
    110069: RefusalCode.NOT_PERMITTED,
    110094: RefusalCode.BELOW_MINIMUM,
    110118: RefusalCode.NO_LIQUIDITY,
    170031: RefusalCode.NOT_TRADABLE,
    170033: RefusalCode.INSUFFICIENT_BALANCE,
    170121: RefusalCode.NOT_TRADABLE,
    170131: RefusalCode.INSUFFICIENT_BALANCE,
    170136: RefusalCode.BELOW_MINIMUM,
    170140: RefusalCode.BELOW_MINIMUM,
    170151: RefusalCode.NOT_TRADABLE,
    170157: RefusalCode.NOT_TRADABLE,
    170159: RefusalCode.NOT_TRADABLE,
    170197: RefusalCode.NO_LIQUIDITY,
    170198: RefusalCode.NO_LIQUIDITY,
    170217: RefusalCode.NOT_TRADABLE,
    170219: RefusalCode.NOT_PERMITTED,
    170221: RefusalCode.NOT_TRADABLE,
    170224: RefusalCode.NOT_PERMITTED,
    170227: RefusalCode.NOT_TRADABLE,
    170241: RefusalCode.NOT_PERMITTED,
    170348: RefusalCode.NOT_PERMITTED,
    700001: RefusalCode.NO_LIQUIDITY,
    700005: RefusalCode.INSUFFICIENT_BALANCE,
    700006: RefusalCode.BELOW_MINIMUM,
    700007: RefusalCode.NO_LONGER_DUST,
    700010: RefusalCode.NOT_PERMITTED,
    700011: RefusalCode.NOT_PERMITTED,
    700013: RefusalCode.NOT_TRADABLE,
    700022: RefusalCode.NOT_TRADABLE,
}
