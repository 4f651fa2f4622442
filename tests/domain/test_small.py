"""Specifications of small balances: what leaves through the venue's own exchange of them, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.account import Account
from domain.commands import ConcludeBatch, ConcludeLeg, FinishSweep, RecordScan, RequestBatch, SmallIntent
from domain.decision import decide, findings, fingerprint, next_step
from domain.dust import Market, still_holds
from domain.leg import Answer, NeverArrived
from domain.sweep import AskBatch, Batch, Finish, Try, size
from domain.venue import NeverArrived as VenueKnowsNothing
from domain.venue import Pending, Price, SmallBalances, SmallOffer
from events.facts import (
    DustConversionFailed,
    DustConverted,
    DustUnroutable,
    LegFilled,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    SweepCompleted,
)
from events.money import Amount
from events.records import replace as changed
from events.values import Fill, Keep, LegKind, Policy, Quote, Refusal, RefusalCode, Unroutable
from tests.domain.controls import ADA, ADA_USDC, BTC, BTC_USDC, DOGE, DOGE_USDC, NOON, POLICY, D, fold, held, reading
from tests.domain.controls import given as gone_live
from tests.domain.controls import market as usual_market

NOTIONAL = D(5)
LATER = NOON + timedelta(minutes=1)


def coarse(**desk: object) -> Market:
    """A venue whose markets take sales of 5 USDC and more, and which exchanges ADA and DOGE as small balances."""
    usual = usual_market(BTC_USDC, *(replace(each, sale_minimum=NOTIONAL) for each in (ADA_USDC, DOGE_USDC)))
    small = SmallBalances(
        "dust-BTC",
        BTC,
        {
            ADA: SmallOffer(D(1), D("0.00000653"), D("0.00000013")),
            DOGE: SmallOffer(D(3), D("0.0000049"), D("0.0000001")),
        },
    )
    return replace(usual, capabilities=replace(usual.capabilities, small=replace(small, **desk)))  # type: ignore[arg-type]


def opened(market: Market | None = None, policy: Policy = POLICY) -> Account:
    """An account that is live and has a sweep of 1 ADA and 3 DOGE."""
    account = gone_live(policy)
    seen = reading(held(ADA, "1"), held(DOGE, "3"), at=market or coarse())
    return fold(account, decide(RecordScan(seen, policy), account))


def quote(spend: str, asset: str, brings: str, fee: str) -> Quote:
    return Quote(Amount(D(spend), asset), Amount(D(brings), BTC), (Amount(D(fee), BTC),), D(1), "")


OFFERS = {ADA: quote("1", ADA, "0.00000653", "0.00000013"), DOGE: quote("3", DOGE, "0.0000049", "0.0000001")}


def requested(account: Account, policy: Policy = POLICY, offers: dict[str, Quote] | None = None) -> RequestBatch:
    step = next_step(account)
    assert isinstance(step, Batch)
    intents = tuple(
        SmallIntent(
            each.leg.plan.leg_id,
            each.wanted,
            (offers or OFFERS)[each.wanted.asset],
            each.leg.intent.attempt + 1 if isinstance(each.leg, NeverArrived) else 1,
        )
        for each in step.tries
    )
    return RequestBatch(intents, fingerprint(policy), "worker", LATER)


def fill(asset: str) -> Fill:
    offer = OFFERS[asset]
    return Fill("dust-1", offer.spend, offer.receive, offer.fees, ())


def concluded(account: Account, answers: dict[str, Answer]) -> Account:
    step = next_step(account)
    assert isinstance(step, AskBatch)
    told = tuple(
        ConcludeLeg(leg.plan.leg_id, leg.intent.attempt, answers[leg.plan.spend])  # type: ignore[union-attr]
        for leg in step.legs
    )
    account = fold(account, decide(ConcludeBatch(told), account))
    assert decide(ConcludeBatch(told), account) == []
    return account


def test_scan__of_what_its_market_is_too_coarse_for__plans_one_exchange_of_small_balances() -> None:
    found = findings(gone_live(), reading(held(ADA, "1"), held(DOGE, "3"), at=coarse()), POLICY)

    assert [(leg.kind, leg.product, leg.spend, leg.receive) for leg in found.legs[:2]] == [
        (LegKind.DUST, "dust-BTC", ADA, BTC),
        (LegKind.DUST, "dust-BTC", DOGE, BTC),
    ]
    assert [lot.quantity for lot in found.lots] == [D(1), D(3)]
    assert not found.stuck


def test_scan__without_such_an_exchange__says_how_much_value_is_missing() -> None:
    venue = coarse()
    venue = replace(venue, capabilities=replace(venue.capabilities, small=None))

    found = findings(gone_live(), reading(held(ADA, "1"), at=venue), POLICY)

    assert [(each.reason, each.missing) for each in found.stuck] == [
        (Unroutable.BELOW_MINIMUM, Amount(D("4.60"), "coinbase:USDC"))
    ]


def test_scan__of_what_a_market_takes__sells_it_there() -> None:
    policy = policy_with(threshold=D(10))
    venue = coarse(offers={ADA: SmallOffer(D(20), D("0.0001"), D("0.000002"))})

    found = findings(gone_live(policy), reading(held(ADA, "20"), at=venue), policy)

    assert found.legs[0].kind is LegKind.SELL


def without_market(**desk: object) -> Market:
    """A venue where ADA has no market in a hub, only the exchange of small balances."""
    usual = coarse(**desk)
    pairs = {pair: product for pair, product in usual.capabilities.products.items() if pair[0] != ADA}
    return replace(usual, capabilities=replace(usual.capabilities, products=pairs))


def test_scan__of_what_has_no_market__is_worth_what_the_exchange_of_small_balances_offers_before_its_fee() -> None:
    found = findings(gone_live(), reading(held(ADA, "1"), at=without_market()), POLICY)

    assert [(leg.kind, leg.product, leg.receive) for leg in found.legs[:1]] == [(LegKind.DUST, "dust-BTC", BTC)]
    assert [(lot.quantity, lot.value) for lot in found.lots] == [(D(1), D("0.00000666") * 60000)]


def test_scan__of_what_has_no_market_and_is_paid_for_in_a_hub__counts_the_hub() -> None:
    venue = without_market(name="dust-USDC", pays="coinbase:USDC", offers={ADA: SmallOffer(D(1), D("0.39"), D("0.01"))})

    found = findings(gone_live(), reading(held(ADA, "1"), at=venue), POLICY)

    assert [lot.value for lot in found.lots] == [D("0.40")]


@pytest.mark.parametrize(
    "venue",
    [
        without_market(offers={}),
        without_market(offers={ADA: SmallOffer(D("0.9"), D("0.00000653"), D("0.00000013"))}),
        without_market(offers={ADA: SmallOffer(D(1), D(0), D(0))}),
        without_market(pays="coinbase:ETH"),
        replace(without_market(), prices={"BTC-USDC": Price(None, None)}),
    ],
    ids=["no offer", "not for all of it", "for nothing", "in something else", "in what has no price"],
)
def test_scan__of_what_has_no_market_and_no_offer_that_says_its_worth__is_not_tradable(venue: Market) -> None:
    found = findings(gone_live(), reading(held(ADA, "1"), at=venue), POLICY)

    assert not found.lots
    assert [each.reason for each in found.kept if each.asset == ADA] == [Keep.NOT_TRADABLE]


def test_scan__of_what_has_no_market_and_is_offered_more_than_the_threshold_for__stays() -> None:
    venue = without_market(offers={ADA: SmallOffer(D(1), D("0.001"), D("0.00002"))})

    found = findings(gone_live(), reading(held(ADA, "1"), at=venue), POLICY)

    assert [each.reason for each in found.kept] == [Keep.ABOVE_THRESHOLD]


@pytest.mark.parametrize("available", ["1.2", "0.9"])
def test_scan__when_the_offer_is_not_for_all_of_it__leaves_it(available: str) -> None:
    found = findings(gone_live(), reading(held(ADA, available), at=coarse()), POLICY)

    assert not found.lots
    assert found.stuck[0].reason is Unroutable.BELOW_MINIMUM


def test_scan__when_some_of_it_is_reserved__leaves_it_since_all_of_it_would_go() -> None:
    policy = policy_with(reserves=(Amount(D("0.1"), ADA),))

    found = findings(gone_live(policy), reading(held(ADA, "1.1"), at=coarse()), policy)

    assert not found.lots


def test_scan__while_the_venue_rests__waits_and_says_until_when() -> None:
    ready = NOON + timedelta(hours=6)
    found = findings(gone_live(), reading(held(ADA, "1"), at=coarse(ready_at=ready)), POLICY)

    assert not found.lots
    assert [(each.reason, each.learned) for each in found.stuck] == [(Unroutable.COOLDOWN, False)]
    assert "2026-03-01 18:00 UTC" in found.stuck[0].sentence


def test_scan__once_the_rest_is_over__takes_it_again() -> None:
    found = findings(gone_live(), reading(held(ADA, "1"), at=coarse(ready_at=NOON)), POLICY)

    assert len(found.lots) == 1


def test_scan__when_the_fee_takes_all_of_it__says_so() -> None:
    venue = coarse(offers={ADA: SmallOffer(D(1), D(0), D("0.00000013"))})

    found = findings(gone_live(), reading(held(ADA, "1"), at=venue), POLICY)

    assert [each.reason for each in found.stuck] == [Unroutable.NO_NET_GAIN]


def test_size__when_more_came_in_since__is_refused_since_all_of_it_would_go() -> None:
    step = next_step(opened())
    assert isinstance(step, Batch)

    for available in ("1.01", "0.99"):
        refusal = size(step.tries[0], held(ADA, available), POLICY)
        assert isinstance(refusal, Refusal)
        assert refusal.code is RefusalCode.NO_LONGER_DUST


def test_size__of_a_balance_finer_than_any_market__is_all_of_it_to_the_last_digit() -> None:
    whole = D("1.000000000000000001")
    account = gone_live()
    venue = coarse(offers={ADA: SmallOffer(whole, D("0.00000653"), D("0.00000013"))})
    account = fold(account, decide(RecordScan(reading(held(ADA, str(whole)), at=venue), POLICY), account))

    step = next_step(account)

    assert isinstance(step, Batch)
    assert size(step.tries[0], held(ADA, str(whole)), POLICY) == Amount(whole, ADA)


def test_request__of_several__records_all_intents_under_one_key_at_the_price_of_the_scan() -> None:
    account = opened()

    facts = [fact for fact in decide(requested(account), account) if isinstance(fact, LegRequested)]

    assert len({fact.key for fact in facts}) == 1
    assert len({fact.leg_id for fact in facts}) == 2
    assert [fact.quote.price for fact in facts] == [D("0.40"), D("0.10")]
    assert fold(account, facts).spent_on(NOON.date()) == D("0.70")


def test_request__of_what_a_strategy_has_no_use_for__has_no_threshold() -> None:
    policy = policy_with(threshold=D("0.05"), belongs=(BTC,), expects_rewards=True)
    account = opened(policy=policy)

    facts = decide(requested(account, policy), account)

    assert [type(fact) for fact in facts] == [LegRequested, LegRequested]


def test_request__made_twice__records_nothing_more() -> None:
    account = opened()
    command = requested(account)

    assert decide(command, fold(account, decide(command, account))) == []


def test_request__over_a_cap__declines_what_does_not_fit_and_asks_nothing_yet() -> None:
    policy = policy_with(sweep_cap=D("0.75"), day_cap=D("0.75"))
    account = opened(policy=policy)
    spent = account._replace(spent=(NOON.date(), D("0.10")))

    facts = decide(requested(account, policy), spent)

    assert [type(fact) for fact in facts] == [LegRefused]
    assert facts[0].refusal.code is RefusalCode.OVER_CAP  # type: ignore[union-attr]


def test_request__with_another_policy__asks_nothing() -> None:
    account = opened()
    command = replace(requested(account), fingerprint="another")

    assert {type(fact) for fact in decide(command, account)} == {LegRefused}


def test_request__when_the_offer_spends_something_else__is_declined() -> None:
    account = opened()
    offers = OFFERS | {ADA: quote("2", ADA, "0.00001306", "0.00000026")}

    facts = decide(requested(account, offers=offers), account)

    assert [(fact.refusal.code, type(fact)) for fact in facts if isinstance(fact, LegRefused)] == [
        (RefusalCode.OTHER, LegRefused)
    ]


def test_request__of_a_leg_twice__asks_nothing() -> None:
    account = opened()
    command = requested(account)

    assert decide(replace(command, intents=(*command.intents, command.intents[0])), account) == []


def test_sweep__when_all_is_exchanged__each_lot_has_its_own_share_of_the_target_to_the_last_unit() -> None:
    account = opened()
    account = fold(account, decide(requested(account), account))
    account = concluded(account, {asset: fill(asset) for asset in OFFERS})
    assert next_step(account) == Finish()

    facts = decide(FinishSweep(account.sweep.opened.sweep_id, LATER), account)  # type: ignore[union-attr]

    done = {fact.asset: fact.proceeds for fact in facts if isinstance(fact, DustConverted)}
    assert done == {asset: offer.receive for asset, offer in OFFERS.items()}
    after = fold(account, facts)
    assert after.purse.of(BTC) == 0
    assert after.purse.owed == ()
    assert [fact.converted for fact in facts if isinstance(fact, SweepCompleted)] == [2]


def test_sweep__when_one_asset_is_left_out__the_other_keeps_exactly_what_it_brought() -> None:
    account = opened()
    account = fold(account, decide(requested(account), account))
    left_out = Refusal(RefusalCode.NOT_TRADABLE, "left out", "left out")
    account = concluded(account, {ADA: fill(ADA), DOGE: left_out})

    facts = decide(FinishSweep(account.sweep.opened.sweep_id, LATER), account)  # type: ignore[union-attr]

    assert [fact.proceeds for fact in facts if isinstance(fact, DustConverted)] == [OFFERS[ADA].receive]
    assert [fact.money for fact in facts if isinstance(fact, DustConversionFailed)] == [(Amount(D(3), DOGE),)]


def test_sweep__when_the_answer_is_lost__every_leg_is_unknown_and_nothing_else_is_asked() -> None:
    account = opened()
    account = fold(account, decide(requested(account), account))
    lost = Pending("lost")
    account = concluded(account, {ADA: lost, DOGE: lost})

    step = next_step(account)

    assert isinstance(step, AskBatch)
    assert len(step.legs) == 2
    assert decide(requested(opened()), account) == []


def test_sweep__when_it_never_arrived__is_asked_for_again_under_the_same_key() -> None:
    account = opened()
    first = decide(requested(account), account)
    account = concluded(fold(account, first), {ADA: VenueKnowsNothing(), DOGE: VenueKnowsNothing()})

    again = decide(requested(account), account)

    keys = {fact.key for fact in (*first, *again) if isinstance(fact, LegRequested)}
    assert len(keys) == 1
    assert [fact.attempt for fact in again if isinstance(fact, LegRequested)] == [2, 2]
    assert fold(account, again).spent_on(NOON.date()) == D("0.70")


@pytest.mark.parametrize(("largest", "asked"), [(1, [ADA]), (2, [ADA, DOGE]), (5, [ADA, DOGE]), (None, [ADA, DOGE])])
def test_batch__when_one_request_takes_so_many__keeps_the_first_in_the_order_of_the_plan(
    largest: int | None, asked: list[str]
) -> None:
    step = next_step(opened())
    assert isinstance(step, Batch)

    assert [each.leg.plan.spend for each in step.of_at_most(largest).tries] == asked


@pytest.mark.parametrize("largest", [0, -1])
def test_batch__when_no_request_could_carry_anything__is_an_error(largest: int) -> None:
    step = next_step(opened())
    assert isinstance(step, Batch)

    with pytest.raises(ValueError, match="largest"):
        step.of_at_most(largest)


def test_sweep__when_one_request_takes_one__asks_for_the_next_once_that_has_its_answer() -> None:
    account, asked = opened(), []
    while isinstance(step := next_step(account), Batch):
        (only,) = step.of_at_most(1).tries
        spend = only.wanted
        intent = SmallIntent(only.leg.plan.leg_id, spend, OFFERS[spend.asset], 1)
        account = fold(account, decide(RequestBatch((intent,), fingerprint(POLICY), "worker", LATER), account))
        waiting = next_step(account)
        assert isinstance(waiting, AskBatch)
        assert [leg.plan.spend for leg in waiting.legs] == [spend.asset]
        asked.append(spend.asset)
        account = concluded(account, {spend.asset: fill(spend.asset)})

    assert asked == [ADA, DOGE]
    assert isinstance(next_step(account), Finish)


def test_sweep__when_it_is_answered__records_all_answers_in_one() -> None:
    account = opened()
    account = fold(account, decide(requested(account), account))
    step = next_step(account)
    assert isinstance(step, AskBatch)
    told = tuple(ConcludeLeg(leg.plan.leg_id, 1, fill(leg.plan.spend)) for leg in step.legs)

    facts = decide(ConcludeBatch(told), account)

    assert [type(fact) for fact in facts] == [LegFilled, LegFilled]
    assert ConcludeBatch(told).cause == ConcludeBatch(told[::-1]).cause


def test_sweep__of_dust_and_sales__exchanges_small_balances_before_the_buy_that_spends_what_they_brought() -> None:
    policy = policy_with(threshold=D(10))
    usdc = "coinbase:USDC"
    venue = coarse(name="dust-USDC", pays=usdc, offers={DOGE: SmallOffer(D(3), D("0.29"), D("0.01"))})
    account = gone_live(policy)
    seen = reading(held(ADA, "20"), held(DOGE, "3"), at=venue)
    account = fold(account, decide(RecordScan(seen, policy), account))

    step = next_step(account)

    assert isinstance(step, Try)
    assert step.leg.plan.kind is LegKind.SELL
    kinds = [plan.kind for plan in account.sweep.opened.plan]  # type: ignore[union-attr]
    assert kinds == [LegKind.SELL, LegKind.DUST, LegKind.BUY]


def test_lesson__that_the_venue_rests__does_not_keep_the_next_scan_from_looking() -> None:
    account = opened()
    account = fold(account, decide(requested(account), account))
    resting = Refusal(RefusalCode.COOLDOWN, "it rests", "-9000")
    account = concluded(account, {ADA: resting, DOGE: resting})

    facts = decide(FinishSweep(account.sweep.opened.sweep_id, LATER), account)  # type: ignore[union-attr]

    lessons = [fact for fact in facts if isinstance(fact, DustUnroutable)]
    assert {fact.reason for fact in lessons} == {Unroutable.COOLDOWN}
    dust = findings(gone_live(), reading(held(ADA, "1"), at=coarse()), POLICY).dust[0]
    assert not still_holds(lessons[0], dust, LATER)


def test_unknown__twice__is_said_once() -> None:
    account = opened()
    account = fold(account, decide(requested(account), account))
    account = concluded(account, {ADA: Pending("lost"), DOGE: Pending("lost")})
    step = next_step(account)
    assert isinstance(step, AskBatch)

    told = decide(ConcludeLeg(step.legs[0].plan.leg_id, 1, Pending("still lost")), account)

    assert not [fact for fact in told if isinstance(fact, LegOutcomeUnknown)]


def policy_with(**changes: object) -> Policy:
    return changed(POLICY, **changes)
