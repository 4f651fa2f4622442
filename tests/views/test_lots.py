"""What became of each piece of dust: every state a lot may be in, and what its row tells."""

from __future__ import annotations

import pytest

from events.facts import DustUnroutable, LegFilled
from events.money import exactly_sum
from events.values import Keep, Kept
from tests.views.stories import story
from tests.workers.stand import BTC, USDC, D
from views.lots import lots_of
from views.row import LotRow, LotState

WATCHED = LotState.WATCHED


def rows(name: str) -> dict[str, LotRow]:
    """Return the rows of a story by asset."""
    return {row.asset.removeprefix("coinbase:"): row for row in lots_of(story(name).log).rows.values()}


def staying(name: str) -> dict[str, Kept | DustUnroutable]:
    """Return what stays in a story by asset."""
    return {asset.removeprefix("coinbase:"): why for (_, asset), why in lots_of(story(name).log).staying.items()}


@pytest.mark.parametrize(
    ("name", "ada", "xlm"),
    [
        ("converted", LotState.CONVERTED, LotState.CONVERTED),
        ("watched, then converted", LotState.CONVERTED, LotState.CONVERTED),
        ("exchanged", LotState.CONVERTED, LotState.CONVERTED),
        ("unknown", LotState.OPEN, LotState.OPEN),
        ("unsold", LotState.FAILED, LotState.CONVERTED),
        ("unbought", LotState.FAILED, LotState.FAILED),
        ("unbought, then bought", LotState.CONVERTED, LotState.CONVERTED),
        ("half bought, then bought", LotState.CONVERTED, LotState.CONVERTED),
        ("away, then converted", LotState.CONVERTED, LotState.CONVERTED),
        ("halted", LotState.CONVERTED, LotState.CONVERTED),
    ],
)
def test_lots__after_a_story__are_in_the_state_it_left_them_in(name: str, ada: LotState, xlm: LotState) -> None:
    assert {asset: row.state for asset, row in rows(name).items()} == {"ADA": ada, "XLM": xlm}
    assert WATCHED not in {row.state for row in lots_of(story(name).log).rows.values()}


def test_lots__that_became_the_target__tell_proceeds_fees_and_orders_that_add_up() -> None:
    found = rows("converted").values()
    assert {row.proceeds.asset for row in found if row.proceeds} == {BTC}
    assert exactly_sum(*(row.proceeds.quantity for row in found if row.proceeds)) == story("converted").moved[BTC]
    fees = [fee.quantity for r in story("converted").log if isinstance(r.fact, LegFilled) for fee in r.fact.fill.fees]
    assert exactly_sum(*(fee.quantity for row in found for fee in row.fees)) == exactly_sum(*fees)
    assert all(len(row.order_ids) == 2 for row in found)
    assert all(row.slippage_bps == 0 for row in found)
    assert all((row.sentence, row.money) == ("", ()) for row in found)


def test_lots__that_were_not_sold__say_why_and_have_their_money_in_the_coin() -> None:
    row = rows("unsold")["ADA"]
    assert "halted" in row.sentence
    assert [str(amount) for amount in row.money] == ["1 ADA"]
    assert (row.proceeds, row.order_ids) == (None, ())
    why = staying("unsold")["ADA"]
    assert isinstance(why, DustUnroutable)
    assert why.learned


def test_lots__that_were_sold_and_not_bought__say_why_and_have_their_money_in_the_hub() -> None:
    found = rows("unbought")
    assert all("NO_LIQUIDITY" in row.sentence for row in found.values())
    assert (
        exactly_sum(*(amount.quantity for row in found.values() for amount in row.money))
        == (story("unbought").moved[USDC])
    )


def test_lots__whose_buy_came_later__have_the_target_and_no_money_elsewhere() -> None:
    for name in ("unbought, then bought", "half bought, then bought"):
        found = rows(name).values()
        assert exactly_sum(*(row.proceeds.quantity for row in found if row.proceeds)) == story(name).moved[BTC]
        assert all((row.sentence, row.money) == ("", ()) for row in found)


def test_lots__bought_in_part__wait_with_what_is_left() -> None:
    waiting = [row for row in rows("half bought").values() if row.state is LotState.CARRIED]
    assert waiting
    assert all("found a seller" in row.sentence for row in waiting)
    left = exactly_sum(*(amount.quantity for row in waiting for amount in row.money))
    assert abs(left - story("half bought").moved[USDC]) <= D("0.02")


def test_lots__of_an_account_that_only_watches__are_those_seen_last() -> None:
    (row,) = rows("watched").values()
    assert (row.asset, row.state, row.positions) == ("coinbase:ADA", WATCHED, row.positions[:1])
    why = staying("watched")["XLM"]
    assert isinstance(why, Kept)
    assert why.reason is Keep.ABOVE_THRESHOLD


def test_lots__each__name_the_events_of_their_story_in_order() -> None:
    story_of = {recorded.position: recorded.type for recorded in story("converted").log}
    assert [story_of[position] for position in rows("converted")["ADA"].positions] == [
        "dust_detected",
        "leg_requested",
        "leg_filled",
        "leg_requested",
        "leg_filled",
        "dust_converted",
    ]
    for row in rows("unsold").values():
        assert sorted(set(row.positions)) == list(row.positions)
        assert row.changed_at == next(r.occurred_at for r in story("unsold").log if r.position == row.positions[-1])


def test_staying__of_what_is_no_dust__gives_the_reason_and_dust_that_goes_is_not_among_it() -> None:
    found = staying("converted")
    reasons = {asset: why.reason for asset, why in found.items() if isinstance(why, Kept)}
    assert reasons == {"BTC": Keep.TARGET, "USD": Keep.EXCLUDED, "USDC": Keep.EXCLUDED}
