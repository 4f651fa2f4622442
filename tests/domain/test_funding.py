"""The plan of ETH for a trade: the worked example to the cent, and what holds for any wallet."""

from __future__ import annotations

from dataclasses import replace as replaced
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.funding import ROOM, Conversion, Impossible, duration, largest, plan
from domain.treasury import Curve, Token, Treasury, available_of, convertible, gas_reserve, status
from events.money import Amount, exactly_sum
from events.records import replace
from events.values import Block, Funding, FundingAnswer, FundingMode, FundingSource, Policy

D = Decimal
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
COIN, WETH, USDC, USDT, DAI = "eip155:1/slip44:60", "WETH", "USDC", "USDT", "DAI"
SOURCES = (
    FundingSource(WETH, D(0), 1),
    FundingSource(USDC, D(50), 2),
    FundingSource(USDT, D(50), 3),
    FundingSource(DAI, D(25), 4),
)
FUNDING = Funding(COIN, SOURCES)
UNIT = {WETH: D("1E-18"), USDC: D("0.000001"), USDT: D("0.000001"), DAI: D("1E-18")}
CENT = D("0.01")


def policy(**changes: object) -> Policy:
    return Policy(COIN, D(10), "USD", (COIN,), (COIN,), D(10_000), D(20_000), funding=replace(FUNDING, **changes))


def pool(asset: str, fee: str = "0", gas: str = "0") -> Curve:
    """A way that takes a fee and does not move."""
    return Curve(f"v3@{asset}", D(gas), ((D(100), 100 * D(3000) * (1 + D(fee))),))


def token(asset: str, held: str, *curves: Curve) -> Token:
    return Token(asset, D(held), D(3000) if asset == WETH else D(1), UNIT[asset], curves or (pool(asset),))


def weth(held: str) -> Token:
    return token(WETH, held, Curve("unwrap", D(0), ((D(held), D(held)),), fixed=True))


def wallet(*tokens: Token, ether: str = "0.03", base_gas: str = "0", gas_price: str = "0") -> Treasury:
    return Treasury(Block(7, "0xb7"), NOON, D(ether), D(3000), tokens, D(gas_price), D(base_gas), asked=D(100))


def alone(asset: str, held: str, fee: str = "0", gas: str = "0", upfront: str = "0") -> Token:
    """A token that becomes ETH by transactions of its own: an approval, a swap and an end of what is left."""
    way = replaced(pool(asset, fee, gas), upfront=D(upfront), before=1, after=1)
    return token(asset, held, way)


def planned(treasury: Treasury, shortage: str, **changes: object) -> list[Conversion]:
    found = plan(treasury, policy(**changes), D(shortage), D(10_000))
    assert isinstance(found, list), found
    return found


def cents(quantity: Decimal) -> Decimal:
    return quantity.quantize(CENT)


def test_worked_example__0_1_eth_needed_0_03_held_at_3000__converts_215_dai_for_a_shortage_of_210() -> None:
    needed, treasury = D("0.1"), wallet(token(DAI, "500"))
    shortage = needed - treasury.ether
    assert cents(shortage * treasury.worth) == D("210.00")
    (conversion,) = planned(treasury, str(shortage))
    assert cents(conversion.spent) == D("215.00")
    assert conversion.spent <= 215
    assert shortage <= conversion.output <= D(215) / 3000


def test_worked_example__850_usd_in_stablecoins__become_usable_where_0_025_eth_was() -> None:
    treasury = wallet(token(USDC, "400"), token(USDT, "350"), token(DAI, "225"), ether="0.025")
    found = status("main", treasury, policy(), D(0), largest(treasury, policy(least_gas=D(0)), D(0), D(10_000)), NOON)
    assert found.available_value == D("850")
    room = [D(350) / (1 + ROOM), D(300) / (1 + ROOM), D(200) / (1 + ROOM)]
    usable = found.largest - treasury.ether
    assert cents(usable * 3000) == cents(exactly_sum(*room))
    assert isinstance(plan(treasury, policy(), found.largest - treasury.ether, D(10_000)), list)


def test_gas_reserve__is_a_multiple_of_what_gas_costs_and_never_below_the_least() -> None:
    assert gas_reserve(FUNDING, D("0.00000001")) == D("0.006")
    assert gas_reserve(FUNDING, D("0.000000001")) == D("0.005")


def test_cheapest__with_weth__unwraps_it_and_sells_nothing() -> None:
    (only,) = planned(wallet(token(DAI, "500"), weth("1")), "0.07")
    assert (only.product, only.spent, only.most) == ("unwrap", only.output, only.output)


def test_cheapest__among_dollars__takes_what_costs_least_in_fee_and_gas() -> None:
    dear = token(DAI, "500", pool(DAI, fee="0.003"))
    near = token(USDC, "500", pool(USDC, fee="0.0005"))
    assert [each.token.asset for each in planned(wallet(dear, near), "0.07")] == [USDC]
    thirsty = token(USDC, "500", pool(USDC, fee="0.0005", gas="0.001"))
    assert [each.token.asset for each in planned(wallet(dear, thirsty), "0.07")] == [DAI]


def test_priorities__as_ranked__take_dai_then_usdt_then_usdc_before_weth() -> None:
    full = wallet(weth("1"), token(USDC, "150"), token(USDT, "150"), token(DAI, "125"))
    taken = planned(full, "0.09", mode=FundingMode.PRIORITIES)
    assert [each.token.asset for each in taken] == [DAI, USDT, USDC]


def test_several_tokens__where_one_does_not_cover__share_it_and_the_last_takes_the_buffer() -> None:
    taken = planned(wallet(token(USDC, "150"), token(DAI, "225")), "0.09")
    assert len(taken) == 2
    assert cents(exactly_sum(*(each.value for each in taken))) == D("275.00")


def test_zero_balances__and_reserves_alone__are_not_possible() -> None:
    for held in ("0", "25"):
        found = plan(wallet(token(DAI, held)), policy(), D("0.001"), D(100))
        assert found == Impossible("what may be converted is not enough, reserves, fees, gas and slippage taken off")
    assert largest(wallet(token(DAI, "25")), policy(), D(0), D(100)) == D("0.025")


def test_exactly_at_the_reserve__and_one_unit_above__differ_by_that_unit() -> None:
    source = SOURCES[1]
    assert available_of(token(USDC, "50"), source, policy()) == 0
    assert available_of(token(USDC, "50.000001"), source, policy()) == D("0.000001")


def test_reserve_of_the_policy__in_tokens__counts_where_it_is_larger() -> None:
    kept = replace(policy(), reserves=(Amount(D(80), USDC),))
    assert available_of(token(USDC, "100"), SOURCES[1], kept) == 20


@pytest.mark.parametrize("price", [None, D(0), D(-1)])
def test_unpriced_token__is_never_converted(price: Decimal | None) -> None:
    unpriced = Token(DAI, D(500), price, UNIT[DAI], (pool(DAI),), doubt="the feed is old")
    treasury = wallet(unpriced)
    assert isinstance(plan(treasury, policy(), D("0.01"), D(100)), Impossible)
    (row,) = [each for each in status("main", treasury, policy(), D(0), D(100), NOON).balances if each.asset == DAI]
    assert row.available == 0
    assert row.doubt == "the feed is old"


def test_dead_pool__that_asks_more_than_the_slippage__is_not_used() -> None:
    dead = pool(DAI, fee="0.021")
    assert isinstance(plan(wallet(token(DAI, "500", dead)), policy(), D("0.01"), D(100)), Impossible)
    (taken,) = planned(wallet(token(DAI, "500", dead, pool(DAI, fee="0.02"))), "0.01")
    assert cents(taken.spent) == D("35.00")


def test_token__that_would_not_pay_for_its_gas__is_left() -> None:
    crumb = token(DAI, "26", pool(DAI, gas="0.001"))
    assert isinstance(plan(wallet(crumb), policy(), D("0.0001"), D(100)), Impossible)


def test_cap__that_is_reached__is_named() -> None:
    found = plan(wallet(token(DAI, "500")), policy(), D("0.1"), D("299.99"))
    assert found == Impossible("the caps of 10000 a sweep and 20000 a day (USD) leave 299.99 for it")
    assert largest(wallet(token(DAI, "500")), policy(least_gas=D(0)), D(0), D(300)) == D("0.13")


def test_cheapest__where_each_token_has_gas_of_its_own__takes_fewer_transactions() -> None:
    for gas, taken in (("0.001", [DAI]), ("0", [USDC, USDT])):
        near = (alone(USDC, "200", gas=gas), alone(USDT, "200", gas=gas))
        found = planned(wallet(*near, alone(DAI, "500", fee="0.003", gas=gas)), "0.066")
        assert [each.token.asset for each in found] == taken


def test_deadline__that_one_token_meets_and_a_cheaper_one_does_not__takes_the_quicker() -> None:
    slow = alone(USDC, "500")
    quick = token(WETH, "1", Curve("unwrap", D("0.001"), ((D(1), D(1)),), fixed=True))
    treasury = replaced(wallet(quick, slow), block_time=timedelta(seconds=12), confirmations=2)
    near = plan(treasury, policy(), D("0.07"), D(10_000), timedelta(seconds=35))
    far = plan(treasury, policy(), D("0.07"), D(10_000), timedelta(seconds=36))
    assert isinstance(near, list)
    assert isinstance(far, list)
    assert [each.token.asset for each in (*near, *far)] == [WETH, USDC]
    assert duration(near, treasury) == timedelta(seconds=12)
    assert duration(far, treasury) == timedelta(seconds=36)


def test_deadline__that_nothing_meets__is_not_now_and_says_how_long_it_takes() -> None:
    treasury = replaced(
        wallet(alone(USDC, "150"), alone(DAI, "225")), block_time=timedelta(seconds=12), confirmations=2
    )
    found = plan(treasury, policy(), D("0.09"), D(10_000), timedelta(seconds=100))
    assert isinstance(found, Impossible)
    assert found.answer is FundingAnswer.NOT_NOW
    # An approval, a swap and an end of the first, an approval of the second: eight blocks, and the swap's.
    assert "takes about 108 s" in found.reason
    assert "100 s are left" in found.reason
    never = plan(replaced(treasury, confirmations=10**30), policy(), D("0.09"), D(10_000), timedelta(days=10**6))
    assert isinstance(never, Impossible)
    assert never.answer is FundingAnswer.NOT_NOW
    late = plan(treasury, policy(), D("0.09"), D(10_000), timedelta(seconds=-5))
    assert isinstance(late, Impossible)
    assert late.reason.endswith("0 s are left for it")


def test_gas__that_no_eth_pays_for__is_not_possible_and_names_what_is_missing() -> None:
    treasury = wallet(alone(DAI, "500", upfront="0.002"), ether="0.0005")
    found = plan(treasury, policy(), D("0.05"), D(10_000))
    assert found == Impossible(
        "gas may take 0.002 ETH before a conversion brings any, 0.0005 is there; 0.0015 more is needed"
    )
    assert largest(treasury, policy(least_gas=D(0)), D(0), D(10_000)) == D("0.0005")


def test_gas__that_only_one_token_leaves_room_for__is_paid_by_what_that_brings() -> None:
    way = Curve("unwrap", D("0.0001"), ((D("0.01"), D("0.01")),), fixed=True, upfront=D("0.0002"))
    treasury = wallet(token(WETH, "0.01", way), alone(DAI, "500", upfront="0.002"), ether="0.0005")
    taken = planned(treasury, "0.05")
    assert [each.token.asset for each in taken] == [WETH, DAI]
    assert largest(treasury, policy(least_gas=D(0)), D(0), D(10_000)) > D("0.15")


def test_overrun__of_a_conversion_that_fell_short__is_taken_out_of_the_buffer() -> None:
    treasury = wallet(token(DAI, "500"))
    for overrun, value in (("0", "215.00"), ("2", "213.00"), ("5", "210.00"), ("9", "210.00")):
        found = plan(treasury, policy(), D("0.07"), D(10_000), None, D(overrun))
        assert isinstance(found, list)
        assert cents(found[0].value) == D(value)


def test_policy__without_funding__is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="has no funding"):
        plan(wallet(), replace(policy(), funding=None), D(1), D(1))


def test_slippage__of_a_plan__is_the_most_that_its_leg_may_spend_within_what_is_there() -> None:
    (roomy,) = planned(wallet(token(DAI, "5000")), "0.07")
    assert roomy.most == pytest.approx(roomy.spent * D("1.02"))
    (tight,) = planned(wallet(token(DAI, "236.5")), "0.07")
    assert tight.most == D("211.5")


def points(draw: st.DrawFn, price: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
    """A pool that asks ever more: its price grows from point to point."""
    asks, at, spent, rate = [], D(0), D(0), price * (1 + draw(st.sampled_from([D(0), D("0.0005"), D("0.003")])))
    for _ in range(draw(st.integers(1, 4))):
        step = draw(st.decimals(D("0.01"), D(2), places=4))
        at, spent = at + step, spent + step * rate
        asks.append((at, spent))
        rate *= 1 + draw(st.decimals(D(0), D("0.01"), places=5))
    return tuple(asks)


def by_itself(draw: st.DrawFn, curve: Curve) -> Curve:
    """The same way by transactions of its own."""
    swap = not curve.fixed
    upfront = draw(st.decimals(D(0), D("0.02"), places=5))
    return replaced(curve, upfront=upfront, before=draw(st.integers(1, 2)) if swap else 0, after=int(swap))


@st.composite
def wallets(draw: st.DrawFn) -> Treasury:
    """A wallet that sells in batches, or token by token."""
    apart = draw(st.booleans())
    worth = draw(st.decimals(D(500), D(9000), places=2))
    tokens = []
    for asset in draw(st.sets(st.sampled_from([WETH, USDC, USDT, DAI]), min_size=1)):
        value = draw(st.decimals(D(0), D(3000), places=2))
        gas = draw(st.decimals(D(0), D("0.002"), places=6))
        if asset == WETH:
            held = (value / worth).quantize(UNIT[WETH])
            way = Curve("unwrap", gas, ((held, held),), fixed=True)
            curves = (by_itself(draw, way) if apart else way,) if held else ()
            tokens.append(Token(asset, held, worth, UNIT[asset], curves))
            continue
        price = draw(st.decimals(D("0.9"), D("1.1"), places=3))
        pools = [Curve(f"v3:{number}", gas, points(draw, worth / price)) for number in range(draw(st.integers(0, 2)))]
        pools = [by_itself(draw, curve) for curve in pools] if apart else pools
        tokens.append(Token(asset, value, price, UNIT[asset], tuple(pools)))
    ether = draw(st.decimals(D(0), D(1), places=6))
    base = D(0) if apart else draw(st.decimals(D(0), D("0.001"), places=6))
    block_time = timedelta(seconds=draw(st.integers(0, 12)) if apart else 0)
    found = Treasury(Block(1, "0x1"), NOON, ether, worth, tuple(tokens), D("2E-8"), base, D(100), block_time)
    return replaced(found, confirmations=draw(st.integers(1, 64)))


@settings(deadline=None)
@given(
    wallets(),
    st.decimals(D("0.000001"), D(2), places=6),
    st.sampled_from(list(FundingMode)),
    st.decimals(D(0), D(5000), places=2),
    st.none() | st.integers(0, 3000).map(lambda seconds: timedelta(seconds=seconds)),
)
def test_plan__of_any_wallet__keeps_reserves_covers_the_need_and_takes_no_more(
    treasury: Treasury, shortage: Decimal, mode: FundingMode, allowance: Decimal, within: timedelta | None
) -> None:
    ours = policy(mode=mode)
    found = plan(treasury, ours, shortage, allowance, within)
    if isinstance(found, Impossible):
        assert found.answer is FundingAnswer.NOT_POSSIBLE or isinstance(plan(treasury, ours, shortage, allowance), list)
        return
    assert within is None or duration(found, treasury) <= within
    there = treasury.ether
    sources = {source.asset: source for source in SOURCES}
    gas = treasury.base_gas
    for each in found:
        assert 0 < each.spent <= each.most <= available_of(each.token, sources[each.token.asset], ours)
        left = (each.token.held - each.most) * each.price
        assert left >= sources[each.token.asset].reserve
        assert each.spent % each.token.increment == each.most % each.token.increment == 0
        curve = next(curve for curve in each.token.curves if curve.product == each.product)
        assert curve.spent_for(each.output, each.token.increment) <= each.spent  # type: ignore[operator]
        gas += curve.gas
        assert curve.upfront <= there
        there += each.output - curve.gas
    value, output = exactly_sum(*(each.value for each in found)), exactly_sum(*(each.output for each in found))
    assert output - gas >= shortage
    assert value <= allowance
    # Beyond shortage and buffer only costs are taken, and with costs no buffer.
    beyond = value - shortage * treasury.worth - FUNDING.buffer
    if beyond > 0:
        gas_and_slippage = gas * treasury.worth * D("1.03") + (output * treasury.worth) * D("0.0201")
        assert value <= shortage * treasury.worth + gas_and_slippage
    assert len({each.token.asset for each in found}) == len(found)


@settings(deadline=None)
@given(wallets(), st.decimals(D(0), D(5000), places=2))
def test_largest__of_any_wallet__is_possible_to_a_wei_and_a_tenth_more_is_not(
    treasury: Treasury, allowance: Decimal
) -> None:
    ours = policy()
    most = largest(treasury, ours, D(0), allowance)
    shortage = most + gas_reserve(FUNDING, treasury.gas_price) - treasury.ether
    if most > 0 and shortage > D("1E-15") and allowance >= convertible(treasury, ours) * treasury.worth:
        found = plan(treasury, ours, shortage - D("1E-12"), allowance)
        assert isinstance(found, list)
