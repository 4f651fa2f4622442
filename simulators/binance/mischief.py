"""What the faults of this venue make of an answer."""

from __future__ import annotations

from simulators.binance.faults import Firewall, RateLimited, Refused, ServerError
from simulators.binance.refusals import BANNED, TOO_MUCH_WEIGHT, ErrorReply
from simulators.exchange.faults import Spoiling
from simulators.exchange.mischief import HTML, broken
from simulators.wire import Answer, Reply, json_reply

UNKNOWN_STATUS = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
FIREWALL = Reply(403, b"<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>", HTML)
RETRY_AFTER = "7"


def spoiled(fault: Spoiling, reply: Reply) -> Answer:
    """Replace an answer by what the fault makes of it."""
    match fault:
        case ServerError():
            return error_reply(ErrorReply(-1007, UNKNOWN_STATUS, fault.status))
        case RateLimited():
            return limited(ErrorReply(*(BANNED if fault.banned else TOO_MUCH_WEIGHT)))
        case Firewall():
            return FIREWALL
        case Refused():
            return error_reply(ErrorReply(fault.code, fault.sentence))
    return broken(fault, reply)


def error_reply(error: ErrorReply) -> Reply:
    """Answer with an error."""
    return json_reply(error.status, error.body())


def limited(error: ErrorReply) -> Reply:
    """Turn somebody away for a while."""
    reply = error_reply(error)
    return Reply(reply.status, reply.body, headers=(("Retry-After", RETRY_AFTER),))
