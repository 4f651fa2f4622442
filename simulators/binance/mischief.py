"""What the faults of this venue make of an answer."""

from __future__ import annotations

from dataclasses import replace

from simulators.binance.faults import Firewall, RateLimited, Refused, ServerError
from simulators.binance.refusals import BANNED, TOO_MUCH_WEIGHT, ErrorReply
from simulators.exchange.faults import Spoiling
from simulators.exchange.mischief import HTML, broken
from simulators.exchange.refusals import TurnedAway
from simulators.wire import Answer, Reply

UNKNOWN_STATUS = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
FIREWALL = Reply(403, b"<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>", HTML)
RETRY_AFTER = "7"


def spoiled(fault: Spoiling, reply: Reply) -> Answer:
    """Replace an answer by what the fault makes of it."""
    match fault:
        case ServerError():
            return ErrorReply(-1007, UNKNOWN_STATUS, fault.status).reply
        case RateLimited():
            return limited(BANNED if fault.banned else TOO_MUCH_WEIGHT).reply
        case Firewall():
            return FIREWALL
        case Refused():
            return ErrorReply(fault.code, fault.sentence).reply
    return broken(fault, reply)


def limited(refusal: tuple[int, str, int]) -> TurnedAway:
    """Turn somebody away for a while."""
    return TurnedAway(replace(ErrorReply(*refusal).reply, headers=(("Retry-After", RETRY_AFTER),)))
