"""What a failed request to Coinbase proves, and our words for the venue's refusals.

The whole table stands in docs/reference/coinbase-errors.md. One rule made it: only an answer that the venue gave before
it acted proves that nothing happened; a lost, cut or unreadable one proves nothing.
"""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from multiprocessing import AuthenticationError

import msgspec
from requests import Response
from requests import exceptions as http
from urllib3.exceptions import HTTPError as ConnectionFault
from urllib3.exceptions import NewConnectionError

from events.values import Refusal, RefusalCode
from venues.coinbase_replies import Complaint, Rejected

# A token is valid from its second on, for 120 s; a clock that is off by more is the likelier cause of a 401 than a key.
SKEW = timedelta(seconds=30)
LONGEST_QUOTATION = 200
SECRETS = re.compile(r"eyJ[\w-]*\.[\w.-]*|-----BEGIN[^-]*-----.*|Bearer\s+\S+", re.DOTALL | re.IGNORECASE)


class Verdict(StrEnum):
    """What is known about a request without a usable answer."""

    NOT_SENT = "not_sent"
    NOT_ACCEPTED = "not_accepted"
    MISCONFIGURED = "misconfigured"
    REFUSED = "refused"
    UNSURE = "unsure"


class Fault(Exception):
    """A request without a usable answer: the verdict, a sentence safe to record, and whether a read may be repeated.

    `refusal` stands beside the verdict `REFUSED`; `status` is the HTTP one, 0 without an answer.
    """

    def __init__(
        self, verdict: Verdict, sentence: str, *, passing: bool = False, refusal: Refusal | None = None, status: int = 0
    ) -> None:
        super().__init__(sentence)
        self.verdict = verdict
        self.sentence = sentence
        self.passing = passing
        self.refusal = refusal
        self.status = status


# What a request through the SDK may raise: `requests` and sockets (OSError), what of urllib3 passes through them,
# unreadable JSON and replies (ValueError), reply classes that met an unexpected shape, JSON nested without end, and the
# SDK's missing key.
RAISED = (
    OSError,
    ConnectionFault,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RecursionError,
    AuthenticationError,
)

NEVER_SENT = (
    http.InvalidURL,
    http.MissingSchema,
    http.InvalidSchema,
    http.InvalidHeader,
    http.URLRequired,
    AuthenticationError,
)


def fault_of(error: Exception, now: datetime) -> Fault:
    """Judge an exception of a request made through the SDK."""
    match error:
        case http.HTTPError() if error.response is not None:
            return _answered(error.response, now)
        case http.ConnectTimeout():
            return Fault(Verdict.NOT_SENT, "no connection within the time limit", passing=True)
        case http.SSLError() if _caused_by(error, ssl.SSLCertVerificationError):
            return Fault(Verdict.NOT_SENT, "its certificate is not trusted; check ca_file and what stands in between")
        case http.ConnectionError() if _caused_by(error, NewConnectionError):
            return Fault(Verdict.NOT_SENT, "no connection could be made", passing=True)
        case http.InvalidJSONError() if not isinstance(error, ValueError):
            return Fault(Verdict.MISCONFIGURED, "the request has no JSON form")
        case _ if isinstance(error, NEVER_SENT):
            return Fault(Verdict.MISCONFIGURED, f"the request could not be made ({type(error).__name__})")
        case http.Timeout():
            return Fault(Verdict.UNSURE, "no answer within the time limit", passing=True)
        case msgspec.ValidationError():
            return Fault(Verdict.UNSURE, f"unreadable reply: {quoted(str(error))}")
        case ValueError() | TypeError() | AttributeError() | LookupError() | RecursionError():
            return Fault(Verdict.UNSURE, f"unreadable reply ({type(error).__name__})", passing=True)
        case _:
            return Fault(Verdict.UNSURE, f"the connection broke ({type(error).__name__})", passing=True)


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


def quoted(text: str) -> str:
    """Quote the venue on one line, shortened, without anything that looks like a token or a key."""
    line = " ".join(SECRETS.sub("…", text).split())
    return line if len(line) <= LONGEST_QUOTATION else line[:LONGEST_QUOTATION] + "…"


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


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    """Look for a cause among what the error wraps: `requests` and urllib3 put causes into arguments and `reason`."""
    seen: list[object] = [error]
    while seen:
        each = seen.pop()
        if isinstance(each, kind):
            return True
        if isinstance(each, BaseException):
            seen += [*each.args, getattr(each, "reason", None)]
    return False


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
