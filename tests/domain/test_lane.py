"""The nonce lane told by its facts: which may follow which, what is remembered, and what replaces what."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.errors import ImpossibleHistory
from domain.lane import Lane, Signed, evolve, raised
from events.facts import TransactionFact
from events.values import GasPrice, Outcome
from tests.domain.lane_controls import (
    BUMPED,
    block,
    displaced,
    included,
    lane,
    recorded,
    reorged,
    settled,
    signed,
)


@for_all(st.integers(0, 10**18), st.integers(0, 10**18))
def test_bump__of_any_price__is_what_a_node_takes(fee: int, tip: int) -> None:
    more = raised(GasPrice(fee, tip))
    assert 10 * more.fee >= 11 * fee
    assert 10 * more.tip >= 11 * tip
    assert more.fee > fee
    assert more.tip > tip


def test_bump__with_less_than_a_tenth_more__cannot_be_recorded() -> None:
    for price in (GasPrice(109, 11), GasPrice(110, 10)):
        with pytest.raises(ImpossibleHistory):
            evolve(lane(recorded()), recorded(signed(price=price, name="second"), replaces="0xfirst"))


def test_bump__of_another_nonce__cannot_be_recorded() -> None:
    with pytest.raises(ImpossibleHistory):
        evolve(lane(recorded()), recorded(signed(nonce=8, price=GasPrice(200, 20), name="second"), "0xfirst"))


def test_evolve__facts_out_of_order__are_impossible() -> None:
    wrong: list[tuple[Lane, TransactionFact]] = [
        (Lane(), included()),
        (Lane(), settled()),
        (lane(recorded()), settled()),
        (lane(recorded()), included("0xother")),
        (lane(recorded(), included()), reorged(at=block(102))),
        (lane(recorded(), included()), BUMPED),
        (lane(recorded(), displaced()), displaced()),
        (lane(recorded()), settled(Outcome.DISPLACED)),
    ]
    for state, fact in wrong:
        with pytest.raises(ImpossibleHistory):
            evolve(state, fact)


def test_evolve__a_replacement__remembers_all_hashes_and_the_order() -> None:
    state = lane(recorded(), BUMPED, included(), reorged())
    assert isinstance(state.state, Signed)
    assert [each.transaction.tx_hash for each in state.state.attempts] == ["0xfirst", "0xsecond"]
    assert (state.turn, state.nonce, state.head) == (4, 7, 101)
