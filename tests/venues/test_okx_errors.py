"""Every answer of OKX, and every exception that a request to it can raise, is judged; none passes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import Order, Pending
from events.money import Amount
from events.values import Fill, LegKind, Refusal, RefusalCode
from tests.venues.okx_stage import OKXStage, scenario
from tests.venues.raised import NEVER_SENT, UNREADABLE, assert_ours_come_out, raised_by_requests
from venues.faults import Verdict
from venues.okx.client import Signer, check_key
from venues.okx.errors import (
    BUSY,
    DUPLICATE,
    KEY,
    LATE,
    MEANINGS,
    NO_ORDER,
    RAISED,
    UNSURE,
    Answered,
    fault_of,
    refusal_for,
)
from venues.okx.markets import number
from venues.okx.orders import client_id
from venues.okx.replies import Balance, Placed, Rows

PAGE = (Path(__file__).parents[2] / "docs/reference/okx-errors.md").read_text("utf-8")
OTHERS: list[Exception] = [*UNREADABLE, Answered(400), Answered(404), Answered(502), Answered(500, "50099", "new")]


@pytest.mark.parametrize("error", raised_by_requests(), ids=lambda error: type(error).__name__)
def test_exceptions__whatever_a_request_raises__is_judged_by_its_kind(error: Exception) -> None:
    assert isinstance(error, RAISED)
    fault = fault_of(error)
    assert fault.verdict is NEVER_SENT.get(type(error).__name__, Verdict.UNSURE)
    assert fault.sentence
    assert fault.refusal is None


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_exceptions__of_a_lost_or_unreadable_answer__prove_nothing(error: Exception) -> None:
    assert isinstance(error, RAISED)
    assert fault_of(error).verdict is Verdict.UNSURE


@pytest.mark.parametrize("error", [*raised_by_requests(), *OTHERS], ids=lambda error: repr(error)[:40])
def test_exceptions__when_a_read_or_an_order_raises_them__then_ours_come_out(error: Exception) -> None:
    with OKXStage() as stage:
        assert_ours_come_out(stage, stage.venue._client, Rows[Placed], error, fault_of(error).verdict)


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        (LATE, Verdict.NOT_ACCEPTED),
        (BUSY, Verdict.NOT_ACCEPTED),
        (UNSURE, Verdict.UNSURE),
        (KEY, Verdict.MISCONFIGURED),
        (MEANINGS, Verdict.REFUSED),
        (["51999", "59110"], Verdict.REFUSED),
    ],
    ids=["late", "busy", "unsure", "key", "known refusals", "unknown ones"],
)
def test_answers__of_the_venue__prove_what_the_page_says_whatever_the_status(codes: Any, verdict: Verdict) -> None:
    for code in codes:
        for status in (200, 400, 429):
            fault = fault_of(Answered(status, code, "its sentence"))
            assert fault.verdict is verdict
            assert (fault.refusal is not None) == (verdict is Verdict.REFUSED)
            assert code in fault.sentence


@pytest.mark.parametrize(
    ("answered", "verdict"),
    [
        (Answered(401, "50199", "new"), Verdict.MISCONFIGURED),
        (Answered(429), Verdict.NOT_ACCEPTED),
        (Answered(403), Verdict.NOT_ACCEPTED),
        (Answered(503), Verdict.UNSURE),
        (Answered(503, "51008", "sure of itself"), Verdict.UNSURE),
        (Answered(302), Verdict.UNSURE),
    ],
    ids=str,
)
def test_answers__by_their_status__prove_what_the_page_says(answered: Answered, verdict: Verdict) -> None:
    assert fault_of(answered).verdict is verdict


@pytest.mark.parametrize(("code", "sentence"), [("51149", "Order timed out"), ("51054", "Request timed out")])
def test_order__that_the_venue_calls_timed_out__is_looked_up_and_made_once(code: str, sentence: str) -> None:
    with OKXStage() as stage:
        order = stage.order(LegKind.SELL)
        stage.twin.inject(kind="refused", code=code, sentence=sentence, endpoint="new_order", when="after")

        with pytest.raises(OutcomeUnknown, match=sentence):
            stage.venue.execute(order)

        assert isinstance(stage.venue.execute(order), Fill)
        assert stage.calls("new_order") == 1


def test_codes__stand_in_one_list_each() -> None:
    lists: list[Any] = [LATE, BUSY, UNSURE, KEY, MEANINGS, DUPLICATE, {NO_ORDER}]

    assert sum(map(len, lists)) == len({code for codes in lists for code in codes})


def test_page__names_every_code_with_what_we_make_of_it() -> None:
    rows = dict(re.findall(r"^\| `(\d+)` \| `([^`]+)` \|", PAGE, re.MULTILINE))

    assert rows == {code: str(word) for code, word in MEANINGS.items()}
    for code in (*LATE, *BUSY, *UNSURE, *KEY, *DUPLICATE, NO_ORDER):
        assert f"`{code}`" in PAGE


def test_refusal__for_a_reason_we_do_not_know__is_final_and_kept_as_it_is() -> None:
    refusal = refusal_for("59999", "Something\nnew")

    assert (refusal.code, refusal.venue_code) == (RefusalCode.OTHER, "59999")
    assert refusal.sentence == "OKX refuses it: Something new (59999)"


@pytest.mark.parametrize(
    ("name", "secret", "passphrase", "named"),
    [
        ("", "A" * 32, "Pass+word1", "key name"),
        ("key with spaces", "A" * 32, "Pass+word1", "key name"),
        ("schlüssel-äöü-123456789", "A" * 32, "Pass+word1", "key name"),
        ("a" * 36, " ", "Pass+word1", "key secret"),
        ("a" * 36, "not a key at all!", "Pass+word1", "key secret"),
        ("a" * 36, "A" * 32, "  ", "key passphrase: empty"),
        ("a" * 36, "A" * 32, "Paß+wörter1", "key passphrase"),
        ("a" * 36, "A" * 32, "two\nlines+A1", "key passphrase"),
        ("a" * 36, "A" * 32, "x" * 65, "key passphrase"),
    ],
)
def test_key__when_it_cannot_be_one__then_the_error_says_what_is_accepted_and_shows_none_of_it(
    name: str, secret: str, passphrase: str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as raised:
        check_key(name, secret, passphrase)

    assert not [part for part in (secret, passphrase) if len(part) > 3 and part in str(raised.value)]


@pytest.mark.parametrize("changed", [{"passphrase": "Wrong+pass1"}, {"key_name": "0" * 36}, {"secret": "0" * 32}])
def test_key__of_which_a_part_is_wrong__is_the_owners_to_mend(changed: dict[str, str]) -> None:
    with OKXStage() as stage:
        venue = stage.restarted(**changed)

        with pytest.raises(ConfigurationError, match="key") as raised:
            venue.holdings()
        assert not [part for part in changed.values() if part in str(raised.value) + repr(venue)]


@pytest.mark.parametrize("key", ["one", "12345678", "g" * 32])
def test_client_id__of_what_is_no_uuid__is_refused_before_anything_is_sent(key: str) -> None:
    with OKXStage() as stage:
        order = Order(
            key,
            LegKind.SELL,
            "ADA-USDT",
            Amount(stage.balance("okx:ADA"), "okx:ADA"),
            "okx:USDT",
            requested_at=stage.clock(),
        )
        with pytest.raises(ValueError, match="UUID"):
            stage.venue.execute(order)
        assert stage.served() == 0


@pytest.mark.parametrize(("text", "quantity"), [("1E-9", "0.000000001"), ("", "0"), ("12.50", "12.5"), ("0", "0")])
def test_number__however_the_venue_writes_it__is_read_exactly(text: str, quantity: str) -> None:
    row = msgspec.convert({"ccy": "ADA", "availBal": text, "frozenBal": "0"}, Balance)

    assert number(row.avail_bal) == Decimal(quantity)


@pytest.mark.parametrize("text", ["NaN", "1,5", "-", "0x1", "١", " 1", None, 1, 1.5])
def test_number__that_is_none__is_an_unreadable_reply(text: object) -> None:
    with pytest.raises(msgspec.ValidationError, match="availBal"):
        msgspec.convert({"ccy": "ADA", "availBal": text, "frozenBal": "0"}, Balance)


def test_client_id__of_a_key__is_what_the_venue_takes() -> None:
    assert re.fullmatch(r"[0-9a-z]{32}", client_id("0f5a5a52-7a5e-5d3c-8a43-64c1d4c92b7e"))


def test_order__that_arrives_after_its_deadline__is_dropped_by_the_venue() -> None:
    with OKXStage() as stage:
        order = stage.order(LegKind.SELL)
        before = stage.balance(order.spend.asset)
        # Its signature would be good for 30 s, but what is sent ten seconds after the intent has ten left.
        stage.pass_time(timedelta(seconds=10))
        stage.twin.inject(kind="reset", endpoint="new_order", when="later", delay="15")
        with pytest.raises(OutcomeUnknown):
            stage.venue.execute(order)
        stage.pass_time(timedelta(seconds=16))

        assert isinstance(stage.restarted().outcome(order), Pending)
        assert stage.balance(order.spend.asset) == before


def test_order__when_the_venue_refuses_repeated_ids__is_read_back() -> None:
    with OKXStage(scenario(repeated_order="refused")) as stage:
        order = stage.order(LegKind.SELL)
        first = stage.venue.execute(order)
        stage.twin.inject(kind="refused", endpoint="get_order", code=NO_ORDER, sentence="Order does not exist")

        assert stage.venue.execute(order) == first
        assert stage.calls("new_order") == 2


@pytest.mark.parametrize(
    ("money", "code"), [("0.5", RefusalCode.BELOW_MINIMUM), ("50.1", RefusalCode.INSUFFICIENT_BALANCE)]
)
def test_purchase__of_an_impossible_size__is_refused_with_what_is_missing(money: str, code: RefusalCode) -> None:
    with OKXStage() as stage:
        order = stage.buy(money)
        answers = [stage.venue.quote(order), stage.venue.execute(order)]

        for answer in answers:
            assert isinstance(answer, Refusal)
            assert answer.code is code
            assert answer.venue_code
            assert (answer.missing is not None) == (code is RefusalCode.BELOW_MINIMUM)
        assert stage.balance("okx:USDT") == 50


def test_order__of_more_trades_than_a_page__is_read_page_by_page() -> None:
    levels = [[str(1000 - number), "0.1"] for number in range(250)]
    book = {"bids": levels, "asks": [["1001", "1000"]]}
    thin = {"base": "ADA", "quote": "USDT", "step": "0.1", "smallest": "0.1", "tick": "1", "book": book}
    with OKXStage(scenario(markets={"ADA-USDT": thin})) as stage:
        fill = stage.venue.execute(stage.sell("20.5", "ADA"))

        assert isinstance(fill, Fill)
        assert len(fill.executions) == 205
        assert stage.calls("fills") == 3


def test_clock__that_is_off__is_told_as_such() -> None:
    with OKXStage() as stage:
        stage.twin.inject(kind="clock_ahead", endpoint="any", calls="all", seconds="40")

        with pytest.raises(VenueUnavailable, match="clock"):
            stage.venue.holdings()


@pytest.mark.parametrize(
    ("permissions", "danger"),
    [(("read_only", "trade"), False), (("read_only", "trade", "withdraw"), True)],
)
def test_danger__of_a_key_that_may_withdraw__is_named(permissions: Any, danger: bool) -> None:
    with OKXStage(permissions=permissions) as stage:
        assert bool(stage.venue.danger()) is danger


def test_order__with_a_key_that_may_not_trade__is_the_owners_to_mend() -> None:
    with OKXStage(permissions=("read_only",)) as stage, pytest.raises(ConfigurationError, match="rights"):
        stage.venue.execute(stage.order(LegKind.SELL))


def test_signature__is_over_the_plain_text_of_the_vendors_example() -> None:
    secret, at = "22582BD0CFF14C41EDBF1AB98506286D", datetime(2020, 12, 8, 9, 8, 57, 715999, UTC)
    plain = b"2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC"

    headers = Signer("0" * 32, secret, "phrase").headers(at, "GET", "/api/v5/account/balance?ccy=BTC", "")

    assert base64.b64decode(headers["OK-ACCESS-SIGN"]) == hmac.new(secret.encode(), plain, hashlib.sha256).digest()
    assert headers["OK-ACCESS-TIMESTAMP"] == "2020-12-08T09:08:57.715Z"
