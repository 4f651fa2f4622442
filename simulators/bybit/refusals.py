"""The venue's no: a code and a sentence, mostly under the status 200.

Source: bybit-exchange.github.io/docs/v5/error.
"""

from __future__ import annotations

import time

from simulators.exchange.refusals import TurnedAway
from simulators.wire import json_reply


def enveloped(result: object, code: int = 0, sentence: str = "OK") -> dict[str, object]:
    """Put a result into what every answer comes in."""
    now = time.time_ns() // 1_000_000
    return {"retCode": code, "retMsg": sentence, "result": result, "retExtInfo": {}, "time": now}


class ErrorReply(TurnedAway):
    """An error as the venue writes it."""

    def __init__(self, code: int, sentence: str, status: int = 200) -> None:
        super().__init__(json_reply(status, enveloped({}, code, sentence)), f"{status} {code}: {sentence}")


def bad(parameter: str) -> ErrorReply:
    """Refuse a request for one of its parameters."""
    return ErrorReply(10001, f"params error: {parameter} is missing or not valid")


NOWHERE = (10017, "Route not found.", 404)
BAD_TIME = (10002, "invalid request, please check your server timestamp or recv_window param.")
BAD_KEY = (10003, "API key is invalid.", 401)
BAD_SIGNATURE = (10004, "error sign! please check your signature generation algorithm.")
NOT_PERMITTED = (10005, "Permission denied, please check your API key permissions.")
TOO_MANY = (10006, "Too many visits. Exceeded the API Rate Limit.")
BROKEN = (10016, "Server error.")
INVALID_SYMBOL = (170121, "Invalid symbol.")
CLOSED = (170151, "The trading pair is not open yet.")
INSUFFICIENT = (170131, "Insufficient balance.")
TOO_SMALL = (170136, "Order quantity lower than the minimum.")
TOO_FINE = (170137, "Order volume decimal too long.")
TOO_LITTLE = (170140, "Order value exceeded lower limit.")
TOO_FINE_VALUE = (170148, "Market order amount decimal too long.")
DUPLICATE = (170141, "Duplicate clientOrderId.")
SMALL_PARAMETERS = (700000, "params error")
NO_SUCH_QUOTE = (700004, "order not exist")
NOT_HELD = (700005, "Your Available Balance is insufficient or your wallet not exist")
TOO_LARGE = (700007, "Large amount limit")
QUOTE_EXPIRED = (700008, "quote fail: price time out")
QUOTE_USED = (700009, "quoteTxId has already been used")
UNDER_WAY = (700021, "exist processing exchange order, please try again later")
