"""Small balances on Binance: one request for many, its answer shared, what is lost found in log and balances."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending
from events.money import Amount
from events.values import Fill, LegKind, Quote, Refusal, RefusalCode
from simulators.exchange.ledger import OUTSIDE, USER
from tests.venues.binance_stage import BinanceStage, scenario
from venues.binance.dust import Desk
from venues.binance.venue import Binance

D = Decimal
NEWER, CLASSIC = Desk("BTC"), Desk("BNB", classic=True)
BALANCES = {
    "ADA": {"free": "1"},
    "XLM": {"free": "3.4"},
    "DOT": {"free": "5.5"},
    "DOGE": {},
    "BTC": {"free": "0.01"},
    "BNB": {"free": "0.1"},
}


class Scene:
    """A stage, and a venue on it that uses one of the two kinds of endpoint."""

    def __init__(self, stage: BinanceStage, desk: Desk) -> None:
        self.stage, self.desk = stage, desk
        self.venue = self.restarted()
        self.endpoint = "dust_transfer" if desk.classic else "dust_convert"
        self.target = desk.pays

    def restarted(self) -> Binance:
        return self.stage.restarted(small_balances=self.desk)

    def orders(self, *assets: str, key: str = "request-1") -> list[Order]:
        return [
            Order(
                key,
                LegKind.DUST,
                self.desk.name,
                Amount(self.stage.twin.balance(code), f"binance:{code}"),
                f"binance:{self.target}",
                requested_at=self.stage.clock(),
            )
            for code in assets
        ]


@pytest.fixture(params=[NEWER, CLASSIC], ids=["newer", "classic"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with BinanceStage(scenario(balances=BALANCES)) as stage:
        yield Scene(stage, request.param)


def filled(answers: Any) -> dict[str, Fill]:
    assert all(isinstance(answer, Fill) for answer in answers.values()), answers
    return dict(answers)


def test_capabilities__say_what_small_balances_bring_and_that_the_venue_is_ready(scene: Scene) -> None:
    small = scene.venue.capabilities().small

    assert small is not None
    assert (small.pays, small.ready_at) == (f"binance:{scene.target}", None)
    assert {"binance:ADA", "binance:XLM"} <= set(small.offers)
    offer = small.offers["binance:ADA"]
    assert offer.quantity == 1
    assert offer.brings > 0
    assert offer.fee / (offer.brings + offer.fee) == pytest.approx(D("0.02"), abs=D("0.01"))
    assert f"binance:{scene.target}" not in small.offers


def test_capabilities__after_an_exchange__say_when_the_next_may_be_made(scene: Scene) -> None:
    scene.venue.exchange_small(scene.orders("ADA"))

    small = scene.venue.capabilities().small

    assert small is not None
    assert small.ready_at is not None
    assert timedelta(hours=5, minutes=59) < small.ready_at - scene.stage.clock() <= timedelta(hours=6)


def test_capabilities__when_the_venue_pays_in_no_such_target__there_is_no_offer() -> None:
    with BinanceStage(scenario(balances=BALANCES)) as stage:
        small = stage.restarted(small_balances=Desk("DOGE")).capabilities().small

    assert small is not None
    assert small.offers == {}


def test_offer__moves_nothing_and_names_what_is_not_taken(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM", "DOGE")

    offers = scene.venue.offer_small(orders)

    assert isinstance(offers["binance:ADA"], Quote)
    assert offers["binance:ADA"].spend == orders[0].spend
    assert offers["binance:ADA"].receive.asset == f"binance:{scene.target}"
    missing = offers["binance:DOGE"]
    assert isinstance(missing, Refusal)
    assert missing.code is RefusalCode.NOT_TRADABLE
    assert scene.stage.twin.balance("ADA") == 1


def test_exchange__of_two__is_one_request_and_each_fill_is_what_the_ledger_moved(scene: Scene) -> None:
    before, orders = scene.stage.twin.balance(scene.target), scene.orders("ADA", "XLM")

    fills = filled(scene.venue.exchange_small(orders))

    assert scene.stage.calls(scene.endpoint) == 1
    assert {name: fill.spent for name, fill in fills.items()} == {each.spend.asset: each.spend for each in orders}
    received = sum((fill.received.quantity for fill in fills.values()), D(0))
    assert scene.stage.twin.balance(scene.target) - before == received
    assert scene.stage.twin.balance("ADA") == scene.stage.twin.balance("XLM") == 0
    assert all(fill.fees[0].quantity > 0 for fill in fills.values())


def test_exchange__twice_under_one_key__moves_money_once_and_answers_the_same(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    first = scene.venue.exchange_small(orders)

    assert scene.restarted().exchange_small(orders) == first
    assert scene.stage.calls(scene.endpoint) == 1


@pytest.mark.parametrize("kind", ["reset", "server_error", "html", "cut_json", "cut_body"])
def test_exchange__when_its_answer_is_lost_after_it_took_effect__then_the_log_tells(scene: Scene, kind: str) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind=kind, endpoint=scene.endpoint, when="after")

    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)
    fills = filled(scene.restarted().small_outcome(orders))

    assert {fill.spent.asset for fill in fills.values()} == {"binance:ADA", "binance:XLM"}
    assert scene.venue.exchange_small(orders) == fills
    assert scene.stage.calls(scene.endpoint) == 1


def test_exchange__when_its_answer_is_lost_before__then_only_time_and_balances_prove_it(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="reset", endpoint=scene.endpoint)
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)

    early = scene.restarted().small_outcome(orders)
    scene.stage.pass_time(timedelta(minutes=5))
    late = scene.restarted().small_outcome(orders)

    assert {type(answer) for answer in early.values()} == {Pending}
    assert set(late.values()) == {NeverArrived()}


def test_outcome__while_the_log_lags_and_the_balance_is_gone__is_not_known(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="listed_late", endpoint=scene.endpoint, seconds="3600")
    scene.stage.twin.inject(kind="reset", endpoint=scene.endpoint, when="after")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)
    scene.stage.pass_time(timedelta(minutes=30))

    waiting = scene.restarted().small_outcome(orders)
    scene.stage.pass_time(timedelta(minutes=31))
    told = scene.restarted().small_outcome(orders)

    assert {type(answer) for answer in waiting.values()} == {Pending}
    assert "left the account" in str(waiting["binance:ADA"])
    filled(told)


def test_exchange__that_arrives_late__is_turned_away_once_its_signature_has_run_out(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.twin.inject(kind="reset", endpoint=scene.endpoint, when="later", delay="60")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)

    scene.stage.pass_time(timedelta(minutes=5))

    assert scene.restarted().small_outcome(orders) == {"binance:ADA": NeverArrived()}
    assert scene.stage.twin.balance("ADA") == 1


def test_exchange__that_succeeds_with_fewer_assets__refuses_what_was_left_out(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="left_out", endpoint=scene.endpoint)

    answers = scene.venue.exchange_small(orders)

    assert isinstance(answers["binance:ADA"], Fill)
    assert isinstance(answers["binance:XLM"], Refusal)
    assert scene.stage.twin.balance("XLM") == D("3.4")
    assert scene.restarted().small_outcome(orders) == answers


def test_exchange__while_the_venue_rests__is_refused_as_a_rest(scene: Scene) -> None:
    filled(scene.venue.exchange_small(scene.orders("ADA")))

    answers = scene.venue.exchange_small(scene.orders("XLM", key="request-2"))

    refusal = answers["binance:XLM"]
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.venue_code) == (RefusalCode.COOLDOWN, "-9000")
    assert scene.stage.twin.balance("XLM") == D("3.4")


def test_exchange__when_one_asset_is_worth_too_much__is_that_ones_no_and_the_others_may_be_asked_again() -> None:
    with BinanceStage(scenario(balances=BALANCES | {"ADA": {"free": "500"}})) as stage:
        scene = Scene(stage, NEWER)
        answers = scene.venue.exchange_small(scene.orders("XLM", "ADA"))

        refusal = answers["binance:ADA"]
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.venue_code) == (RefusalCode.NO_LONGER_DUST, "-5004")
        assert answers["binance:XLM"] == NeverArrived()
        assert stage.twin.balance("XLM") == D("3.4")


@pytest.mark.parametrize("fault", [{"kind": "rate_limited"}, {"kind": "rate_limited", "banned": True}])
def test_exchange__when_turned_away__is_certain_not_to_have_happened(scene: Scene, fault: dict[str, Any]) -> None:
    scene.stage.twin.inject(endpoint=scene.endpoint, **fault)

    with pytest.raises(VenueUnavailable):
        scene.venue.exchange_small(scene.orders("ADA"))

    assert scene.stage.twin.balance("ADA") == 1


def test_exchange__with_an_old_intent__is_not_sent(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.pass_time(timedelta(minutes=5))

    with pytest.raises(VenueUnavailable):
        scene.venue.exchange_small(orders)

    assert scene.stage.calls(scene.endpoint) == 0


def test_exchange__without_a_recorded_intent_or_key__is_not_sent(scene: Scene) -> None:
    order = scene.orders("ADA")[0]
    unrecorded = Order(order.key, order.kind, order.product, order.spend, order.receive)
    without_key = Order("", order.kind, order.product, order.spend, order.receive, requested_at=order.requested_at)

    with pytest.raises(ValueError, match="requested_at"):
        scene.venue.exchange_small([unrecorded])
    with pytest.raises(ValueError, match="key"):
        scene.venue.exchange_small([without_key])


@pytest.mark.parametrize("assets", [("ADA",), ("ADA", "XLM")])
def test_exchange__that_took_a_deposit_along__is_found_as_it_was(scene: Scene, assets: tuple[str, ...]) -> None:
    orders, before = scene.orders(*assets), scene.stage.twin.balance(scene.target)
    scene.stage.twin.exchange.ledger.move(scene.stage.clock(), OUTSIDE, USER, "ADA", D("0.5"), "deposit", "")
    scene.stage.twin.inject(kind="reset", endpoint=scene.endpoint, when="after")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)

    fills = filled(scene.restarted().small_outcome(orders))

    assert fills["binance:ADA"].spent.quantity == D("1.5")
    received = sum((fill.received.quantity for fill in fills.values()), D(0))
    assert scene.stage.twin.balance(scene.target) - before == received


def test_outcome__of_an_older_exchange_of_the_same__is_not_taken_for_this_one(scene: Scene) -> None:
    scene.venue.exchange_small(scene.orders("ADA", key="earlier"))
    scene.stage.pass_time(timedelta(seconds=5))
    scene.stage.twin.exchange.ledger.move(scene.stage.clock(), OUTSIDE, USER, "ADA", D("0.5"), "deposit", "")

    answer = scene.venue.small_outcome(scene.orders("ADA"))["binance:ADA"]

    assert isinstance(answer, Pending)
    assert "may still arrive" in answer.detail


def test_outcome__of_a_conversion_that_the_owner_made__is_not_taken_for_ours(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.restarted().exchange_small(scene.orders("ADA", "XLM", key="by hand"))

    answer = scene.venue.small_outcome(orders)["binance:ADA"]

    assert isinstance(answer, Pending)


@pytest.mark.parametrize("kind", ["timeout", "reset", "server_error", "html"])
def test_outcome__when_the_venue_cannot_be_read__never_says_that_it_never_arrived(scene: Scene, kind: str) -> None:
    orders = scene.orders("ADA")
    scene.stage.wait_at_most(0.25)
    more = {"seconds": "5"} if kind == "timeout" else {}
    scene.stage.twin.inject(kind=kind, endpoint="any", calls="all", **more)
    scene.stage.pass_time(timedelta(hours=1))

    with pytest.raises(VenueUnavailable):
        scene.venue.small_outcome(orders)


def test_small_balances__that_are_not_used__are_the_owners_to_switch_on(scene: Scene) -> None:
    venue = scene.stage.restarted()

    assert venue.capabilities().small is None
    with pytest.raises(ConfigurationError, match="small balances"):
        venue.offer_small(scene.orders("ADA"))
