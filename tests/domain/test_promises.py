"""What an owner is promised, searched for a story that breaks it: prices, balances and answers turn as they like."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.account import Account
from domain.commands import Command, ConcludeLeg, DeclineLeg, FinishSweep, RecordScan, RequestLeg
from domain.decision import decide, fingerprint, next_step
from domain.leg import Answer, Requested, Unknown, is_exit
from domain.pretrade import worth
from domain.sweep import Ask, Finish, GiveUp, Rest, Try, size
from domain.venue import Holding, NeverArrived, Pending
from events.facts import (
    AccountFact,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    LegFilled,
    LegRequested,
    ProceedsCarried,
    SweepCompleted,
)
from events.money import Amount, exactly_sum
from events.records import replace
from events.values import LegKind, Policy, Refusal, RefusalCode
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
    D,
    convertible,
    filled,
    fold,
    given,
    held,
    quote_for,
    reading,
    when,
)

NO = Refusal(RefusalCode.NO_LIQUIDITY, "nobody bids", "INVALID_NO_LIQUIDITY")
PRICES = {"ADA-USDC": D("0.40"), "DOGE-USDC": D("0.10"), "TONE-USD": D("0.01523"), "BTC-USDC": D(60006)}
MARKET = convertible(
    PYUSD,
    dataclasses.replace(BTC_USDC, quote_minimum=D("0.30")),
    ADA_USDC,
    DOGE_USDC,
    dataclasses.replace(TONE_USD, quote_minimum=D("0.05")),
)
POLICIES = st.builds(
    lambda target, top_up, cap, gain: replace(
        POLICY,
        target=target,
        excluded=(BTC,),
        top_up=top_up,
        sweep_cap=cap,
        day_cap=cap * 2,
        minimum_gain=gain,
        taker_fee=D("0.001"),
    ),
    st.sampled_from([BTC, USDC]),
    st.sampled_from([None, D(0), D("0.10")]),
    st.sampled_from([D("0.60"), D(1), D(25)]),
    st.sampled_from([D(0), D("0.05")]),
)
ANSWERS = st.sampled_from(["all", "all", "all", "half", "no", "pending", "lost"])


@dataclass
class World:
    """What a venue has and does: answers in turn, prices by which the market has moved, balances as they are seen."""

    answers: list[str]
    moved: list[Decimal]
    seen: list[Decimal]

    def answer(self, intent: LegRequested) -> Answer:
        match self.answers.pop(0) if self.answers else "all":
            case "half" if intent.kind is not LegKind.CONVERT:
                return filled(intent.quote, order_id=intent.leg_id, part=D("0.5"))
            case "no":
                return NO
            case "pending":
                return Pending("not settled")
            case "lost":
                return NeverArrived()
            case _:
                return filled(intent.quote, order_id=intent.leg_id)

    def price(self, product: str) -> Decimal:
        return PRICES.get(product, D(1)) * (self.moved.pop(0) if self.moved and product in PRICES else 1)

    def balance(self, wanted: Amount) -> Holding:
        return Holding(wanted.asset, wanted.quantity * (self.seen.pop(0) if self.seen else 1), D(0))


def walk(account: Account, world: World, policy: Policy) -> tuple[Account, list[AccountFact]]:
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
                spend = size(step, world.balance(wanted), policy)
                if isinstance(spend, Refusal):
                    act(DeclineLeg(leg.plan.leg_id, spend))
                    continue
                price = world.price(leg.plan.product)
                kind = LegKind.BUY if leg.plan.kind is LegKind.TOP_UP else leg.plan.kind
                quote = quote_for(kind, spend, leg.plan.receive, price, policy.taker_fee)
                attempt = leg.intent.attempt + 1 if hasattr(leg, "intent") else 1
                act(RequestLeg(leg.plan.leg_id, spend, quote, fingerprint(policy), attempt, "worker", NOON))
            case Ask(leg):
                assert isinstance(leg, Requested | Unknown)
                act(ConcludeLeg(leg.plan.leg_id, leg.intent.attempt, world.answer(leg.intent)))
    raise AssertionError("the sweep did not end")


@settings(max_examples=200, deadline=None)
@for_all(
    policy=POLICIES,
    scans=st.lists(
        st.fixed_dictionaries(
            {
                ADA: st.integers(0, 124).map(lambda n: D(n) / 100),
                DOGE: st.integers(0, 499).map(lambda n: D(n) / 100),
                TONE: st.integers(0, 32).map(D),
                PYUSD: st.integers(0, 49).map(lambda n: D(n) / 100),
                USDC: st.integers(0, 300).map(lambda n: D(n) / 100),
                USD: st.integers(0, 300).map(lambda n: D(n) / 100),
            }
        ),
        min_size=1,
        max_size=4,
    ),
    answers=st.lists(ANSWERS, max_size=30),
    moved=st.lists(st.sampled_from([D("0.1"), D("0.9"), D(1), D("1.1"), D(3)]), max_size=20),
    seen=st.lists(st.sampled_from([D(0), D("0.5"), D(1), D(4)]), max_size=20),
)
def test_promises__whatever_happens__are_kept(
    policy: Policy, scans: list[dict[str, Decimal]], answers: list[str], moved: list[Decimal], seen: list[Decimal]
) -> None:
    account, facts = given(policy), []
    world = World(answers, moved, seen)
    for hour, wallets in enumerate(scans):
        holdings = [held(asset, str(quantity)) for asset, quantity in wallets.items()]
        seen_now = reading(*holdings, at=MARKET, due=NOON + timedelta(hours=hour))
        account, told = when(account, RecordScan(seen_now, policy))
        account, more = walk(account, world, policy)
        facts += [*told, *more]
        assert account.sweep is None
        assert_sold_what_may_be_sold([*told, *more], policy)
        assert_every_lot_is_answered([*told, *more])
        assert_spent_what_was_earned(account, policy)
        assert_target_is_shared_out(account, facts, policy)
    if policy.top_up is None:  # what a top-up was bought for is sold although prices rose over a cap meanwhile
        assert account.spent_on(NOON.date()) <= policy.day_cap
    assert fold(given(policy), facts) == account


def assert_sold_what_may_be_sold(told: list[AccountFact], policy: Policy) -> None:
    """Only what was announced, no more of it, below the threshold, within the sweep's cap, at the owner's gain."""
    legs = {leg.leg_id: leg for fact in told if isinstance(fact, DustDetected) for leg in fact.plan}
    lots = {lot.lot_id: lot for fact in told if isinstance(fact, DustDetected) for lot in fact.lots}
    topped = {leg.lot_id for leg in legs.values() if leg.kind is LegKind.TOP_UP}
    exits = {fact.leg_id: fact for fact in told if isinstance(fact, LegRequested) and is_exit(legs[fact.leg_id])}
    plain = [fact for fact in exits.values() if legs[fact.leg_id].lot_id not in topped]
    for fact in plain:
        lot = lots[legs[fact.leg_id].lot_id or ""]
        assert fact.spend.asset == lot.asset
        assert fact.spend.quantity <= lot.quantity
        assert worth(fact.kind, fact.quote) < policy.threshold
        assert fact.quote.receive.quantity > policy.minimum_gain
    sold = {fact.leg_id for fact in told if isinstance(fact, LegFilled)}
    assert exactly_sum(*(worth(fact.kind, fact.quote) for fact in plain if fact.leg_id in sold)) <= policy.sweep_cap
    assert not {lot.asset for lot in lots.values()} & {policy.target, *policy.excluded, *policy.hubs}


def assert_every_lot_is_answered(told: list[AccountFact]) -> None:
    announced = [lot.lot_id for fact in told if isinstance(fact, DustDetected) for lot in fact.lots]
    converted = Counter(fact.lot_id for fact in told if isinstance(fact, DustConverted))
    failed = {fact.lot_id for fact in told if isinstance(fact, DustConversionFailed)}
    carried = {lot.lot_id for fact in told if isinstance(fact, ProceedsCarried) for lot in fact.lots}
    assert set(announced) <= converted.keys() | failed | carried
    assert not converted.keys() & (failed | carried)
    assert set(converted.values()) <= {1}
    for done in (fact for fact in told if isinstance(fact, SweepCompleted)):
        assert done.converted == len(converted)
        assert done.carried + done.failed == len(failed | carried)


def assert_spent_what_was_earned(account: Account, policy: Policy) -> None:
    """The purse is never below zero by more than the owner's one allowance for top-ups."""
    laid_out = exactly_sum(*(min(money, D(0)) for money in account.purse.money.values()))
    assert -laid_out <= (policy.top_up or 0)


def assert_target_is_shared_out(account: Account, facts: list[AccountFact], policy: Policy) -> None:
    """What was bought is what the lots were given or still hold."""
    if policy.target in policy.hubs:
        return
    fills = [fact.fill.received for fact in facts if isinstance(fact, LegFilled)]
    given_out = [fact.proceeds.quantity for fact in facts if isinstance(fact, DustConverted)]
    kept = [lot.received.quantity for lot in account.purse.owed if lot.received]
    assert exactly_sum(*(fill.quantity for fill in fills if fill.asset == policy.target)) == exactly_sum(
        *given_out, *kept
    )
