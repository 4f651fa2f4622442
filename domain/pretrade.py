"""The checks before a request: does the venue's offer, just made, still fit policy, caps and purse?

What it is worth is reckoned by that offer and not by the scan that found the dust: prices move in between.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from domain.dust import over_threshold, smallest
from domain.leg import Leg, Planned, Refused, is_exit
from domain.plan import outlay
from domain.purse import Purse, gross
from domain.sweep import Sweep
from events.money import Amount, exactly_sum, plain
from events.values import LegKind, PlannedLeg, Policy, Quote, Refusal, RefusalCode


def objection(leg: Leg, spend: Amount, quote: Quote, sweep: Sweep, purse: Purse) -> Refusal | None:
    """Check the venue's offer for `spend` against the policy just before asking; None when it may go ahead."""
    plan, policy = leg.plan, sweep.opened.policy
    if quote.receive.quantity <= 0:
        return Refusal(RefusalCode.NO_NET_GAIN, f"after fees {quote.receive} would arrive for {quote.spend}")
    if is_exit(plan) and sweep.top_up_of(plan.lot_id) is None and (no := _not_worth_selling(quote, policy)):
        return no
    if plan.kind is LegKind.TOP_UP and (no := _not_worth_topping_up(plan, quote, sweep)):
        return no
    if not is_exit(plan):
        topping = plan.kind is LegKind.TOP_UP
        allowed = outlay(purse.money, plan.spend, policy) if topping else purse.of(plan.spend)
        if quote.spend.quantity > allowed:
            sentence = f"it would spend {quote.spend}, dust has earned {plain(allowed)}"
            return Refusal(RefusalCode.OVER_CAP, sentence)
    # A conversion moves what its quote says, an order at most what it was asked for with.
    exact = plan.kind is LegKind.CONVERT
    if not 0 < quote.spend.quantity <= spend.quantity or (exact and quote.spend != spend):
        return Refusal(RefusalCode.OTHER, f"the venue's offer spends {quote.spend}, it was asked for with {spend}")
    return None


def _not_worth_selling(quote: Quote, policy: Policy) -> Refusal | None:
    """What a sale leaves, or brings, decides: its own fee is in the quote, that of the buy is still to come."""
    buy_fee = Decimal(0) if policy.target in policy.hubs else policy.taker_fee
    gain, gross = quote.receive.quantity * (1 - buy_fee), worth(LegKind.SELL, quote)
    if gain <= policy.minimum_gain:
        return Refusal(RefusalCode.NO_NET_GAIN, f"after all fees {gain:.4f} {policy.currency} would be left of it")
    if over_threshold(gross, policy):
        limit = f"{plain(policy.threshold)} {policy.currency}"
        sentence = f"worth {Amount(gross, quote.receive.asset)} now, not below the threshold of {limit}"
        return Refusal(RefusalCode.NO_LONGER_DUST, sentence)
    return None


def _not_worth_topping_up(plan: PlannedLeg, quote: Quote, sweep: Sweep) -> Refusal | None:
    """Buying up is in vain when the lot stays below its minimum, or when a sale at that same price brings no more."""
    policy, lot = sweep.opened.policy, sweep.lot(plan.lot_id or "")
    sale = next(leg.plan for leg in sweep.legs.values() if leg.plan.lot_id == lot.lot_id and is_exit(leg.plan))
    size, needed = exactly_sum(lot.quantity, quote.receive.quantity), smallest(sale.minimum, sale.increment)
    gain = size * quote.price * (1 - policy.taker_fee) - quote.spend.quantity
    if size < needed:
        sentence = (
            f"{quote.receive} for {quote.spend} would not lift it to the {plain(needed)} that {sale.product} takes"
        )
        return Refusal(RefusalCode.NO_NET_GAIN, sentence)
    if gain <= policy.minimum_gain:
        sentence = f"buying {quote.receive} for {quote.spend} and selling all would leave {gain:.4f} {policy.currency}"
        return Refusal(RefusalCode.NO_NET_GAIN, sentence)
    return None


def policy_changed(mark: str, sweep: Sweep, live: str) -> Refusal | None:
    """Refuse what no owner allowed: a policy that the sweep did not begin with, or the account is not live with."""
    if mark == sweep.opened.fingerprint == live:
        return None
    sentence = "the policy changed after this sweep began; make a dry run and go live with the new one"
    return Refusal(RefusalCode.POLICY_CHANGED, sentence)


def over_cap(offer: Decimal, beside: Decimal, today: Decimal, policy: Policy) -> Refusal | None:
    """Refuse an exit worth `offer` that does not fit under a cap beside what the sweep and the day have had."""
    for span, spent, cap in (("sweep", beside, policy.sweep_cap), ("day", today, policy.day_cap)):
        if exactly_sum(spent, offer) > cap:
            sentence = f"the cap of {plain(cap)} {policy.currency} a {span} is reached"
            return Refusal(RefusalCode.OVER_CAP, sentence)
    return None


def worth(kind: LegKind, quote: Quote) -> Decimal:
    """Say what an exit is worth in the policy's currency by the venue's offer.

    The price of a swap and of a small balance is in that currency; else it is what arrives, and the fees taken out of
    it, a hub's unit as one.
    """
    if kind in (LegKind.SWAP, LegKind.DUST):
        return quote.spend.quantity * quote.price
    return gross(quote.receive, quote.fees)


def sold_beside(leg_ids: Collection[str], sweep: Sweep) -> Decimal:
    """Add up what the sweep's other exits were worth when they were requested, for its cap."""
    others = (other for leg_id, other in sweep.legs.items() if is_exit(other.plan) and leg_id not in leg_ids)
    return exactly_sum(
        *(worth(other.plan.kind, other.intent.quote) for other in others if not isinstance(other, Planned | Refused))
    )
