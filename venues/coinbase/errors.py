"""What a failed request to Coinbase proves, and our words for the venue's refusals.

The whole table stands in docs/reference/coinbase-errors.md. One rule made it: only an answer that the venue gave before
it acted proves that nothing happened; a lost, cut or unreadable one proves nothing.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from multiprocessing import AuthenticationError

import msgspec
from requests import Response
from requests import exceptions as http

from events.values import Refusal, RefusalCode
from venues import faults
from venues.coinbase.replies import Complaint, Rejected
from venues.faults import Fault, Verdict, fault_on_the_way, quoted

# A token is valid from its second on, for 120 s; a clock that is off by more is the likelier cause of a 401 than a key.
SKEW = timedelta(seconds=30)


# What a request through the SDK may raise besides: it has no key.
RAISED = (*faults.RAISED, AuthenticationError)


def fault_of(error: Exception, now: datetime) -> Fault:
    """Judge an exception of a request made through the SDK."""
    match error:
        case http.HTTPError() if error.response is not None:
            return _answered(error.response, now)
        case AuthenticationError():
            return Fault(Verdict.MISCONFIGURED, f"the request could not be made ({type(error).__name__})")
        case _:
            return fault_on_the_way(error)


def refusal_for(word: str, message: str = "") -> Refusal:
    """Put the venue's reason into our words; one that we don't know is final and shown as it is."""
    code, meaning = MEANINGS.get(word.removeprefix("PREVIEW_"), (RefusalCode.OTHER, ""))
    said = quoted(message) or meaning or "it gave no reason"
    return Refusal(code, f"Coinbase refuses it: {said}" + (f" ({word})" if word else ""), word)


def refusal_in(rejected: Rejected | None) -> Refusal:
    """Read the reason of a rejected order: the first that says something."""
    if rejected is None:
        return refusal_for("")
    words = (rejected.preview_failure_reason, rejected.new_order_failure_reason, rejected.error)
    word = next((each for each in words if each and "UNKNOWN" not in each), rejected.error)
    return refusal_for(word, rejected.message or rejected.error_details)


def _answered(response: Response, now: datetime) -> Fault:
    status, complaint = response.status_code, _complaint(response)
    told = f"HTTP {status}" + (f", {said}" if (said := _said(complaint)) else "")
    fault = Fault(Verdict.UNSURE, told, passing=status >= 500, status=status)
    if status == 401:
        fault = _unauthorized(response, now)
    elif status == 429:
        fault = Fault(Verdict.NOT_ACCEPTED, f"{told}: asked too often", passing=True, status=status)
    elif status == 403:
        fault = _forbidden(response, complaint, told)
    elif complaint is not None and status == 400 and "account is not available" in _said(complaint):
        fault = Fault(Verdict.NOT_ACCEPTED, f"{told}: the wallet is not in step yet", status=status)
    elif complaint is not None and status in (400, 404):
        known = RefusalCode.NOT_TRADABLE if status == 404 or "Unsupported account" in _said(complaint) else None
        fault = _refused(told, complaint, known, status)
    return fault


def _unauthorized(response: Response, now: datetime) -> Fault:
    off = _clock_error(response, now)
    if off is not None and abs(off) > SKEW:
        ahead = "ahead of" if off > timedelta() else "behind"
        seconds = round(abs(off).total_seconds())
        sentence = f"HTTP 401, this machine's clock is {seconds} s {ahead} the venue's; set it right"
        return Fault(Verdict.NOT_ACCEPTED, sentence, status=401)
    sentence = "HTTP 401, the venue does not accept the key: check its name and secret, and that it still exists"
    return Fault(Verdict.MISCONFIGURED, sentence, passing=True, status=401)


def _forbidden(response: Response, complaint: Complaint | None, told: str) -> Fault:
    text = _said(complaint) or (quoted(response.text) if _is_plain(response) else "")
    if not text:
        return Fault(Verdict.NOT_ACCEPTED, f"{told}: turned away before it was read", passing=True, status=403)
    if "Missing required scopes" in text:
        return Fault(Verdict.MISCONFIGURED, "HTTP 403, the key lacks a right that this needs", status=403)
    known = RefusalCode.NOT_TRADABLE if re.search("limit only|cancel only|post only", text) else None
    spoken = complaint or Complaint(message=text)
    return _refused(f"HTTP 403, {text}", spoken, known or RefusalCode.NOT_PERMITTED, 403)


def _refused(told: str, complaint: Complaint, known: RefusalCode | None, status: int) -> Fault:
    answer = refusal_for(complaint.error, complaint.message or complaint.error_details)
    if known is not None:
        answer = Refusal(known, answer.sentence, answer.venue_code)
    return Fault(Verdict.REFUSED, told, refusal=answer, status=status)


def _complaint(response: Response) -> Complaint | None:
    """Read the body as the venue's own error, or None: then something in between may have spoken."""
    try:
        complaint = msgspec.json.decode(response.content, type=Complaint)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return complaint if complaint.error or complaint.message or complaint.error_details else None


def _said(complaint: Complaint | None) -> str:
    if complaint is None:
        return ""
    return quoted(": ".join(filter(None, (complaint.error, complaint.message, complaint.error_details))))


def _is_plain(response: Response) -> bool:
    return not response.text.lstrip().startswith(("<", "{", "["))


def _clock_error(response: Response, now: datetime) -> timedelta | None:
    """How far our clock is ahead of the venue's, by the answer's Date header."""
    try:
        return now - parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None


# The reasons of preview and order, without the prefix PREVIEW_; enumerated in the vendor's reference of Preview Order.
MEANINGS: dict[str, tuple[RefusalCode, str]] = {
    "INVALID_BASE_SIZE_TOO_SMALL": (RefusalCode.BELOW_MINIMUM, "the size is below the product's minimum"),
    "INVALID_QUOTE_SIZE_TOO_SMALL": (RefusalCode.BELOW_MINIMUM, "the value is below the product's minimum"),
    "INSUFFICIENT_FUND": (RefusalCode.INSUFFICIENT_BALANCE, "the wallet does not hold that much"),
    "INSUFFICIENT_FUNDS": (RefusalCode.INSUFFICIENT_BALANCE, "the wallet does not hold that much"),
    "INVALID_LEDGER_BALANCE": (RefusalCode.INSUFFICIENT_BALANCE, "the wallet does not hold that much"),
    "INVALID_NO_LIQUIDITY": (RefusalCode.NO_LIQUIDITY, "nobody takes the other side"),
    "UNTRADABLE_PRODUCT": (RefusalCode.NOT_TRADABLE, "the product cannot be traded"),
    "TRADING_DISABLED": (RefusalCode.NOT_TRADABLE, "trading of the product is disabled"),
    "PRODUCT_TRADING_HALTED": (RefusalCode.NOT_TRADABLE, "trading of the product is halted"),
    "ORDER_ENTRY_DISABLED": (RefusalCode.NOT_TRADABLE, "the venue takes no orders at the moment"),
    "INVALID_PRODUCT_ID": (RefusalCode.NOT_TRADABLE, "the venue knows no such product"),
    "INELIGIBLE_PAIR": (RefusalCode.NOT_TRADABLE, "the pair cannot be traded"),
    "GEOFENCING_RESTRICTION": (RefusalCode.NOT_PERMITTED, "the product is not offered where the account is held"),
}
