"""The values that facts are made of. Each is frozen, compares by content and has a golden form on the wire."""

from __future__ import annotations

from events.values.funding import FundingAnswer, Release
from events.values.legs import Execution, Fill, LegKind, PlannedLeg, Quote, Refusal, RefusalCode
from events.values.lots import CarriedLot, Keep, Kept, Lot, Proof, Source, Unroutable
from events.values.policies import Funding, FundingMode, FundingSource, Policy
from events.values.rewards import Reward, Unclaimed
from events.values.strategies import Instruction, MeasuredLot, Unmeasured
from events.values.transactions import Block, GasPrice, Outcome, Purpose, SignedTransaction

__all__ = [
    "Block",
    "CarriedLot",
    "Execution",
    "Fill",
    "Funding",
    "FundingAnswer",
    "FundingMode",
    "FundingSource",
    "GasPrice",
    "Instruction",
    "Keep",
    "Kept",
    "LegKind",
    "Lot",
    "MeasuredLot",
    "Outcome",
    "PlannedLeg",
    "Policy",
    "Proof",
    "Purpose",
    "Quote",
    "Refusal",
    "RefusalCode",
    "Release",
    "Reward",
    "SignedTransaction",
    "Source",
    "Unclaimed",
    "Unmeasured",
    "Unroutable",
]
