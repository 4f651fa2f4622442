"""The venue's no: a code, a sentence and an HTTP status, which is often 200.

Source: okx.com/docs-v5, "Error code".
"""

from __future__ import annotations

from simulators.exchange.refusals import TurnedAway
from simulators.wire import json_reply


class ErrorReply(TurnedAway):
    """An error as the venue writes it."""

    def __init__(self, code: str, sentence: str, status: int = 200) -> None:
        super().__init__(json_reply(status, {"code": code, "data": [], "msg": sentence}), f"{code}: {sentence}")
        self.code, self.sentence = code, sentence


class OrderRefused(ErrorReply):
    """A no to an order, which the venue writes into the row of that order."""

    def told(self, client_order_id: str) -> TurnedAway:
        """Write it with the client's id."""
        row = {"clOrdId": client_order_id, "ordId": "", "sCode": self.code, "sMsg": self.sentence, "tag": ""}
        return TurnedAway(json_reply(200, {"code": "1", "data": [row], "msg": "All operations failed"}), str(self))


def missing(parameter: str) -> ErrorReply:
    """Miss a parameter."""
    return ErrorReply("50014", f"Parameter {parameter} can not be empty.", 400)


def wrong(parameter: str) -> ErrorReply:
    """Refuse a parameter's value."""
    return ErrorReply("51000", f"Parameter {parameter} error", 400)


TOO_OFTEN = ("50011", "Too Many Requests", 429)
NO_KEY = ("50103", 'Request header "OK-ACCESS-KEY" cannot be empty.', 401)
NO_PASSPHRASE = ("50104", 'Request header "OK-ACCESS-PASSPHRASE" cannot be empty.', 401)
WRONG_PASSPHRASE = ("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
NO_SIGN = ("50106", 'Request header "OK-ACCESS-SIGN" cannot be empty.', 401)
NO_TIMESTAMP = ("50107", 'Request header "OK-ACCESS-TIMESTAMP" cannot be empty.', 401)
BAD_KEY = ("50111", "Invalid OK-ACCESS-KEY.", 401)
BAD_TIMESTAMP = ("50112", "Invalid OK-ACCESS-TIMESTAMP.", 401)
EXPIRED = ("50102", "Timestamp request expired.", 401)
BAD_SIGNATURE = ("50113", "Invalid signature.", 401)
NOT_PERMITTED = ("50120", "This API key doesn't have permission to use this function")
TOO_LATE = (
    "50036",
    "The expTime can't be earlier than the current system time.",
)
NO_INSTRUMENT = ("51001", "Instrument ID or Spread ID doesn't exist.")
INSUFFICIENT = ("51008", "Order failed. Insufficient balance.")
DUPLICATE = ("51016", "Client order ID already exists.")
TOO_SMALL = ("51020", "Your order should meet or exceed the minimum order amount.")
SUSPENDED = ("51022", "Contract suspended.")
NO_OFFER = ("51109", "No available offer")
OFF_GRID = ("51121", "Order quantity must be a multiple of the lot size.")
NO_SUCH_ORDER = ("51603", "Order does not exist")
