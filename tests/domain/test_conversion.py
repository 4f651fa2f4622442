"""What becomes of a conversion for a trade: of one transaction, and of tokens that go one after the other."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import timedelta
from decimal import Decimal

from domain.account import Account
from domain.bundle import Intent
from domain.commands import ReleaseEth
from domain.conversion import brought, cost_of, ended, enough, is_there, objection, settle
from domain.leg import Filled, Refused, Requested
from domain.sweep import Sweep
from events.facts import (
    EthReserved,
    FundingCompleted,
    FundingOpened,
    LegRequested,
    ReservationReleased,
    TransactionSettled,
)
from events.money import Amount, plain
from events.values import Block, Fill, Outcome, Purpose, Quote, Refusal, RefusalCode, Release
from tests.domain.test_funding import COIN, DAI, NOON
from tests.domain.test_reservation import LIVE, RICH, TWO, after, opened, request

D = Decimal


def intent(fact: FundingOpened, spend: str = "0", output: str = "0") -> Intent:
    (leg,) = fact.plan
    assert leg.quantity is not None
    assert leg.output is not None
    quote = Quote(Amount(D(spend) or D(210), DAI), Amount(D(output) or leg.output, COIN), (), D(1), leg.product)
    return Intent(leg.leg_id, Amount(leg.quantity, DAI), quote, 1, D(0))


def test_conversion__that_costs_more_or_brings_less_than_planned__is_refused_whole() -> None:
    account, fact = opened()
    assert account.sweep is not None
    assert objection([intent(fact)], fact, account.sweep) is None
    dear = objection([intent(fact, spend="300")], fact, account.sweep)
    assert dear is not None
    assert dear.code is RefusalCode.NO_LIQUIDITY
    little = objection([intent(fact, output="0.06")], fact, account.sweep)
    assert little is not None
    assert little.code is RefusalCode.NO_NET_GAIN


def two() -> tuple[Account, FundingOpened, Sweep]:
    """A conversion of two tokens, of which neither was asked for."""
    account, (_, fact) = after(LIVE, request("one", "0.115", TWO))
    assert isinstance(fact, FundingOpened)
    assert account.sweep is not None
    assert len(fact.plan) == 2
    return account, fact, account.sweep


def asked(sweep: Sweep, number: int) -> Requested:
    """A leg whose intent is on record, at no cost of its own."""
    leg = list(sweep.legs.values())[number].plan
    assert leg.output is not None
    assert leg.quantity is not None
    spend, receive = Amount(leg.quantity, leg.spend), Amount(leg.output, COIN)
    quote = Quote(spend, receive, (), D(1), leg.product)
    intent = LegRequested(
        "main", sweep.opened.sweep_id, leg.leg_id, "key", leg.kind, leg.product, spend, COIN, quote, 1, NOON, leg.output
    )
    return Requested(leg, intent)


def filled(sweep: Sweep, number: int) -> Filled:
    leg = asked(sweep, number)
    quote = leg.intent.quote
    return Filled(leg.plan, leg.intent, Fill("0xtx", quote.spend, quote.receive, (), ()))


def refused(sweep: Sweep, number: int) -> Refused:
    return Refused(asked(sweep, number).plan, Refusal(RefusalCode.NO_LIQUIDITY, "nobody sells"))


def charged(sweep: Sweep, fee: str, sweep_id: str = "", shared: bool = False) -> Sweep:
    """The sweep after a transaction of its own is final."""
    name = sweep_id or sweep.opened.sweep_id
    fact = TransactionSettled(
        "main", name, "0x1", Purpose.APPROVE, Outcome.SUCCEEDED, Block(8, "0x8"), 1, Amount(D(fee), COIN), shared, 1, 1
    )
    return sweep.paid(fact)


def test_gas__of_a_conversion__is_what_no_fill_bears() -> None:
    _, _, sweep = two()
    assert charged(charged(sweep, "0.001"), "0.002").gas == D("0.003")
    assert charged(sweep, "0.001", shared=True) == charged(sweep, "0.001", sweep_id="another") == sweep
    assert brought(charged(sweep.moved(filled(sweep, 0)), "0.001")) == filled(sweep, 0).fill.received.quantity - D(
        "0.001"
    )


def test_conversion__of_two_tokens__is_there_when_both_are_asked_for_and_bring_enough() -> None:
    _, _, sweep = two()
    first, both = sweep.moved(filled(sweep, 0)), sweep.moved(filled(sweep, 0)).moved(asked(sweep, 1))
    assert not is_there(sweep)
    assert not is_there(first)
    assert is_there(both)
    assert is_there(both.moved(filled(sweep, 1)))
    assert not is_there(charged(both, "0.01"))
    assert not is_there(first.moved(refused(sweep, 1)))


def test_second_token__after_the_first__is_asked_for_only_if_both_are_enough() -> None:
    _, fact, sweep = two()
    first = sweep.moved(filled(sweep, 0))
    second = asked(sweep, 1)
    intended = Intent(second.plan.leg_id, second.intent.spend, second.intent.quote, 1, D(0))
    one = asked(sweep, 0)
    before = Intent(one.plan.leg_id, one.intent.spend, one.intent.quote, 1, D(0))
    assert objection([before], fact, sweep) is None
    assert objection([intended], fact, first) is None
    for gone in (charged(first, "0.01"), sweep.moved(refused(sweep, 0))):
        no = objection([intended], fact, gone)
        assert no is not None
        assert no.code is RefusalCode.NO_NET_GAIN


def test_eth__that_is_there_without_the_second_token__ends_its_conversion() -> None:
    account, _, sweep = two()
    first, rich = sweep.moved(filled(sweep, 0)), changed(TWO, ether=D("0.12"))
    enough_now = enough(first, account, rich, NOON)
    assert enough_now is not None
    assert "0.12 ETH is there by now" in enough_now.sentence
    assert enough(sweep, account, rich, NOON) is None  # nothing was converted yet: all or nothing
    assert enough(first, account, changed(rich, ether=D("0.119")), NOON) is None
    assert enough(first, account, rich, NOON + timedelta(seconds=300)) is None
    ahead = account._replace(lane=changed(account.lane, head=8))
    assert enough(first, ahead, rich, NOON) is None


def test_conversion__that_fell_short_half_way__says_what_arrived_less_its_gas_and_releases_the_promise() -> None:
    account, fact, sweep = two()
    half = charged(sweep.moved(filled(sweep, 0)).moved(refused(sweep, 1)), "0.001")
    done, released = settle(half, fact, account)
    assert isinstance(done, FundingCompleted)
    assert isinstance(released, ReservationReleased)
    arrived = filled(sweep, 0).fill.received.quantity - D("0.001")
    assert (done.covered, done.received.quantity) == (False, arrived)
    assert done.reason == f"nobody sells; {plain(arrived)} ETH arrived before that and stays"
    assert released.why is Release.FELL_SHORT
    (spent,) = done.spent
    price = next(lot.price for lot in fact.lots if lot.asset == spent.asset)
    assert cost_of(fact, done) == spent.quantity * price - arrived * 3000


def test_conversion__of_which_only_gas_was_paid__received_nothing() -> None:
    account, fact, sweep = two()
    done, _ = settle(charged(sweep.moved(refused(sweep, 0)).moved(refused(sweep, 1)), "0.001"), fact, account)
    assert isinstance(done, FundingCompleted)
    assert (done.received.quantity, done.reason) == (D(0), "nobody sells")


def test_conversion__whose_own_gas_takes_it_below_the_shortage__is_not_covered() -> None:
    account, fact, sweep = two()
    both = sweep.moved(filled(sweep, 0)).moved(filled(sweep, 1))
    brings = brought(both) - fact.shortage.quantity
    assert [type(each) for each in settle(charged(both, str(brings)), fact, account)] == [FundingCompleted]
    done, _ = settle(charged(both, str(brings + D("1E-18"))), fact, account)
    assert isinstance(done, FundingCompleted)
    assert "was short" in done.reason


def test_conversion__whose_reservation_has_ended__is_not_made() -> None:
    account, _ = opened()
    assert account.sweep is not None
    assert ended(account.sweep, account, NOON) is None
    late = ended(account.sweep, account, NOON + timedelta(seconds=300))
    assert late is not None
    assert "trade one ended before anything was converted" in late.sentence
    some, _, sweep = two()
    late = ended(sweep.moved(filled(sweep, 0)), some, NOON + timedelta(seconds=300))
    assert late is not None
    assert "trade one ended before all was converted" in late.sentence


def test_conversion__of_a_promise_that_was_made_anew_without_it__is_not_made() -> None:
    account, fact = opened()
    account, _ = after(account, ReleaseEth(fact.reservation_id, Release.RELEASED, NOON))
    account, (reserved,) = after(account, request("one", "0.5", RICH))
    assert isinstance(reserved, EthReserved)
    assert account.sweep is not None
    assert ended(account.sweep, account, NOON) is not None
    some, half, sweep = two()
    first = sweep.moved(filled(sweep, 0))
    some, _ = after(some, ReleaseEth(half.reservation_id, Release.RELEASED, NOON))
    some, _ = after(some, request("one", "0.5", RICH))
    assert enough(first, some, RICH, NOON) is None
