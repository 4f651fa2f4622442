"""What is in flight on a chain, in words, and the alert that tells of it when it takes too long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.account import Account
from domain.lane import Lane
from events.values import Purpose
from tests.domain.lane_controls import CANCEL, NOON, displaced, included, lane, recorded, settled, signed
from views.alarms import Alarm, Limits
from views.conditions import Known, account_conditions
from views.flight import in_flight

SINCE = "since 2026-03-01 12:00:00 UTC"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Lane(), ""),
        (lane(recorded()), f"sweep 0xfirst under nonce 7, {SINCE}, in no block yet"),
        (lane(recorded(), CANCEL), f"cancel 0xsecond under nonce 7, {SINCE}, in no block yet"),
        (lane(recorded(), displaced()), f"sweep 0xfirst under nonce 7, {SINCE}, whose nonce others used"),
        (lane(recorded(), included()), f"sweep 0xfirst under nonce 7, {SINCE}, in block 101, not final yet"),
        (lane(recorded(), included(), settled()), ""),
    ],
)
def test_flight__is_told_with_its_nonce_and_where_it_is(state: Lane, words: str) -> None:
    assert in_flight(state) == words


def test_alert__of_a_transaction_without_legs_that_takes_too_long__names_it() -> None:
    limits = Limits(next_digest=lambda at: at, unknown_after=timedelta(minutes=5))
    flying = Account("main", lane=lane(recorded(signed(purpose=Purpose.APPROVE))))
    (found,) = account_conditions(flying, Known(), limits)
    assert (found.alarm, found.after, found.since) == (Alarm.OUTCOME_UNKNOWN, timedelta(minutes=5), NOON)
    assert "approve 0xfirst under nonce 7" in found.text
    assert "`dustman doctor`" in found.text
    assert not list(account_conditions(Account("main"), Known(), limits))
