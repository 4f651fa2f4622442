"""Scans: said once for each change, nothing lost, nothing announced twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.account import Account
from domain.commands import Declare, RecordOutage, RecordScan
from domain.decision import decide, findings, fingerprint
from domain.scan import carried_alone_suffices
from domain.venue import Holding, Price
from events.facts import (
    AccountWentLive,
    ConversionsHalted,
    DustDetected,
    DustUnroutable,
    HoldingsKept,
    ScanCompleted,
    VenueUnreachable,
)
from events.money import Amount
from events.records import replace
from events.values import Keep, LegKind, Unroutable
from tests.domain.controls import (
    ADA,
    BTC,
    DOGE,
    NOON,
    POLICY,
    PYUSD,
    TONE,
    USD,
    USDC,
    D,
    convertible,
    given,
    held,
    market,
    reading,
    swept,
    when,
)

WEEK = timedelta(days=7)


def kinds(facts: list[object]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def test_scan__nothing_there__is_completed_all_the_same() -> None:
    _, facts = when(given(), RecordScan(reading(), POLICY))
    (completed,) = facts
    assert isinstance(completed, ScanCompleted)
    assert (completed.dust, completed.holdings, completed.requests) == (0, 0, 4)


def test_scan__dust__is_announced_with_lots_total_and_plan() -> None:
    _, facts = when(given(), RecordScan(reading(held(ADA, "1.239"), held(DOGE, "2"), held(BTC, "1")), POLICY))
    (detected,) = (fact for fact in facts if isinstance(fact, DustDetected))
    assert [(lot.asset, lot.quantity, lot.value) for lot in detected.lots] == [
        (ADA, D("1.23"), D("0.4920")),
        (DOGE, D("2"), D("0.20")),
    ]
    assert detected.total == D("0.6920")
    assert [leg.kind for leg in detected.plan] == [LegKind.SELL, LegKind.SELL, LegKind.BUY]
    assert detected.live
    assert detected.policy == POLICY


def test_scan__asked_twice_for_one_due_time__is_made_once() -> None:
    account, first = when(given(), RecordScan(reading(held(ADA, "1")), POLICY))
    _, second = when(account, RecordScan(reading(held(ADA, "1")), POLICY))
    assert first
    assert second == []


def test_look__between_a_due_time_and_its_scan__does_not_stand_for_the_scan() -> None:
    account, _ = when(given(), RecordScan(reading(due=NOON - WEEK), POLICY))
    look = RecordScan(reading(held(ADA, "1"), due=NOON + timedelta(minutes=5)), POLICY, announce=False)
    account, facts = when(account, look)
    assert kinds(list(facts)) == ["ScanCompleted"]
    assert decide(look, account) == []
    assert account.read_until == look.reading.due
    account, facts = when(account, RecordScan(reading(held(ADA, "1"), due=NOON), POLICY))
    assert kinds(list(facts)) == ["DustDetected", "ScanCompleted"]
    assert account.scanned_until == NOON


def test_look__at_a_new_account__needs_no_answer_for_due_times_before_it() -> None:
    account, _ = when(given(), RecordScan(reading(held(ADA, "1")), POLICY, announce=False))
    assert account.scanned_until == NOON


def test_scan__while_a_sweep_is_open__announces_nothing() -> None:
    account = swept(held(ADA, "1"))
    _, facts = when(account, RecordScan(reading(held(ADA, "1"), held(DOGE, "1"), due=NOON + WEEK), POLICY))
    assert kinds(list(facts)) == ["ScanCompleted"]


def test_scan__the_same_again__changes_nothing() -> None:
    holdings = (held(ADA, "100"), held(TONE, "5"), held(USDC, "3"), held("coinbase:GONE", "1"), held(DOGE, "1", "1"))
    account, first = when(given(), RecordScan(reading(*holdings), POLICY))
    assert kinds(list(first)) == ["HoldingsKept", "DustUnroutable", "ScanCompleted"]
    _, second = when(account, RecordScan(reading(*holdings, due=NOON + WEEK), POLICY))
    assert kinds(list(second)) == ["ScanCompleted"]


def test_scan__stuck_dust_that_has_grown__is_converted_by_itself() -> None:
    account, _ = when(given(), RecordScan(reading(held(TONE, "26")), POLICY))
    account, facts = when(account, RecordScan(reading(held(TONE, "27"), due=NOON + WEEK), POLICY))
    assert kinds(list(facts)) == ["DustDetected", "ScanCompleted"]


def test_scan__stuck_for_another_reason__says_so_once() -> None:
    account, facts = when(given(), RecordScan(reading(held(TONE, "26")), POLICY))
    assert [f.reason for f in facts if isinstance(f, DustUnroutable)] == [Unroutable.BELOW_MINIMUM]
    closed = market(TONE_USD=Price(D("0.01523"), D("0.0153")), BTC_USDC=Price(None, None))
    account, facts = when(account, RecordScan(reading(held(TONE, "30"), at=closed, due=NOON + WEEK), POLICY))
    assert [f.reason for f in facts if isinstance(f, DustUnroutable)] == [Unroutable.NO_ROUTE]
    _, facts = when(account, RecordScan(reading(held(TONE, "30"), at=closed, due=NOON + 2 * WEEK), POLICY))
    assert kinds(list(facts)) == ["ScanCompleted"]


def test_scan__before_going_live__watches_and_says_each_set_of_dust_once() -> None:
    account, facts = when(Account("main"), RecordScan(reading(held(ADA, "1")), POLICY))
    (detected,) = (fact for fact in facts if isinstance(fact, DustDetected))
    assert not detected.live
    assert account.sweep is None
    account, facts = when(account, RecordScan(reading(held(ADA, "1"), due=NOON + WEEK), POLICY))
    assert kinds(list(facts)) == ["ScanCompleted"]
    more = reading(held(ADA, "1"), held(DOGE, "1"), due=NOON + 2 * WEEK)
    _, facts = when(account, RecordScan(more, POLICY))
    assert kinds(list(facts)) == ["DustDetected", "ScanCompleted"]


def test_scan__dust_that_was_none_for_a_while__is_said_anew() -> None:
    account, _ = when(Account("main"), RecordScan(reading(held(DOGE, "1")), POLICY))
    grown = reading(held(DOGE, "1000"), due=NOON + WEEK)
    account, facts = when(account, RecordScan(grown, POLICY))
    assert kinds(list(facts)) == ["HoldingsKept", "ScanCompleted"]
    again = reading(held(DOGE, "1"), due=NOON + 2 * WEEK)
    _, facts = when(account, RecordScan(again, POLICY))
    assert kinds(list(facts)) == ["DustDetected", "ScanCompleted"]


def test_scan__live_under_another_policy__only_watches() -> None:
    other = replace(POLICY, threshold=D("0.60"))
    account, facts = when(given(), RecordScan(reading(held(ADA, "1")), other))
    assert account.sweep is None
    assert [fact.live for fact in facts if isinstance(fact, DustDetected)] == [False]


def test_scan__halted__announces_nothing() -> None:
    account, _ = when(given(), Declare(ConversionsHalted("main", "stop"), "1"))
    _, facts = when(account, RecordScan(reading(held(ADA, "1")), POLICY))
    assert kinds(list(facts)) == ["ScanCompleted"]


def test_scan__caps__take_the_largest_and_keep_the_rest_with_the_reason() -> None:
    policy = replace(POLICY, sweep_cap=D("0.60"))
    account, facts = when(given(policy), RecordScan(reading(held(ADA, "1.2"), held(DOGE, "3")), policy))
    assert account.sweep
    assert [lot.asset for lot in account.sweep.opened.lots] == [ADA]
    (kept,) = (fact.kept for fact in facts if isinstance(fact, HoldingsKept))
    assert [(each.asset, each.reason) for each in kept] == [(DOGE, Keep.OVER_CAP)]


def test_scan__a_sweep_that_gains_less_than_the_owner_wants__is_not_made() -> None:
    policy = replace(POLICY, minimum_gain=D("0.30"))
    account, facts = when(given(policy), RecordScan(reading(held(ADA, "0.7")), policy))
    assert account.sweep is None
    assert [f.reason for f in facts if isinstance(f, DustUnroutable)] == [Unroutable.NO_NET_GAIN]


def test_scan__less_to_exchange_than_the_owner_wants_to_gain__is_not_announced_beside_other_dust() -> None:
    policy = replace(POLICY, minimum_gain=D("0.05"))
    seen = reading(held(ADA, "1"), held(PYUSD, "0.04"), at=convertible(PYUSD))
    account, facts = when(given(policy), RecordScan(seen, policy))
    assert account.sweep
    assert [lot.asset for lot in account.sweep.opened.lots] == [ADA]
    assert [(f.asset, f.reason) for f in facts if isinstance(f, DustUnroutable)] == [(PYUSD, Unroutable.NO_NET_GAIN)]


def test_outage__of_one_scan__is_said_once_and_again_for_the_next() -> None:
    def outage(about: str) -> RecordOutage:
        return RecordOutage("coinbase", "scan", about, "timed out", NOON)

    account, first = when(given(), outage("monday"))
    account, second = when(account, outage("monday"))
    account, third = when(account, outage("tuesday"))
    assert (len(first), second, len(third)) == (1, [], 1)
    assert isinstance(first[0], VenueUnreachable)


def test_go_live__without_a_dry_run_of_this_policy__is_nothing() -> None:
    live = AccountWentLive("main", fingerprint(POLICY), D(25), D(50), "USD")
    account, facts = when(Account("main"), Declare(live, "1"))
    assert facts == []
    assert account.live == ""


quantities = st.decimals(min_value=0, max_value=40, places=3, allow_nan=False)


@settings(max_examples=100, deadline=None)
@for_all(st.dictionaries(st.sampled_from([ADA, DOGE, TONE, USDC, BTC, "coinbase:GONE"]), quantities, max_size=6))
def test_findings__any_holdings__each_is_in_exactly_one_place(wallets: dict[str, object]) -> None:
    holdings = [Holding(asset, D(str(quantity)), D(0)) for asset, quantity in wallets.items()]
    found = findings(given(), reading(*holdings), POLICY)
    places = [k.asset for k in found.kept] + [s.asset for s in found.stuck] + [d.asset for d in found.dust]
    assert sorted(places) == sorted(wallets)
    assert {lot.asset for lot in found.lots} == {d.asset for d in found.dust}
    assert all(lot.value < POLICY.threshold for lot in found.lots)


def test_findings__carried_alone_reaches_the_buys_minimum__is_swept_without_new_dust() -> None:
    account = given()
    account = account._replace(purse=account.purse._replace(money={USDC: D("1.20")}))
    account, facts = when(account, RecordScan(reading(held(BTC, "1"), held(USDC, "1.10")), POLICY))
    (detected,) = (fact for fact in facts if isinstance(fact, DustDetected))
    assert detected.lots == ()
    assert detected.carried == (Amount(D("1.20"), USDC),)


@pytest.mark.parametrize(
    ("money", "expected"),
    [
        ({USD: D("1.20")}, True),
        ({USD: D("0.70"), USDC: D("0.50")}, True),
        ({USD: D("0.709"), USDC: D("0.29")}, False),
        ({USD: D("-0.10"), USDC: D("1.20")}, True),
    ],
)
def test_carried_alone_suffices__money_in_another_hub__counts_as_far_as_it_is_exchanged(
    money: dict[str, D], expected: bool
) -> None:
    assert carried_alone_suffices(POLICY, money, market()) is expected


def test_carried_alone_suffices__the_target_is_a_hub__a_cent_in_the_other_is_enough() -> None:
    policy = replace(POLICY, target=USDC)
    assert carried_alone_suffices(policy, {USD: D("0.01")}, market())
    assert not carried_alone_suffices(policy, {USD: D("0.009"), USDC: D(5)}, market())


def test_scan__carried_proceeds_that_their_owner_has_used__opens_no_sweep_for_them() -> None:
    account = given()
    account = account._replace(purse=account.purse._replace(money={USDC: D("1.20")}))
    _, facts = when(account, RecordScan(reading(held(BTC, "1"), held(USDC, "0.90")), POLICY))
    assert kinds(list(facts)) == ["HoldingsKept", "ScanCompleted"]


def test_scan__that_announces_at_a_moment_that_was_looked_at__is_another_command() -> None:
    """Two strategies of one account may be measured at the same moment, of which one has nothing to announce."""
    look = RecordScan(reading(held(ADA, "1")), POLICY, announce=False)
    scan = RecordScan(look.reading, POLICY)
    assert look.cause != scan.cause
    earlier = RecordScan(reading(due=NOON - WEEK), POLICY)
    account, _ = when(when(given(), earlier)[0], look)
    account, facts = when(account, scan)
    assert any(isinstance(each, DustDetected) for each in facts)
    assert decide(look, account) == decide(scan, account) == []
