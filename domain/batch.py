"""Legs in one request to the venue's exchange of small balances: recorded together, each with a life of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain import leg as legs
from domain import pretrade
from domain.account import Account
from domain.commands import RequestBatch, SmallIntent
from domain.dust import over_threshold
from domain.identity import batch_key
from domain.purse import gross
from domain.sweep import Sweep
from events.facts import AccountFact
from events.money import exactly_sum, plain
from events.records import replace
from events.values import LegKind, Policy, Quote, Refusal, RefusalCode


def request(command: RequestBatch, account: Account) -> list[AccountFact]:
    """Put all intents on record under one key, all in one; or the refusals that keep the request from being made."""
    sweep = account.sweep
    if sweep is None or account.halted or not command.intents or not _ready(command.intents, sweep):
        return []
    intents = [_valued(intent, sweep) for intent in command.intents]
    if found := _objections(intents, command, account, sweep):
        return [
            no
            for leg_id, why in found.items()
            for no in legs.decline(sweep.legs[leg_id], account.name, sweep.opened.sweep_id, why)
        ]
    key = batch_key([intent.leg_id for intent in intents])
    return [
        fact
        for intent in intents
        for fact in legs.request(
            sweep.legs[intent.leg_id],
            account.name,
            sweep.opened.sweep_id,
            intent.spend,
            intent.quote,
            command.now,
            key,
        )
    ]


def _ready(intents: Sequence[SmallIntent], sweep: Sweep) -> bool:
    """Each leg is asked for once, exchanges small balances, and is asked for the attempt that is its next."""
    if len({intent.leg_id for intent in intents}) != len(intents):
        return False
    found = [(sweep.legs.get(intent.leg_id), intent.attempt) for intent in intents]
    return all(
        leg is not None and leg.plan.kind is LegKind.DUST and legs.next_attempt(leg) == attempt
        for leg, attempt in found
    )


def _valued(intent: SmallIntent, sweep: Sweep) -> SmallIntent:
    """The venue names no price in the policy's currency: a unit is worth what it was when it was found to be dust."""
    lot = sweep.lot(sweep.legs[intent.leg_id].plan.lot_id or "")
    return SmallIntent(intent.leg_id, intent.spend, replace(intent.quote, price=lot.price), intent.attempt)


def _objections(
    intents: Sequence[SmallIntent], command: RequestBatch, account: Account, sweep: Sweep
) -> dict[str, Refusal]:
    """Check the legs, the first before the next, against policy and caps; by leg id, empty for a go."""
    policy, leg_ids = sweep.opened.policy, {intent.leg_id for intent in intents}
    beside = pretrade.sold_beside(leg_ids, sweep)
    day = account.spent_beside([sweep.legs[leg_id] for leg_id in leg_ids], command.now.date())
    found: dict[str, Refusal] = {}
    for intent in intents:
        worth = pretrade.worth(LegKind.DUST, intent.quote)
        no = (
            pretrade.policy_changed(command.fingerprint, sweep, account.live)
            or _objection(intent, worth, policy)
            or pretrade.over_cap(worth, beside, day, policy)
        )
        if no:
            found[intent.leg_id] = no
        else:
            beside, day = exactly_sum(beside, worth), exactly_sum(day, worth)
    return found


def _objection(intent: SmallIntent, worth: Decimal, policy: Policy) -> Refusal | None:
    """Check one leg's offer against the policy; None when it may go ahead."""
    quote = intent.quote
    if quote.spend != intent.spend:
        return Refusal(RefusalCode.OTHER, f"the venue would take {quote.spend}, it was asked for {intent.spend}")
    if over_threshold(worth, policy):
        limit = f"{plain(policy.threshold)} {policy.currency}"
        return Refusal(RefusalCode.NO_LONGER_DUST, f"worth {worth:.4f} now, not below the threshold of {limit}")
    gain = worth * _kept(quote) * (1 if quote.receive.asset == policy.target else 1 - policy.taker_fee)
    if gain <= policy.minimum_gain:
        return Refusal(RefusalCode.NO_NET_GAIN, f"after fees {gain:.4f} {policy.currency} would be left of it")
    return None


def _kept(quote: Quote) -> Decimal:
    """Say what part of the value is left after the fee that is taken out of it."""
    whole = gross(quote.receive, quote.fees)
    return quote.receive.quantity / whole if whole > 0 else Decimal(0)
