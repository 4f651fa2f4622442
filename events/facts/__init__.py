"""The facts: everything that can happen to an account or a strategy, in the past tense, one frozen struct each.

Every fact belongs to one account or one strategy and is recorded in its stream. Times inside a fact are UTC and were
known to whoever produced it; when a fact happened and when it was recorded stand in its envelope.
"""

from __future__ import annotations

from events.facts.funding import (
    EthReserved,
    FundingCompleted,
    FundingDeclined,
    FundingFact,
    FundingOpened,
    ReservationReleased,
)
from events.facts.legs import LegFact, LegFilled, LegNeverArrived, LegOutcomeUnknown, LegRefused, LegRequested
from events.facts.permissions import (
    AccountWentLive,
    ConversionsHalted,
    ConversionsResumed,
    DryRunCompleted,
    PermissionFact,
)
from events.facts.rewards import RewardClaimFailed, RewardClaimRequested, RewardFact, RewardsClaimed, RewardUnclaimed
from events.facts.scans import DustDetected, DustUnroutable, HoldingsKept, ScanCompleted, ScanFact, VenueUnreachable
from events.facts.strategies import (
    DustInstructed,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    StrategyFact,
    StrategyMeasured,
    StrategyNotMeasured,
)
from events.facts.sweeps import DustConversionFailed, DustConverted, ProceedsCarried, SweepCompleted, SweepFact
from events.facts.transactions import (
    TransactionDisplaced,
    TransactionFact,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)

__all__ = [
    "AccountFact",
    "AccountWentLive",
    "ConversionsHalted",
    "ConversionsResumed",
    "DryRunCompleted",
    "DustConversionFailed",
    "DustConverted",
    "DustDetected",
    "DustInstructed",
    "DustUnroutable",
    "EthReserved",
    "Fact",
    "FundingCompleted",
    "FundingDeclined",
    "FundingFact",
    "FundingOpened",
    "HoldingsKept",
    "InstructionsApproved",
    "InstructionsCancelled",
    "InstructionsExpired",
    "InstructionsReleased",
    "LegFact",
    "LegFilled",
    "LegNeverArrived",
    "LegOutcomeUnknown",
    "LegRefused",
    "LegRequested",
    "PermissionFact",
    "ProceedsCarried",
    "ReservationReleased",
    "RewardClaimFailed",
    "RewardClaimRequested",
    "RewardFact",
    "RewardUnclaimed",
    "RewardsClaimed",
    "ScanCompleted",
    "ScanFact",
    "StrategyFact",
    "StrategyMeasured",
    "StrategyNotMeasured",
    "SweepCompleted",
    "SweepFact",
    "TransactionDisplaced",
    "TransactionFact",
    "TransactionIncluded",
    "TransactionReorged",
    "TransactionSettled",
    "TransactionSigned",
    "VenueUnreachable",
    "account_of",
    "strategy_of",
]

AccountFact = ScanFact | LegFact | TransactionFact | RewardFact | SweepFact | FundingFact | PermissionFact
Fact = AccountFact | StrategyFact


def account_of(fact: Fact) -> str:
    """Name the account that a fact belongs to, empty for one that belongs to a strategy."""
    return "" if isinstance(fact, StrategyFact) else fact.account


def strategy_of(fact: Fact) -> str:
    """Name the strategy that a fact belongs to, or whose dust it announces; empty when it has to do with none."""
    return fact.strategy if isinstance(fact, StrategyFact | DustDetected) else ""
