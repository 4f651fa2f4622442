"""What a failed request to Binance proves, and our words for the venue's refusals.

The whole table stands in docs/reference/binance-errors.md; what failed on the way is judged in `venues/faults.py`.
"""

from __future__ import annotations

from binance_common import errors as sdk
from requests import RequestException

from events.values import Refusal, RefusalCode
from venues import faults
from venues.faults import Fault, Verdict, fault_on_the_way, quoted

# What a request through the library may raise besides: its own errors.
RAISED = (*faults.RAISED, sdk.Error)

CLOCK, SIGNATURE, NO_ORDER, DUPLICATE = -1021, -1022, -2013, "Duplicate order sent."
# Turned away before it was looked at: too many requests, too many orders, overloaded.
BUSY = frozenset({-1003, -1015, -1008})
# The venue itself doesn't know whether it did it, or an error within it that says nothing about that.
UNSURE = frozenset({-1000, -1001, -1006, -1007})
# The key, or how we ask.
KEY = frozenset({-1002, -1022, -2008, -2014, -2015, -2017, -1099})


def fault_of(error: Exception) -> Fault:
    """Judge an exception of a request made through the library."""
    match error:
        case sdk.NetworkError():
            cause = error.__cause__
            if isinstance(cause, RequestException):
                return fault_on_the_way(cause)
            return Fault(Verdict.UNSURE, "the connection broke", passing=True)
        case sdk.ServerError():
            return Fault(Verdict.UNSURE, f"HTTP {error.status_code or 500}", passing=True)
        case sdk.TooManyRequestsError() | sdk.RateLimitBanError():
            status = 429 if isinstance(error, sdk.TooManyRequestsError) else 418
            wait = f"; it asks for a pause of {error.retry_after} s" if error.retry_after else ""
            passing = not error.retry_after
            return Fault(Verdict.NOT_ACCEPTED, f"HTTP {status}: asked too often{wait}", passing=passing, status=status)
        case sdk.BadRequestError():
            return _answered(400, error.status_code, error.error_message)
        case sdk.UnauthorizedError():
            return _answered(401, error.status_code, error.error_message)
        case sdk.ForbiddenError():
            if error.status_code is None:
                return Fault(Verdict.NOT_ACCEPTED, "HTTP 403: turned away before it was read", passing=True, status=403)
            return _answered(403, error.status_code, error.error_message)
        case sdk.NotFoundError():
            return _answered(404, error.status_code, error.error_message)
        case sdk.RequiredError():
            return Fault(Verdict.MISCONFIGURED, f"the request could not be made ({type(error).__name__})")
        case sdk.Error():
            return Fault(Verdict.UNSURE, f"an answer that means nothing ({type(error).__name__})")
        case _:
            return fault_on_the_way(error)


def _answered(status: int, code: int | None, message: str) -> Fault:
    """Judge an answer of the venue's own, or what somebody in between said in its place."""
    if code is None:
        return Fault(Verdict.UNSURE, f"HTTP {status}, not in the venue's form", status=status)
    told = f"HTTP {status}, {code}: {quoted(message)}"
    if code == CLOCK:
        sentence = f"{told} Set this machine's clock right"
        return Fault(Verdict.NOT_ACCEPTED, sentence, passing=True, status=status)
    if code in BUSY:
        return Fault(Verdict.NOT_ACCEPTED, told, passing=True, status=status)
    if code in UNSURE:
        return Fault(Verdict.UNSURE, told, passing=True, status=status)
    if code in KEY:
        sentence = f"{told} The venue does not accept the key: check it, its rights, and the addresses it is bound to"
        return Fault(Verdict.MISCONFIGURED, sentence, status=status)
    return Fault(Verdict.REFUSED, told, refusal=refusal_for(code, message), status=status)


def refusal_for(code: int, message: str) -> Refusal:
    """Put the venue's no into our words; one that we don't know is final and shown as it is."""
    said = " ".join(message.split())
    meaning = next((each for start, each in SAID.items() if said.startswith(start)), None)
    known = meaning or MEANINGS.get(code, RefusalCode.OTHER)
    return Refusal(known, f"Binance refuses it: {quoted(said) or 'it gave no reason'} ({code})", str(code))


# By code; several codes say different things in their sentence, which then decides.
MEANINGS: dict[int, RefusalCode] = {
    -1121: RefusalCode.NOT_TRADABLE,
    -2026: RefusalCode.NO_LIQUIDITY,
    -5001: RefusalCode.NOT_TRADABLE,
    -5002: RefusalCode.INSUFFICIENT_BALANCE,
    -5003: RefusalCode.INSUFFICIENT_BALANCE,
    -5004: RefusalCode.NO_LONGER_DUST,
    -5005: RefusalCode.BELOW_MINIMUM,
    -5006: RefusalCode.COOLDOWN,
    -9000: RefusalCode.COOLDOWN,
}
SAID: dict[str, RefusalCode] = {
    "Filter failure: LOT_SIZE": RefusalCode.BELOW_MINIMUM,
    "Filter failure: MARKET_LOT_SIZE": RefusalCode.BELOW_MINIMUM,
    "Filter failure: NOTIONAL": RefusalCode.BELOW_MINIMUM,
    "Filter failure: MIN_NOTIONAL": RefusalCode.BELOW_MINIMUM,
    "Account has insufficient balance": RefusalCode.INSUFFICIENT_BALANCE,
    "Market is closed": RefusalCode.NOT_TRADABLE,
    "This order type is not enabled": RefusalCode.NOT_TRADABLE,
    "This symbol is not permitted": RefusalCode.NOT_PERMITTED,
    "This symbol is restricted": RefusalCode.NOT_PERMITTED,
    "This action is disabled on this account": RefusalCode.NOT_PERMITTED,
    "Rest API trading is not enabled": RefusalCode.NOT_PERMITTED,
    "Order book liquidity is less than": RefusalCode.NO_LIQUIDITY,
}
