"""What the faults of this venue make of an answer."""

from __future__ import annotations

from simulators.exchange.faults import Spoiling
from simulators.exchange.mischief import HTML, broken
from simulators.okx.faults import Firewall, RateLimited, Refused, ServerError
from simulators.okx.refusals import TOO_OFTEN, ErrorReply
from simulators.wire import Answer, Reply

FIREWALL = Reply(403, b"<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>", HTML)


def spoiled(fault: Spoiling, reply: Reply) -> Answer:
    """Replace an answer by what the fault makes of it."""
    match fault:
        case ServerError():
            return ErrorReply("50026", "System error. Try again later", fault.status).reply
        case RateLimited():
            return ErrorReply(*TOO_OFTEN).reply
        case Firewall():
            return FIREWALL
        case Refused():
            return ErrorReply(fault.code, fault.sentence, fault.status).reply
    return broken(fault, reply)
