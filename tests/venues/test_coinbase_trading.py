"""What moves money on Coinbase: sent once, believed only when read back, and never guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending
from events.money import Amount
from events.values import Fill, LegKind, Quote, Refusal, RefusalCode
from simulators.coinbase.markets import market
from simulators.wire import Reply, Request, json_reply
from tests.venues.coinbase_stage import CoinbaseStage, moving, scenario
from tests.venues.contract import unmoved
from tests.venues.door import altered, answering, rewritten
from tests.venues.exchange_stage import IMPATIENCE, PATIENCE
from venues.coinbase.venue import TOKEN_LIFE
from venues.limits import Limiter
from venues.times import Times

MOVES = (LegKind.SELL, LegKind.BUY, LegKind.CONVERT)


@pytest.fixture
def stage() -> Iterator[CoinbaseStage]:
    with CoinbaseStage() as stage:
        yield stage


def wallets(**balances: str) -> dict[str, dict[str, str]]:
    return {code: {"available": balance} for code, balance in balances.items()}


def test_execute__when_a_real_order_is_repeated__then_the_arithmetic_is_the_venues() -> None:
    """A published sale: 10 ADA at 0.392 USDT, 0.8 % fee: 3.92, 0.03136, 3.88864."""
    ada = {**market("1", "0.01", "0.0001"), "book": {"bids": [["0.392", "1000"]], "asks": [["0.393", "1000"]]}}
    form = scenario(taker_fee="0.008", wallets=wallets(ADA="10"), products={"ADA-USDT": ada})
    with CoinbaseStage(form) as stage:
        fill = stage.venue.execute(stage.sell("10", "ADA", "USDT"))

    assert isinstance(fill, Fill)
    assert fill.spent == Amount(Decimal(10), "coinbase:ADA")
    assert fill.received == Amount(Decimal("3.88864"), "coinbase:USDT")
    assert fill.fees == (Amount(Decimal("0.03136"), "coinbase:USDT"),)
    assert [(each.price, each.size) for each in fill.executions] == [(Decimal("0.392"), Decimal(10))]


@pytest.mark.parametrize("kind", [LegKind.BUY, LegKind.TOP_UP])
def test_execute__when_a_purchase_takes_several_levels__then_its_trades_add_up_in_base_units(kind: LegKind) -> None:
    asks = [["60000", "0.00005"], ["60010", "0.00005"], ["60037", "1"]]
    btc = {**market("1", "0.00000001", "0.01"), "book": {"asks": asks}}
    with CoinbaseStage(scenario(products={"BTC-USDC": btc})) as stage:
        order = replace(stage.order(LegKind.BUY), kind=kind)
        quote, fill = stage.venue.quote(order), stage.venue.execute(order)
        bought = stage.balance("coinbase:BTC") - Decimal("0.01")
        paid = Decimal(50) - stage.balance("coinbase:USDC")

    assert isinstance(fill, Fill)
    assert isinstance(quote, Quote)
    assert (fill.received.quantity, fill.spent.quantity) == (bought, paid)
    assert (quote.receive, quote.spend) == (fill.received, fill.spent)
    assert len(fill.executions) == 3
    assert sum(each.size for each in fill.executions) == bought
    by_price = {each.price: each.size.quantize(Decimal("1e-8")) for each in fill.executions}
    assert by_price[Decimal(60000)] == by_price[Decimal(60010)] == Decimal("0.00005")


LOST: list[dict[str, object]] = [
    {"kind": "timeout", "seconds": "5"},
    {"kind": "reset"},
    {"kind": "server_error", "status": 500},
    {"kind": "server_error", "status": 503},
    {"kind": "html"},
]
CUT: list[dict[str, object]] = [{"kind": "cut_json"}, {"kind": "cut_body"}]


@pytest.mark.parametrize("kind", MOVES)
@pytest.mark.parametrize(
    "fault", [*({**fault, "when": "before"} for fault in LOST), *({**f, "when": "after"} for f in LOST), *CUT], ids=str
)
def test_execute__when_the_answer_proves_nothing__then_the_outcome_is_unknown_until_the_venue_is_asked(
    stage: CoinbaseStage, kind: LegKind, fault: dict[str, object]
) -> None:
    order = stage.order(kind)
    took_effect = fault.get("when") != "before"
    before = stage.balance(order.spend.asset)
    stage.twin.inject(endpoint=moving(kind), **fault)

    stage.wait_at_most(IMPATIENCE if fault["kind"] == "timeout" else PATIENCE)
    with pytest.raises(OutcomeUnknown):
        stage.venue.execute(order)
    stage.wait_at_most(PATIENCE)
    soon = stage.restarted().outcome(order)
    stage.pass_time(timedelta(minutes=15))
    later = stage.restarted().outcome(order)

    assert stage.calls(moving(kind)) == 1
    if took_effect:
        assert isinstance(later, Fill)
        assert before - stage.balance(order.spend.asset) == later.spent.quantity
    else:
        assert isinstance(soon, Pending)
        assert later == NeverArrived()
        assert stage.balance(order.spend.asset) == before


@pytest.mark.parametrize("kind", MOVES)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limited", "body": "html"},
        {"kind": "rate_limited", "body": "json"},
        {"kind": "unauthorized"},
        {"kind": "invalid", "sentence": "account is not available"},
    ],
    ids=str,
)
def test_execute__when_the_venue_turns_it_away_unread__then_it_is_certain_that_nothing_happened(
    stage: CoinbaseStage, kind: LegKind, fault: dict[str, object]
) -> None:
    order = stage.order(kind)
    stage.twin.inject(endpoint=moving(kind), **fault)
    with unmoved(stage, order), pytest.raises(VenueUnavailable):
        stage.venue.execute(order)

    assert stage.calls(moving(kind)) == 1
    assert isinstance(stage.venue.execute(order), Fill)


@pytest.mark.parametrize(
    ("reason", "code", "said"),
    [
        ("convert", RefusalCode.NOT_PERMITTED, "User is not allowed to convert crypto"),
        ("limit_only", RefusalCode.NOT_TRADABLE, "Orderbook is in limit only mode"),
    ],
)
def test_execute__when_it_is_forbidden__then_the_text_decides_what_it_means(
    stage: CoinbaseStage, reason: str, code: RefusalCode, said: str
) -> None:
    for kind in (LegKind.SELL, LegKind.CONVERT):
        order = stage.order(kind)
        stage.twin.inject(kind="forbidden", reason=reason, endpoint=moving(kind))
        with unmoved(stage, order):
            refusal = stage.venue.execute(order)

        assert isinstance(refusal, Refusal)
        assert refusal.code is code
        assert refusal.venue_code == "PERMISSION_DENIED"
        assert said in refusal.sentence


def test_execute__when_the_key_may_not_trade__then_the_owner_is_told_to_mend_it() -> None:
    with CoinbaseStage(scopes=("view",)) as stage:
        order = stage.order(LegKind.SELL)
        with unmoved(stage, order), pytest.raises(ConfigurationError, match="lacks a right"):
            stage.venue.execute(order)


@pytest.mark.parametrize("kind", MOVES)
def test_execute__when_the_venue_is_not_there__then_nothing_was_sent(stage: CoinbaseStage, kind: LegKind) -> None:
    order = stage.order(kind)
    elsewhere = stage.restarted(base_url="localhost:9")

    with pytest.raises(VenueUnavailable, match="no connection could be made"):
        elsewhere.execute(order)
    assert elsewhere.requests == 1


def test_execute__when_the_request_arrives_late__then_it_is_found_and_was_never_given_up(stage: CoinbaseStage) -> None:
    order = stage.order(LegKind.SELL)
    stage.twin.inject(kind="reset", endpoint="create_order", when="later", delay="100")
    with pytest.raises(OutcomeUnknown):
        stage.venue.execute(order)

    answers = []
    for _ in range(6):
        stage.pass_time(timedelta(seconds=24))
        answers.append(stage.restarted().outcome(order))

    assert [type(answer) for answer in answers] == [Pending] * 4 + [Fill] * 2


def test_outcome__when_150_seconds_have_passed__then_the_order_never_arrived(stage: CoinbaseStage) -> None:
    order = stage.order(LegKind.SELL)

    stage.pass_time(timedelta(seconds=149))
    assert isinstance(stage.venue.outcome(order), Pending)
    stage.pass_time(timedelta(seconds=2))
    assert stage.venue.outcome(order) == NeverArrived()


def test_outcome__when_the_list_has_many_pages__then_the_order_is_found_on_the_last(stage: CoinbaseStage) -> None:
    first = stage.sell("0.01", "ADA")
    filled = stage.venue.execute(first)
    for _ in range(251):
        stage.venue.execute(stage.sell("0.01", "ADA"))

    assert stage.restarted().outcome(first) == filled
    assert stage.calls("list_orders") == 2


def test_outcome__when_the_list_repeats_its_cursor__then_nothing_is_concluded(stage: CoinbaseStage) -> None:
    stage.venue.execute(stage.order(LegKind.SELL))
    order = stage.order(LegKind.SELL)
    stage.pass_time(timedelta(hours=1))
    stage.twin.inject(kind="repeated_cursor", endpoint="list_orders", calls="all")

    with pytest.raises(VenueUnavailable, match="twice"):
        stage.venue.outcome(order)


@pytest.mark.parametrize("answer", ["earlier", "refused"])
def test_execute__when_the_key_was_used_before__then_the_first_order_is_the_answer(answer: str) -> None:
    with CoinbaseStage(scenario(repeated_order=answer)) as stage:
        order = stage.order(LegKind.SELL)
        first = stage.venue.execute(order)
        with unmoved(stage, order):
            assert stage.restarted().execute(order) == first


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"spend": Amount(Decimal(9), "coinbase:ADA")}, "size"),
        ({"kind": LegKind.BUY, "spend": Amount(Decimal(10), "coinbase:USDC"), "receive": "coinbase:ADA"}, "side"),
    ],
)
def test_execute__when_the_key_belongs_to_another_order__then_the_echo_is_not_believed(
    stage: CoinbaseStage, change: dict[str, Any], word: str
) -> None:
    order = stage.order(LegKind.SELL)
    stage.venue.execute(order)
    other: Order = replace(order, **change)

    with unmoved(stage, order), pytest.raises(OutcomeUnknown, match=f"another {word}"):
        stage.venue.execute(other)
    assert isinstance(stage.venue.outcome(other), Pending)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda order: order.update(product_id="XLM-USDC"), "another product"),
        (lambda order: order.update(client_order_id="somebody-else"), "another client_order_id"),
        (lambda order: order.update(order_configuration={"limit_limit_gtc": {}}), "another size"),
    ],
)
def test_execute__when_the_order_read_back_differs__then_it_is_not_believed(change: Any, detail: str) -> None:
    with altered(CoinbaseStage, "/orders/historical/", lambda body: change(body["order"]), "GET") as stage:
        order = stage.order(LegKind.SELL)
        with pytest.raises(OutcomeUnknown, match=detail):
            stage.venue.execute(order)


@pytest.mark.parametrize("fault", ["server_error", "reset", "rate_limited", "unauthorized", "html"])
def test_execute__when_it_cannot_be_read_back__then_the_outcome_is_unknown(stage: CoinbaseStage, fault: str) -> None:
    order = stage.order(LegKind.SELL)
    stage.twin.inject(kind=fault, endpoint="get_order", calls="all")
    with pytest.raises(OutcomeUnknown, match="could not be read back"):
        stage.venue.execute(order)
    stage.recover()

    assert isinstance(stage.venue.outcome(order), Fill)


def test_execute__when_success_names_no_order__then_the_outcome_is_unknown() -> None:
    with answering(CoinbaseStage, "/orders", json_reply(200, {"success": True}), "POST") as stage:
        order = stage.order(LegKind.SELL)
        with pytest.raises(OutcomeUnknown, match="success without an order_id"):
            stage.venue.execute(order)


@pytest.mark.parametrize(
    "change",
    [
        lambda fills: fills["fills"].clear(),
        lambda fills: fills["fills"].append(fills["fills"][0]),
        lambda fills: fills["fills"][0].update(size="9.99"),
        lambda fills: fills["fills"][0].update(trade_type="REVERSAL"),
    ],
)
def test_execute__when_the_trades_do_not_add_up_to_the_order__then_it_is_pending(change: Any) -> None:
    with altered(CoinbaseStage, "/orders/historical/fills", change) as stage:
        answer = stage.venue.execute(stage.order(LegKind.SELL))

    assert isinstance(answer, Pending)
    assert "do not add up" in answer.detail


def test_execute__when_the_order_is_still_open__then_it_is_pending() -> None:
    with altered(
        CoinbaseStage, "/orders/historical/", lambda body: body.get("order", {}).update(status="QUEUED"), "GET"
    ) as stage:
        assert stage.venue.execute(stage.order(LegKind.SELL)) == Pending("the order is QUEUED")


def test_execute__when_nothing_of_the_order_filled__then_it_is_refused(stage: CoinbaseStage) -> None:
    order = stage.order(LegKind.SELL)
    stage.twin.inject(kind="partial", endpoint="create_order", fraction="0")
    with unmoved(stage, order):
        refusal = stage.venue.execute(order)

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.venue_code) == (RefusalCode.NO_LIQUIDITY, "CANCELLED")


def test_execute__when_an_empty_order_never_settles__then_it_is_believed_once_nothing_can_come_any_more(
    stage: CoinbaseStage,
) -> None:
    order = stage.order(LegKind.SELL)
    stage.twin.inject(kind="partial", endpoint="create_order", fraction="0")
    stage.twin.inject(kind="settled_late", endpoint="create_order", seconds="100000")

    assert isinstance(stage.venue.execute(order), Pending)
    stage.pass_time(timedelta(seconds=151))
    assert isinstance(stage.venue.outcome(order), Refusal)


def test_execute__when_the_venue_failed_the_order__then_its_reason_is_given() -> None:
    def failed(body: dict[str, Any]) -> None:
        body.get("order", {}).update(
            status="FAILED", filled_size="0", reject_reason="INSUFFICIENT_FUND", reject_message="not enough"
        )
        body.get("fills", []).clear()

    with altered(CoinbaseStage, "/orders/historical/", failed, "GET") as stage:
        refusal = stage.venue.execute(stage.order(LegKind.SELL))

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.venue_code) == (RefusalCode.INSUFFICIENT_BALANCE, "INSUFFICIENT_FUND")


@pytest.mark.parametrize("form", [lambda word: word, lambda word: {"code": word}], ids=["text", "object"])
def test_quote__when_the_reason_is_unknown__then_it_is_final_and_shown_as_it_is(form: Any) -> None:
    word = "PREVIEW_MOON_IS_IN_THE_WRONG_PHASE"
    with altered(CoinbaseStage, "/orders/preview", lambda body: {"errs": [form(word)], "order_total": ""}) as stage:
        refusal = stage.venue.quote(stage.order(LegKind.SELL))

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.venue_code) == (RefusalCode.OTHER, word)
    assert word in refusal.sentence


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("PREVIEW_INSUFFICIENT_FUND", RefusalCode.INSUFFICIENT_BALANCE),
        ("PREVIEW_INVALID_NO_LIQUIDITY", RefusalCode.NO_LIQUIDITY),
        ("PREVIEW_UNTRADABLE_PRODUCT", RefusalCode.NOT_TRADABLE),
        ("PREVIEW_TRADING_DISABLED", RefusalCode.NOT_TRADABLE),
        ("PREVIEW_PRODUCT_TRADING_HALTED", RefusalCode.NOT_TRADABLE),
        ("PREVIEW_GEOFENCING_RESTRICTION", RefusalCode.NOT_PERMITTED),
        ("PREVIEW_INVALID_SIZE_PRECISION", RefusalCode.OTHER),
        ("PREVIEW_OF_TOMORROW", RefusalCode.OTHER),
    ],
)
def test_refusal__when_the_venue_gives_a_reason__then_quote_and_order_read_it_alike(
    stage: CoinbaseStage, word: str, code: RefusalCode
) -> None:
    order = stage.order(LegKind.SELL)
    for endpoint in ("preview_order", "create_order"):
        stage.twin.inject(kind="refused", endpoint=endpoint, reason=word, calls="all")

    for answer in (stage.venue.quote(order), stage.venue.execute(order)):
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.venue_code) == (code, word)


@pytest.mark.parametrize(
    ("size", "missing"),
    [("26", Amount(Decimal("0.7187147229469674"), "coinbase:TONE")), ("27", Amount(Decimal("0.59"), "coinbase:USDC"))],
)
def test_quote__when_a_minimum_is_missed__then_the_missing_amount_is_in_the_minimums_asset(
    size: str, missing: Amount
) -> None:
    tone = market("1", "1", "0.00001", base_min_size="26.7187147229469674")
    products = {"TONE-USDC": {**tone, "book": {"bids": [["0.01523", "100000"]]}}}
    form = scenario(wallets=wallets(TONE="30"), products=products, quote_minimum_binds_sells=True)
    with CoinbaseStage(form) as stage:
        refusal = stage.venue.quote(stage.sell(size, "TONE"))

    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.BELOW_MINIMUM
    assert refusal.missing is not None
    assert refusal.missing.asset == missing.asset
    assert abs(refusal.missing.quantity - missing.quantity) < Decimal("0.01")


def test_quote__when_the_preview_is_empty__then_it_is_unreadable_and_no_offer() -> None:
    empty = json_reply(200, {"errs": [], "order_total": ""})
    with (
        answering(CoinbaseStage, "/orders/preview", empty) as stage,
        pytest.raises(VenueUnavailable, match="order_total"),
    ):
        stage.venue.quote(stage.order(LegKind.SELL))


def test_execute__when_signing_waits_beyond_the_intents_life__then_nothing_is_sent(stage: CoinbaseStage) -> None:
    """A worker that fell asleep between its intent and the wire wakes up when others may have moved on."""
    asleep = Limiter(
        "key",
        requests_per_second=Decimal(1),
        seconds_between_conversions=Decimal(0),
        sleep=lambda seconds: stage.pass_time(timedelta(seconds=30)),
        longest_wait=Decimal(10**9),
    )
    order, venue = stage.order(LegKind.SELL), stage.restarted(limiter=asleep)
    asleep.request()

    with unmoved(stage, order), pytest.raises(VenueUnavailable, match="too long ago"):
        venue.execute(order)
    assert venue.requests == 0


def test_execute__when_another_order_was_just_made__then_the_gap_is_kept_before_it_is_sent(
    stage: CoinbaseStage,
) -> None:
    limiter = Limiter(
        "key",
        requests_per_second=Decimal(1000),
        seconds_between_conversions=Decimal(20),
        longest_wait=Decimal(0),
    )
    limiter.conversion()

    for kind in MOVES:
        order = stage.order(kind)
        with pytest.raises(VenueUnavailable, match="too many conversions"):
            stage.restarted(limiter=limiter).execute(order)
    assert stage.calls("create_order") + stage.calls("commit_convert") == 0


def test_execute__when_the_venue_redirects__then_the_order_is_not_sent_again() -> None:
    def redirect(request: Request, reply: Reply) -> Reply:
        return Reply(307, b"", f"text/plain\r\nLocation: https://{request.host}{request.path}")

    with rewritten(CoinbaseStage, "/orders", redirect, "POST") as stage:
        order = stage.order(LegKind.SELL)
        with pytest.raises(OutcomeUnknown):
            stage.venue.execute(order)
        assert stage.calls("create_order") == 1


def test_errors__when_a_body_echoes_the_token__then_it_is_not_repeated() -> None:
    def echo(request: Request, reply: Reply) -> Reply:
        return Reply(403, json.dumps({"error": "DENIED", "message": f"bad header {request.authorization}"}).encode())

    with rewritten(CoinbaseStage, "/", echo) as stage:
        order = stage.order(LegKind.SELL)
        refusal = stage.venue.execute(order)
        with pytest.raises(ConfigurationError) as raised:
            stage.venue.holdings()

    assert isinstance(refusal, Refusal)
    for text in (refusal.sentence, str(raised.value)):
        assert "bad header" in text
        assert not [secret for secret in stage.secrets if secret in text]


def test_quote__when_it_is_forbidden__then_the_refusal_says_why(stage: CoinbaseStage) -> None:
    stage.twin.inject(kind="forbidden", reason="limit_only", endpoint="preview_order")

    refusal = stage.venue.quote(stage.order(LegKind.SELL))

    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.NOT_TRADABLE


def test_quote__when_the_minimum_cannot_be_read__then_the_refusal_stands_without_it(stage: CoinbaseStage) -> None:
    stage.twin.inject(kind="invalid", sentence="no such thing", endpoint="get_product")

    refusal = stage.venue.quote(stage.too_small())

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.missing) == (RefusalCode.BELOW_MINIMUM, None)


def test_execute__when_the_key_was_used_but_the_order_cannot_be_read__then_the_outcome_is_unknown() -> None:
    with CoinbaseStage(scenario(repeated_order="refused")) as stage:
        order = stage.order(LegKind.SELL)
        first = stage.venue.execute(order)
        stage.twin.inject(kind="server_error", endpoint="list_orders", calls="all")
        with unmoved(stage, order), pytest.raises(OutcomeUnknown, match="made before"):
            stage.venue.execute(order)
        stage.recover()
        assert stage.venue.outcome(order) == first


def test_execute__when_the_accepted_order_is_not_listed_yet__then_it_is_pending(stage: CoinbaseStage) -> None:
    order = stage.order(LegKind.SELL)
    with answering(CoinbaseStage, "/orders/historical/", json_reply(404, {"error": "NOT_FOUND"}), "GET") as lagging:
        answer = lagging.venue.execute(replace(order, requested_at=lagging.clock()))

    assert isinstance(answer, Pending)
    assert "not to be read yet" in answer.detail


# Conversions


def test_conversion__when_completed__then_it_is_one_to_one(stage: CoinbaseStage) -> None:
    order = stage.order(LegKind.CONVERT)
    quote, fill = stage.venue.quote(order), stage.venue.execute(order)

    assert isinstance(quote, Quote)
    assert quote.expires_at is not None
    assert timedelta(minutes=9) < quote.expires_at - stage.clock() <= timedelta(minutes=10)
    five = Decimal(5)
    assert fill == Fill(order.reference, Amount(five, "coinbase:USD"), Amount(five, "coinbase:USDC"), (), ())


@pytest.mark.parametrize("second_commit", ["same", "error"])
def test_conversion__when_committed_twice__then_it_is_made_once_and_found(second_commit: str) -> None:
    with CoinbaseStage(scenario(convert={"second_commit": second_commit})) as stage:
        order = stage.order(LegKind.CONVERT)
        first = stage.venue.execute(order)
        with unmoved(stage, order):
            assert stage.restarted().execute(order) == first


def test_conversion__when_the_venue_takes_its_time__then_it_is_pending_until_it_ends() -> None:
    with CoinbaseStage(scenario(convert={"seconds": "60"})) as stage:
        order = stage.order(LegKind.CONVERT)
        assert stage.venue.execute(order) == Pending("the conversion is TRADE_STATUS_STARTED")
        stage.pass_time(timedelta(minutes=20))
        assert isinstance(stage.venue.outcome(order), Fill)


def test_conversion__when_the_venue_reads_back_as_started__then_it_is_followed() -> None:
    with CoinbaseStage(scenario(convert={"reads": 2})) as stage:
        assert isinstance(stage.venue.execute(stage.order(LegKind.CONVERT)), Fill)


def test_conversion__when_the_quote_is_refused_with_an_empty_id__then_its_message_is_given(
    stage: CoinbaseStage,
) -> None:
    order = stage.order(LegKind.CONVERT)
    stage.twin.inject(kind="convert_refused", endpoint="convert_quote", reason="not today")

    refusal = stage.venue.quote(order)

    assert isinstance(refusal, Refusal)
    assert "not today" in refusal.sentence


def test_conversion__when_the_commit_ends_cancelled__then_it_is_refused_and_nothing_moved(
    stage: CoinbaseStage,
) -> None:
    order = stage.order(LegKind.CONVERT)
    stage.twin.inject(kind="convert_refused", endpoint="commit_convert", reason="not today")
    with unmoved(stage, order):
        refusal = stage.venue.execute(order)

    assert isinstance(refusal, Refusal)
    assert "not today" in refusal.sentence


def test_conversion__when_the_pair_is_not_served__then_it_is_refused_as_not_tradable(stage: CoinbaseStage) -> None:
    ada = replace(stage.sell("1", "ADA"), kind=LegKind.CONVERT)

    refusal = stage.venue.quote(ada)

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.venue_code) == (RefusalCode.NOT_TRADABLE, "INVALID_ARGUMENT")


def test_conversion__when_the_quote_has_expired__then_the_commit_is_refused_and_nothing_moves() -> None:
    with CoinbaseStage(scenario(convert={"lifetime": "1"})) as stage:
        order = stage.order(LegKind.CONVERT)
        stage.pass_time(timedelta(seconds=2))
        with unmoved(stage, order):
            assert isinstance(stage.venue.execute(order), Refusal)


def test_conversion__when_the_trade_is_not_known__then_it_never_arrived_once_its_quote_has_expired(
    stage: CoinbaseStage,
) -> None:
    order = replace(stage.order(LegKind.CONVERT), reference="5b3f-unknown")

    assert isinstance(stage.venue.outcome(order), Pending)
    stage.pass_time(timedelta(minutes=12))
    assert stage.venue.outcome(order) == NeverArrived()


@pytest.mark.parametrize(
    ("place", "value"),
    [("total", {"value": "4", "currency": "USD"}), ("total", None), ("amount", {"value": "5", "currency": "EUR"})],
)
def test_conversion__when_the_trade_moves_something_else__then_it_is_not_believed(place: str, value: object) -> None:
    def change(body: dict[str, Any]) -> None:
        if body["trade"]["status"] == "TRADE_STATUS_COMPLETED":
            body["trade"][place] = value

    with altered(CoinbaseStage, "/convert/trade", change, "GET") as stage:
        order = stage.order(LegKind.CONVERT)
        try:
            answer: object = stage.venue.execute(order)
        except OutcomeUnknown as unknown:
            answer = unknown

    assert isinstance(answer, Pending | OutcomeUnknown)


def test_conversion__when_it_was_never_quoted__then_it_is_not_sent(stage: CoinbaseStage) -> None:
    with pytest.raises(ValueError, match="reference"):
        stage.venue.execute(replace(stage.order(LegKind.CONVERT), reference=""))


def test_order__when_it_has_no_key__then_it_is_not_sent(stage: CoinbaseStage) -> None:
    with pytest.raises(ValueError, match="key"):
        stage.venue.execute(replace(stage.order(LegKind.SELL), key=""))
    assert stage.venue.requests == 0


@pytest.mark.parametrize(("given_up_after", "sent_within"), [(150, 20), (140, 20), (130, 10), (121, 1), (5, 5)])
def test_order__however_soon_it_is_given_up__then_its_token_has_run_out_by_then(
    given_up_after: int, sent_within: int
) -> None:
    times = Times(never_arrived_after=timedelta(seconds=given_up_after))
    assert times.send_within(TOKEN_LIFE) == timedelta(seconds=sent_within)


def test_conversion__when_the_trade_may_not_be_read__then_nothing_is_concluded(stage: CoinbaseStage) -> None:
    order = stage.order(LegKind.CONVERT)
    stage.twin.inject(kind="forbidden", reason="convert", endpoint="get_convert", calls="all")

    with pytest.raises(VenueUnavailable, match="not allowed"):
        stage.venue.outcome(order)
    with pytest.raises(OutcomeUnknown, match="could not be read back"):
        stage.venue.execute(order)
