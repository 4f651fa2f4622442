"""The catalogue: the stable word and version under which each fact is recorded, for ever.

The words are written out, not derived: renaming a class must not rename what is in the log. When a fact must change
after a release, its version grows here, the version before it gets an upcaster, and the golden file and the schema of
that version stay as they were released.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from events import facts
from events.facts import Fact


class EventType(NamedTuple):
    """A word and its version; the version grows when a field is added, removed or changes its meaning."""

    word: str
    version: int

    def __str__(self) -> str:
        return f"{self.word} v{self.version}"


class UnknownType(ValueError):
    """A type that the catalogue does not hold: written by a newer release, or not by us."""


TYPE_OF: Final[Mapping[type[Fact], EventType]] = {
    facts.ScanCompleted: EventType("scan_completed", 1),
    facts.HoldingsKept: EventType("holdings_kept", 1),
    facts.VenueUnreachable: EventType("venue_unreachable", 1),
    facts.DustDetected: EventType("dust_detected", 2),
    facts.DustUnroutable: EventType("dust_unroutable", 2),
    facts.LegRequested: EventType("leg_requested", 2),
    facts.LegFilled: EventType("leg_filled", 1),
    facts.LegRefused: EventType("leg_refused", 2),
    facts.LegOutcomeUnknown: EventType("leg_outcome_unknown", 1),
    facts.LegNeverArrived: EventType("leg_never_arrived", 1),
    facts.TransactionSigned: EventType("transaction_signed", 2),
    facts.TransactionIncluded: EventType("transaction_included", 1),
    facts.TransactionReorged: EventType("transaction_reorged", 1),
    facts.TransactionDisplaced: EventType("transaction_displaced", 1),
    facts.TransactionSettled: EventType("transaction_settled", 1),
    facts.RewardUnclaimed: EventType("reward_unclaimed", 1),
    facts.RewardClaimRequested: EventType("reward_claim_requested", 1),
    facts.RewardsClaimed: EventType("rewards_claimed", 1),
    facts.RewardClaimFailed: EventType("reward_claim_failed", 1),
    facts.DustConverted: EventType("dust_converted", 1),
    facts.DustConversionFailed: EventType("dust_conversion_failed", 2),
    facts.ProceedsCarried: EventType("proceeds_carried", 1),
    facts.SweepCompleted: EventType("sweep_completed", 1),
    facts.EthReserved: EventType("eth_reserved", 1),
    facts.ReservationReleased: EventType("reservation_released", 1),
    facts.FundingOpened: EventType("funding_opened", 1),
    facts.FundingDeclined: EventType("funding_declined", 1),
    facts.FundingCompleted: EventType("funding_completed", 1),
    facts.DryRunCompleted: EventType("dry_run_completed", 1),
    facts.AccountWentLive: EventType("account_went_live", 1),
    facts.ConversionsHalted: EventType("conversions_halted", 1),
    facts.ConversionsResumed: EventType("conversions_resumed", 1),
    facts.StrategyMeasured: EventType("strategy_measured", 1),
    facts.StrategyNotMeasured: EventType("strategy_not_measured", 1),
    facts.DustInstructed: EventType("dust_instructed", 2),
    facts.InstructionsApproved: EventType("instructions_approved", 1),
    facts.InstructionsCancelled: EventType("instructions_cancelled", 1),
    facts.InstructionsExpired: EventType("instructions_expired", 1),
    facts.InstructionsReleased: EventType("instructions_released", 2),
}

FACT_OF: Final[Mapping[EventType, type[Fact]]] = {event_type: fact for fact, event_type in TYPE_OF.items()}


def _dust_of_no_strategy(fields: dict[str, Any]) -> dict[str, Any]:
    """There were neither strategies nor trades to fund: dust was an account's own.

    Nothing was claimed, no source was proven, and no leg had to bring exactly so much.
    """
    lots = [{**lot, "proof": None} for lot in fields["lots"]]
    plan = [{**leg, "output": None} for leg in fields["plan"]]
    policy = {**fields["policy"], "rewards": [], "belongs": None, "expects_rewards": False, "funding": None}
    return {**fields, "strategy": "", "mode": "", "lots": lots, "plan": plan, "policy": policy}


def _unroutable_whatever_gas_costs(fields: dict[str, Any]) -> dict[str, Any]:
    """No price of gas was kept at which it would have gone."""
    return {**fields, "base_fee": None}


def _refused_whatever_gas_costs(fields: dict[str, Any]) -> dict[str, Any]:
    """The same of a refusal."""
    return {**fields, "refusal": {**fields["refusal"], "base_fee": None}}


def _no_exact_output(fields: dict[str, Any]) -> dict[str, Any]:
    """No leg was asked for so much of what it brings."""
    return {**fields, "output": None}


def _no_approval(fields: dict[str, Any]) -> dict[str, Any]:
    """No transaction was an approval by itself."""
    return {**fields, "transaction": {**fields["transaction"], "allowance": None}}


def _no_word_of_the_preferred(fields: dict[str, Any]) -> dict[str, Any]:
    """Nothing was said of a preferred way that was not taken."""
    told = [{**each, "preference_behind": None, "sentence": ""} for each in fields["instructions"]]
    return {**fields, "instructions": told}


# What an earlier version's fields are in the next version (`events.upcasting`); every version that was released stays.
UPCASTERS: Final[Mapping[EventType, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    EventType("dust_conversion_failed", 1): _refused_whatever_gas_costs,
    EventType("dust_detected", 1): _dust_of_no_strategy,
    EventType("dust_unroutable", 1): _unroutable_whatever_gas_costs,
    EventType("dust_instructed", 1): _no_word_of_the_preferred,
    EventType("instructions_released", 1): _no_word_of_the_preferred,
    EventType("leg_refused", 1): _refused_whatever_gas_costs,
    EventType("leg_requested", 1): _no_exact_output,
    EventType("transaction_signed", 1): _no_approval,
}


def type_of(fact: Fact) -> EventType:
    """Return the word and version a fact is recorded under; `UnknownType` for anything that is not a fact."""
    found = TYPE_OF.get(type(fact))
    if found is None:
        raise UnknownType(f"{type(fact).__name__} is not a fact of the catalogue")
    return found


def known_type(word: str) -> EventType:
    """Return the newest version of a word; `UnknownType` lists the words there are."""
    versions = [event_type for event_type in FACT_OF if event_type.word == word]
    if not versions:
        words = ", ".join(sorted({event_type.word for event_type in FACT_OF}))
        raise UnknownType(f"{word!r} is not in the catalogue, which has {words}")
    return max(versions)
