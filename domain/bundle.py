"""Several legs in one transaction: what gas each pays, whether each still gains, and what the receipt gave each.

A leg of a bundle keeps its own life; what is shared is the gas. Expected gas is shared by what each leg uses of it,
paid gas by what each was expected to pay, both exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.chain import Offer, Proposal
from domain.dust import over_threshold
from domain.identity import idempotency_key
from domain.lane import Lane
from domain.leg import Leg, NeverArrived, Requested, Unknown
from domain.move import Settle
from domain.pretrade import worth
from domain.share import share
from domain.sweep import Sweep
from domain.venue import NeverArrived as VenueKnowsNothing
from events.facts import LegRequested
from events.money import Amount, plain
from events.records import replace
from events.values import Fill, LegKind, Outcome, Policy, Quote, Refusal, RefusalCode

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Intent:
    """One leg as it would be requested: its quote after its share of the gas, which is worth `gas_worth`."""

    leg_id: str
    spend: Amount
    quote: Quote
    attempt: int
    gas_worth: Decimal


def intents(spends: Mapping[str, Amount], legs: Mapping[str, Leg], proposal: Proposal) -> tuple[Intent, ...]:
    """Make an intent of every offer of a proposal; `spends` says by leg id what each was simulated with."""
    offers = proposal.offers
    if not offers:
        return ()
    leg_ids = {idempotency_key(leg_id): leg_id for leg_id in spends}
    costs = share(proposal.cost.quantity, [Decimal(offer.gas) for offer in offers])
    return tuple(
        _intent(offer, leg_ids[offer.key], spends, legs, Amount(cost, proposal.cost.asset), proposal.native_worth)
        for offer, cost in zip(offers, costs, strict=True)
    )


def _intent(
    offer: Offer,
    leg_id: str,
    spends: Mapping[str, Amount],
    legs: Mapping[str, Leg],
    gas: Amount,
    native_worth: Decimal,
) -> Intent:
    quote, leg = offer.quote, legs[leg_id]
    priced = replace(quote, receive=after_gas(quote.receive, gas), fees=(*quote.fees, gas))
    attempt = leg.intent.attempt + 1 if isinstance(leg, NeverArrived) else 1
    return Intent(leg_id, spends[leg_id], priced, attempt, gas.quantity * native_worth)


def after_gas(received: Amount, gas: Amount) -> Amount:
    """Take gas off what arrives where both are the native coin; else it is paid beside it."""
    return received - gas if received.asset == gas.asset else received


def unheld(proposal: Proposal, lane: Lane) -> Refusal | None:
    """Refuse to approve once more what our last approval was final for: a token that does not keep one is not sold."""
    wanted, made = proposal.approval, lane.allowed
    if wanted is None or made is None or wanted.asset != made.asset or (wanted.quantity and not made.quantity):
        return None
    return Refusal(RefusalCode.OTHER, f"{made} was approved, and that is not what may be taken now")


def objection(intent: Intent, proposal: Proposal, policy: Policy) -> Refusal | None:
    """Check one leg's simulated sale against the policy; None when it may go ahead."""
    quote, gross = intent.quote, worth(LegKind.SWAP, intent.quote)
    if gross - intent.gas_worth <= policy.minimum_gain:
        return _waits_for_gas(intent, gross, proposal, policy)
    if over_threshold(gross, policy):
        limit = f"{plain(policy.threshold)} {policy.currency}"
        sentence = f"worth {gross:.4f} {policy.currency} now, not below the threshold of {limit}"
        return Refusal(RefusalCode.NO_LONGER_DUST, sentence)
    if quote.spend != intent.spend:
        return Refusal(RefusalCode.OTHER, f"the simulation spent {quote.spend}, it was asked for with {intent.spend}")
    return None


def _waits_for_gas(intent: Intent, gross: Decimal, proposal: Proposal, policy: Policy) -> Refusal:
    """Name the price of gas at which it would go; of that the tip is paid whatever a block charges."""
    money, price = policy.currency, proposal.expected_price
    costs = f"gas at {gwei(price)} gwei takes {intent.gas_worth:.4f} of its {gross:.4f} {money}"
    bearable = (gross - policy.minimum_gain) * price / intent.gas_worth if intent.gas_worth > 0 else Decimal(0)
    if bearable < 1:
        return Refusal(RefusalCode.NO_NET_GAIN, f"{costs}; it would not go at any price of gas")
    sentence = f"{costs}; it would go below {gwei(int(bearable))} gwei"
    base_fee = max(0, int(bearable) - proposal.gas_price.tip)
    return Refusal(RefusalCode.NO_NET_GAIN, sentence, base_fee=base_fee)


def gwei(price: int) -> str:
    """Write a price of gas as people say it, to four digits that count."""
    written = plain(Decimal(f"{Decimal(price) / GWEI:.4g}"))
    return written.rstrip("0").rstrip(".") if "." in written else written


def answers(
    settle: Settle, carried: Sequence[Leg], given: Mapping[str, Fill | Refusal]
) -> Mapping[str, Fill | Refusal | VenueKnowsNothing]:
    """Say what became of each leg that a final transaction carried; `given` is what its receipt tells, before gas.

    A success fills the legs that it moved, with their share of the gas. Whatever else became of the transaction, it
    moved nothing, so a leg may be asked for again, except one that a revert is the fault of.
    """
    waiting = [leg for leg in carried if isinstance(leg, Requested | Unknown)]
    told: dict[str, Fill | Refusal | VenueKnowsNothing] = {leg.plan.leg_id: VenueKnowsNothing() for leg in waiting}
    if settle.receipt is None or settle.outcome in (Outcome.CANCELLED, Outcome.DISPLACED):
        return told
    told.update({leg_id: given[leg_id] for leg_id in told if isinstance(given.get(leg_id), Refusal)})
    if settle.outcome is Outcome.REVERTED:
        return told
    filled = [(leg.intent, fill) for leg in waiting if isinstance(fill := given.get(leg.plan.leg_id), Fill)]
    if not filled:
        return told
    paid = settle.receipt.fee
    weights = [gas_of(intent, paid.asset) for intent, _ in filled]
    for (intent, fill), part in zip(filled, share(paid.quantity, weights), strict=True):
        gas = Amount(part, paid.asset)
        told[intent.leg_id] = replace(fill, received=after_gas(fill.received, gas), fees=(*fill.fees, gas))
    return told


def gas_of(intent: LegRequested, native: str) -> Decimal:
    """Return what a leg was expected to pay for gas."""
    return next((fee.quantity for fee in reversed(intent.quote.fees) if fee.asset == native), Decimal(0))


def carried_by(settle: Settle, sweep: Sweep | None) -> list[Leg]:
    """Return the legs that the transactions of a nonce carried."""
    return [sweep.legs[leg_id] for leg_id in settle.attempts[0].legs if leg_id in sweep.legs] if sweep else []
