"""What receipts show of the legs of a transaction, also where they show something else than was to be moved."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import VenueUnavailable
from venues.evm.assets import checksummed
from venues.evm.news import TRANSFER
from venues.evm.receipts import WITHDRAWAL, Movements, Sold, moved
from venues.evm.words import padded, word

US, ROUTER, POOL, THIEF = (checksummed("0x" + digit * 40) for digit in "1234")
WETH, AAA, BBB = (checksummed("0x" + digit * 40) for digit in "567")
LEGS = (Sold(AAA, 100, 10), Sold(BBB, 200, 30))


def transfer(token: str, sender: str, receiver: str, units: int) -> dict[str, Any]:
    topics = [TRANSFER, *("0x" + padded(each).hex() for each in (sender, receiver))]
    return {"address": token, "topics": topics, "data": "0x" + word(units).hex()}


def withdrawal(party: str, units: int) -> dict[str, Any]:
    return {
        "address": WETH,
        "topics": [WITHDRAWAL, "0x" + padded(party).hex()],
        "data": "0x" + word(units).hex(),
    }


def sale(token: str, units: int, brought: int, payee: str = US) -> list[dict[str, Any]]:
    return [transfer(token, US, POOL, units), transfer(WETH, POOL, payee, brought)]


def test_receipt__that_fits__gives_each_leg_its_own_payment() -> None:
    logs = [*sale(AAA, 100, 11), *sale(BBB, 200, 29)]
    assert moved(logs, US, {US}, WETH, LEGS) == Movements(((100, 11), (200, 29)))


def test_receipt__for_ether__counts_what_the_router_paid_out_and_what_was_unwrapped() -> None:
    logs = [*sale(AAA, 100, 11, ROUTER), withdrawal(US, 5), withdrawal(ROUTER, 12)]
    legs = (LEGS[0], Sold(WETH, 5, 5))
    assert moved(logs, US, {ROUTER}, WETH, legs) == Movements(((100, 12), (5, 5)))


def test_receipt__with_a_payment_too_many__shares_all_that_arrived_and_says_so() -> None:
    logs = [*sale(AAA, 100, 11), transfer(WETH, THIEF, US, 1), *sale(BBB, 200, 29)]
    found = moved(logs, US, {US}, WETH, LEGS)
    assert [spent for spent, _ in found.legs] == [100, 200]
    assert sum(received for _, received in found.legs) == 41
    assert found.doubt == "its receipt shows 3 payments and 0 unwrappings for 2 legs"


def test_receipt__without_one_of_the_sales__gives_all_that_arrived_to_the_other() -> None:
    found = moved(sale(AAA, 100, 11), US, {US}, WETH, LEGS)
    assert found.legs == ((100, 11), (0, 0))
    assert found.doubt


def test_receipt__that_moved_nothing_at_all__is_in_doubt() -> None:
    found = moved([transfer(AAA, THIEF, POOL, 1)], US, {US}, WETH, LEGS)
    assert found.legs == ((0, 0), (0, 0))
    assert found.doubt


def test_receipt__in_which_more_left_than_was_to_be_sold__says_what_left() -> None:
    logs = [*sale(AAA, 101, 11), *sale(BBB, 200, 29)]
    found = moved(logs, US, {US}, WETH, LEGS)
    assert found.legs == ((101, 11), (200, 29))
    assert found.doubt == f"{AAA} moved 101 base units by its logs, 100 were to be sold"


@pytest.mark.parametrize("logs", [[{}], [{"address": "0x1"}], [{"address": AAA, "topics": [], "data": "0xzz"}], [7]])
def test_logs__that_are_none__are_an_outage_of_the_node(logs: list[Any]) -> None:
    with pytest.raises(VenueUnavailable):
        moved(logs, US, {US}, WETH, LEGS)


def test_logs__of_a_block_that_is_no_longer_there__are_an_outage_of_the_node() -> None:
    logs = [{**log, "removed": True} for log in sale(AAA, 100, 11)]
    with pytest.raises(VenueUnavailable, match="no longer part"):
        moved(logs, US, {US}, WETH, LEGS)
