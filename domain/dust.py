"""What is dust and what stays: every holding ends as a lot, as kept with a reason, or as dust with no way out.

Prices are best bids in a hub currency, believed where an ask stands near them; a hub counts as much as the venue says
it is worth in the policy's currency, at par where it says nothing (USDC redeems one to one). The reasons are tried in
the order of `judge`, the first that holds is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from domain.venue import Capabilities, Holding, Price, Product, SmallOffer
from events.facts import DustUnroutable
from events.money import Amount, exactly_less, exactly_sum, floor_to, plain, ticker
from events.values import Keep, Kept, Policy, Proof, Source, Unroutable

ASK_AGAIN_AFTER = timedelta(days=1)
# The venue exchanges one to one in whole cents.
CENT = Decimal("0.01")
# A book whose ask is more than this many times its bid does not say what the product is worth.
WIDEST = Decimal(2)


@dataclass(frozen=True, slots=True)
class Market:
    """What the venue can do and at which prices, at the moment of a scan; prices by product name.

    `worth` is what one unit of a hub is worth in the policy's currency, `appraised` what one of any asset is by other
    means than markets; equity counts by it, no sale does.
    """

    capabilities: Capabilities
    prices: Mapping[str, Price]
    worth: Mapping[str, Decimal] = field(default_factory=dict)
    appraised: Mapping[str, Decimal] = field(default_factory=dict)

    def product(self, base: str, quote: str) -> Product | None:
        """Return the market of the pair when it takes market orders now."""
        product = self.capabilities.products.get((base, quote))
        return product if product and product.open else None

    def bid(self, product: Product) -> Decimal | None:
        """Return what a seller gets for one unit now."""
        return self.prices.get(product.name, NO_PRICE).bid

    def ask(self, product: Product) -> Decimal | None:
        """Return what a buyer pays for one unit now."""
        return self.prices.get(product.name, NO_PRICE).ask

    def doubt(self, product: Product) -> str:
        """Say why the venue does not stand by its price, empty where it does."""
        return self.prices.get(product.name, NO_PRICE).doubt

    def worth_of(self, hub: str) -> Decimal:
        """Return what one unit of a hub is worth in the policy's currency."""
        return self.worth.get(hub, Decimal(1))

    def fair_bid(self, product: Product) -> Decimal | None:
        """Return the bid if it says what a unit is worth: a lone low bid on an empty book would make anything dust."""
        bid, ask = self.bid(product), self.ask(product)
        return bid if bid and ask and ask <= bid * WIDEST else None


NO_PRICE = Price(None, None)


@dataclass(frozen=True, slots=True)
class Dust:
    """A holding that the policy wants gone and that has a market: `free` of it may be sold.

    `product` is where it sells, None when the venue exchanges it into `hub`: one to one, or by its `offer` for small
    balances. `price` and `value` are in the
    policy's currency.
    """

    asset: str
    free: Decimal
    price: Decimal
    value: Decimal
    hub: str
    product: Product | None
    offer: SmallOffer | None = None
    source: Source = Source.LEFTOVER
    proof: Proof | None = None

    @property
    def size(self) -> Decimal:
        """What the venue would take of it: `free` in whole steps, all of it where small balances are exchanged."""
        if self.offer is not None:
            return self.free
        return floor_to(self.free, self.product.base_increment if self.product else CENT)


def priced_products(holdings: tuple[Holding, ...], policy: Policy, capabilities: Capabilities) -> frozenset[str]:
    """Name the products whose prices a scan needs: every candidate's markets, and the target's.

    A strategy compares all ways of selling, and its equity counts what belongs to it.
    """
    priced = {holding.asset for holding in holdings if holding.available > 0 and not holding.quarantine}
    candidates = priced - ({policy.target, *policy.excluded, *policy.hubs} - frozenset(policy.belongs or ()))
    pairs = {(asset, hub) for asset in candidates | {policy.target} for hub in policy.hubs}
    products = (capabilities.products.get(pair) for pair in pairs)
    named = {product.name for product in products if product and product.open}
    if policy.belongs is not None:
        named |= {other.name for pair in pairs for other in capabilities.others.get(pair, ()) if other.open}
    return frozenset(named)


def judge(holding: Holding, policy: Policy, market: Market, automatic: bool) -> Dust | Kept:
    """Decide whether a holding is dust; if not, why it stays and what would change that."""
    free = free_of(holding, policy)
    if kept := _kept_unpriced(holding, policy, free):
        return kept
    found = _best_exit(holding.asset, free, policy, market)
    if isinstance(found, tuple):
        return Kept(holding.asset, holding.available, *found)
    whole_value = holding.available * found.price
    if over_threshold(whole_value, policy):
        sentence = (
            f"worth {_money(whole_value, policy)}, not below the threshold of "
            f"{plain(policy.threshold)} {policy.currency}"
        )
        return Kept(holding.asset, holding.available, Keep.ABOVE_THRESHOLD, sentence)
    if policy.belongs is not None and not policy.expects_rewards:
        sentence = f"worth {_money(whole_value, policy)}, and no strategy here expects it; it is reported, not sold"
        return Kept(holding.asset, holding.available, Keep.UNEXPECTED, sentence)
    if automatic and policy.admitted is not None and holding.asset not in policy.admitted:
        sentence = "not in the list that the policy admits for automatic conversion"
        return Kept(holding.asset, holding.available, Keep.NOT_ADMITTED, sentence)
    return replace(found, source=holding.source, proof=holding.proof)


def over_threshold(value: Decimal, policy: Policy) -> bool:
    """Say whether something is worth too much to be dust; what a strategy has no use for never is."""
    return policy.belongs is None and value >= policy.threshold


def reserve_of(policy: Policy, asset: str) -> Decimal:
    """Say how much of an asset may never be sold."""
    return exactly_sum(*(reserve.quantity for reserve in policy.reserves if reserve.asset == asset))


def free_of(holding: Holding, policy: Policy) -> Decimal:
    """Say how much of a holding may be sold, to the last digit; below zero when the reserve is not reached."""
    return exactly_less(holding.available, reserve_of(policy, holding.asset))


def _kept_unpriced(holding: Holding, policy: Policy, free: Decimal) -> Kept | None:
    """Give the reasons to stay that need no price."""
    name = ticker(holding.asset)
    if holding.available <= 0 and holding.hold <= 0:
        reason, sentence = Keep.ZERO, "nothing is there"
    elif holding.quarantine:
        reason, sentence = Keep.QUARANTINED, holding.quarantine
    elif holding.asset in (policy.belongs or ()):
        reason, sentence = Keep.BELONGS, _why_it_belongs(holding.asset, policy)
    elif holding.asset == policy.target:
        reason, sentence = Keep.TARGET, "it is what dust is converted into"
    elif holding.asset in policy.excluded:
        reason, sentence = Keep.EXCLUDED, "the policy excludes it"
    elif holding.asset in policy.hubs:
        reason, sentence = Keep.EXCLUDED, "sales are paid in it, so it may be proceeds that wait for their buy"
    elif holding.hold > 0:
        sentence = f"{plain(holding.hold)} {name} belongs to open orders; cancel or wait for them"
        reason = Keep.ON_HOLD
    elif free <= 0:
        sentence = f"the policy keeps {plain(reserve_of(policy, holding.asset))} {name} in reserve"
        reason = Keep.RESERVED
    else:
        return None
    return Kept(holding.asset, holding.available, reason, sentence)


def _why_it_belongs(asset: str, policy: Policy) -> str:
    if policy.funding and asset in (source.asset for source in policy.funding.sources):
        return "it becomes ETH for trades that lack it, or a strategy holds it on purpose"
    return "a strategy holds it on purpose: share class, asset or staking token"


def _best_exit(asset: str, free: Decimal, policy: Policy, market: Market) -> Dust | tuple[Keep, str]:
    """Find the first hub in the policy's order that an asset can be turned into at a known price.

    One from which nothing leads to the target comes after those from which something does.
    """
    known = [p for hub in policy.hubs if (p := market.capabilities.products.get((asset, hub)))]
    for hub in sorted(policy.hubs, key=lambda hub: not reaches_target(hub, policy, market)):
        product = market.product(asset, hub)
        if product and (bid := market.fair_bid(product)):
            price = bid * market.worth_of(hub)
            return Dust(asset, free, price, free * price, hub, product)
        if (asset, hub) in market.capabilities.convertible:
            price = market.worth_of(hub)
            return Dust(asset, free, price, free * price, hub, None)
    if quarantine := next((product.quarantine for product in known if product.quarantine), ""):
        return Keep.QUARANTINED, quarantine
    if doubt := next((doubt for product in known if (doubt := market.doubt(product))), ""):
        return Keep.UNPRICED, doubt
    if any(not product.closed for product in known):
        names = " or ".join(p.name for p in known)
        return Keep.UNPRICED, f"{names} has no bid and ask that are close enough to say what it is worth"
    if known:
        words = ", ".join(f"{product.name} is {product.closed}" for product in known)
        return Keep.NOT_TRADABLE, f"its market takes no market orders: {words}"
    if offered := _by_its_offer(asset, free, policy, market):
        return offered
    return Keep.NOT_TRADABLE, f"the venue has no market for it in {' or '.join(map(ticker, policy.hubs))}"


def _by_its_offer(asset: str, free: Decimal, policy: Policy, market: Market) -> Dust | None:
    """Price what has no market by what the venue's exchange of small balances offers for all of it, before its fee."""
    desk = market.capabilities.small
    offer = desk.offers.get(asset) if desk else None
    if desk is None or offer is None or not 0 < offer.quantity == free:
        return None
    if desk.pays in policy.hubs:
        worth: Decimal | None = market.worth_of(desk.pays)
    else:
        final = _final_product(settlement_hub(policy, market) or "", policy, market)
        bid = market.fair_bid(final) if final and desk.pays == policy.target else None
        worth = bid * market.worth_of(final.quote) if final and bid else None
    value = exactly_sum(offer.brings, offer.fee) * (worth or Decimal(0))
    return Dust(asset, free, value / free, value, desk.pays, None, offer) if value > 0 else None


def still_holds(learned: DustUnroutable, dust: Dust, now: datetime, base_fee: int | None = None) -> bool:
    """Say whether a venue's earlier no still speaks against asking it again.

    A rest holds for as long as the venue says at each scan, a minimum until the value has grown by what was missing,
    any other refusal until the quantity changes or a day has passed, since halts and restrictions end. One for the
    price of gas ends as soon as blocks charge less than it named; `base_fee` is what they charge, None where nobody
    pays for gas.
    """
    if learned.reason is Unroutable.COOLDOWN:
        return False
    if learned.reason is Unroutable.BELOW_MINIMUM and learned.missing is not None:
        in_kind = learned.missing.asset == dust.asset
        now_and_then = (dust.free, learned.quantity) if in_kind else (dust.value, learned.value)
        return exactly_less(*now_and_then) < learned.missing.quantity
    if learned.base_fee is not None and base_fee is not None and base_fee < learned.base_fee:
        return False
    return learned.quantity in (dust.size, dust.free) and now - learned.noted_at < ASK_AGAIN_AFTER


def unroutable(dust: Dust, policy: Policy, market: Market) -> tuple[Unroutable, str, Amount | None] | None:
    """Say why dust has no way out today, or None when it has one."""
    if not reaches_target(dust.hub, policy, market):
        return Unroutable.NO_ROUTE, _why_no_way_on(dust.hub, policy, market), None
    if dust.offer is not None:
        return _not_worth_it(dust, dust.offer, policy, market)
    return too_small(dust, market) or _no_gain(dust, policy, market)


def too_small(dust: Dust, market: Market) -> tuple[Unroutable, str, Amount | None] | None:
    """Say by how much dust falls short of what its market takes, in size or in value; None when it does not."""
    product = dust.product
    name = product.name if product else f"{ticker(dust.asset)}-{ticker(dust.hub)}"
    needed = smallest(product.base_minimum, product.base_increment) if product else CENT
    if dust.free < needed:
        missing = Amount(needed, dust.asset) - Amount(dust.free, dust.asset)
        return Unroutable.BELOW_MINIMUM, f"{name} takes at least {plain(needed)}, {missing} more is needed", missing
    if product is None or not product.sale_minimum:
        return None
    brings = dust.size * (market.bid(product) or Decimal(0))
    if brings < product.sale_minimum:
        missing = Amount(exactly_less(product.sale_minimum, brings), product.quote)
        least = Amount(product.sale_minimum, product.quote)
        return Unroutable.BELOW_MINIMUM, f"{name} takes sales of at least {least}, {missing} more is needed", missing
    return None


def _not_worth_it(
    dust: Dust, offer: SmallOffer, policy: Policy, market: Market
) -> tuple[Unroutable, str, Amount | None] | None:
    """Say that an exchange of small balances leaves too little; what it pays in the target needs no further fee."""
    left = dust.value * offer.kept
    gain = left if dust.hub == policy.target else left * _kept_by_buying(dust.hub, policy, market)
    if gain > policy.minimum_gain:
        return None
    return Unroutable.NO_NET_GAIN, f"after the fee for small balances {_money(gain, policy)} would be left", None


def smallest(minimum: Decimal, increment: Decimal) -> Decimal:
    """Return the least size that a market takes: a minimum need not be a multiple of the increment, a size must be."""
    size = floor_to(minimum, increment)
    return size if size == minimum > 0 else exactly_sum(size, increment)


def _no_gain(dust: Dust, policy: Policy, market: Market) -> tuple[Unroutable, str, Amount | None] | None:
    final = _final_product(dust.hub, policy, market)
    if final and not market.fair_bid(final):
        sentence = f"{final.name} has no price to go by, so what {ticker(policy.target)} would cost is not known"
        return Unroutable.NO_ROUTE, sentence, None
    gain = expected_gain(dust.size * dust.price, dust.hub, policy, market)
    if gain > policy.minimum_gain:
        return None
    least = f"minimum_gain, {plain(policy.minimum_gain)} {policy.currency}"
    sentence = f"{_money(gain, policy)} would be left after fees and the spread, no more than {least}"
    return Unroutable.NO_NET_GAIN, sentence, None


def expected_gain(value: Decimal, hub: str, policy: Policy, market: Market) -> Decimal:
    """Estimate what `value` at the bid is worth once it is the target: both fees and the spread taken off."""
    kept = Decimal(1) - policy.taker_fee
    if policy.target in policy.hubs:
        return value * kept
    return value * kept * _kept_by_buying(hub, policy, market)


def _kept_by_buying(hub: str, policy: Policy, market: Market) -> Decimal:
    """Say what part of a value in a hub is left once the target is bought for it: less the fee and the spread."""
    final = _final_product(hub, policy, market)
    bid, ask = (market.bid(final), market.ask(final)) if final else (None, None)
    if not bid or not ask:
        return Decimal(0)
    return (Decimal(1) - policy.taker_fee) * bid / ask


def reaches_target(hub: str, policy: Policy, market: Market) -> bool:
    """Say whether proceeds in `hub` can become the target, directly or through another hub one to one."""
    return policy.target == hub or _final_product(hub, policy, market) is not None or _unifies(hub, policy, market)


def _why_no_way_on(hub: str, policy: Policy, market: Market) -> str:
    pool = settlement_hub(policy, market)
    if pool in (None, hub):
        return f"no open market leads from {ticker(hub)} to {ticker(policy.target)}"
    return (
        f"it sells for {ticker(hub)} only; proceeds are pooled in {ticker(pool or '')} to buy {ticker(policy.target)}, "
        f"and the venue does not exchange one for the other"
    )


def settlement_hub(policy: Policy, market: Market) -> str | None:
    """Choose the hub in which proceeds are pooled: the target itself, else the first that buys it."""
    if policy.target in policy.hubs:
        return policy.target
    return next((hub for hub in policy.hubs if market.product(policy.target, hub)), None)


def _final_product(hub: str, policy: Policy, market: Market) -> Product | None:
    pool = settlement_hub(policy, market)
    if pool is None or (pool != hub and (hub, pool) not in market.capabilities.convertible):
        return None
    return market.product(policy.target, pool)


def _unifies(hub: str, policy: Policy, market: Market) -> bool:
    return policy.target in policy.hubs and (hub, policy.target) in market.capabilities.convertible


def _money(value: Decimal, policy: Policy) -> str:
    return f"{value:.4f} {policy.currency}"
