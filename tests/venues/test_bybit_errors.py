"""Every answer that Bybit can give, and whatever `requests` or the reading of a reply can raise, is judged."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from requests import Session

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import Holding, Pending
from events.values import Fill, LegKind, Refusal, RefusalCode
from simulators.bybit import refusals
from tests.venues.bybit_stage import BybitStage, scenario
from tests.venues.raised import NEVER_SENT, UNREADABLE, assert_ours_come_out, raised_by_requests
from venues.bybit import errors
from venues.bybit.client import Endpoints, check_key
from venues.bybit.errors import MEANINGS, RAISED, NoAnswer, fault_of, refusal_for
from venues.bybit.orders import free, held
from venues.bybit.replies import Coin, Placed
from venues.faults import Verdict
from venues.limits import Limiter

PAGE = (Path(__file__).parents[2] / "docs/reference/bybit-errors.md").read_text("utf-8")
OTHERS: list[Exception] = [*UNREADABLE, NoAnswer(503), NoAnswer(404), NoAnswer(200, 10016, "Server error.")]


@pytest.mark.parametrize("error", raised_by_requests(), ids=lambda error: type(error).__name__)
def test_exceptions__whatever_a_request_raises__is_judged_by_its_cause(error: Exception) -> None:
    assert isinstance(error, RAISED)
    fault = fault_of(error)
    assert fault.verdict is NEVER_SENT.get(type(error).__name__, Verdict.UNSURE)
    assert fault.sentence
    assert fault.refusal is None


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: repr(error)[:40])
def test_exceptions__of_a_lost_or_unreadable_answer__prove_nothing(error: Exception) -> None:
    assert isinstance(error, RAISED)
    assert fault_of(error).verdict is Verdict.UNSURE


@pytest.mark.parametrize("error", [*raised_by_requests(), *OTHERS], ids=lambda error: repr(error)[:40])
def test_exceptions__when_a_read_or_an_order_raises_them__then_ours_come_out(error: Exception) -> None:
    with BybitStage() as stage:
        assert_ours_come_out(stage, stage.venue._client, Placed, error, fault_of(error).verdict)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (NoAnswer(401), Verdict.MISCONFIGURED),
        (NoAnswer(401, 10003, "API key is invalid."), Verdict.MISCONFIGURED),
        (NoAnswer(200, 10004, "error sign!"), Verdict.MISCONFIGURED),
        (NoAnswer(200, 10005, "Permission denied"), Verdict.MISCONFIGURED),
        (NoAnswer(200, 10002, "invalid request, please check your server timestamp"), Verdict.NOT_ACCEPTED),
        (NoAnswer(200, -1, "request expired: o@0, now[1] diff[1]"), Verdict.NOT_ACCEPTED),
        (NoAnswer(200, 10006, "Too many visits."), Verdict.NOT_ACCEPTED),
        (NoAnswer(200, 10009, "IP has been banned."), Verdict.NOT_ACCEPTED),
        (NoAnswer(403), Verdict.NOT_ACCEPTED),
        (NoAnswer(429), Verdict.NOT_ACCEPTED),
        (NoAnswer(400), Verdict.UNSURE),
        (NoAnswer(500), Verdict.UNSURE),
        (NoAnswer(502, 170131, "Insufficient balance."), Verdict.UNSURE),
        (NoAnswer(200, 10000, "Server Timeout"), Verdict.UNSURE),
        (NoAnswer(200, 170007, "Timeout waiting for response from backend server."), Verdict.UNSURE),
        (NoAnswer(200, 170140, "Order value exceeded lower limit"), Verdict.REFUSED),
        (NoAnswer(200, 987654, "anything new"), Verdict.REFUSED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_answers__of_the_venue__prove_what_the_page_says(answer: NoAnswer, verdict: Verdict) -> None:
    fault = fault_of(answer)

    assert fault.verdict is verdict
    assert (fault.refusal is not None) == (verdict is Verdict.REFUSED)


def test_page__names_every_code_with_what_we_make_of_it() -> None:
    rows = dict(re.findall(r"^\| `(\d+)` \| `([^`]+)` \|", PAGE, re.MULTILINE))

    assert rows == {str(code): str(word) for code, word in MEANINGS.items()}
    for group in (errors.CLOCK, errors.BUSY, errors.BANNED, errors.UNSURE, errors.KEY, errors.REPEATED, errors.VOID):
        for code in group:
            assert f"`{code}`" in PAGE, code


def test_codes__of_the_tables__stand_in_one_of_them_alone() -> None:
    groups = [errors.CLOCK, errors.BUSY, errors.BANNED, errors.UNSURE, errors.KEY, frozenset(MEANINGS)]
    words = [frozenset(map(int, each)) for each in (errors.REPEATED, errors.VOID)]
    every = [code for group in (*groups, *words) for code in group]

    assert len(every) == len(set(every))


def test_codes__of_the_simulated_venue__mean_something_to_us() -> None:
    said = [each[0] for each in vars(refusals).values() if isinstance(each, tuple) and isinstance(each[0], int)]
    groups = errors.CLOCK | errors.BUSY | errors.UNSURE | errors.KEY | frozenset(MEANINGS)
    known = groups | frozenset(map(int, errors.REPEATED | errors.VOID))
    # Of what we never ask: no route, sizes off the grid, more coins than a quote takes.
    never = {10017, 170137, 170148, 700000}

    assert len(said) > 15
    assert set(said) <= known | never


def test_refusal__for_a_reason_we_do_not_know__is_final_and_kept_as_it_is() -> None:
    refusal = refusal_for(4711, "Something\nnew")

    assert (refusal.code, refusal.venue_code) == (RefusalCode.OTHER, "4711")
    assert refusal.sentence == "Bybit refuses it: Something new (4711)"
    assert refusal_for(4711, "").sentence == "Bybit refuses it: it gave no reason (4711)"


@pytest.mark.parametrize(
    ("name", "secret", "named"),
    [
        ("", "x" * 36, "key name"),
        ("key with spaces", "x" * 36, "key name"),
        ("schlüssel-äöü-123456789", "x" * 36, "key name"),
        ("A" * 18, " ", "key secret: empty"),
        ("A" * 18, "short", "key secret"),
        ("A" * 18, "not a key at all!", "key secret"),
        ("A" * 18, "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----", "key secret"),
    ],
)
def test_key__when_it_cannot_sign__then_the_error_says_what_is_accepted(name: str, secret: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as raised:
        check_key(name, secret)

    assert len(secret) < 3 or secret not in str(raised.value)


def test_order__when_a_code_says_unknown_status__is_looked_up_and_made_once() -> None:
    with BybitStage() as stage:
        order = stage.order(LegKind.SELL)
        stage.twin.inject(kind="refused", code=10000, endpoint="create_order", when="after")

        with pytest.raises(OutcomeUnknown):
            stage.venue.execute(order)

        assert isinstance(stage.venue.execute(order), Fill)
        assert stage.calls("create_order") == 1


def test_order__that_the_venue_forgot_among_the_newest__is_found_in_the_history() -> None:
    with BybitStage() as stage:
        order = stage.order(LegKind.SELL)
        stage.twin.inject(kind="forgotten", endpoint="recent_orders", calls="all")

        fill = stage.venue.execute(order)

        assert isinstance(fill, Fill)
        assert stage.restarted().outcome(order) == fill
        assert stage.calls("past_orders") >= 2


@pytest.mark.parametrize("days", [1, 5, 8, 40])
def test_order__that_is_asked_for_after_days__is_found_with_all_its_trades(days: int) -> None:
    with BybitStage() as stage:
        order = stage.order(LegKind.SELL)
        stage.twin.inject(kind="reset", endpoint="create_order", when="after")
        stage.twin.inject(kind="forgotten", endpoint="recent_orders", calls="all")
        with pytest.raises(OutcomeUnknown):
            stage.venue.execute(order)
        stage.pass_time(timedelta(days=days))

        fill = stage.restarted().outcome(order)

        assert isinstance(fill, Fill)
        assert fill.spent == order.spend


def test_order__whose_id_was_used_while_lookups_lag__is_pending_and_made_once() -> None:
    with BybitStage() as stage:
        order, before = stage.order(LegKind.SELL), stage.balance("bybit:ADA")
        stage.twin.inject(kind="known_late", endpoint="create_order", seconds="30")

        assert isinstance(stage.venue.execute(order), Pending)
        assert isinstance(stage.restarted().execute(order), Pending)
        assert stage.calls("create_order") == 2
        stage.pass_time(timedelta(seconds=31))

        assert isinstance(stage.restarted().outcome(order), Fill)
        assert before - stage.balance("bybit:ADA") == order.spend.quantity


@pytest.mark.parametrize("kind", [LegKind.SELL, LegKind.BUY])
def test_order__filled_over_several_pages_of_trades__adds_them_all_up(kind: LegKind) -> None:
    bids = [[str(Decimal("0.392") - Decimal(number).scaleb(-4)), "0.1"] for number in range(180)]
    asks = [[str(Decimal("60000") + number), "0.000001"] for number in range(180)]
    symbols = scenario().model_dump()["symbols"]
    symbols["ADAUSDT"]["book"] = {"bids": bids}
    symbols["BTCUSDT"]["book"] = {"asks": asks}
    with BybitStage(scenario(symbols=symbols)) as stage:
        order = stage.sell("17", "ADA") if kind is LegKind.SELL else stage.order(kind)

        fill = stage.venue.execute(order)

        assert isinstance(fill, Fill)
        assert len(fill.executions) > 100
        assert stage.calls("executions") == 2


TAX = {"feeCoin": "USDT", "feeType": "GST", "subFeeType": "IND_GST", "feeRate": "0.0000675", "fee": "0.006403779"}


@pytest.mark.parametrize(
    "told", [[TAX], json.dumps([TAX]), "", None, []], ids=["list", "text", "empty", "null", "none"]
)
def test_order__that_is_taxed__has_the_tax_among_its_fees_and_not_in_what_arrived(
    monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    with BybitStage() as stage:
        changed_trades(stage, monkeypatch, {"extraFees": told})
        before = stage.balance("bybit:USDT")

        fill = stage.venue.execute(stage.order(LegKind.SELL))

        assert isinstance(fill, Fill)
        tax = Decimal(TAX["fee"]) if told else Decimal(0)
        # The twin takes no tax, so that much more is there than the venue would have left.
        assert stage.balance("bybit:USDT") - before == fill.received.quantity + tax
        assert fill.fees[0].quantity == fill.executions[0].fee.quantity + tax


def test_order__whose_tax_cannot_be_read__is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with BybitStage() as stage:
        changed_trades(stage, monkeypatch, {"extraFees": '{"fee": 3}'})

        with pytest.raises(OutcomeUnknown, match="extra fees"):
            stage.venue.execute(stage.order(LegKind.SELL))


def test_order__charged_in_a_currency_that_is_not_named__is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with BybitStage() as stage:
        changed_trades(stage, monkeypatch, {"feeCurrency": ""})

        with pytest.raises(OutcomeUnknown, match="feeCurrency"):
            stage.venue.execute(stage.order(LegKind.SELL))


@pytest.mark.parametrize("quantity", ["", "0"])
def test_order__that_is_filled_by_an_amount_not_told__is_pending_and_never_refused(
    monkeypatch: pytest.MonkeyPatch, quantity: str
) -> None:
    with BybitStage() as stage:
        read = stage.venue._client.api.recent_orders

        def recent_orders(**params: str) -> object:
            answer: Any = read(**params)
            return answer | {"list": [each | {"cumExecQty": quantity} for each in answer["list"]]}

        monkeypatch.setattr(stage.venue._client.api, "recent_orders", recent_orders)

        assert isinstance(stage.venue.execute(stage.order(LegKind.SELL)), Pending)


def changed_trades(stage: BybitStage, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    read = stage.venue._client.api.executions

    def executions(**params: str) -> object:
        answer: Any = read(**params)
        return answer | {"list": [each | change for each in answer["list"]]}

    monkeypatch.setattr(stage.venue._client.api, "executions", executions)


def test_order__that_the_venue_ended_for_a_reason_of_its_own__says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with BybitStage() as stage:
        order = stage.order(LegKind.SELL)
        stage.twin.inject(kind="empty_book", endpoint="create_order")
        read = stage.venue._client.api.recent_orders

        def recent_orders(**params: str) -> object:
            answer: Any = read(**params)
            return answer | {"list": [each | {"rejectReason": "EC_BySelfMatch"} for each in answer["list"]]}

        monkeypatch.setattr(stage.venue._client.api, "recent_orders", recent_orders)
        refusal = stage.venue.execute(order)

        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.venue_code) == (RefusalCode.OTHER, "EC_BySelfMatch")


def test_holdings__of_what_was_borrowed_or_secures_something__are_not_free() -> None:
    with BybitStage(scenario(borrowed={"ADA": "7", "SOL": "1"})) as stage:
        assert stage.venue.holding("bybit:ADA") == Holding("bybit:ADA", Decimal(100), Decimal("1.5"))
        assert "bybit:SOL" not in {each.asset for each in stage.venue.holdings()}


def test_holdings__of_many_digits__are_added_without_rounding() -> None:
    whole = "123456789012.123456789012345678"
    coin = Coin("SHIB", str(Decimal(3) * 10**12), locked=whole, total_order=whole)

    assert held(coin) == Decimal("246913578024.246913578024691356")
    assert free(coin) == Decimal("2753086421975.753086421975308644")


def test_clock__that_is_off__is_told_as_such() -> None:
    with BybitStage() as stage:
        stage.twin.inject(kind="clock_ahead", endpoint="any", calls="all", seconds="30")

        with pytest.raises(VenueUnavailable, match="clock"):
            stage.venue.holdings()


@pytest.mark.parametrize(
    ("permissions", "may_trade", "danger"),
    [
        (("trading", "converting"), True, False),
        (("trading", "converting", "withdrawals"), True, True),
        ((), False, False),
    ],
)
def test_permissions__of_a_key__are_what_the_venue_says(permissions: Any, may_trade: bool, danger: bool) -> None:
    with BybitStage(permissions=permissions) as stage:
        rights = stage.venue.permissions()

        assert (rights.can_view, rights.can_trade, rights.can_transfer) == (True, may_trade, danger)
        assert bool(stage.venue.danger()) is danger


@pytest.mark.parametrize("area", ["FiatP2P", "FiatBitPay", "FiatBybitPay", "FiatGlobalPay", "BitCard", "Anything new"])
def test_permissions__of_a_key_that_may_pay__are_a_danger_whatever_the_venue_calls_it(
    monkeypatch: pytest.MonkeyPatch, area: str
) -> None:
    with BybitStage() as stage:
        read = stage.venue._client.api.query_api

        def query_api() -> object:
            answer: Any = read()
            return answer | {"permissions": answer["permissions"] | {"Earn": ["Earn"], area: ["Order"]}}

        monkeypatch.setattr(stage.venue._client.api, "query_api", query_api)

        assert stage.venue.permissions().can_transfer


def test_signature__is_over_the_plain_text_of_the_vendors_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1658384314791 * 10**6)
    plain = b"1658384314791XXXXXXXXXX5000category=option&symbol=BTC-29JUL22-25000-C"
    secret = "s" * 36
    api = Endpoints("XXXXXXXXXX", secret, "https://localhost", Session(), Limiter("key"))

    headers = api._headers("category=option&symbol=BTC-29JUL22-25000-C")

    assert headers["X-BAPI-SIGN"] == hmac.new(secret.encode(), plain, hashlib.sha256).hexdigest()
    assert (headers["X-BAPI-TIMESTAMP"], headers["X-BAPI-RECV-WINDOW"]) == ("1658384314791", "5000")
