"""Given a strategy's accounts and its equity, when it is measured, then dust over its share is instructed."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.chain import Rules
from domain.charter import policy_for
from domain.dust import judge
from domain.equity import Doubt
from domain.instruction import gas_of
from domain.measurement import Occasion, marching, snapshot, unmeasured
from domain.scan import find
from domain.venue import Holding, Order
from events.facts import DustUnroutable, StrategyNotMeasured
from events.money import Amount, exactly_sum
from events.records import replace
from events.values import Funding, FundingSource, Keep, Kept, LegKind, Source, Unmeasured, Unroutable
from tests.domain.controls import NOON, D, held
from tests.domain.model_chain import APART, RULES, ModelChain
from tests.domain.strategies import (
    CHARTER,
    EIGEN,
    ETH,
    ETHFI,
    KING,
    OWN,
    PEPE,
    USDT,
    WEETH,
    WETH,
    gas,
    market,
    outcome,
    survey,
)

# 50 EIGEN are worth 60 USD, 20 basis points of 30,000 USD.
AT_THRESHOLD = held(EIGEN, "50")
OVER = held(EIGEN, "50.01")
HOLDS = (held(ETH, "1"), held(WETH, "2"), held(WEETH, "3"))


def test_measured__dust_over_the_share__is_instructed_and_what_belongs_is_not() -> None:
    told, verdict = outcome(survey(*HOLDS, OVER, held(ETHFI, "10")))
    assert (told.exceeds, told.triggered, told.missing, told.sentence) == (True, True, D(0), "")
    assert [(lot.asset, lot.value) for lot in told.lots] == [(EIGEN, D("60.012")), (ETHFI, D("9"))]
    assert told.ratio == D("69.012") / 30000
    instructed = verdict.command.instructed
    assert instructed and [each.asset for each in instructed.instructions] == [EIGEN, ETHFI]
    assert instructed.net == told.net == D("69.012") - D("0.60")
    trigger = verdict.trigger("wallet")
    assert trigger and trigger.assets == {EIGEN, ETHFI} and trigger.mode == "eth_leveraged"


def test_measured__a_lot_whose_arrival_is_proven__is_in_the_snapshot_with_its_source() -> None:
    claimed = dataclasses.replace(held(EIGEN, "50.01"), source=Source.EIGENLAYER_CLAIM)
    told, _ = outcome(survey(*HOLDS, claimed, held(ETHFI, "10")))
    assert [(lot.asset, lot.source) for lot in told.lots] == [(EIGEN, "eigenlayer_claim"), (ETHFI, "leftover")]


def test_measured__exactly_at_the_threshold__is_not_over_it() -> None:
    told, verdict = outcome(survey(*HOLDS, AT_THRESHOLD))
    assert (told.total, told.threshold) == (D(60), D(60))
    assert (told.exceeds, told.triggered, told.missing) == (False, False, D(0))
    assert verdict.command.instructed is None and verdict.trigger("wallet") is None


def test_measured__below__says_how_far() -> None:
    told, verdict = outcome(survey(*HOLDS, held(EIGEN, "20")))
    assert (told.exceeds, told.missing) == (False, D(36))
    assert "36.0000 USD below 60.000 USD" in told.sentence
    assert verdict.command.instructed is None


def test_measured__no_dust_at_all__is_a_snapshot_of_nothing() -> None:
    told, _ = outcome(survey(*HOLDS))
    assert (told.total, told.ratio, told.lots, told.exceeds, told.missing) == (D(0), D(0), (), False, D(60))


def test_measured__a_token_without_price__is_named_and_worth_nothing() -> None:
    told, _ = outcome(survey(*HOLDS, held(PEPE, "1000"), OVER, at=market(PEPE=None)))
    assert told.unpriced == (PEPE,)
    assert [lot.asset for lot in told.lots] == [EIGEN]
    assert told.triggered


def test_measured__a_token_in_quarantine__is_no_dust_whatever_it_calls_itself() -> None:
    fake = Holding(KING, D(1000), D(0), "it calls itself KING and is not")
    told, _ = outcome(survey(*HOLDS, fake))
    assert (told.lots, told.unpriced) == ((), ())


@pytest.mark.parametrize("token", [EIGEN, ETHFI, KING])
def test_measured__each_reward_token__is_dust_however_much_it_is_worth(token: str) -> None:
    told, _ = outcome(survey(*HOLDS, held(token, "1000")), worth="1000000")
    assert [lot.asset for lot in told.lots] == [token]


def test_measured__gas_above_what_it_brings__is_not_instructed_and_says_so() -> None:
    told, verdict = outcome(survey(*HOLDS, OVER), cost=gas(EIGEN="61"))
    assert (told.exceeds, told.triggered, told.net) == (True, False, D(0))
    assert "fees and gas would take all of it" in told.sentence
    assert verdict.command.instructed is None


def test_measured__a_lot_that_its_gas_eats__stays_while_the_others_go() -> None:
    _, verdict = outcome(survey(*HOLDS, OVER, held(ETHFI, "1")), cost=gas(ETHFI="0.91"))
    instructed = verdict.command.instructed
    assert instructed and [each.asset for each in instructed.instructions] == [EIGEN]
    assert instructed.total == D("60.012")


@pytest.mark.parametrize("rules", [RULES, APART])
def test_measured__whether_lots_go_together_or_one_after_the_other__are_instructed_as_a_whole(rules: Rules) -> None:
    """None of the three is over the share by itself, so what the first would leave behind could not follow it."""
    lots = {EIGEN: "40", ETHFI: "30", KING: "0.04"}
    chain = ModelChain({}, dict.fromkeys(lots, D(1)), ETH, rules)
    drafts = [Order(asset, LegKind.SWAP, "v3", Amount(D(each), asset), ETH) for asset, each in lots.items()]
    told, verdict = outcome(
        survey(*HOLDS, *(held(asset, each) for asset, each in lots.items())),
        cost=gas_of(chain.forecast(drafts), drafts),
    )
    assert max(lot.value for lot in told.lots) < told.threshold < told.total
    instructed = verdict.command.instructed
    assert instructed and instructed.total == told.total
    assert {each.asset for each in instructed.instructions} == set(lots)
    for each in instructed.instructions:
        assert each.path == (each.asset, ETH) and each.estimated.quantity > 0 and each.gas > 0
        assert each.net == each.value - each.gas
    paid = exactly_sum(*(each.cost.quantity for each in chain.forecast(drafts))) * 3000
    assert exactly_sum(*(each.gas for each in instructed.instructions)) == paid


def test_measured__without_gas_to_go_by__instructs_nothing_on_a_chain() -> None:
    nothing = dataclasses.replace(gas(), shares={}, dropped={EIGEN: "gas may take 2 ETH, 1 ETH is there"})
    told, _ = outcome(survey(*HOLDS, OVER), cost=nothing)
    assert (told.triggered, told.sentence) == (False, "gas may take 2 ETH, 1 ETH is there")


@pytest.mark.parametrize("changes", [{"lst": "wsteth"}, {"lst": "none", "staking": False}, {"staking": False}])
def test_measured__a_strategy_that_expects_no_rewards__reports_and_sells_nothing(changes: dict[str, object]) -> None:
    charter = dataclasses.replace(CHARTER, **changes)  # type: ignore[arg-type]
    told, verdict = outcome(survey(*HOLDS, held(EIGEN, "5000"), charter=charter), charter=charter)
    assert [lot.asset for lot in told.unexpected] == [EIGEN]
    assert (told.lots, told.total, told.triggered) == ((), D(0), False)
    assert verdict.command.instructed is None


def test_measured__an_account_that_sells_nothing_now__counts_and_is_not_instructed() -> None:
    told, verdict = outcome(survey(*HOLDS, OVER, closed="wallet is being swept"))
    assert (told.exceeds, told.triggered, told.sentence) == (True, False, "wallet is being swept")
    assert verdict.command.instructed is None


def test_measured__more_than_the_caps_leave__sells_the_largest_that_fit() -> None:
    own = replace(OWN, sweep_cap=D(65))
    _, verdict = outcome(survey(*HOLDS, OVER, held(ETHFI, "10"), own=own))
    assert verdict.command.instructed and [each.asset for each in verdict.command.instructed.instructions] == [EIGEN]
    told, _ = outcome(survey(*HOLDS, OVER, own=replace(OWN, sweep_cap=D(25))))
    assert "the caps of a sweep and a day leave 25 USD" in told.sentence


def test_measured__what_the_venue_has_just_refused__is_not_instructed_again() -> None:
    refused = DustUnroutable(
        "wallet", EIGEN, D("50.01"), D(60), "USD", Unroutable.REFUSED_BY_VENUE, "no", None, True, NOON
    )
    at = dataclasses.replace(survey(*HOLDS, OVER), learned={EIGEN: refused})
    told, _ = outcome(at)
    assert not told.triggered


def test_measured__two_accounts__are_one_sum() -> None:
    places = ("wallet", "second")
    charter = dataclasses.replace(CHARTER, accounts=places, belongs=dict.fromkeys(places, CHARTER.belongs["wallet"]))
    half = held(EIGEN, "30")
    first = survey(*HOLDS, half, charter=charter)
    second = dataclasses.replace(first, reading=dataclasses.replace(first.reading, account="second"))
    alone, _ = outcome(first, charter=charter)
    both, _ = outcome(first, second, charter=charter)
    assert (alone.exceeds, both.exceeds, both.total) == (False, True, D(72))
    assert {lot.account for lot in both.lots} == {"wallet", "second"}


def test_measured__two_strategies_in_a_wallet__take_no_dust_of_what_belongs_to_the_other() -> None:
    other = dataclasses.replace(CHARTER, name="other", belongs={"wallet": (USDT, EIGEN)})
    at = dataclasses.replace(survey(*HOLDS, OVER, held(ETHFI, "1")), policy=policy_for("wallet", OWN, [CHARTER, other]))
    told, _ = outcome(at)
    assert [lot.asset for lot in told.lots] == [ETHFI]


def test_policy__of_a_wallet_that_funds_trades_too__has_what_they_may_spend_among_what_belongs() -> None:
    coin, dollar = "eip155:1/slip44:60", "eip155:1/erc20:0xDAI"
    own = replace(OWN, funding=Funding(coin, (FundingSource(dollar, D(25), 1), FundingSource(USDT, D(50), 2))))
    policy = policy_for("wallet", own, [CHARTER])
    assert set(policy.belongs or ()) == {*CHARTER.belongs["wallet"], coin, dollar, USDT}
    kept = judge(held(USDT, "900"), policy, market(), automatic=True)
    assert isinstance(kept, Kept) and kept.reason is Keep.BELONGS
    told, _ = outcome(survey(*HOLDS, held(EIGEN, "60"), held(USDT, "900"), own=own))
    assert [lot.asset for lot in told.lots] == [EIGEN]
    assert policy_for("other", own, [CHARTER]) == own


def test_marching__a_chosen_way__is_the_only_one_of_its_lot() -> None:
    at = survey(*HOLDS, OVER, held(ETHFI, "1"))
    through = at.reading.market.capabilities.others[EIGEN, ETH][0]
    changed = marching(at, {EIGEN: through}).reading.market.capabilities
    assert changed.products[EIGEN, ETH] is through
    assert changed.products[ETHFI, ETH].via == ""


def test_unmeasured__a_doubt__is_said_with_its_reason_and_sells_nothing() -> None:
    occasion = Occasion(CHARTER, NOON, NOON + timedelta(seconds=1), "USD")
    verdict = unmeasured(occasion, Doubt(Unmeasured.EQUITY_NEGATIVE, "equity is -5 USD"))
    told = verdict.command.outcome
    assert isinstance(told, StrategyNotMeasured)
    assert (told.reason, told.sentence, told.due) == (Unmeasured.EQUITY_NEGATIVE, "equity is -5 USD", NOON)
    assert verdict.command.instructed is None and verdict.trigger("wallet") is None


@for_all(st.decimals("0", "100000", places=6), st.decimals("1", "10000000", places=2))
def test_measured__any_amount_and_equity__is_instructed_only_strictly_over(amount: Decimal, worth: Decimal) -> None:
    told, verdict = outcome(survey(*HOLDS, held(EIGEN, str(amount))), worth=str(worth))
    assert told.exceeds == (told.total > worth * CHARTER.delta)
    assert (told.missing == 0) == (told.total >= told.threshold)
    assert not told.triggered or (told.exceeds and told.net > 0)
    assert (verdict.command.instructed is not None) == told.triggered
    assert snapshot(CHARTER, [survey(held(EIGEN, str(amount)))]).total == told.total


AMOUNTS = st.decimals("0", "3000", places=4)


@for_all(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS), st.decimals("1", "500", places=2), st.booleans())
def test_measured__whatever_is_instructed__is_what_the_accounts_scan_announces_over_the_chosen_way(
    amounts: tuple[Decimal, ...], cap: Decimal, likes: bool
) -> None:
    own = replace(OWN, sweep_cap=cap, day_cap=cap)
    charter = dataclasses.replace(CHARTER, steps={"wallet": (USDT, ETH)} if likes else {})
    holdings = [held(token, str(each)) for token, each in zip((EIGEN, ETHFI, KING, PEPE), amounts, strict=True)]
    at = survey(*HOLDS, *holdings, own=own, charter=charter)
    _, verdict = outcome(at, charter=charter, worth="1000")
    trigger, chosen = verdict.trigger("wallet"), verdict.chosen.get("wallet", {})
    if verdict.command.instructed is None:
        assert trigger is None
        return
    assert trigger
    found = find(marching(at, chosen).reading, at.policy, {}, {}, D(0), trigger.assets)
    instructed = verdict.command.instructed.instructions
    assert {lot.asset: lot.quantity for lot in found.lots} == {each.asset: each.quantity for each in instructed}
    assert {leg.spend: leg.product for leg in found.legs} == {each.asset: each.product for each in instructed}
    assert sum(each.value for each in instructed) <= cap
    assert all(each.net > own.minimum_gain for each in instructed)
