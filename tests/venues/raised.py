"""What a request to an exchange may raise, and what must come of each: the same whatever library sends it."""

from __future__ import annotations

import inspect
import ssl
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import urllib3
from requests import exceptions as http

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from tests.venues.exchange_stage import ExchangeStage
from venues.faults import Verdict
from venues.line import Line

NEVER_SENT = {
    "ConnectTimeout": Verdict.NOT_SENT,
    "InvalidHeader": Verdict.MISCONFIGURED,
    "InvalidJSONError": Verdict.MISCONFIGURED,
    "InvalidProxyURL": Verdict.MISCONFIGURED,
    "InvalidSchema": Verdict.MISCONFIGURED,
    "InvalidURL": Verdict.MISCONFIGURED,
    "MissingSchema": Verdict.MISCONFIGURED,
    "URLRequired": Verdict.MISCONFIGURED,
}
# Of a lost or an unreadable answer.
UNREADABLE: list[Exception] = [
    msgspec.ValidationError("Object missing required field `id`"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ValueError("text"),
    TypeError("text"),
    AttributeError("text"),
    KeyError("text"),
    RecursionError("text"),
    ConnectionResetError("text"),
    TimeoutError("text"),
    ssl.SSLError("text"),
    urllib3.exceptions.ProtocolError("text"),
    urllib3.exceptions.LocationParseError("text"),
]


def raised_by_requests() -> list[Exception]:
    """One of each exception class of `requests`; its warnings are not raised."""
    classes = [each for _, each in inspect.getmembers(http, inspect.isclass) if issubclass(each, http.RequestException)]
    return [
        each("text", "document", 0) if issubclass(each, ValueError) and "JSON" in each.__name__ else each("text")
        for each in classes
    ]


def assert_ours_come_out(
    stage: ExchangeStage[Any, Any], client: Line, model: type[msgspec.Struct], error: Exception, verdict: Verdict
) -> None:
    """A read and an order whose request raises `error` raise what its verdict says, and nothing of the vendor's."""

    def request(**parameters: object) -> object:
        raise error

    misconfigured, unsure = verdict is Verdict.MISCONFIGURED, verdict is Verdict.UNSURE
    with pytest.raises(ConfigurationError if misconfigured else VenueUnavailable) as read:
        client.read(model, request)
    with pytest.raises(OutcomeUnknown if unsure else ConfigurationError if misconfigured else VenueUnavailable):
        client.move(stage.clock() + timedelta(minutes=1), model, request)
    assert read.value.__cause__ is None
    assert read.value.__suppress_context__
