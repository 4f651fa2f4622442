"""What a request over HTTPS that brought no usable answer proves, whatever venue it went to.

One rule made it: only an answer that the venue gave before it acted proves that nothing happened; a lost, cut or
unreadable one proves nothing.
"""

from __future__ import annotations

import re
import ssl
from enum import StrEnum

import msgspec
from requests import exceptions as http
from urllib3.exceptions import HTTPError as ConnectionFault
from urllib3.exceptions import NewConnectionError

from events.values import Refusal

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


# What a request may raise whatever library sends it: `requests` and sockets (OSError), what of urllib3 passes through
# them, unreadable JSON and replies (ValueError), readers that met an unexpected shape, JSON nested without end.
RAISED = (OSError, ConnectionFault, ValueError, TypeError, AttributeError, LookupError, RecursionError)
NEVER_SENT = (http.InvalidURL, http.MissingSchema, http.InvalidSchema, http.InvalidHeader, http.URLRequired)


def fault_on_the_way(error: Exception) -> Fault:
    """Judge an exception of a request whose answer was not read."""
    match error:
        case http.ConnectTimeout():
            return Fault(Verdict.NOT_SENT, "no connection within the time limit", passing=True)
        case http.SSLError() if caused_by(error, ssl.SSLCertVerificationError):
            return Fault(Verdict.NOT_SENT, "its certificate is not trusted; check ca_file and what stands in between")
        case http.ConnectionError() if caused_by(error, NewConnectionError):
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


def quoted(text: str) -> str:
    """Quote the venue on one line, shortened, without anything that looks like a token or a key."""
    line = " ".join(SECRETS.sub("…", text).split())
    return line if len(line) <= LONGEST_QUOTATION else line[:LONGEST_QUOTATION] + "…"


def caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    """Look for a cause among what the error wraps: `requests` and urllib3 put causes into arguments and `reason`."""
    seen: list[object] = [error]
    while seen:
        each = seen.pop()
        if isinstance(each, kind):
            return True
        if isinstance(each, BaseException):
            seen += [*each.args, getattr(each, "reason", None)]
    return False
