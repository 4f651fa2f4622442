"""What the faults of this venue make of an answer."""

from __future__ import annotations

from simulators.coinbase.faults import Forbidden, Invalid, RateLimited, ServerError, Unauthorized
from simulators.coinbase.refusals import ErrorReply, invalid
from simulators.exchange.faults import Spoiling
from simulators.exchange.mischief import HTML, broken
from simulators.wire import Answer, Reply, json_reply

UNAUTHORIZED = Reply(401, b"Unauthorized\n", "text/plain; charset=utf-8")
TOO_MANY = {
    "html": Reply(429, b"<!DOCTYPE html><html><body><h1>429 Too Many Requests</h1></body></html>", HTML),
    "json": json_reply(429, {"error": "rate_limit_exceeded", "error_details": "", "message": "too many requests"}),
}
FORBIDDEN = {
    "scopes": "Missing required scopes",
    "convert": "User is not allowed to convert crypto",
    "limit_only": "Orderbook is in limit only mode",
}


def spoiled(fault: Spoiling, reply: Reply) -> Answer:
    """Replace an answer by what the fault makes of it."""
    match fault:
        case ServerError():
            return ErrorReply(fault.status, "INTERNAL", "internal server error").reply
        case RateLimited():
            return TOO_MANY[fault.body]
        case Unauthorized():
            return UNAUTHORIZED
        case Forbidden():
            return ErrorReply(403, "PERMISSION_DENIED", FORBIDDEN[fault.reason]).reply
        case Invalid():
            return invalid(fault.sentence).reply
    return broken(fault, reply)
