"""What a request for ETH makes happen on an account: given its facts, when it is asked, then these are written."""

from __future__ import annotations

import dataclasses
from dataclasses import replace as changed
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.account import Account, evolve
from domain.commands import Command, DeclineLeg, ExpireReservations, FinishSweep, ReleaseEth, RequestEth
from domain.decision import decide, fingerprint
from domain.errors import ImpossibleHistory
from domain.identity import reservation_id
from domain.reservation import promised
from domain.treasury import Treasury
from events.facts import (
    AccountFact,
    AccountWentLive,
    EthReserved,
    FundingCompleted,
    FundingDeclined,
    FundingOpened,
    ReservationReleased,
)
from events.money import Amount
from events.records import replace
from events.values import FundingAnswer, Refusal, RefusalCode, Release
from tests.domain.test_funding import COIN, DAI, NOON, USDC, policy, token, wallet

D = Decimal
OURS = policy()
MARK = fingerprint(OURS)
LIVE = Account("main", live=MARK)
RICH = wallet(token(DAI, "5000"), ether="1")
POOR = wallet(token(DAI, "500"))
TWO = wallet(token(USDC, "150"), token(DAI, "225"))


def request(trade: str, amount: str, treasury: Treasury | str, later: int = 0) -> RequestEth:
    now = NOON + timedelta(seconds=later)
    until = now + timedelta(seconds=30)
    return RequestEth(trade, Amount(D(amount), COIN), "evm", OURS, MARK, treasury, "worker", now, until)


def after(account: Account, command: Command) -> tuple[Account, list[AccountFact]]:
    facts = decide(command, account)
    for fact in facts:
        account = evolve(account, fact)
    return account, facts


def test_promise__of_two_trades__leaves_the_second_only_the_rest() -> None:
    account, (first,) = after(LIVE, request("one", "0.9", RICH))
    assert isinstance(first, EthReserved)
    assert first.answer is FundingAnswer.COVERED
    assert promised(account, NOON) == D("0.905")
    account, (reserved, opened) = after(account, request("two", "0.2", RICH))
    assert isinstance(reserved, EthReserved)
    assert isinstance(opened, FundingOpened)
    assert opened.shortage == Amount(D("0.11"), COIN)
    assert promised(account, NOON) == D("1.11")


def test_request__that_was_answered__makes_nothing_happen_until_it_ends() -> None:
    account, _ = after(LIVE, request("one", "0.9", RICH))
    assert decide(request("one", "0.9", RICH, later=299), account) == []
    account, (released, reserved) = after(account, request("one", "0.9", RICH, later=300))
    assert isinstance(released, ReservationReleased)
    assert released.why is Release.EXPIRED
    assert isinstance(reserved, EthReserved)
    assert reserved.reservation_id == released.reservation_id == reservation_id("main", "one")


def test_request__while_a_sweep_is_open__is_covered_or_waits() -> None:
    account, _ = after(LIVE, request("one", "0.095", POOR))
    assert account.sweep is not None
    assert decide(request("two", "0.2", POOR), account) == []
    assert [type(fact) for fact in decide(request("two", "0.2", RICH), account)] == [EthReserved]


def test_request__on_an_older_block_or_with_too_few_quotes__waits_for_a_newer_reading() -> None:
    ahead = LIVE._replace(lane=changed(LIVE.lane, head=8))
    assert decide(request("one", "0.01", RICH), ahead) == []
    assert decide(request("one", "0.095", changed(POOR, asked=D("0.06"))), LIVE) == []


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account("main"), "it never went live"),
        (Account("main", live="another"), "its policy changed since it went live"),
        (LIVE._replace(halted="owner asked"), "conversions are halted: owner asked"),
    ],
)
def test_request__that_nobody_allows__is_declined_with_its_reason(account: Account, words: str) -> None:
    (declined,) = decide(request("one", "0.095", POOR), account)
    assert isinstance(declined, FundingDeclined)
    assert (declined.answer, declined.gap) == (FundingAnswer.NOT_NOW, None)
    assert words in declined.reason


def test_request__more_than_there_is__names_gap_and_largest() -> None:
    (declined,) = decide(request("one", "1", POOR), LIVE)
    assert isinstance(declined, FundingDeclined)
    assert declined.gap is not None
    assert declined.largest is not None
    assert declined.gap + declined.largest == Amount(D(1), COIN)


def test_release__and_expiry__end_a_promise_once() -> None:
    account, _ = after(LIVE, request("one", "0.9", RICH))
    name = reservation_id("main", "one")
    assert decide(ExpireReservations(NOON), account) == []
    (released,) = decide(ReleaseEth(name, Release.USED, NOON), account)
    assert evolve(account, released).reservations == {}
    assert decide(ReleaseEth(name, Release.USED, NOON), evolve(account, released)) == []
    (expired,) = decide(ExpireReservations(NOON + timedelta(hours=1)), account)
    assert expired == ReservationReleased("main", name, "one", Release.EXPIRED)


def opened() -> tuple[Account, FundingOpened]:
    account, (_, fact) = after(LIVE, request("one", "0.095", POOR))
    assert isinstance(fact, FundingOpened)
    return account, fact


def test_request__whose_deadline_confirmations_cannot_meet__is_not_now_without_a_gap() -> None:
    slow = changed(TWO.tokens[1], curves=tuple(changed(each, before=1, after=1) for each in TWO.tokens[1].curves))
    treasury = changed(TWO, tokens=(slow,), block_time=timedelta(seconds=12), confirmations=2)
    (declined,) = decide(request("one", "0.09", treasury), LIVE)
    assert isinstance(declined, FundingDeclined)
    assert (declined.answer, declined.gap, declined.largest) == (FundingAnswer.NOT_NOW, None, None)
    assert "takes about 36 s" in declined.reason
    assert isinstance(
        decide(changed(request("one", "0.09", treasury), until=NOON + timedelta(hours=1)), LIVE)[-1], FundingOpened
    )
    # Nor is it begun where the promise would end before.
    endless = changed(request("one", "0.09", changed(treasury, confirmations=30)), until=NOON + timedelta(hours=1))
    (declined,) = decide(endless, LIVE)
    assert isinstance(declined, FundingDeclined)
    assert "300 s are left" in declined.reason


def test_history__of_two_sweeps_at_once__is_impossible() -> None:
    account, fact = opened()
    with pytest.raises(ImpossibleHistory, match="is open"):
        evolve(account, replace(fact, sweep_id="another"))


def test_went_live__under_the_policy__allows_conversions() -> None:
    live = evolve(Account("main"), AccountWentLive("main", MARK, D(1), D(1), "USD"))
    assert isinstance(decide(request("one", "0.095", POOR), live)[-1], FundingOpened)


def refused_after(account: Account, fact: FundingOpened) -> tuple[Account, list[AccountFact]]:
    """The conversion's only leg is refused, and its sweep ended."""
    (leg,) = fact.plan
    account, _ = after(account, DeclineLeg(leg.leg_id, Refusal(RefusalCode.NO_LIQUIDITY, "nobody sells")))
    return after(account, FinishSweep(fact.sweep_id, NOON))


@pytest.mark.parametrize("later", [0, 300], ids=["released", "expired"])
def test_promise__made_anew_beside_an_older_conversion__outlives_its_end(later: int) -> None:
    account, fact = opened()
    if not later:
        account, _ = after(account, ReleaseEth(fact.reservation_id, Release.RELEASED, NOON))
    account, told = after(account, request("one", "0.5", RICH, later=later))
    (reserved,) = (each for each in told if isinstance(each, EthReserved))
    assert (reserved.answer, reserved.sweep_id) == (FundingAnswer.COVERED, "")
    before = account
    account, done = refused_after(account, fact)
    assert [type(each) for each in done] == [FundingCompleted]
    brought = evolve(before, replace(done[0], tx_hash="0x1", covered=True))
    assert brought.reservations[fact.reservation_id].tx_hash == ""
    assert account.reservations[fact.reservation_id].fact == reserved
    assert promised(account, reserved.reserved_at) == D("0.505")


def test_promise__that_was_released__is_not_released_once_more_by_its_conversion() -> None:
    account, fact = opened()
    account, _ = after(account, ReleaseEth(fact.reservation_id, Release.RELEASED, NOON))
    _, done = refused_after(account, fact)
    assert [type(each) for each in done] == [FundingCompleted]


def test_request__at_the_same_moment_as_one_whose_conversion_failed__opens_another() -> None:
    account, first = opened()
    account, _ = refused_after(account, first)
    again = dataclasses.replace(request("one", "0.095", POOR), version=7)
    assert again.cause != request("one", "0.095", POOR).cause
    (_, second) = decide(again, account)
    assert isinstance(second, FundingOpened)
    assert second.sweep_id != first.sweep_id
    assert {leg.leg_id for leg in second.plan}.isdisjoint(leg.leg_id for leg in first.plan)
