"""The venue's no: codes and sentences of rejected orders, and error replies by HTTP status.

Source: docs.cdp.coinbase.com, "Create Order" (failure reasons); replies quoted in coinbase-advanced-py issues.
"""

from __future__ import annotations

from enum import StrEnum

from simulators.exchange.refusals import TurnedAway
from simulators.wire import json_reply

UNKNOWN = "UNKNOWN_FAILURE_REASON"


class Failure(StrEnum):
    """Why a preview warns and an order is rejected."""

    PRODUCT_ID = "PREVIEW_INVALID_PRODUCT_ID"
    ORDER_CONFIG = "PREVIEW_INVALID_ORDER_CONFIG"
    UNTRADABLE = "PREVIEW_UNTRADABLE_PRODUCT"
    TRADING_DISABLED = "PREVIEW_TRADING_DISABLED"
    HALTED = "PREVIEW_PRODUCT_TRADING_HALTED"
    SIZE_PRECISION = "PREVIEW_INVALID_SIZE_PRECISION"
    QUOTE_PRECISION = "PREVIEW_INVALID_QUOTE_SIZE_PRECISION"
    BASE_TOO_SMALL = "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"
    BASE_TOO_LARGE = "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"
    QUOTE_TOO_SMALL = "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"
    QUOTE_TOO_LARGE = "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE"
    NO_LIQUIDITY = "PREVIEW_INVALID_NO_LIQUIDITY"
    INSUFFICIENT_FUND = "PREVIEW_INSUFFICIENT_FUND"


# An order that fails for these says so in `error` too; for all others `error` is unknown.
ORDER_ERRORS = {
    Failure.PRODUCT_ID: ("INVALID_PRODUCT_ID", "Invalid product_id"),
    Failure.ORDER_CONFIG: (
        "UNSUPPORTED_ORDER_CONFIGURATION",
        "rpc error: code = InvalidArgument desc = Market sells must be parameterized in base currency",
    ),
    Failure.UNTRADABLE: ("UNTRADABLE_PRODUCT", "Product is not tradable"),
    Failure.SIZE_PRECISION: ("INVALID_SIZE_PRECISION", "Too many decimals in order amount"),
    Failure.QUOTE_PRECISION: ("INVALID_SIZE_PRECISION", "Too many decimals in order amount"),
    Failure.NO_LIQUIDITY: ("INVALID_NO_LIQUIDITY", "No liquidity"),
    Failure.INSUFFICIENT_FUND: ("INSUFFICIENT_FUND", "Insufficient balance in source account"),
}


class ErrorReply(TurnedAway):
    """An error that is an HTTP status of its own: the venue's code and its sentence."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        body = {"error": code, "error_details": sentence, "message": sentence}
        super().__init__(json_reply(status, body), f"{status} {code}: {sentence}")


def invalid(sentence: str) -> ErrorReply:
    """Refuse a request that makes no sense."""
    return ErrorReply(400, "INVALID_ARGUMENT", sentence)


def not_found(sentence: str) -> ErrorReply:
    """Refuse to know something."""
    return ErrorReply(404, "NOT_FOUND", sentence)
