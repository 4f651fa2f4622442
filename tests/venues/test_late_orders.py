"""Orders that arrive late, or are known late, at every exchange whose spot orders carry names of ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import OutcomeUnknown
from domain.venue import NeverArrived, Pending
from events.values import Fill, LegKind, Refusal, RefusalCode
from simulators.wire import Reply, Request
from tests.venues.binance_stage import BinanceStage
from tests.venues.bybit_stage import BybitStage
from tests.venues.contract import Loss
from tests.venues.door import rewritten
from tests.venues.okx_stage import OKXStage
from tests.venues.spot_stage import SpotStage

Stage = SpotStage[Any, Any]


@pytest.fixture(params=[BinanceStage, BybitStage, OKXStage], ids=["binance", "bybit", "okx"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with request.param() as opened:
        yield opened


def test_order__when_an_answer_says_unknown_status__is_looked_up_and_made_once(stage: Stage) -> None:
    order = stage.order(LegKind.SELL)
    stage.twin.inject(kind="server_error", endpoint=stage.making, when="after")

    with pytest.raises(OutcomeUnknown):
        stage.venue.execute(order)

    assert isinstance(stage.venue.execute(order), Fill)
    assert stage.calls(stage.making) == 1


@pytest.mark.parametrize("kind", [LegKind.SELL, LegKind.BUY])
@pytest.mark.parametrize("stage_of", [BinanceStage, BybitStage, OKXStage], ids=["binance", "bybit", "okx"])
def test_order__that_the_venue_redirects__is_not_sent_again(stage_of: Any, kind: LegKind) -> None:
    def redirect(request: Request, reply: Reply) -> Reply:
        return Reply(307, b"", f"text/plain\r\nLocation: https://{request.host}{request.path}")

    with rewritten(stage_of, "/", redirect, "POST") as stage:
        order = stage.order(kind)
        with pytest.raises(OutcomeUnknown):
            stage.venue.execute(order)
        assert stage.calls(stage.making) == 1


def test_order__that_arrives_after_its_time__is_turned_away_by_the_venue_and_never_arrived(stage: Stage) -> None:
    order = stage.order(LegKind.SELL)
    before = stage.balance(order.spend.asset)
    stage.twin.inject(kind="reset", endpoint=stage.making, when="later", delay="30")
    with pytest.raises(OutcomeUnknown):
        stage.venue.execute(order)
    stage.pass_time(timedelta(minutes=5))

    assert isinstance(stage.restarted().outcome(order), NeverArrived)
    assert stage.balance(order.spend.asset) == before


def test_order__that_arrives_within_its_time__is_found(stage: Stage) -> None:
    order = stage.order(LegKind.SELL)
    stage.twin.inject(kind="reset", endpoint=stage.making, when="later", delay="3")
    with pytest.raises(OutcomeUnknown):
        stage.venue.execute(order)
    stage.pass_time(timedelta(seconds=4))

    assert isinstance(stage.restarted().outcome(order), Fill)


def test_order__that_is_known_late__is_pending_until_it_is(stage: Stage) -> None:
    order = stage.order(LegKind.SELL)
    stage.twin.inject(kind="known_late", endpoint=stage.making, seconds="30")

    assert isinstance(stage.venue.execute(order), Pending)
    stage.pass_time(timedelta(seconds=31))
    assert isinstance(stage.restarted().outcome(order), Fill)


@pytest.mark.parametrize("stage_of", [BybitStage, OKXStage], ids=["bybit", "okx"])
def test_order__older_than_the_venues_history__never_counts_as_one_that_did_not_arrive(stage_of: Any) -> None:
    with stage_of() as stage:
        order = stage.order(LegKind.SELL)
        stage.lose_answer(LegKind.SELL, Loss.BEFORE)
        with pytest.raises(OutcomeUnknown):
            stage.venue.execute(order)

        stage.pass_time(timedelta(days=5))
        assert isinstance(stage.restarted().outcome(order), NeverArrived)
        stage.pass_time(timedelta(days=3))
        answer = stage.restarted().outcome(order)

        assert isinstance(answer, Pending)
        assert "too old" in answer.detail


@pytest.mark.parametrize("kind", ["server_error", "html"])
def test_order__that_is_refused_while_the_book_cannot_be_read__is_refused_all_the_same(stage: Stage, kind: str) -> None:
    for book in stage.books:
        stage.twin.inject(kind=kind, endpoint=book, calls="all")

    answer = stage.venue.execute(stage.too_small())

    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.BELOW_MINIMUM
