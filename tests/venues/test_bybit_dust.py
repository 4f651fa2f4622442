"""Small balances on Bybit: one quote for many, confirmed once, and the history asked for its id ever after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import NeverArrived, Order, Pending
from events.money import Amount
from events.values import Fill, LegKind, Quote, Refusal, RefusalCode
from simulators.bybit.scenarios import market
from tests.venues.bybit_stage import BybitStage, scenario
from venues.bybit.dust import LARGEST, Desk
from venues.bybit.venue import Bybit
from venues.spot_account import Answer

D = Decimal
XLM = D("3.400000000000000001")
BALANCES = {
    "ADA": {"free": "1"},
    "XLM": {"free": str(XLM)},
    "DOT": {"free": "5.5"},
    "DOGE": {},
    "USDT": {"free": "3"},
    "MNT": {"free": "2"},
}


class Scene:
    """A stage, and a venue on it that is paid in one of the coins that the desk pays in."""

    def __init__(self, stage: BybitStage, pays: str = "USDT") -> None:
        self.stage, self.desk = stage, Desk(pays)
        self.venue = self.restarted()

    def restarted(self) -> Bybit:
        return self.stage.restarted(small_balances=self.desk)

    def drafts(self, *coins: str) -> list[Order]:
        return [
            Order(
                "request-1",
                LegKind.DUST,
                self.desk.name,
                Amount(self.stage.twin.balance(coin), f"bybit:{coin}"),
                f"bybit:{self.desk.pays}",
                requested_at=self.stage.clock(),
            )
            for coin in coins
        ]

    def orders(self, *coins: str) -> list[Order]:
        """What a worker asks with once the quotes are on record."""
        return recorded(self.drafts(*coins), self.venue.offer_small(self.drafts(*coins)))


def recorded(drafts: Sequence[Order], offers: Mapping[str, Quote | Refusal]) -> list[Order]:
    found = [(order, offers[order.spend.asset]) for order in drafts]
    return [replace(order, reference=offer.reference) for order, offer in found if isinstance(offer, Quote)]


@pytest.fixture(params=["USDT", "MNT"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with BybitStage(scenario(balances=BALANCES)) as stage:
        yield Scene(stage, request.param)


def filled(answers: Mapping[str, Answer]) -> dict[str, Fill]:
    assert all(isinstance(answer, Fill) for answer in answers.values()), answers
    return {name: answer for name, answer in answers.items() if isinstance(answer, Fill)}


def test_capabilities__say_what_small_balances_bring_and_that_the_venue_never_rests(scene: Scene) -> None:
    small = scene.venue.capabilities().small

    assert small is not None
    assert (small.pays, small.ready_at) == (f"bybit:{scene.desk.pays}", None)
    offer = small.offers["bybit:XLM"]
    assert offer.quantity == XLM
    assert offer.fee / (offer.brings + offer.fee) == pytest.approx(D("0.02"), abs=D("0.0001"))
    # Nothing but what is worth less than 10 USDT, and not what is paid in.
    assert {"bybit:ADA", "bybit:XLM"} <= set(small.offers)
    assert not {"bybit:DOT", "bybit:DOGE", f"bybit:{scene.desk.pays}"} & set(small.offers)


def test_capabilities__when_the_venue_pays_in_no_such_coin__there_is_no_offer() -> None:
    with BybitStage(scenario(balances=BALANCES)) as stage:
        small = stage.restarted(small_balances=Desk("BTC")).capabilities().small

    assert small is not None
    assert small.offers == {}


def test_capabilities__of_more_coins_than_one_quote_takes__has_an_offer_for_each() -> None:
    with BybitStage(many(45)) as stage:
        scene = Scene(stage)
        small = scene.venue.capabilities().small

        assert small is not None
        assert len(small.offers) == 45
        assert stage.calls("quote_small") == 3
        assert scene.venue.largest_batch == LARGEST == 20


def many(coins: int) -> Any:
    names = [f"C{number:02d}" for number in range(coins)]
    symbols: dict[str, object] = {}
    for name in names:
        symbols |= market(name, "USDT", "0.1", "1", "0.0001")
    return scenario(balances={name: {"free": "1"} for name in names}, symbols=symbols)


def test_offer__moves_nothing_names_what_is_not_taken_and_quotes_the_rest_under_one_id(scene: Scene) -> None:
    drafts = scene.drafts("ADA", "DOGE", "XLM")

    offers = scene.venue.offer_small(drafts)

    ada, xlm, doge = (offers[f"bybit:{coin}"] for coin in ("ADA", "XLM", "DOGE"))
    assert isinstance(ada, Quote)
    assert isinstance(xlm, Quote)
    assert isinstance(doge, Refusal)
    assert doge.code is RefusalCode.NOT_TRADABLE
    assert ada.spend == drafts[0].spend
    assert ada.receive.asset == f"bybit:{scene.desk.pays}"
    assert ada.reference == xlm.reference != ""
    assert ada.expires_at is not None
    assert ada.expires_at - scene.stage.clock() == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=5))
    assert scene.stage.twin.balance("ADA") == 1


def test_offer__of_what_is_worth_too_much__is_refused_as_no_longer_dust(scene: Scene) -> None:
    offers = scene.venue.offer_small(scene.drafts("DOT"))

    refusal = offers["bybit:DOT"]
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.venue_code) == (RefusalCode.NO_LONGER_DUST, "700007")


def test_offer__with_a_coin_that_nobody_asked_for__is_not_believed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = scene.drafts("ADA")
    ask = scene.venue._client.api.quote_small
    monkeypatch.setattr(scene.venue._client.api, "quote_small", both(ask))

    with pytest.raises(VenueUnavailable, match="XLM"):
        scene.venue.offer_small(wanted)


def both(ask: Any) -> Any:
    def quote_small(**terms: Any) -> object:
        return ask(**{**terms, "fromCoinList": ["ADA", "XLM"]})

    return quote_small


def test_exchange__of_two__is_one_request_and_each_fill_is_what_the_ledger_moved(scene: Scene) -> None:
    before, orders = scene.stage.twin.balance(scene.desk.pays), scene.orders("ADA", "XLM")

    fills = filled(scene.venue.exchange_small(orders))

    assert scene.stage.calls("exchange_small") == 1
    assert {name: fill.spent for name, fill in fills.items()} == {each.spend.asset: each.spend for each in orders}
    received = sum((fill.received.quantity for fill in fills.values()), D(0))
    assert scene.stage.twin.balance(scene.desk.pays) - before == received
    assert scene.stage.twin.balance("ADA") == scene.stage.twin.balance("XLM") == 0
    assert all(fill.fees[0].quantity > 0 for fill in fills.values())


def test_exchange__twice_under_one_quote__moves_money_once_and_answers_the_same(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    first = scene.venue.exchange_small(orders)

    assert scene.restarted().exchange_small(orders) == first
    assert scene.stage.calls("exchange_small") == 1


def test_exchange__whose_quote_was_used_while_the_history_lags__is_pending_until_it_shows(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.twin.inject(kind="listed_late", endpoint="exchange_small", seconds="10")
    first = scene.venue.exchange_small(orders)

    again = scene.restarted().exchange_small(orders)

    assert isinstance(first["bybit:ADA"], Pending)
    assert isinstance(again["bybit:ADA"], Pending)
    scene.stage.pass_time(timedelta(seconds=11))
    filled(scene.venue.small_outcome(orders))


def test_exchange__that_takes_a_while__is_pending_until_it_has_ended(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="slow_exchange", endpoint="exchange_small", seconds="90")

    answers = scene.venue.exchange_small(orders)

    assert {str(answer) for answer in answers.values()} == {str(Pending("the exchange is processing"))}
    scene.stage.pass_time(timedelta(hours=1))
    filled(scene.restarted().small_outcome(orders))


@pytest.mark.parametrize("kind", ["reset", "server_error", "html", "cut_json", "cut_body"])
def test_exchange__when_its_answer_is_lost_after_it_took_effect__then_the_history_tells(
    scene: Scene, kind: str
) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind=kind, endpoint="exchange_small", when="after")

    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)
    fills = filled(scene.restarted().small_outcome(orders))

    assert {fill.spent.asset for fill in fills.values()} == {"bybit:ADA", "bybit:XLM"}
    assert scene.venue.exchange_small(orders) == fills
    assert scene.stage.calls("exchange_small") == 1


def test_exchange__when_its_answer_is_lost_before__then_only_time_and_balances_prove_it(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="reset", endpoint="exchange_small")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)

    early = scene.restarted().small_outcome(orders)
    scene.stage.pass_time(timedelta(minutes=5))
    late = scene.restarted().small_outcome(orders)

    assert {type(answer) for answer in early.values()} == {Pending}
    assert set(late.values()) == {NeverArrived()}


def test_exchange__of_a_quote_that_stands_in_the_history_before__is_confirmed_once_and_given_up_late() -> None:
    with BybitStage(scenario(balances=BALANCES, small={"quotes_listed": True})) as stage:
        scene = Scene(stage)
        made = scene.orders("ADA")
        filled(scene.venue.exchange_small(made))
        assert scene.restarted().exchange_small(made) == scene.venue.small_outcome(made)
        assert stage.calls("exchange_small") == 1

        lost = scene.orders("XLM")
        stage.twin.inject(kind="reset", endpoint="exchange_small")
        with pytest.raises(OutcomeUnknown):
            scene.venue.exchange_small(lost)
        stage.pass_time(timedelta(minutes=50))
        early = scene.venue.small_outcome(lost)
        stage.pass_time(timedelta(minutes=11))

        assert early == {"bybit:XLM": Pending("the exchange is init")}
        assert scene.venue.small_outcome(lost) == {"bybit:XLM": NeverArrived()}


def test_outcome__while_the_history_lags_and_the_balance_is_gone__is_not_known(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="listed_late", endpoint="exchange_small", seconds="3600")
    scene.stage.twin.inject(kind="reset", endpoint="exchange_small", when="after")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)
    scene.stage.pass_time(timedelta(minutes=30))

    waiting = scene.restarted().small_outcome(orders)
    scene.stage.pass_time(timedelta(minutes=31))

    assert {type(answer) for answer in waiting.values()} == {Pending}
    assert "left the account" in str(waiting["bybit:ADA"])
    filled(scene.restarted().small_outcome(orders))


def test_exchange__that_arrives_late__is_turned_away_once_its_signature_has_run_out(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.twin.inject(kind="reset", endpoint="exchange_small", when="later", delay="60")
    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)

    scene.stage.pass_time(timedelta(minutes=5))

    assert scene.restarted().small_outcome(orders) == {"bybit:ADA": NeverArrived()}
    assert scene.stage.twin.balance("ADA") == 1


def test_exchange__of_which_a_part_is_made__gives_each_coin_its_own_answer(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="failing", endpoint="exchange_small")

    answers = scene.venue.exchange_small(orders)

    refusal = answers["bybit:XLM"]
    assert isinstance(answers["bybit:ADA"], Fill)
    assert isinstance(refusal, Refusal)
    assert refusal.venue_code == "partial_fulfillment"
    assert scene.stage.twin.balance("XLM") == XLM
    assert scene.restarted().small_outcome(orders) == answers


def test_exchange__that_fails_altogether__refuses_every_coin_and_moves_nothing(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.twin.inject(kind="failing", endpoint="exchange_small", coins=2)

    answers = scene.venue.exchange_small(orders)

    assert {answer.venue_code for answer in answers.values() if isinstance(answer, Refusal)} == {"failure"}
    assert len(answers) == 2
    assert scene.stage.twin.balance("ADA") == 1


def test_exchange__of_a_quote_that_has_expired__never_arrived_and_may_be_quoted_anew(scene: Scene) -> None:
    orders = scene.orders("ADA", "XLM")
    scene.stage.pass_time(timedelta(seconds=31))
    orders = [replace(order, requested_at=scene.stage.clock()) for order in orders]

    answers = scene.venue.exchange_small(orders)

    assert set(answers.values()) == {NeverArrived()}
    assert scene.stage.twin.balance("ADA") == 1
    filled(scene.venue.exchange_small(scene.orders("ADA", "XLM")))


def test_exchange__while_another_is_under_way__is_certain_not_to_have_happened(scene: Scene) -> None:
    scene.stage.twin.inject(kind="slow_exchange", endpoint="exchange_small", seconds="90")
    scene.venue.exchange_small(scene.orders("ADA"))

    with pytest.raises(VenueUnavailable):
        scene.venue.exchange_small(scene.orders("XLM"))

    assert scene.stage.twin.balance("XLM") == XLM


@pytest.mark.parametrize("fault", [{"kind": "rate_limited"}, {"kind": "rate_limited", "address": True}])
def test_exchange__when_turned_away__is_certain_not_to_have_happened(scene: Scene, fault: dict[str, Any]) -> None:
    orders = scene.orders("ADA")
    scene.stage.twin.inject(endpoint="exchange_small", **fault)

    with pytest.raises(VenueUnavailable):
        scene.venue.exchange_small(orders)

    assert scene.stage.twin.balance("ADA") == 1


def test_exchange__whose_history_cannot_be_read_afterwards__is_not_known(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.twin.inject(kind="server_error", endpoint="small_history", calls="2-")

    with pytest.raises(OutcomeUnknown):
        scene.venue.exchange_small(orders)


def test_exchange__with_an_old_intent__is_not_sent(scene: Scene) -> None:
    orders = scene.orders("ADA")
    scene.stage.pass_time(timedelta(minutes=5))

    with pytest.raises(VenueUnavailable):
        scene.venue.exchange_small(orders)

    assert scene.stage.calls("exchange_small") == 0


def test_exchange__without_a_recorded_intent_or_one_recorded_quote__is_not_sent(scene: Scene) -> None:
    ada, xlm = scene.orders("ADA", "XLM")

    with pytest.raises(ValueError, match="requested_at"):
        scene.venue.exchange_small([replace(ada, requested_at=None)])
    for orders in ([replace(ada, reference="")], [ada, replace(xlm, reference="another")]):
        with pytest.raises(ValueError, match="reference"):
            scene.venue.exchange_small(orders)
    assert scene.stage.calls("exchange_small") == 0


def test_outcome__of_an_exchange_that_the_owner_made__is_not_taken_for_ours(scene: Scene) -> None:
    orders = scene.orders("ADA")
    filled(scene.restarted().exchange_small(scene.orders("ADA", "XLM")))

    assert isinstance(scene.venue.small_outcome(orders)["bybit:ADA"], Pending)


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
        venue.offer_small(scene.drafts("ADA"))


def test_small_balances__with_a_key_that_may_not_convert__are_the_owners_to_permit() -> None:
    with (
        BybitStage(scenario(balances=BALANCES), permissions=("trading",)) as stage,
        pytest.raises(ConfigurationError, match="rights"),
    ):
        Scene(stage).venue.capabilities()
