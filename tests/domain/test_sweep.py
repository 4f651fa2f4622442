"""A sweep from detection to its answers, told as given, when, then; and what holds whatever the venue answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.account import Account
from domain.commands import Command, ConcludeLeg, Declare, DeclineLeg, FinishSweep, RecordScan, RequestLeg
from domain.decision import decide, fingerprint, next_step
from domain.dust import Market
from domain.errors import ImpossibleHistory
from domain.leg import Answer, Filled, Requested, Unknown, next_attempt
from domain.sweep import Ask, Finish, GiveUp, Rest, Try, size
from domain.venue import NeverArrived, Pending, Price
from events.facts import (
    AccountFact,
    ConversionsHalted,
    ConversionsResumed,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustUnroutable,
    LegFilled,
    LegRefused,
    LegRequested,
    ProceedsCarried,
    SweepCompleted,
)
from events.money import Amount, exactly_sum
from events.records import replace
from events.values import LegKind, Policy, Quote, Refusal, RefusalCode, Unroutable
from tests.domain.controls import (
    ADA,
    ADA_USDC,
    BTC,
    BTC_USDC,
    DOGE,
    DOGE_USDC,
    NOON,
    POLICY,
    PYUSD,
    TONE,
    TONE_USD,
    USD,
    USDC,
    WHOLE,
    D,
    allowed,
    convertible,
    filled,
    fold,
    given,
    held,
    market,
    product,
    quote_for,
    reading,
    swept,
    when,
)

NO_BIDS = Refusal(RefusalCode.NO_LIQUIDITY, "nobody bids", "PREVIEW_INVALID_NO_LIQUIDITY")
PRICES = {
    "ADA-USDC": D("0.40"),
    "DOGE-USDC": D("0.10"),
    "DOGE-USD": D("0.10"),
    "TONE-USD": D("0.01523"),
    "BTC-USDC": D(60006),
}
CHEAP_BTC = dataclasses.replace(BTC_USDC, quote_minimum=D("0.40"))
CHEAP_BUY = market(CHEAP_BTC, ADA_USDC, DOGE_USDC, TONE_USD)
Answers = Callable[[LegRequested], Answer]


def all_of_it(intent: LegRequested) -> Answer:
    return filled(intent.quote, order_id=intent.leg_id)


def drive(
    account: Account, answer: Answers = all_of_it, policy: Policy = POLICY, seen: Decimal = WHOLE
) -> tuple[Account, list[AccountFact]]:
    """Walk the open sweep as a worker does, with a venue that answers as told and has every balance.

    Of what a buy would spend only the part `seen` is there when it is read.
    """
    told: list[AccountFact] = []

    def act(command: Command) -> None:
        nonlocal account
        account, facts = when(account, command)
        assert decide(command, account) == [], f"{command} was decided twice"
        told.extend(facts)

    for _ in range(200):
        step = next_step(account)
        match step:
            case Rest():
                return account, told
            case Finish():
                assert account.sweep
                act(FinishSweep(account.sweep.opened.sweep_id, NOON))
            case GiveUp(leg, refusal):
                act(DeclineLeg(leg.plan.leg_id, refusal))
            case Try(leg, wanted):
                there = wanted.quantity * (seen if leg.plan.kind is LegKind.BUY else WHOLE)
                spend = size(step, held(leg.plan.spend, str(there)), policy)
                if isinstance(spend, Refusal):
                    act(DeclineLeg(leg.plan.leg_id, spend))
                    continue
                quote = quote_for(leg.plan.kind, spend, leg.plan.receive, PRICES.get(leg.plan.product, D(1)))
                attempt = leg.intent.attempt + 1 if hasattr(leg, "intent") else 1
                act(RequestLeg(leg.plan.leg_id, spend, quote, fingerprint(policy), attempt, "worker", NOON))
            case Ask(leg):
                assert isinstance(leg, Requested | Unknown)
                act(ConcludeLeg(leg.plan.leg_id, leg.intent.attempt, answer(leg.intent)))
    raise AssertionError("the sweep did not end")


def half_a_buy(intent: LegRequested) -> Answer:
    part = D("0.5") if intent.kind is LegKind.BUY else D(1)
    return filled(intent.quote, order_id=intent.leg_id, part=part)


T = TypeVar("T")


def of(kind: type[T], facts: list[AccountFact]) -> list[T]:
    return [fact for fact in facts if isinstance(fact, kind)]


def test_sweep__two_crumbs__are_sold_pooled_and_bought_once() -> None:
    account = swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY)
    account, told = drive(account)
    assert [fact.kind for fact in of(LegRequested, told)] == [LegKind.SELL, LegKind.SELL, LegKind.BUY]
    converted = of(DustConverted, told)
    (buy,) = (fact.fill for fact in of(LegFilled, told) if fact.fill.received.asset == BTC)
    assert exactly_sum(*(lot.proceeds.quantity for lot in converted)) == buy.received.quantity
    assert {lot.asset for lot in converted} == {ADA, DOGE}
    assert all(len(lot.order_ids) == 2 for lot in converted)
    (completed,) = of(SweepCompleted, told)
    assert (completed.converted, completed.carried, completed.failed) == (2, 0, 0)
    assert completed.proceeds == buy.received
    assert account.sweep is None
    assert account.purse.owed == ()


def test_sweep__a_buy_short_of_its_size_by_a_rounding__converts_every_lot() -> None:
    """0.95 of 0.95836 is asked for, 0.94715 spent: more than a cent is left, and yet it is nobody's to wait for."""

    def almost(intent: LegRequested) -> Answer:
        part = D("0.997") if intent.kind is LegKind.BUY else D(1)
        return filled(intent.quote, order_id=intent.leg_id, part=part)

    account, told = drive(swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY), almost)
    assert account.purse.of(USDC) == D("0.01121")
    assert len(of(DustConverted, told)) == 2
    assert of(ProceedsCarried, told) == []


def test_sweep__proceeds_below_the_buys_minimum__are_carried_and_join_the_next() -> None:
    account, told = drive(swept(held(ADA, "1.2")))
    (carried,) = of(ProceedsCarried, told)
    assert carried.amount == Amount(D("0.474240"), USDC)
    assert carried.missing == Amount(D("0.525760"), USDC)
    assert of(DustConverted, told) == []
    later = NOON + timedelta(days=7)
    account, facts = when(account, RecordScan(reading(held(ADA, "0"), held(DOGE, "4.9"), due=later), POLICY))
    (detected,) = of(DustDetected, facts)
    assert detected.carried == (Amount(D("0.474240"), USDC),)
    account, told = drive(account)
    assert of(DustConverted, told) == []
    account, facts = when(account, RecordScan(reading(held(ADA, "1.2"), due=later + timedelta(days=7)), POLICY))
    account, told = drive(account)
    converted = of(DustConverted, told)
    assert sorted(lot.asset for lot in converted) == [ADA, ADA, DOGE]
    (buy,) = (fact for fact in of(LegRequested, told) if fact.kind is LegKind.BUY)
    assert buy.spend == Amount(D("1.43"), USDC)
    assert account.purse.of(USDC) == D("0.0026")


def test_sweep__usd_proceeds__are_unified_before_the_buy() -> None:
    account = swept(held(ADA, "1.2"), held(TONE, "30"), at=CHEAP_BUY)
    account, told = drive(account)
    assert [fact.kind for fact in of(LegRequested, told)] == [LegKind.SELL, LegKind.SELL, LegKind.CONVERT, LegKind.BUY]
    assert {lot.asset for lot in of(DustConverted, told)} == {ADA, TONE}
    assert D(0) <= account.purse.of(USD) < D("0.01")


def test_sweep__the_target_is_the_hub__needs_no_buy() -> None:
    policy = replace(POLICY, target=USDC, excluded=(USD,))
    account = swept(held(ADA, "1.2"), held(TONE, "30"), policy=policy)
    account, told = drive(account, policy=policy)
    converted = of(DustConverted, told)
    assert {lot.asset for lot in converted} == {ADA, TONE}
    received = [fact.fill.received for fact in of(LegFilled, told) if fact.fill.received.asset == USDC]
    paid = exactly_sum(*(lot.proceeds.quantity for lot in converted))
    assert paid + account.purse.of(USDC) == exactly_sum(*(amount.quantity for amount in received))
    assert account.purse.of(USDC) >= 0


def test_sweep__a_refused_sale__fails_its_lot_and_not_the_others() -> None:
    def only_ada(intent: LegRequested) -> Answer:
        return NO_BIDS if intent.product == "DOGE-USDC" else all_of_it(intent)

    account, told = drive(swept(held(ADA, "1.24"), held(DOGE, "4.9"), at=CHEAP_BUY), only_ada)
    (failed,) = of(DustConversionFailed, told)
    assert failed.asset == DOGE
    assert failed.money == (Amount(D("4.9"), DOGE),)
    assert failed.refusal.venue_code == "PREVIEW_INVALID_NO_LIQUIDITY"
    assert account.sweep is None


def test_sweep__what_was_announced_is_gone__fails_without_saying_where_it_is() -> None:
    gone = Refusal(RefusalCode.INSUFFICIENT_BALANCE, "the wallet does not hold that much")
    _, told = drive(swept(held(ADA, "1.2")), lambda _: gone)
    (failed,) = of(DustConversionFailed, told)
    assert (failed.refusal, failed.money) == (gone, ())


def test_sweep__refused_by_the_venue_with_a_rest_below_a_step__is_not_announced_again_within_a_day() -> None:
    not_here = Refusal(RefusalCode.NOT_PERMITTED, "not offered here", "GEOFENCING_RESTRICTION")
    account, told = drive(swept(held(ADA, "1.239")), lambda _: not_here)
    assert [fact.reason for fact in of(DustUnroutable, told)] == [Unroutable.REFUSED_BY_VENUE]
    for hours, times in ((1, 0), (25, 1)):
        due = NOON + timedelta(hours=hours)
        account, told = when(account, RecordScan(reading(held(ADA, "1.239"), due=due), POLICY))
        assert len(of(DustDetected, told)) == times


def test_sweep__a_balance_that_fell_below_the_minimum__is_announced_again_when_it_is_back() -> None:
    account = swept(held(TONE, "30"), at=CHEAP_BUY)
    step = next_step(account)
    assert isinstance(step, Try)
    gone = size(step, held(TONE, "20.5"), POLICY)
    assert isinstance(gone, Refusal)
    assert gone.missing == Amount(D("6.5"), TONE)
    account, _ = when(account, DeclineLeg(step.leg.plan.leg_id, gone))
    account, told = drive(account)
    assert of(DustUnroutable, told) == []
    later = reading(held(TONE, "30"), at=CHEAP_BUY, due=NOON + timedelta(days=7))
    _, told = when(account, RecordScan(later, POLICY))
    assert of(DustDetected, told)


def test_sweep__a_refused_buy__fails_the_lots_and_says_that_the_money_is_in_the_hub() -> None:
    def no_buy(intent: LegRequested) -> Answer:
        return NO_BIDS if intent.kind is LegKind.BUY else all_of_it(intent)

    account, told = drive(swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY), no_buy)
    failed = of(DustConversionFailed, told)
    assert {each.asset for each in failed} == {ADA, DOGE}
    assert sum((each.money[0] for each in failed), Amount(D(0), USDC)).quantity == account.purse.of(USDC)
    assert all(each.legs_done for each in failed)
    (completed,) = of(SweepCompleted, told)
    assert (completed.converted, completed.carried, completed.failed) == (0, 0, 2)


def test_sweep__a_buy_that_fills_in_part__carries_the_rest_with_what_each_lot_got() -> None:
    account, told = drive(swept(held(ADA, "1.1"), held(DOGE, "4.9"), at=CHEAP_BUY), half_a_buy)
    (carried,) = of(ProceedsCarried, told)
    doge, ada = carried.lots
    (bought,) = (fact.fill.received.quantity for fact in of(LegFilled, told) if fact.fill.received.asset == BTC)
    assert (doge.received, ada.received) == (bought, D(0))
    assert "found a seller" in carried.sentence
    later = reading(held(ADA, "1.1"), at=CHEAP_BUY, due=NOON + timedelta(days=7))
    account, _ = when(account, RecordScan(later, POLICY))
    account, more = drive(account)
    told += more
    converted = of(DustConverted, told)
    assert [lot.asset for lot in converted] == [DOGE, ADA, ADA]
    assert converted[0].proceeds.quantity > bought
    assert [len(lot.order_ids) for lot in converted] == [3, 2, 2]
    assert all(abs(lot.slippage_bps) < 10 for lot in converted)
    fees = [fee.quantity for fact in of(LegFilled, told) for fee in fact.fill.fees]
    assert exactly_sum(*fees) == exactly_sum(*(fee.quantity for lot in converted for fee in lot.fees))
    assert_accounted(account, told)


def test_sweep__a_buy_that_could_spend_only_part_of_the_pool__pays_the_oldest_lots_and_carries_the_others() -> None:
    account, told = drive(swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY), seen=D("0.6"))
    (converted,) = of(DustConverted, told)
    assert converted.asset == DOGE
    (carried,) = of(ProceedsCarried, told)
    assert [lot.lot_id for lot in carried.lots] == [lot.lot.lot_id for lot in account.purse.owed]
    assert carried.amount == Amount(account.purse.of(USDC), USDC)
    assert "only 0.57 USDC was free on the account" in carried.sentence
    (completed,) = of(SweepCompleted, told)
    assert (completed.converted, completed.carried, completed.failed) == (1, 1, 0)
    assert_accounted(account, told)


def test_sweep__an_exchange_that_reached_only_one_of_two_lots__moves_that_one_alone() -> None:
    def some(intent: LegRequested) -> Answer:
        return filled(intent.quote, part=D("0.6")) if intent.kind is LegKind.CONVERT else all_of_it(intent)

    also_usd = dataclasses.replace(DOGE_USDC, name="DOGE-USD", quote=USD)
    at = market(CHEAP_BTC, also_usd, TONE_USD, DOGE_USD=Price(D("0.10"), D("0.1001")))
    account, told = drive(swept(held(DOGE, "4.5"), held(TONE, "30"), at=at), some)
    (converted,) = of(DustConverted, told)
    (carried,) = of(ProceedsCarried, told)
    assert converted.asset == TONE
    assert carried.lots[0].proceeds.asset == USD
    assert account.purse.of(USD) > 0


def test_sweep__a_lot_bought_in_part_before_the_target_changed__is_answered_with_the_new_target_alone() -> None:
    doges = replace(POLICY, target=DOGE)
    at = market(CHEAP_BTC, ADA_USDC, dataclasses.replace(DOGE_USDC, quote_minimum=D("0.20")))
    account, told = drive(swept(held(ADA, "1.2"), at=at), half_a_buy)
    (carried,) = of(ProceedsCarried, told)
    assert carried.lots[0].received > 0
    account = fold(account, allowed(doges))
    account, _ = when(account, RecordScan(reading(held(ADA, "1.2"), at=at, due=NOON + timedelta(days=7)), doges))
    account, told = drive(account, policy=doges)
    (bought,) = (fact.fill.received for fact in of(LegFilled, told) if fact.fill.received.asset == DOGE)
    assert sum((lot.proceeds for lot in of(DustConverted, told)), Amount(D(0), DOGE)) == bought


def test_sweep__an_unknown_outcome__blocks_every_other_leg_until_it_is_settled() -> None:
    account = swept(held(ADA, "1.2"), held(DOGE, "4.9"))
    account, told = start_first_leg(account)
    intent = of(LegRequested, told)[0]
    account, _ = when(account, ConcludeLeg(intent.leg_id, 1, Pending("the answer was lost")))
    assert isinstance(next_step(account), Ask)
    account, facts = when(account, ConcludeLeg(intent.leg_id, 1, Pending("still")))
    assert facts == []
    account, _ = when(account, ConcludeLeg(intent.leg_id, 1, all_of_it(intent)))
    assert isinstance(next_step(account), Try)


def start_first_leg(account: Account, fingerprint_of: Policy = POLICY) -> tuple[Account, list[AccountFact]]:
    step = next_step(account)
    assert isinstance(step, Try)
    plan = step.leg.plan
    quote = quote_for(plan.kind, step.wanted, plan.receive, PRICES[plan.product])
    return when(account, RequestLeg(plan.leg_id, step.wanted, quote, fingerprint(fingerprint_of), 1, "worker", NOON))


def test_sweep__never_arrived__is_asked_again_under_the_same_key_and_then_given_up() -> None:
    account = swept(held(ADA, "1.2"))
    account, told = drive(account, lambda _: NeverArrived())
    requested = of(LegRequested, told)
    assert [each.attempt for each in requested] == [1, 2, 3]
    assert len({each.key for each in requested}) == 1
    (failed,) = of(DustConversionFailed, told)
    assert failed.refusal.code is RefusalCode.NEVER_ARRIVED


def test_request__the_policy_changed_meanwhile__is_declined() -> None:
    account, told = start_first_leg(swept(held(ADA, "1.2")), replace(POLICY, threshold=D(5)))
    (refused,) = of(LegRefused, told)
    assert refused.refusal.code is RefusalCode.POLICY_CHANGED
    account, told = drive(account)
    assert isinstance(told[0], DustConversionFailed)


def test_request__worth_more_than_the_threshold_now__is_no_longer_dust() -> None:
    account = swept(held(ADA, "1.2"))
    step = next_step(account)
    assert isinstance(step, Try)
    dear = quote_for(LegKind.SELL, step.wanted, USDC, D("0.42"))
    account, told = when(
        account, RequestLeg(step.leg.plan.leg_id, step.wanted, dear, fingerprint(POLICY), 1, "worker", NOON)
    )
    (refused,) = of(LegRefused, told)
    assert refused.refusal.code is RefusalCode.NO_LONGER_DUST


def test_request__nothing_would_be_left_after_fees__is_declined() -> None:
    account = swept(held(ADA, "1.2"))
    step = next_step(account)
    assert isinstance(step, Try)
    eaten = Quote(step.wanted, Amount(D(0), USDC), (Amount(D("0.48"), USDC),), D("0.4"), "preview")
    _, told = when(
        account, RequestLeg(step.leg.plan.leg_id, step.wanted, eaten, fingerprint(POLICY), 1, "worker", NOON)
    )
    (refused,) = of(LegRefused, told)
    assert refused.refusal.code is RefusalCode.NO_NET_GAIN


def first_offer(account: Account, price: str = "0.40", **changes: Amount) -> list[AccountFact]:
    step = next_step(account)
    assert isinstance(step, Try)
    assert account.sweep
    offer = quote_for(step.leg.plan.kind, step.wanted, step.leg.plan.receive, D(price))
    mark = account.sweep.opened.fingerprint
    attempt, changed = next_attempt(step.leg) or 0, replace(offer, **changes)
    request = RequestLeg(step.leg.plan.leg_id, step.wanted, changed, mark, attempt, "worker", NOON)
    return decide(request, account)


def test_request__the_offer_leaves_less_than_the_owner_wants__is_declined() -> None:
    account = swept(held(ADA, "1.2"), policy=replace(POLICY, minimum_gain=D("0.10")))
    (refused,) = first_offer(account, price="0.085")
    assert isinstance(refused, LegRefused)
    assert refused.refusal.code is RefusalCode.NO_NET_GAIN
    (requested,) = first_offer(account, price="0.0855")
    assert isinstance(requested, LegRequested)


@pytest.mark.parametrize("offered", ["0", "-1.2", "1.2001"])
def test_request__an_offer_for_nothing_or_for_more_than_was_asked__is_declined(offered: str) -> None:
    (refused,) = first_offer(swept(held(ADA, "1.2")), spend=Amount(D(offered), ADA))
    assert isinstance(refused, LegRefused)
    assert refused.refusal.code is RefusalCode.OTHER
    assert f"{offered} ADA" in refused.refusal.sentence


@pytest.mark.parametrize("offered", ["0.39", "0.41"])
def test_request__a_conversion_quoted_for_another_amount__is_declined(offered: str) -> None:
    (refused,) = first_offer(swept(held(PYUSD, "0.40"), at=convertible(PYUSD)), spend=Amount(D(offered), PYUSD))
    assert isinstance(refused, LegRefused)
    assert refused.refusal.code is RefusalCode.OTHER


def test_request__decided_before_an_earlier_attempt_was_lost__is_nothing() -> None:
    account = swept(held(ADA, "1.2"))
    step = next_step(account)
    assert isinstance(step, Try)
    leg_id, less = step.leg.plan.leg_id, Amount(D("0.5"), ADA)
    late = RequestLeg(leg_id, less, quote_for(LegKind.SELL, less, USDC, D("0.4")), fingerprint(POLICY), 1, "late", NOON)
    account, _ = start_first_leg(account)
    account, _ = when(account, ConcludeLeg(leg_id, 1, NeverArrived()))
    assert decide(late, account) == []


@pytest.mark.parametrize(("cap", "span"), [("sweep_cap", "sweep"), ("day_cap", "day")])
def test_request__prices_that_rose_over_a_cap__leaves_the_lot_to_a_later_sweep(cap: str, span: str) -> None:
    policy = replace(POLICY, **{cap: D("0.60")})
    account = swept(held(ADA, "0.7"), held(DOGE, "3"), policy=policy)
    (requested,) = first_offer(account, price="0.16")
    assert isinstance(requested, LegRequested)
    account = fold(account, [requested])
    account, _ = when(account, ConcludeLeg(requested.leg_id, 1, all_of_it(requested)))
    (refused,) = first_offer(account, price="0.18")
    assert isinstance(refused, LegRefused)
    assert refused.refusal.code is RefusalCode.OVER_CAP
    assert f"0.60 USD a {span}" in refused.refusal.sentence
    (requested,) = first_offer(account, price="0.17")
    assert isinstance(requested, LegRequested)
    account, _ = when(fold(account, [requested]), ConcludeLeg(requested.leg_id, 1, NeverArrived()))
    assert isinstance(first_offer(account, price="0.17")[0], LegRequested)
    (refused,) = first_offer(account, price="0.18")
    assert isinstance(refused, LegRefused)


def test_day__what_was_put_up_for_sale__is_counted_once_whatever_the_kind_of_leg() -> None:
    account, told = start_first_leg(swept(held(ADA, "1.2")))
    assert account.spent_on(NOON.date()) == D("0.480")
    (intent,) = of(LegRequested, told)
    account, _ = when(account, ConcludeLeg(intent.leg_id, 1, NeverArrived()))
    account, _ = drive(account)
    assert account.spent_on(NOON.date()) == D("0.480")
    assert account.spent_on(NOON.date() + timedelta(days=1)) == 0
    exchanged, _ = drive(swept(held(PYUSD, "0.40"), at=convertible(PYUSD)))
    assert exchanged.spent_on(NOON.date()) == D("0.40")


def test_day_cap__of_workers_whose_clocks_differ_at_midnight__is_one_days() -> None:
    """Whoever is late takes no day back that has begun, nor finds another cap to spend."""
    policy = replace(POLICY, day_cap=D("0.60"))
    account = swept(held(ADA, "0.7"), held(DOGE, "3"), policy=policy)
    late, new = NOON.date(), NOON.date() + timedelta(days=1)
    (requested,) = first_offer(account, price="0.16")
    assert isinstance(requested, LegRequested)
    ahead = replace(requested, requested_at=requested.requested_at + timedelta(days=1))
    account = fold(account, [ahead])
    assert account.spent_on(new) == account.spent_on(late) > D("0.40")
    assert account.spent_on(late - timedelta(days=1)) == account.spent_on(new + timedelta(days=1)) == 0
    account, _ = when(account, ConcludeLeg(requested.leg_id, 1, all_of_it(requested)))
    (refused,) = first_offer(account, price="0.18")
    assert isinstance(refused, LegRefused)
    (second,) = first_offer(account, price="0.05")
    assert isinstance(second, LegRequested)
    before = account.spent_on(new)
    account = fold(account, [second])
    assert account.spent_on(new) > before


def test_request__a_buy_dearer_than_what_dust_has_earned__is_declined() -> None:
    account = swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY)
    for _ in range(2):
        account, told = start_first_leg(account)
        (intent,) = of(LegRequested, told)
        account, _ = when(account, ConcludeLeg(intent.leg_id, 1, all_of_it(intent)))
    step = next_step(account)
    assert isinstance(step, Try)
    assert step.leg.plan.kind is LegKind.BUY
    dear = quote_for(LegKind.BUY, Amount(account.purse.of(USDC) + D("0.01"), USDC), BTC, D(60006))
    _, told = when(account, RequestLeg(step.leg.plan.leg_id, step.wanted, dear, fingerprint(POLICY), 1, "worker", NOON))
    (refused,) = of(LegRefused, told)
    assert refused.refusal.code is RefusalCode.OVER_CAP


@pytest.mark.parametrize(
    ("available", "hold", "expected"),
    [
        ("1.2", "0", Amount(D("1.2"), ADA)),
        ("1.239", "0", Amount(D("1.2"), ADA)),
        ("0.519", "0", Amount(D("0.51"), ADA)),
        ("0.009", "0", RefusalCode.BELOW_MINIMUM),
        ("0", "0", RefusalCode.INSUFFICIENT_BALANCE),
        ("1.2", "0.1", RefusalCode.NO_LONGER_DUST),
        ("1.2499", "0", Amount(D("1.2"), ADA)),
        ("1.25", "0", RefusalCode.NO_LONGER_DUST),
        ("1000", "0", RefusalCode.NO_LONGER_DUST),
    ],
)
def test_size__by_the_balance_read_just_now__never_more_than_announced(
    available: str, hold: str, expected: Amount | RefusalCode
) -> None:
    step = next_step(swept(held(ADA, "1.2")))
    assert isinstance(step, Try)
    found = size(step, held(ADA, available, hold), POLICY)
    assert (found.code if isinstance(found, Refusal) else found) == expected


@pytest.mark.parametrize(
    ("available", "hold", "expected"),
    [
        ("1.2", "0", Amount(D("1.0"), ADA)),
        ("1.24", "0", Amount(D("1.0"), ADA)),
        ("1.1", "0", RefusalCode.INSUFFICIENT_BALANCE),
        ("1.2", "0.5", RefusalCode.NO_LONGER_DUST),
        ("1000", "0", RefusalCode.NO_LONGER_DUST),
    ],
)
def test_size__of_a_leg_that_never_arrived__is_as_it_was_or_none(
    available: str, hold: str, expected: Amount | RefusalCode
) -> None:
    policy = replace(POLICY, reserves=(Amount(D("0.2"), ADA),))
    account, told = start_first_leg(swept(held(ADA, "1.2"), policy=policy), policy)
    (intent,) = of(LegRequested, told)
    account, _ = when(account, ConcludeLeg(intent.leg_id, 1, NeverArrived()))
    step = next_step(account)
    assert isinstance(step, Try)
    found = size(step, held(ADA, available, hold), policy)
    assert (found.code if isinstance(found, Refusal) else found) == expected


def test_size__more_digits_than_usual__is_never_more_than_there_is() -> None:
    long = "123456789012.123456789012345678"
    fine = market(
        BTC_USDC, dataclasses.replace(ADA_USDC, base_increment=D("1E-18")), ADA_USDC=Price(D("1E-12"), D("1.1E-12"))
    )
    step = next_step(swept(held(ADA, long), at=fine))
    assert isinstance(step, Try)
    assert size(step, held(ADA, long), POLICY) == Amount(D(long), ADA)


def test_purse__proceeds_of_more_digits_than_usual__keeps_them_all() -> None:
    def paid_finely(intent: LegRequested) -> Answer:
        paid = Amount(D("0.4612345678901234567890123456789012"), USDC)
        return replace(filled(intent.quote), received=paid) if intent.kind is LegKind.SELL else all_of_it(intent)

    account, told = drive(swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY), paid_finely)
    assert_accounted(account, told)


def test_halt__in_the_middle_of_a_sweep__settles_what_is_open_and_asks_nothing_new() -> None:
    account, told = start_first_leg(swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY))
    (intent,) = of(LegRequested, told)
    account, _ = when(account, Declare(ConversionsHalted("main", "on holiday"), "1"))
    assert isinstance(next_step(account), Ask)
    account, _ = when(account, ConcludeLeg(intent.leg_id, 1, all_of_it(intent)))
    assert next_step(account) == Rest()
    account, _ = when(account, Declare(ConversionsResumed("main"), "2"))
    account, told = drive(account)
    assert len(of(DustConverted, told)) == 2


def test_top_up__the_gain_covers_both_fees_and_the_spread__buys_to_the_minimum_and_sells_all() -> None:
    policy = replace(POLICY, top_up=D("1.00"), taker_fee=D("0.001"))
    small_buys = dataclasses.replace(TONE_USD, quote_minimum=D("0.05"))
    at = market(BTC_USDC, small_buys)
    account = swept(held(TONE, "25"), policy=policy, at=at)
    kinds = [leg.plan.kind for leg in (account.sweep.legs.values() if account.sweep else ())]
    assert kinds == [LegKind.TOP_UP, LegKind.SELL, LegKind.CONVERT, LegKind.BUY]
    account, told = drive(account, policy=policy)
    sale = next(fact for fact in of(LegRequested, told) if fact.kind is LegKind.SELL)
    assert sale.spend.quantity >= D("26.7187147229469674")
    spent = exactly_sum(*(fact.fill.spent.quantity for fact in of(LegFilled, told) if fact.fill.spent.asset == USD))
    earned = exactly_sum(*(f.fill.received.quantity for f in of(LegFilled, told) if f.fill.received.asset == USD))
    assert account.purse.of(USD) == earned - spent
    assert account.purse.of(USD) + account.purse.of(USDC) > 0


@pytest.mark.parametrize("changes", [{"top_up": None}, {"top_up": D(0)}, {"top_up": D(5), "taker_fee": D("0.5")}])
def test_top_up__off_unfunded_or_dearer_than_it_recovers__leaves_the_lot_unroutable(
    changes: dict[str, Decimal],
) -> None:
    policy = replace(POLICY, **changes)
    account, told = when(given(policy), RecordScan(reading(held(TONE, "25")), policy))
    assert account.sweep is None
    (stuck,) = of(DustUnroutable, told)
    assert stuck.reason is Unroutable.BELOW_MINIMUM


FOO = "coinbase:FOO"
CHEAP_TOP_UPS = market(
    BTC_USDC,
    dataclasses.replace(TONE_USD, quote_minimum=D("0.05")),
    product(FOO, USDC, base_increment=D(1), base_minimum=D(27), quote_minimum=D("0.05")),
    FOO_USDC=Price(D("0.01523"), D("0.01524")),
)


def laid_out(policy: Policy, money: dict[str, Decimal], at: Market = CHEAP_TOP_UPS) -> Decimal:
    account = given(policy)
    account = account._replace(purse=account.purse._replace(money=money))
    account, facts = when(account, RecordScan(reading(held(TONE, "25"), held(FOO, "25"), at=at), policy))
    legs = [leg for fact in of(DustDetected, facts) for leg in fact.plan if leg.kind is LegKind.TOP_UP]
    assert all(leg.quantity for leg in legs)
    return exactly_sum(*(leg.quantity for leg in legs if leg.quantity))


@pytest.mark.parametrize(
    ("money", "expected"),
    [
        ({}, "0.05"),
        ({USD: D("0.05")}, "0.10"),
        ({USDC: D("-0.03")}, "0"),
        ({USD: D("-0.03"), USDC: D("0.06")}, "0.05"),
    ],
)
def test_top_up__two_hubs__share_one_allowance_less_what_did_not_come_back(
    money: dict[str, Decimal], expected: str
) -> None:
    policy = replace(POLICY, top_up=D("0.06"), taker_fee=D("0.001"))
    assert laid_out(policy, money) == D(expected)


@pytest.mark.parametrize(
    ("price", "code"),
    [("0.0152", None), ("0.0300", RefusalCode.NO_NET_GAIN), ("0.000001", RefusalCode.NO_NET_GAIN)],
)
def test_top_up__offered_at_another_price__is_made_only_when_it_lifts_the_lot_and_gains(
    price: str, code: RefusalCode | None
) -> None:
    policy = replace(POLICY, top_up=D("0.06"), taker_fee=D("0.001"))
    step = next_step(swept(held(TONE, "25"), policy=policy, at=CHEAP_TOP_UPS))
    assert isinstance(step, Try)
    offer = quote_for(LegKind.BUY, step.wanted, TONE, D(price), D("0.001"))
    request = RequestLeg(step.leg.plan.leg_id, step.wanted, offer, fingerprint(policy), 1, "worker", NOON)
    (fact,) = decide(request, swept(held(TONE, "25"), policy=policy, at=CHEAP_TOP_UPS))
    assert (fact.refusal.code if isinstance(fact, LegRefused) else None) is code


def test_top_up__what_it_buys__counts_towards_the_cap() -> None:
    policy = replace(POLICY, top_up=D(1), taker_fee=D("0.001"))
    assert laid_out(replace(policy, sweep_cap=D("0.44")), {}) == D("0.05")
    assert laid_out(replace(policy, sweep_cap=D("0.43")), {}) == 0


def test_top_up__its_buy_refused__declines_the_sale_with_the_same_reason() -> None:
    policy = replace(POLICY, top_up=D("1.00"), taker_fee=D("0.001"))
    at = market(BTC_USDC, dataclasses.replace(TONE_USD, quote_minimum=D("0.05")))
    account = swept(held(TONE, "25"), policy=policy, at=at)
    account, told = drive(account, lambda _: NO_BIDS, policy)
    (failed,) = of(DustConversionFailed, told)
    assert failed.refusal == NO_BIDS
    assert failed.money == (Amount(D(25), TONE),)


ANSWERS = st.sampled_from(["all", "half", "no", "pending", "lost"])


@settings(max_examples=150, deadline=None)
@for_all(
    scans=st.lists(
        st.tuples(
            st.integers(0, 124),
            st.integers(0, 499),
            st.integers(0, 32),
            st.lists(ANSWERS, max_size=12),
            st.sampled_from(["1", "0.6", "0.01", "0"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_sweeps__whatever_the_venue_answers__every_unit_is_accounted_for(
    scans: list[tuple[int, int, int, list[str], str]],
) -> None:
    account, facts = given(), []
    for week, (ada, doge, tone, answers, seen_of_hubs) in enumerate(scans):
        due = NOON + timedelta(days=7 * week)
        seen = reading(
            held(ADA, str(D(ada) / 100)), held(DOGE, str(D(doge) / 100)), held(TONE, str(tone)), at=CHEAP_BUY, due=due
        )
        account, told = when(account, RecordScan(seen, POLICY))
        facts += told
        assert decide(RecordScan(seen, POLICY), account) == []
        coming = iter(answers)

        def answer(intent: LegRequested, coming: object = coming) -> Answer:
            match next(coming, "all"):  # type: ignore[call-overload]
                case "half" if intent.kind is not LegKind.CONVERT:  # venues exchange all or nothing
                    return filled(intent.quote, part=D("0.5"))
                case "no":
                    return NO_BIDS
                case "pending":
                    return Pending("not settled")
                case "lost":
                    return NeverArrived()
                case _:
                    return all_of_it(intent)

        account, told = drive(account, answer, seen=D(seen_of_hubs))
        facts += told
        assert_accounted(account, facts)


def assert_accounted(account: Account, facts: list[AccountFact]) -> None:
    """Money earned less money spent is in the purse; the target bought is in the lots' hands or still owed to them."""
    fills = [fact.fill for fact in of(LegFilled, facts)]
    for hub in (USD, USDC):
        earned = exactly_sum(*(fill.received.quantity for fill in fills if fill.received.asset == hub))
        spent = exactly_sum(*(fill.spent.quantity for fill in fills if fill.spent.asset == hub))
        assert account.purse.of(hub) == exactly_sum(earned, -spent) >= 0
    bought = exactly_sum(*(fill.received.quantity for fill in fills if fill.received.asset == BTC))
    given_out = [lot.proceeds.quantity for lot in of(DustConverted, facts)]
    owed = account.purse.owed
    assert bought == exactly_sum(*given_out, *(lot.received.quantity for lot in owed if lot.received))
    money, waiting = account.purse.money.values(), (lot.contribution.quantity for lot in owed)
    rounding = D("0.02") * len(of(SweepCompleted, facts))
    assert abs(exactly_sum(*money) - exactly_sum(*waiting)) <= rounding, "money in the purse belongs to the lots"
    keys = [each.key for each in of(LegRequested, facts)]
    filled_legs = [fact.leg_id for fact in of(LegFilled, facts)]
    assert len(filled_legs) == len(set(filled_legs))
    assert len(set(keys)) == len({each.leg_id for each in of(LegRequested, facts)})


@settings(max_examples=40, deadline=None)
@for_all(cut=st.integers(0, 40))
def test_replay__of_any_prefix__is_where_the_account_was_then(cut: int) -> None:
    account, facts = when(given(), RecordScan(reading(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY), POLICY))
    _, more = drive(account)
    story = [*facts, *more]
    whole = fold(fold(given(), story[:cut]), story[cut:])
    assert whole == fold(given(), story)


def test_evolve__a_story_that_cannot_be__stops() -> None:
    account, told = drive(swept(held(ADA, "1.2")))
    with pytest.raises(ImpossibleHistory, match="not open"):
        fold(account, of(SweepCompleted, told))
    with pytest.raises(ImpossibleHistory, match="never sold"):
        fold(
            account,
            [DustConverted("main", "s", "lot", ADA, D(1), D(0), Amount(D(1), BTC), (), (), (), D(0), D(1), "USD")],
        )
    with pytest.raises(ImpossibleHistory, match="no open sweep"):
        fold(account, of(LegFilled, told))
    opened = swept(held(ADA, "1.2"))
    assert opened.sweep
    with pytest.raises(ImpossibleHistory, match="while"):
        fold(opened, [opened.sweep.opened])


def test_legs__of_a_finished_sweep__are_all_filled() -> None:
    account = swept(held(ADA, "1.2"), held(DOGE, "4.9"), at=CHEAP_BUY)
    for _ in range(3):
        account, told = start_first_leg(account)
        (intent,) = of(LegRequested, told)
        account, _ = when(account, ConcludeLeg(intent.leg_id, 1, all_of_it(intent)))
    assert account.sweep
    assert all(isinstance(leg, Filled) for leg in account.sweep.legs.values())
    assert next_step(account) == Finish()
