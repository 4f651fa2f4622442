"""Easy convert on OKX: up to five in one request, running until filled or failed; what is lost is in the history."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending
from events.money import Amount
from events.values import Fill, LegKind, Quote, Refusal, RefusalCode
from simulators.exchange.ledger import OUTSIDE, USER
from simulators.okx.scenarios import market
from tests.venues.okx_stage import OKXStage, scenario
from venues.limits import Limiter
from venues.okx.easy_convert import Desk
from venues.okx.venue import OKX

D = Decimal
BALANCES = {
    "ADA": {"free": "1.930712708344864"},
    "XLM": {"free": "3.4"},
    "DOT": {"free": "0.5"},
    "DOGE": {},
    "BTC": {"free": "0.01"},
    "NOPE": {"free": "3"},
}


class Scene:
    """A stage, and a venue on it that uses easy convert."""

    def __init__(self, stage: OKXStage, pays: str = "BTC") -> None:
        self.stage, self.pays = stage, pays
        self.venue = self.restarted()

    def restarted(self) -> OKX:
        return self.stage.restarted(easy_convert=Desk(self.pays, D(0)))

    def orders(self, *codes: str, key: str = "request-1") -> list[Order]:
        return [
            Order(
                key,
                LegKind.DUST,
                f"easy-{self.pays}",
                Amount(self.stage.twin.balance(code), f"okx:{code}"),
                f"okx:{self.pays}",
                requested_at=self.stage.clock(),
            )
            for code in codes
        ]

    def exchanged(self, orders: list[Order]) -> dict[str, Fill]:
        """Exchange them and wait until each is filled."""
        answers = self.venue.exchange_small(orders)
        assert {type(answer) for answer in answers.values()} == {Pending}, answers
        self.stage.pass_time(timedelta(seconds=2))
        return filled(self.venue.small_outcome(orders))


@pytest.fixture
def scene() -> Iterator[Scene]:
    with OKXStage(scenario(balances=BALANCES)) as stage:
        yield Scene(stage)


def filled(answers: Mapping[str, Any]) -> dict[str, Fill]:
    assert all(isinstance(answer, Fill) for answer in answers.values()), answers
    return dict(answers)


def test_capabilities__say_what_small_balances_would_bring_at_the_best_prices(scene: Scene) -> None:
    small = scene.venue.capabilities().small

    assert small is not None
    assert (small.name, small.pays, small.ready_at) == ("easy-BTC", "okx:BTC", None)
    assert set(small.offers) == {"okx:ADA", "okx:XLM", "okx:DOT"}
    offer = small.offers["okx:ADA"]
    assert offer.quantity == D("1.930712708344864")
    assert offer.brings == pytest.approx(offer.quantity * D("0.392") / 60000, rel=D("0.01"))
    assert offer.fee == 0
    assert scene.venue.largest_batch == 5


@pytest.mark.parametrize(("pays", "brings"), [("USDT", D("0.757")), ("ETH", None), ("LINK", None)])
def test_capabilities__in_another_currency__are_reckoned_in_it_or_there_is_no_offer(
    pays: str, brings: Decimal | None
) -> None:
    with OKXStage(scenario(balances=BALANCES)) as stage:
        small = Scene(stage, pays).venue.capabilities().small

    assert small is not None
    found = small.offers.get("okx:ADA")
    assert (found is None) == (brings is None)
    assert found is None or found.brings == pytest.approx(brings, rel=D("0.01"))


def test_offer__moves_nothing_and_names_what_is_not_taken(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM", "DOGE")

    offers = scene.venue.offer_small(orders)

    assert isinstance(offers["okx:ADA"], Quote)
    assert offers["okx:ADA"].spend == orders[0].spend
    assert offers["okx:ADA"].receive.asset == "okx:BTC"
    missing = offers["okx:DOGE"]
    assert isinstance(missing, Refusal)
    assert missing.code is RefusalCode.NOT_TRADABLE
    assert scene.stage.twin.balance("XLM") == D("3.4")


def test_exchange__of_two__is_one_request_and_each_fill_is_what_the_ledger_moved(scene: Scene) -> None:
    before, orders = scene.stage.twin.balance("BTC"), scene.orders("ADA", "XLM")

    fills = scene.exchanged(orders)

    assert scene.stage.calls("convert") == 1
    assert fills["okx:XLM"].spent == orders[1].spend
    # The venue takes eight decimal places; what is finer stays.
    assert fills["okx:ADA"].spent.quantity == D("1.93071270")
    assert scene.stage.twin.balance("ADA") == D("1.930712708344864") - D("1.93071270")
    received = sum((fill.received.quantity for fill in fills.values()), D(0))
    assert scene.stage.twin.balance("BTC") - before == received > 0


def test_exchange__while_it_runs__is_pending_whoever_asks(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.twin.inject(kind="running", endpoint="convert", seconds="600")

    assert isinstance(scene.venue.exchange_small(orders)["okx:ADA"], Pending)
    scene.stage.pass_time(timedelta(minutes=9))
    assert isinstance(scene.restarted().small_outcome(orders)["okx:ADA"], Pending)
    scene.stage.pass_time(timedelta(minutes=2))
    filled(scene.restarted().small_outcome(orders))


def test_exchange__of_which_one_fails__fills_the_other_and_refuses_that_one(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="failing", endpoint="convert")
    scene.venue.exchange_small(orders)
    scene.stage.pass_time(timedelta(seconds=2))

    answers = scene.venue.small_outcome(orders)

    assert isinstance(answers["okx:ADA"], Fill)
    refusal = answers["okx:XLM"]
    assert isinstance(refusal, Refusal)
    assert refusal.venue_code == "failed"
    assert scene.stage.twin.balance("XLM") == D("3.4")


def test_exchange__twice_under_one_key__moves_money_once_and_answers_the_same(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    first = scene.exchanged(orders)

    assert scene.restarted().exchange_small(orders) == first
    assert scene.stage.calls("convert") == 1


@pytest.mark.parametrize("kind", ["reset", "server_error", "html", "cut_json", "cut_body"])
def test_exchange__when_its_answer_is_lost_after_it_took_effect__then_the_history_tells(
    scene: Scene, kind: str
) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind=kind, endpoint="convert", when="after")

    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)
    scene.stage.pass_time(timedelta(seconds=2))
    fills = filled(scene.restarted().small_outcome(orders))

    assert set(fills) == {"okx:ADA", "okx:XLM"}
    assert scene.venue.exchange_small(orders) == fills
    assert scene.stage.calls("convert") == 1


def test_exchange__when_its_answer_is_lost_before__then_only_time_and_balances_prove_it(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="reset", endpoint="convert")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)

    early = scene.restarted().small_outcome(orders)
    scene.stage.pass_time(timedelta(minutes=5))
    late = scene.restarted().small_outcome(orders)

    assert {type(answer) for answer in early.values()} == {Pending}
    assert set(late.values()) == {NeverArrived()}


def test_outcome__while_the_history_lags_and_the_balance_is_gone__is_not_known(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="listed_late", endpoint="convert", seconds="3600")
    scene.stage.twin.inject(kind="reset", endpoint="convert", when="after")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)
    scene.stage.pass_time(timedelta(minutes=30))

    waiting = scene.restarted().small_outcome(orders)
    scene.stage.pass_time(timedelta(minutes=31))
    told = scene.restarted().small_outcome(orders)

    assert {type(answer) for answer in waiting.values()} == {Pending}
    assert "left the account" in str(waiting["okx:ADA"])
    filled(told)


def test_exchange__that_arrives_late__is_turned_away_once_its_signature_has_run_out(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.twin.inject(kind="reset", endpoint="convert", when="later", delay="60")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)

    scene.stage.pass_time(timedelta(minutes=5))

    assert scene.restarted().small_outcome(orders) == {"okx:ADA": NeverArrived()}
    assert scene.stage.twin.balance("ADA") == D("1.930712708344864")


def test_exchange__that_succeeds_with_fewer__refuses_what_was_left_out(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="left_out", endpoint="convert")

    answers = scene.venue.exchange_small(orders)
    scene.stage.pass_time(timedelta(minutes=5))
    later = scene.restarted().small_outcome(orders)

    assert isinstance(answers["okx:ADA"], Pending)
    assert isinstance(answers["okx:XLM"], Refusal)
    assert isinstance(later["okx:ADA"], Fill)
    assert later["okx:XLM"] == answers["okx:XLM"]
    assert scene.stage.twin.balance("XLM") == D("3.4")


def test_exchange__that_takes_a_deposit_along__is_recorded_as_it_was(scene: Scene) -> None:
    orders = scene.orders("XLM")
    ledger = scene.stage.twin.exchange.ledger
    ledger.move(scene.stage.clock(), OUTSIDE, USER, "XLM", D(1), "deposit", "")

    fill = scene.exchanged(orders)["okx:XLM"]

    assert fill.spent == Amount(D("4.4"), "okx:XLM")
    assert scene.stage.twin.balance("XLM") == 0


def test_exchange__of_one_that_is_gone__is_that_ones_no_and_the_others_may_be_asked_again(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.exchange.ledger.move(scene.stage.clock(), USER, OUTSIDE, "XLM", D("3.4"), "withdrawal", "")

    answers = scene.venue.exchange_small(orders)

    refusal = answers["okx:XLM"]
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.INSUFFICIENT_BALANCE
    assert answers["okx:ADA"] == NeverArrived()


def test_exchange__of_six__is_more_than_one_request_takes(scene: Scene) -> None:
    with pytest.raises(ValueError, match="more than the 5"):
        scene.venue.exchange_small(scene.orders("ADA", "XLM", "DOT") * 2)

    assert scene.stage.calls("convert") == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limited"},
        {"kind": "firewall"},
        {"kind": "refused", "code": "50040", "sentence": "Too frequent operations, please try again later"},
        {"kind": "clock_ahead", "seconds": "40"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_exchange__when_turned_away__is_certain_not_to_have_happened(scene: Scene, fault: dict[str, Any]) -> None:
    scene.stage.twin.inject(endpoint="convert", **fault)

    with pytest.raises(VenueUnavailable):
        scene.venue.exchange_small(scene.orders("ADA"))

    assert scene.stage.twin.balance("ADA") == D("1.930712708344864")


def test_exchange__with_an_old_intent__is_not_sent(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.pass_time(timedelta(minutes=5))

    with pytest.raises(VenueUnavailable):
        scene.venue.exchange_small(orders)

    assert scene.stage.calls("convert") == 0


def test_exchange__without_a_recorded_intent_or_key__is_not_sent(scene: Scene) -> None:
    order = scene.orders("ADA")[0]
    unrecorded = Order(order.key, order.kind, order.product, order.spend, order.receive)
    without_key = Order("", order.kind, order.product, order.spend, order.receive, requested_at=order.requested_at)

    with pytest.raises(ValueError, match="requested_at"):
        scene.venue.exchange_small([unrecorded])
    with pytest.raises(ValueError, match="key"):
        scene.venue.exchange_small([without_key])


def test_outcome__of_an_older_exchange_of_the_same__is_not_taken_for_this_one(scene: Scene) -> None:
    scene.exchanged(scene.orders("XLM", key="earlier"))
    scene.stage.pass_time(timedelta(minutes=1))
    scene.stage.twin.exchange.ledger.move(scene.stage.clock(), OUTSIDE, USER, "XLM", D("3.4"), "deposit", "")

    answer = scene.venue.small_outcome(scene.orders("XLM"))["okx:XLM"]

    assert isinstance(answer, Pending)
    assert "may still arrive" in answer.detail


def test_exchange__seconds_after_another_of_the_same__is_made_and_is_not_taken_for_that_one(scene: Scene) -> None:
    first = scene.exchanged(scene.orders("XLM", key="earlier"))["okx:XLM"]
    scene.stage.twin.exchange.ledger.move(scene.stage.clock(), OUTSIDE, USER, "XLM", D(1), "deposit", "")

    second = scene.exchanged(scene.orders("XLM"))["okx:XLM"]

    assert (first.spent.quantity, second.spent.quantity) == (D("3.4"), D(1))
    assert scene.stage.calls("convert") == 2


def test_outcome__by_a_venue_whose_clock_is_behind__is_found_by_its_quantity(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.venue.exchange_small(orders)
    for made in scene.stage.twin.exchange.state.conversions:
        made.time -= timedelta(seconds=8)
    scene.stage.pass_time(timedelta(seconds=2))

    filled(scene.venue.small_outcome(orders))


def test_outcome__older_than_the_history__never_counts_as_one_that_did_not_arrive(scene: Scene) -> None:
    orders = scene.orders("XLM")
    scene.stage.twin.inject(kind="reset", endpoint="convert", when="after")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)
    scene.stage.pass_time(timedelta(days=8))
    scene.stage.twin.exchange.ledger.move(scene.stage.clock(), OUTSIDE, USER, "XLM", D("3.4"), "deposit", "")

    answer = scene.venue.small_outcome(orders)["okx:XLM"]

    assert isinstance(answer, Pending)
    assert "too old" in answer.detail


@pytest.mark.parametrize("account", ["6", "18"])
def test_outcome__of_what_the_owner_converted_in_the_funding_account__is_not_taken_for_ours(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    ours, theirs = scene.orders("XLM"), scene.orders("XLM", key="theirs")
    scene.exchanged(theirs)
    scene.stage.twin.exchange.ledger.move(scene.stage.clock(), OUTSIDE, USER, "XLM", D("3.4"), "deposit", "")
    read = scene.venue._client.api.converted

    def converted(**params: str) -> Any:
        reply = read(**params)
        told = reply.json()
        reply._content = json.dumps(told | {"data": [row | {"acct": account} for row in told["data"]]}).encode()
        return reply

    monkeypatch.setattr(scene.venue._client.api, "converted", converted)

    assert isinstance(scene.venue.small_outcome(ours)["okx:XLM"], Pending if account == "6" else Fill)


@pytest.mark.parametrize("kind", ["timeout", "reset", "server_error", "html"])
@pytest.mark.parametrize("endpoint", ["converted", "balance"])
def test_outcome__when_the_venue_cannot_be_read__never_says_that_it_never_arrived(
    scene: Scene, kind: str, endpoint: str
) -> None:
    orders = scene.orders("ADA")
    scene.stage.wait_at_most(0.25)
    more = {"seconds": "5"} if kind == "timeout" else {}
    scene.stage.twin.inject(kind=kind, endpoint=endpoint, calls="all", **more)
    scene.stage.pass_time(timedelta(hours=1))

    with pytest.raises(VenueUnavailable):
        scene.venue.small_outcome(orders)


def test_small_balances__that_are_not_used__are_the_owners_to_switch_on(scene: Scene) -> None:
    venue = scene.stage.restarted()

    assert venue.capabilities().small is None
    with pytest.raises(ConfigurationError, match="small balances"):
        venue.offer_small(scene.orders("ADA"))


def test_requests__to_easy_convert__keep_a_gap_that_others_do_not() -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        time.sleep(seconds)

    limiter = Limiter("key", requests_per_second=D(1000), seconds_between_conversions=D(0), sleep=sleep)
    with OKXStage(scenario(balances=BALANCES)) as stage:
        venue = stage.restarted(easy_convert=Desk("BTC", D("0.5")), limiter=limiter)
        venue.capabilities()
        before = sum(waited)
        venue.offer_small(Scene(stage).orders("ADA"))

    assert before < 0.1 < sum(waited) - before


def test_rate_limit__of_the_venue__holds_back_who_asks_more_often() -> None:
    form = scenario(balances=BALANCES, limited=True, markets=market("ADA", "USDT", "0.392", "1", "0.00001", "0.0001"))
    with OKXStage(form) as stage:
        venue = stage.restarted(easy_convert=Desk("USDT", D(0)))
        venue.capabilities()

        with pytest.raises(VenueUnavailable, match="50011"):
            venue.capabilities()
