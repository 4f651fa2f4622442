"""What is dust and what stays, and why: one specification for each reason, at its edges."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.dust import Dust, Market, judge, priced_products, still_holds, unroutable
from domain.venue import Holding, Price, Product
from events.facts import DustUnroutable
from events.money import Amount
from events.records import replace
from events.values import Keep, Kept, Policy, Unroutable
from tests.domain.controls import (
    ADA,
    ADA_USDC,
    BTC,
    BTC_USDC,
    DOGE,
    NOON,
    POLICY,
    PYUSD,
    TONE,
    TONE_USD,
    USD,
    USDC,
    D,
    convertible,
    held,
    market,
    product,
)


def reason(available: str, asset: str = ADA, hold: str = "0", policy: Policy = POLICY) -> Keep | None:
    verdict = judge(held(asset, available, hold), policy, market(), automatic=True)
    return verdict.reason if isinstance(verdict, Kept) else None


@pytest.mark.parametrize(
    ("available", "expected"),
    [("1.2499", None), ("1.25", Keep.ABOVE_THRESHOLD), ("1.2501", Keep.ABOVE_THRESHOLD), ("0.01", None)],
)
def test_judge__around_a_threshold_of_50_cents__is_strict(available: str, expected: Keep | None) -> None:
    assert reason(available) is expected


def test_judge__nothing_there__is_zero() -> None:
    assert reason("0") is Keep.ZERO


def test_judge__the_target_itself__stays() -> None:
    assert reason("0.000001", asset=BTC) is Keep.TARGET


def test_judge__an_excluded_stablecoin__stays() -> None:
    assert reason("0.30", asset=USDC) is Keep.EXCLUDED


def test_judge__a_hub_that_nobody_excluded__holds_proceeds_and_is_no_dust() -> None:
    policy = replace(POLICY, excluded=(BTC,))
    assert reason("0.30", asset=USDC, policy=policy) is Keep.EXCLUDED
    assert priced_products((held(USDC, "0.30"),), policy, market().capabilities) == {"BTC-USDC"}


def test_judge__a_quarantined_asset__stays_whatever_it_is_said_to_be_worth() -> None:
    for asset in (ADA, BTC, USDC):
        doubtful = dataclasses.replace(held(asset, "1"), quarantine="unknown")
        verdict = judge(doubtful, POLICY, market(), automatic=False)
        assert verdict == Kept(asset, D(1), Keep.QUARANTINED, "unknown")
        assert priced_products((doubtful,), POLICY, market().capabilities) == {"BTC-USDC"}


def test_judge__a_hub_that_is_not_at_par__values_in_the_policys_currency() -> None:
    dear = dataclasses.replace(market(), worth={USDC: D(3000)})
    found = judge(held(ADA, "0.0004"), POLICY, dear, automatic=True)
    assert isinstance(found, Dust)
    assert (found.price, found.value) == (D(1200), D("0.48"))
    kept = judge(held(ADA, "0.0005"), POLICY, dear, automatic=True)
    assert isinstance(kept, Kept)
    assert kept.reason is Keep.ABOVE_THRESHOLD


def test_judge__a_price_that_the_venue_doubts__is_none_and_says_why() -> None:
    doubted = market(ADA_USDC=Price(None, None, "the pool is far from the feed"))
    verdict = judge(held(ADA, "1"), POLICY, doubted, automatic=True)
    assert verdict == Kept(ADA, D(1), Keep.UNPRICED, "the pool is far from the feed")


def test_judge__coins_in_open_orders__stay_with_what_is_beside_them() -> None:
    assert reason("1", hold="0.5") is Keep.ON_HOLD
    assert reason("0", hold="0.5") is Keep.ON_HOLD


def test_judge__a_reserve__is_never_sold_and_the_rest_is() -> None:
    policy = replace(POLICY, reserves=(Amount(D("1"), ADA),))
    assert reason("1", policy=policy) is Keep.RESERVED
    verdict = judge(held(ADA, "1.2"), policy, market(), automatic=True)
    assert isinstance(verdict, Dust)
    assert verdict.free == D("0.2")


def test_judge__a_coin_without_market__is_not_tradable() -> None:
    assert reason("5", asset="coinbase:GONE") is Keep.NOT_TRADABLE


def test_judge__a_halted_market__is_not_tradable_and_names_the_venues_word() -> None:
    halted = market(BTC_USDC, dataclasses.replace(ADA_USDC, closed="trading_disabled"))
    verdict = judge(held(ADA, "1"), POLICY, halted, automatic=True)
    assert isinstance(verdict, Kept)
    assert verdict.reason is Keep.NOT_TRADABLE
    assert "trading_disabled" in verdict.sentence


def test_judge__an_empty_book__is_unpriced_and_never_worth_zero() -> None:
    verdict = judge(held(ADA, "1"), POLICY, market(ADA_USDC=Price(None, None)), automatic=True)
    assert isinstance(verdict, Kept)
    assert verdict.reason is Keep.UNPRICED


@pytest.mark.parametrize("price", [Price(D("0.01"), D(3000)), Price(D("0.01"), None), Price(D("0.10"), D("0.2001"))])
def test_judge__a_bid_far_from_the_ask__is_no_price_and_makes_no_dust(price: Price) -> None:
    verdict = judge(held(ADA, "1"), POLICY, market(ADA_USDC=price), automatic=True)
    assert isinstance(verdict, Kept)
    assert verdict.reason is Keep.UNPRICED


def test_judge__an_asset_the_policy_does_not_admit__stays_in_automatic_mode_alone() -> None:
    policy = replace(POLICY, admitted=(DOGE,))
    assert reason("1", policy=policy) is Keep.NOT_ADMITTED
    assert isinstance(judge(held(ADA, "1"), policy, market(), automatic=False), Dust)


def test_judge__two_hubs__takes_the_first_that_has_a_bid() -> None:
    both = market(BTC_USDC, ADA_USDC, product(ADA, "coinbase:USD"), ADA_USD=Price(D("0.39"), D("0.41")))
    empty = market(
        BTC_USDC, ADA_USDC, product(ADA, "coinbase:USD"),
        ADA_USD=Price(D("0.39"), D("0.41")), ADA_USDC=Price(None, D("0.4")),
    )  # fmt: skip
    first, second = (judge(held(ADA, "1"), POLICY, at, automatic=True) for at in (both, empty))
    assert isinstance(first, Dust)
    assert isinstance(second, Dust)
    assert (first.hub, second.hub) == (USDC, "coinbase:USD")


def test_judge__more_digits_than_usual__loses_none() -> None:
    long = D("123456789012.123456789012345678")
    fine = market(
        BTC_USDC, dataclasses.replace(ADA_USDC, base_increment=D("1E-18")), ADA_USDC=Price(D("1E-12"), D("1.1E-12"))
    )
    verdict = judge(Holding(ADA, long, D(0)), POLICY, fine, automatic=True)
    assert isinstance(verdict, Dust)
    assert verdict.free == long


def test_judge__a_value_of_more_digits_than_usual__is_still_told() -> None:
    verdict = judge(held(ADA, "1" + 26 * "0"), POLICY, market(), automatic=True)
    assert isinstance(verdict, Kept)
    assert "0.0000 USD" in verdict.sentence


def test_judge__every_sentence__says_something() -> None:
    for available, hold in (("0", "0"), ("1", "1"), ("99", "0")):
        verdict = judge(held(ADA, available, hold), POLICY, market(), automatic=True)
        assert isinstance(verdict, Kept)
        assert len(verdict.sentence) > 10


def test_priced_products__excluded_and_empty_wallets__need_no_price() -> None:
    holdings = (held(ADA, "1"), held(DOGE, "0"), held(USDC, "5"), held(BTC, "1"))
    assert priced_products(holdings, POLICY, market().capabilities) == {"ADA-USDC", "BTC-USDC"}


def dust(asset: str, available: str) -> Dust:
    verdict = judge(held(asset, available), POLICY, market(), automatic=True)
    assert isinstance(verdict, Dust)
    return verdict


def test_unroutable__below_a_minimum_that_is_no_multiple_of_the_increment__names_what_is_missing() -> None:
    found = unroutable(dust(TONE, "26.5"), POLICY, market())
    assert found is not None
    why, sentence, missing = found
    assert why is Unroutable.BELOW_MINIMUM
    assert missing == Amount(D("0.5"), TONE)
    assert "TONE-USD takes at least 27, 0.5 TONE more" in sentence


@for_all(st.decimals(min_value=1, max_value=30, places=3))
def test_unroutable__with_what_is_missing__is_so_no_longer(quantity: Decimal) -> None:
    found = unroutable(dust(TONE, str(quantity)), POLICY, market())
    assert (found is None) == (quantity >= 27)
    if found:
        _, _, missing = found
        assert missing
        assert missing.quantity > 0
        assert unroutable(dust(TONE, str(quantity + missing.quantity)), POLICY, market()) is None


def test_unroutable__less_than_a_cent_to_exchange__is_below_the_minimum() -> None:
    at = convertible(PYUSD)
    for available, missing in (("0.004", D("0.006")), ("0.01", None)):
        verdict = judge(held(PYUSD, available), POLICY, at, automatic=True)
        assert isinstance(verdict, Dust)
        found = unroutable(verdict, POLICY, at)
        assert (found and found[2]) == (missing and Amount(missing, PYUSD))


def test_unroutable__no_market_for_the_target__has_no_route() -> None:
    found = unroutable(dust(ADA, "1"), POLICY, market(ADA_USDC))
    assert found is not None
    assert found[0] is Unroutable.NO_ROUTE


ADA_USD = product(ADA, USD)
DOLLARS_FIRST = replace(POLICY, hubs=(USD, USDC))


def apart(*products: Product) -> Market:
    """A venue that exchanges no hub for another."""
    usual = market(BTC_USDC, *products, ADA_USD=Price(D("0.40"), D("0.4004")))
    return dataclasses.replace(usual, capabilities=dataclasses.replace(usual.capabilities, convertible=frozenset()))


def test_judge__two_markets_of_which_one_leads_to_the_target__takes_that_one() -> None:
    found = judge(held(ADA, "1"), DOLLARS_FIRST, apart(ADA_USD, ADA_USDC), automatic=True)
    assert isinstance(found, Dust)
    assert (found.hub, found.product) == (USDC, ADA_USDC)


def test_unroutable__paid_in_what_is_not_pooled__says_in_what_it_is() -> None:
    at = apart(ADA_USD)
    verdict = judge(held(ADA, "1"), DOLLARS_FIRST, at, automatic=True)
    assert isinstance(verdict, Dust)
    found = unroutable(verdict, DOLLARS_FIRST, at)
    assert found is not None
    assert found[0] is Unroutable.NO_ROUTE
    assert "sells for USD only; proceeds are pooled in USDC to buy BTC" in found[1]


@pytest.mark.parametrize(
    "price", [Price(None, None), Price(None, D(60006)), Price(D(60000), None), Price(D(60000), D(120001))]
)
def test_unroutable__the_target_has_no_price__has_no_route_and_is_not_called_worthless(price: Price) -> None:
    found = unroutable(dust(ADA, "1"), POLICY, market(BTC_USDC=price))
    assert found is not None
    why, sentence, missing = found
    assert (why, missing) == (Unroutable.NO_ROUTE, None)
    assert "BTC-USDC has no price" in sentence


def test_unroutable__a_gain_not_above_the_owners_minimum__waits() -> None:
    picky = replace(POLICY, minimum_gain=D("0.40"))
    found = unroutable(dust(ADA, "1"), picky, market())
    assert found is not None
    assert found[0] is Unroutable.NO_NET_GAIN
    assert "would be left after fees and the spread, no more than minimum_gain, 0.40 USD" in found[1]


def lesson(why: Unroutable, missing: Amount | None) -> DustUnroutable:
    return DustUnroutable("main", ADA, D("1"), D("0.40"), "USD", why, "said so", missing, True, NOON)


@pytest.mark.parametrize(("available", "expected"), [("1.0", True), ("1.2", True), ("1.2475", True), ("1.249", False)])
def test_still_holds__a_quote_minimum_learned__until_the_value_has_grown_by_it(available: str, expected: bool) -> None:
    learned = lesson(Unroutable.BELOW_MINIMUM, Amount(D("0.0995"), USDC))
    assert still_holds(learned, dust(ADA, available), NOON) is expected


def test_still_holds__another_refusal__until_the_quantity_changes_or_a_day_has_passed() -> None:
    learned = lesson(Unroutable.REFUSED_BY_VENUE, None)
    assert still_holds(learned, dust(ADA, "1"), NOON + timedelta(hours=23))
    assert not still_holds(learned, dust(ADA, "1"), NOON + timedelta(hours=24))
    assert not still_holds(learned, dust(ADA, "1.1"), NOON)


@pytest.mark.parametrize(
    ("named", "charged", "expected"), [(100, 100, True), (100, 99, False), (100, None, True), (None, 1, True)]
)
def test_still_holds__for_the_price_of_gas__until_a_block_charges_less(
    named: int | None, charged: int | None, expected: bool
) -> None:
    learned = replace(lesson(Unroutable.NO_NET_GAIN, None), base_fee=named)
    assert still_holds(learned, dust(ADA, "1"), NOON, charged) is expected
    assert not still_holds(learned, dust(ADA, "1"), NOON + timedelta(hours=24), charged)


def test_dust__tone__is_priced_in_its_own_hub() -> None:
    assert dust(TONE, "30").product == TONE_USD
    assert dust(TONE, "30").value == Decimal("0.4569")


STRATEGYS = replace(POLICY, belongs=(BTC, DOGE), expects_rewards=True)


def test_judge__what_belongs_to_a_strategy__stays_even_on_the_list_of_the_excluded() -> None:
    assert reason("1", DOGE, policy=STRATEGYS) is Keep.BELONGS
    assert reason("1", BTC, policy=STRATEGYS) is Keep.BELONGS
    assert reason("0", DOGE, policy=STRATEGYS) is Keep.ZERO


def test_judge__what_no_strategy_has_a_use_for__is_dust_whatever_it_is_worth() -> None:
    assert reason("1000000", policy=STRATEGYS) is None
    assert reason("1000000", policy=replace(STRATEGYS, admitted=())) is Keep.NOT_ADMITTED
    assert reason("1000000", policy=replace(STRATEGYS, excluded=(ADA,))) is Keep.EXCLUDED
    assert reason("5", policy=replace(STRATEGYS, reserves=(Amount(D(5), ADA),))) is Keep.RESERVED
    assert reason("5", hold="1", policy=STRATEGYS) is Keep.ON_HOLD


def test_judge__where_no_strategy_expects_rewards__is_unexpected_and_says_its_worth() -> None:
    kept = judge(held(ADA, "100"), replace(STRATEGYS, expects_rewards=False), market(), automatic=True)
    assert isinstance(kept, Kept) and kept.reason is Keep.UNEXPECTED
    assert "worth 40.0000 USD, and no strategy here expects it" in kept.sentence


def test_priced_products__of_a_strategy__price_what_belongs_to_it_too() -> None:
    holdings = (held(DOGE, "1"), held(ADA, "1"))
    plainly = replace(POLICY, excluded=(*POLICY.excluded, DOGE))
    capabilities = market().capabilities
    assert priced_products(holdings, plainly, capabilities) == {"ADA-USDC", "BTC-USDC"}
    wanted = priced_products(holdings, replace(plainly, belongs=(DOGE,), expects_rewards=True), capabilities)
    assert wanted == {"ADA-USDC", "BTC-USDC", "DOGE-USDC"}
