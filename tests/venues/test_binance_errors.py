"""Every exception that the vendor's library, `requests` or the reading of a reply can raise is judged; none passes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import binance_common
import pytest
from binance_common import errors as sdk

from domain.errors import ConfigurationError, VenueUnavailable
from events.values import Fill, LegKind, RefusalCode
from tests.venues.binance_stage import BinanceStage, scenario
from tests.venues.raised import NEVER_SENT, UNREADABLE, assert_ours_come_out, raised_by_requests
from venues.binance.client import check_key
from venues.binance.errors import BUSY, KEY, MEANINGS, RAISED, SAID, UNSURE, fault_of, refusal_for
from venues.binance.replies import Placed
from venues.faults import Verdict

PAGE = (Path(__file__).parents[2] / "docs/reference/binance-errors.md").read_text("utf-8")


def wrapped(cause: Exception) -> sdk.NetworkError:
    """What the library makes of an exception of `requests`."""
    error = sdk.NetworkError("text")
    error.__cause__ = cause
    return error


OTHERS: list[Exception] = [
    *UNREADABLE,
    sdk.NetworkError("text"),
    sdk.ServerError(status_code=503),
    sdk.ClientError("text"),
    sdk.Error("text"),
]


@pytest.mark.parametrize("error", raised_by_requests(), ids=lambda error: type(error).__name__)
def test_exceptions__whatever_a_request_raises__is_judged_by_its_cause(error: Exception) -> None:
    for raised in (error, wrapped(error)):
        assert isinstance(raised, RAISED)
        fault = fault_of(raised)
        assert fault.verdict is NEVER_SENT.get(type(error).__name__, Verdict.UNSURE)
        assert fault.sentence
        assert fault.refusal is None


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: type(error).__name__)
def test_exceptions__of_a_lost_or_unreadable_answer__prove_nothing(error: Exception) -> None:
    assert isinstance(error, RAISED)
    assert fault_of(error).verdict is Verdict.UNSURE


@pytest.mark.parametrize("error", [*map(wrapped, raised_by_requests()), *OTHERS], ids=lambda error: repr(error)[:40])
def test_exceptions__when_a_read_or_an_order_raises_them__then_ours_come_out(error: Exception) -> None:
    with BinanceStage() as stage:
        assert_ours_come_out(stage, stage.venue._client, Placed, error, fault_of(error).verdict)


def test_exceptions__when_the_library_raises__then_each_class_is_caught_or_ruled_out_beforehand() -> None:
    """A release of the library that raises something new fails here."""
    ours = {each.__name__ for each in vars(sdk).values() if inspect.isclass(each) and issubclass(each, sdk.Error)}
    # Of bad keys and time units, which `check_key` and our own parameters rule out, and after retries, which are off.
    ruled_out = {"ValueError", "Exception", "Error"}

    assert set(raised_in_sources()) <= ours | ruled_out


def raised_in_sources() -> Iterator[str]:
    """Name every class that the library's REST half raises."""
    root = Path(binance_common.__file__).parent
    for path in (root / name for name in ("utils.py", "signature.py", "configuration.py", "errors.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                yield node.exc.func.id


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (sdk.BadRequestError("Signature for this request is not valid.", -1022), Verdict.MISCONFIGURED),
        (sdk.UnauthorizedError("Invalid API-key, IP, or permissions for action.", -2015), Verdict.MISCONFIGURED),
        (sdk.BadRequestError("Timestamp for this request is outside of the recvWindow.", -1021), Verdict.NOT_ACCEPTED),
        (sdk.TooManyRequestsError("busy", -1003), Verdict.NOT_ACCEPTED),
        (sdk.RateLimitBanError("banned", -1003, retry_after=60), Verdict.NOT_ACCEPTED),
        (sdk.ForbiddenError(), Verdict.NOT_ACCEPTED),
        (sdk.BadRequestError(), Verdict.UNSURE),
        (sdk.NotFoundError(), Verdict.UNSURE),
        (sdk.ServerError(status_code=502), Verdict.UNSURE),
        (sdk.BadRequestError("Execution status unknown.", -1006), Verdict.UNSURE),
        (sdk.RequiredError("symbol"), Verdict.MISCONFIGURED),
        (sdk.BadRequestError("Filter failure: NOTIONAL", -1013), Verdict.REFUSED),
        (sdk.BadRequestError("anything new", -9999), Verdict.REFUSED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_answers__of_the_venue__prove_what_the_page_says(error: Exception, verdict: Verdict) -> None:
    fault = fault_of(error)

    assert fault.verdict is verdict
    assert (fault.refusal is not None) == (verdict is Verdict.REFUSED)


def test_page__names_every_code_and_sentence_with_what_we_make_of_it() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", PAGE, re.MULTILINE))

    assert rows == {str(code): str(word) for code, word in MEANINGS.items()} | {s: str(w) for s, w in SAID.items()}
    for code in (*BUSY, *UNSURE, *KEY):
        assert f"`{code}`" in PAGE


def test_refusal__for_a_reason_we_do_not_know__is_final_and_kept_as_it_is() -> None:
    refusal = refusal_for(-4711, "Something\nnew")

    assert (refusal.code, refusal.venue_code) == (RefusalCode.OTHER, "-4711")
    assert refusal.sentence == "Binance refuses it: Something new (-4711)"


@pytest.mark.parametrize(
    ("name", "secret", "named"),
    [
        ("", "x" * 64, "key name"),
        ("key with spaces", "x" * 64, "key name"),
        ("schlüssel-äöü-123456789", "x" * 64, "key name"),
        ("A" * 64, " ", "key secret: empty"),
        ("A" * 64, "short", "key secret"),
        ("A" * 64, "not a key at all!", "key secret"),
        ("A" * 64, "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----", "key secret"),
    ],
)
def test_key__when_it_cannot_sign__then_the_error_says_what_is_accepted(name: str, secret: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as raised:
        check_key(name, secret)

    assert len(secret) < 3 or secret not in str(raised.value)


def test_order__when_the_venue_refuses_repeated_ids__is_read_back() -> None:
    with BinanceStage(scenario(repeated_order="refused")) as stage:
        order = stage.order(LegKind.SELL)
        first = stage.venue.execute(order)
        stage.twin.inject(kind="refused", endpoint="get_order", code=-2013, sentence="Order does not exist.")

        assert stage.venue.execute(order) == first
        assert stage.calls("new_order") == 2


def test_order__whose_fee_is_taken_in_bnb__says_so() -> None:
    with BinanceStage(scenario(fees_in_bnb=True)) as stage:
        before = stage.balance("binance:BNB")

        fill = stage.venue.execute(stage.order(LegKind.SELL))

        assert isinstance(fill, Fill)
        assert [fee.asset for fee in fill.fees] == ["binance:BNB"]
        assert before - stage.balance("binance:BNB") == fill.fees[0].quantity


def test_clock__that_is_off__is_told_as_such() -> None:
    with BinanceStage() as stage:
        stage.twin.inject(kind="clock_ahead", endpoint="any", calls="all", seconds="30")

        with pytest.raises(VenueUnavailable, match="clock"):
            stage.venue.holdings()


@pytest.mark.parametrize(
    ("permissions", "danger"),
    [(("reading", "trading"), False), (("reading", "trading", "withdrawals"), True)],
)
def test_danger__of_a_key_that_may_withdraw__is_named(permissions: Any, danger: bool) -> None:
    with BinanceStage(permissions=permissions) as stage:
        assert bool(stage.venue.danger()) is danger
