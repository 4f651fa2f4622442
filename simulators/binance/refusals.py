"""The venue's no: a code, a sentence and an HTTP status.

Source: developers.binance.com, "Error codes" of the Spot API and of the Wallet API.
"""

from __future__ import annotations

from simulators.exchange.refusals import TurnedAway
from simulators.wire import json_reply


class ErrorReply(TurnedAway):
    """An error as the venue writes it."""

    def __init__(self, code: int, sentence: str, status: int = 400) -> None:
        super().__init__(json_reply(status, {"code": code, "msg": sentence}), f"{status} {code}: {sentence}")


def filtered(name: str) -> ErrorReply:
    """Refuse an order that a filter of its market catches."""
    return ErrorReply(-1013, f"Filter failure: {name}")


def missing(parameter: str) -> ErrorReply:
    """Miss a parameter."""
    return ErrorReply(-1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def bad_number(parameter: str) -> ErrorReply:
    """Refuse what is not a number."""
    legal = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
    return ErrorReply(-1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{legal}'.")


INVALID_SYMBOL = (-1121, "Invalid symbol.")
NO_SUCH_ORDER = (-2013, "Order does not exist.")
INSUFFICIENT = (-2010, "Account has insufficient balance for requested action.")
DUPLICATE = (-2010, "Duplicate order sent.")
CLOSED = (-1013, "Market is closed.")
NOT_PERMITTED = (-2015, "Invalid API-key, IP, or permissions for action.", 401)
BAD_KEY_FORM = (-2014, "API-key format invalid.", 401)
BAD_SIGNATURE = (-1022, "Signature for this request is not valid.")
OUTSIDE_WINDOW = (-1021, "Timestamp for this request is outside of the recvWindow.")
AHEAD = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
WINDOW_TOO_LARGE = (-1131, "recvWindow must be less than 60000")
TOO_MUCH_WEIGHT = (-1003, "Too much request weight used; current limit is 6000 per 1 MINUTE.", 429)
BANNED = (-1003, "Way too much request weight used; IP banned.", 418)
RESTING = (-9000, "com.binance.assetservice.AssetErrorCode.USER_OUT_OF_TRANSFER_FLOAT")
NOT_HELD = (-5003, "You don't have this asset.")
NOT_CONVERTIBLE = (-5001, "Don't allow transfer to micro assets.")


def too_valuable(asset: str) -> ErrorReply:
    """Refuse what is no dust."""
    return ErrorReply(-5004, f"The residual balances of the {asset} have exceeded 0.001BTC, Please re-choose.")


def too_little(asset: str) -> ErrorReply:
    """Refuse what would bring nothing."""
    return ErrorReply(-5005, f"The residual balances of {asset} is too low, Please re-choose.")
