"""Given the ways that a lot has, when it is instructed, then the preferred is taken if it brings nearly as much."""

from __future__ import annotations

import dataclasses

import pytest

from domain.chain import Code, Offer, Proposal
from domain.charter import TOLERANCE
from domain.dust import Dust, judge
from domain.equity import Survey
from domain.instruction import gas_of, instruction, options, replaced
from domain.venue import Order, Price
from events.money import Amount
from events.records import replace
from events.values import Block, GasPrice, Instruction, LegKind, Quote, Refusal, RefusalCode
from tests.domain.controls import ADA, ADA_USDC, BTC_USDC, NOON, POLICY, PYUSD, USDC, D, convertible, held, product
from tests.domain.controls import market as exchange
from tests.domain.strategies import CHARTER, EIGEN, ETH, ETHFI, USDT, gas, market, survey

LIKES_USDT = dataclasses.replace(CHARTER, prefers_path=True, steps={"wallet": (USDT, ETH)})


def dust_of(at: Survey, asset: str) -> Dust:
    [holding] = [holding for holding in at.reading.holdings if holding.asset == asset]
    found = judge(holding, at.policy, at.reading.market, automatic=True)
    assert isinstance(found, Dust), found
    return found


def chosen(at: Survey, asset: str, **kinds: object) -> Instruction:
    found = instruction(dust_of(at, asset), at, kinds.pop("charter", CHARTER), gas(**kinds))  # type: ignore[arg-type]
    assert found
    return found[0]


def test_instruction__without_a_preference__is_the_way_that_leaves_most() -> None:
    told = chosen(survey(held(EIGEN, "100")), EIGEN)
    assert (told.path, told.preferred, told.behind) == ((EIGEN, ETH), False, D(0))
    assert (told.value, told.gas, told.net) == (D(120), D("0.30"), D("119.70"))
    assert told.estimated == Amount(D("0.04"), ETH)
    assert told.expires_at is not None


def test_instruction__a_preferred_path_within_tolerance__is_taken_and_says_what_it_costs() -> None:
    """Through USDT a thousandth less is paid, and gas for one more pool."""
    told = chosen(survey(held(EIGEN, "100")), EIGEN, charter=LIKES_USDT)
    assert (told.path, told.preferred) == ((EIGEN, USDT, ETH), True)
    assert told.behind == D("0.12") + D("0.25")
    assert told.behind <= TOLERANCE * D("119.70")
    assert "via USDT" in told.product


def test_instruction__a_preferred_path_that_brings_much_less__gives_way_to_the_best() -> None:
    """A thirtieth less is paid; a preference that costs that much has to be wanted in so many words."""
    told = chosen(survey(held(ETHFI, "100")), ETHFI, charter=LIKES_USDT)
    assert (told.path, told.preferred, told.behind) == ((ETHFI, ETH), False, D(0))
    assert told.preference_behind == D(3) + D("0.25")
    assert told.sentence == "the preferred path brings 3.25 USD less, 3.63 % of the best; 0.5 % is the most"
    generous = dataclasses.replace(LIKES_USDT, tolerance=D("0.04"))
    told = chosen(survey(held(ETHFI, "100")), ETHFI, charter=generous)
    assert (told.preferred, told.behind, told.preference_behind, told.sentence) == (True, D("3.25"), None, "")


def test_instruction__a_tolerance_of_exactly_what_is_lost__is_enough_and_one_of_nothing_is_not() -> None:
    lost = D("0.37") / D("119.70")
    for tolerance, preferred in ((lost, True), (lost - D("1e-20"), False), (D(0), False)):
        likes = dataclasses.replace(LIKES_USDT, tolerance=tolerance)
        assert chosen(survey(held(EIGEN, "100")), EIGEN, charter=likes).preferred is preferred


def test_instruction__a_preferred_path_over_a_dead_pool__gives_way_to_the_best() -> None:
    at = market()
    [dead] = [name for name in at.prices if "via USDT@EIGEN" in name]
    broken = dataclasses.replace(at, prices={**at.prices, dead: Price(None, None)})
    told = chosen(survey(held(EIGEN, "100"), at=broken), EIGEN, charter=LIKES_USDT)
    assert (told.path, told.preferred, told.preference_behind) == ((EIGEN, ETH), False, None)
    assert told.sentence == "a market on the preferred path is missing, closed or without liquidity"


def test_instruction__a_preferred_path_through_what_the_account_does_not_know__gives_way_to_the_best() -> None:
    lost = dataclasses.replace(LIKES_USDT, steps={})
    told = chosen(survey(held(EIGEN, "100")), EIGEN, charter=lost)
    assert (told.path, told.preferred) == ((EIGEN, ETH), False)
    assert told.sentence == "the account does not know all tokens of the preferred path"


def test_instruction__a_preferred_path_that_takes_no_lot_so_small__gives_way_to_the_best() -> None:
    at = market()
    [coarse] = at.capabilities.others[EIGEN, ETH]
    others = {**at.capabilities.others, (EIGEN, ETH): (dataclasses.replace(coarse, base_minimum=D(101)),)}
    at = dataclasses.replace(at, capabilities=dataclasses.replace(at.capabilities, others=others))
    told = chosen(survey(held(EIGEN, "100"), at=at), EIGEN, charter=LIKES_USDT)
    assert told.path == (EIGEN, ETH)
    assert told.sentence.startswith("the preferred path takes no lot as small as this")


def test_instruction__a_preferred_venue_where_it_does_not_lie__is_not_feasible() -> None:
    elsewhere = dataclasses.replace(CHARTER, venue="binance")
    told = chosen(survey(held(EIGEN, "100")), EIGEN, charter=elsewhere)
    assert (told.preferred, told.path) == (False, (EIGEN, ETH))
    assert told.sentence == "it lies at evm, not at binance"
    here = dataclasses.replace(CHARTER, venue="evm")
    told = chosen(survey(held(EIGEN, "100")), EIGEN, charter=here)
    assert (told.preferred, told.sentence) == (True, "")


def test_instruction__a_preferred_path_where_the_preferred_venue_is_not__is_taken_and_says_where_it_lies() -> None:
    both = dataclasses.replace(LIKES_USDT, venue="binance")
    told = chosen(survey(held(EIGEN, "100")), EIGEN, charter=both)
    assert (told.preferred, told.path) == (True, (EIGEN, USDT, ETH))
    assert told.sentence.startswith("it lies at evm")


def test_instruction__a_gain_not_above_what_the_owner_wants__is_none() -> None:
    at = survey(held(EIGEN, "100"))
    greedy = dataclasses.replace(at, policy=replace(at.policy, minimum_gain=D("119.70")))
    assert instruction(dust_of(greedy, EIGEN), greedy, CHARTER, gas()) is None


def test_options__at_an_exchange__are_its_hubs_and_pay_both_fees() -> None:
    own = replace(POLICY, belongs=(POLICY.target,), expects_rewards=True)
    dollars = product(ADA, "coinbase:USD")
    at = exchange(BTC_USDC, ADA_USDC, dollars, ADA_USD=Price(D("0.39"), D("0.3904")))
    place = survey(held(ADA, "100"), at=at)
    place = dataclasses.replace(place, policy=own)
    found = options(dust_of(place, ADA), place, None)
    assert [option.path for option in found] == [(ADA, USDC, POLICY.target), (ADA, "coinbase:USD", POLICY.target)]
    best = found[0]
    fair = 40 * (1 - POLICY.taker_fee) ** 2 * D(60000) / D(60006)
    assert abs(best.net - fair) < D("1e-20")
    assert best.fees == (Amount(40 - best.net, USDC),)
    assert best.estimated.asset == POLICY.target and best.estimated.quantity > 0


@pytest.mark.parametrize("missing", [True, False])
def test_gas_of__a_simulated_batch__is_shared_by_what_each_lot_uses(missing: bool) -> None:
    drafts = [Order(key, LegKind.SWAP, "v3", Amount(D(1), asset), ETH) for key, asset in (("a", EIGEN), ("b", ETHFI))]
    quotes = [Quote(draft.spend, Amount(D(1), ETH), (), D(1), "v3") for draft in drafts]
    offers = (Offer("a", quotes[0], 90_000), Offer("b", quotes[1], 180_000))
    refused = {"b": Refusal(RefusalCode.NO_LIQUIDITY, "no pool")} if missing else {}
    proposal = Proposal(
        head=Block(1, "0x1"),
        nonce=0,
        code=Code.OURS,
        ether=D(1),
        offers=offers[:1] if missing else offers,
        dropped=refused,
        cost=Amount(D("0.0003"), ETH),
        native_worth=D(3000),
        gas_limit=400_000,
        gas_price=GasPrice(10**9, 1),
        expected_price=10**9,
        deadline=NOON,
        payload="0x",
    )
    cost = gas_of(proposal, drafts)
    assert sum(cost.shares.values()) == D("0.9000")
    assert cost.hop == D("85000") * 10**9 / 10**18 * 3000
    assert cost.dropped == ({ETHFI: "no pool"} if missing else {})
    nothing = dataclasses.replace(proposal, offers=())
    assert gas_of(nothing, drafts).shares == {}


def test_options__what_a_venue_exchanges_one_to_one__needs_no_market() -> None:
    own = replace(POLICY, belongs=(POLICY.target,), expects_rewards=True)
    place = dataclasses.replace(survey(held(PYUSD, "50"), at=convertible(PYUSD)), policy=own)
    found = instruction(dust_of(place, PYUSD), place, CHARTER, None)
    assert found
    told, product = found
    assert (told.path, told.product, product) == ((PYUSD, USDC, POLICY.target), "PYUSD-USDC", None)
    assert 48 < told.net < 50
    assert (PYUSD, USDC) in replaced(place.reading.market, {PYUSD: None}).capabilities.convertible
