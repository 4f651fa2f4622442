"""Instructions: which way each lot of a strategy's dust goes, of those that its venue offers.

The preferred venue and path are taken where they are feasible and bring nearly as much as the best; else the best. A
lot is sold where it lies, so a preferred venue is feasible for what lies there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal, localcontext
from typing import Final

from domain.chain import Proposal
from domain.charter import Charter
from domain.dust import CENT, Dust, Market, expected_gain, settlement_hub, unroutable
from domain.equity import Survey
from domain.share import share
from domain.venue import Order, Product
from events.money import Amount, exactly_less, floor_to, plain, ticker
from events.values import Instruction, LegKind, Policy

# What a sale over two pools uses more than one over one pool; measured.
HOP_GAS: Final = 85_000
WEI: Final = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class Gas:
    """What gas costs where a venue is a chain, in the policy's currency: a lot's own share, and each further hop.

    `dropped` says why a lot was not part of what was simulated; the first that was may be made until `expires_at`.
    """

    shares: Mapping[str, Decimal]
    hop: Decimal
    expires_at: datetime
    dropped: Mapping[str, str]


def gas_of(forecast: Sequence[Proposal], drafts: Sequence[Order]) -> Gas:
    """Read from all that would be proposed for lots what gas each of them would bear."""
    assets = {draft.key: draft.spend.asset for draft in drafts}
    shares: dict[str, Decimal] = {}
    for proposal in forecast:
        shares |= {assets[key]: cost for key, cost in _shares(proposal).items()}
    with localcontext(prec=80):
        hop = max(Decimal(HOP_GAS * each.expected_price) / WEI * each.native_worth for each in forecast)
    dropped = {assets[key]: refusal.sentence for each in forecast for key, refusal in each.dropped.items()}
    return Gas(shares, hop, min(each.deadline for each in forecast), dropped)


def _shares(proposal: Proposal) -> Mapping[str, Decimal]:
    """Share what a proposal costs among its offers, by their keys, in the policy's currency."""
    if not proposal.offers:
        return {}
    costs = share(proposal.cost.quantity, [Decimal(offer.gas) for offer in proposal.offers])
    with localcontext(prec=80):
        return {offer.key: cost * proposal.native_worth for offer, cost in zip(proposal.offers, costs, strict=True)}


@dataclass(frozen=True, slots=True)
class Option:
    """One way to convert a lot: what it would bring in the target, and what is left of it in the policy's currency.

    Without a product the venue exchanges it one to one.
    """

    path: tuple[str, ...]
    product: Product | None
    estimated: Amount
    fees: tuple[Amount, ...]
    gas: Decimal
    net: Decimal


def options(dust: Dust, survey: Survey, gas: Gas | None) -> list[Option]:
    """List the ways that a lot has, the best net first; none where nothing converts it today."""
    policy, market = survey.policy, survey.reading.market
    found = [
        option
        for hub in policy.hubs
        for product in _products(dust.asset, hub, market)
        if (option := _option(dust, hub, product, policy, market, gas))
    ]
    return sorted(found, key=lambda option: -option.net)


def _products(asset: str, hub: str, market: Market) -> Iterable[Product | None]:
    """List the markets of a pair, None for an exchange one to one."""
    best = market.product(asset, hub)
    others = market.capabilities.others.get((asset, hub), ())
    open_ones: list[Product | None] = [product for product in (best, *others) if product and product.open]
    return [*open_ones, None] if (asset, hub) in market.capabilities.convertible else open_ones


def _option(
    dust: Dust, hub: str, product: Product | None, policy: Policy, market: Market, gas: Gas | None
) -> Option | None:
    bid = market.fair_bid(product) if product else Decimal(1)
    if not bid:
        return None
    price = bid * market.worth_of(hub)
    piece = Dust(dust.asset, dust.free, price, dust.free * price, hub, product)
    if unroutable(piece, policy, market):
        return None
    gross = piece.size * price
    kept = expected_gain(gross, hub, policy, market)
    if product and product.exit is LegKind.SWAP and (gas is None or dust.asset not in gas.shares):
        return None
    paid = gas.shares[dust.asset] + (gas.hop if product and product.via else 0) if gas else Decimal(0)
    fees = (Amount(exactly_less(gross, kept), hub),) if kept < gross else ()
    return Option(
        _path(dust, product, hub, policy),
        product,
        _in_target(kept, hub, product, policy, market),
        fees,
        paid,
        exactly_less(kept, paid),
    )


def _path(dust: Dust, product: Product | None, hub: str, policy: Policy) -> tuple[str, ...]:
    """Name the assets that a lot becomes one after the other."""
    path = tuple(each for each in (dust.asset, product.via if product else "", hub) if each)
    return path if path[-1] == policy.target else (*path, policy.target)


def _in_target(value: Decimal, hub: str, product: Product | None, policy: Policy, market: Market) -> Amount:
    """Say what a value in the policy's currency is of the target, rounded down to its steps."""
    if policy.target in policy.hubs:
        step = product.quote_increment if product else CENT
        return Amount(floor_to(value / market.worth_of(hub), step), policy.target)
    pool = settlement_hub(policy, market)
    final = market.product(policy.target, pool) if pool else None
    bid = market.bid(final) if final else None
    if final is None or not bid:
        return Amount(Decimal(0), policy.target)
    return Amount(floor_to(value / (bid * market.worth_of(final.quote)), final.base_increment), policy.target)


def instruction(
    dust: Dust, survey: Survey, charter: Charter, gas: Gas | None
) -> tuple[Instruction, Product | None] | None:
    """Choose a lot's way; None where it has none, or where none leaves more than the policy wants at least."""
    ways = options(dust, survey, gas)
    if not ways or ways[0].net <= survey.policy.minimum_gain:
        return None
    best, reading = ways[0], survey.reading
    liked = next((way for way in ways if _preferred(way, survey, charter)), None)
    chosen = liked if liked and _near(liked, best, charter.tolerance) else best
    told = Instruction(
        account=reading.account,
        venue=reading.venue,
        asset=dust.asset,
        quantity=dust.size,
        value=dust.size * dust.price,
        path=chosen.path,
        product=chosen.product.name if chosen.product else "-".join(map(ticker, chosen.path[:2])),
        estimated=chosen.estimated,
        fees=chosen.fees,
        gas=chosen.gas,
        net=chosen.net,
        expires_at=gas.expires_at if gas else None,
        preferred=chosen is liked,
        behind=exactly_less(best.net, chosen.net),
        preference_behind=exactly_less(chosen.net, liked.net) if liked and chosen is not liked else None,
        sentence="; ".join(_disappointments(dust, chosen, liked, survey, charter)),
    )
    return told, chosen.product


def _preferred(way: Option, survey: Survey, charter: Charter) -> bool:
    """Say whether a way is what the strategy likes; one that likes nothing in particular prefers none.

    Nothing is moved between venues, so a path is liked wherever a lot lies, whatever the preferred venue.
    """
    if charter.prefers_path:
        return way.path[1:] == charter.steps.get(survey.reading.account)
    return charter.venue == survey.reading.venue


def _near(way: Option, best: Option, tolerance: Decimal) -> bool:
    with localcontext(prec=80):
        return way.net >= best.net * (1 - tolerance)


def _disappointments(
    dust: Dust, chosen: Option, liked: Option | None, survey: Survey, charter: Charter
) -> Iterator[str]:
    """Say what of the strategy's preference this lot does not get."""
    if charter.venue not in ("", survey.reading.venue):
        yield f"it lies at {survey.reading.venue}, not at {charter.venue}"
    if not charter.prefers_path or chosen is liked:
        return
    if survey.reading.account not in charter.steps:
        yield "the account does not know all tokens of the preferred path"
    elif liked is None:
        yield _no_way(dust, survey, charter.steps[survey.reading.account])
    else:
        less = exactly_less(chosen.net, liked.net)
        with localcontext(prec=80):
            part = (less / chosen.net * 100).quantize(CENT, ROUND_UP)
            most = plain((charter.tolerance * 100).normalize())
        money = survey.policy.currency
        yield f"the preferred path brings {less:.2f} {money} less, {part} % of the best; {most} % is the most"


def _no_way(dust: Dust, survey: Survey, steps: tuple[str, ...]) -> str:
    """Say why the preferred path converts nothing today."""
    market = survey.reading.market
    for hub in survey.policy.hubs:
        for product in _products(dust.asset, hub, market):
            if product and _path(dust, product, hub, survey.policy)[1:] == steps and market.fair_bid(product):
                return "the preferred path takes no lot as small as this, or leaves nothing of it"
    return "a market on the preferred path is missing, closed or without liquidity"


def replaced(market: Market, chosen: Mapping[str, Product | None]) -> Market:
    """Return the market in which each chosen asset has its chosen product and no other, or none to be exchanged."""
    others = {pair: product for pair, product in market.capabilities.products.items() if pair[0] not in chosen}
    products = others | {(asset, product.quote): product for asset, product in chosen.items() if product}
    return replace(market, capabilities=replace(market.capabilities, products=products, others={}))
