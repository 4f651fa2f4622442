"""What became of rewards: not claimed, being claimed, claimed or missed."""

from __future__ import annotations

from datetime import datetime

import msgspec

from events.money import Amount
from events.values import Block, Reward, Source, Unclaimed


class RewardUnclaimed(msgspec.Struct, frozen=True, gc=False):
    """Rewards that are there and not claimed now; said once for each change of reason. Values are in `currency`."""

    account: str
    source: Source
    reason: Unclaimed
    sentence: str
    rewards: tuple[Reward, ...]
    currency: str
    noted_at: datetime


class RewardClaimRequested(msgspec.Struct, frozen=True, gc=False):
    """The intent of a claim, on record with its signed transaction before any node gets it.

    `claim_id` is the `sweep_id` of its transactions.

    `spend` is burnt for it, where it is a redemption. `rewards` is what it brought when it was tried, each worth what a
    sale would bring in `currency`; `fee` is the gas that it is expected to cost.
    """

    account: str
    venue: str
    claim_id: str
    source: Source
    spend: Amount | None
    rewards: tuple[Reward, ...]
    fee: Amount
    currency: str
    requested_at: datetime


class RewardsClaimed(msgspec.Struct, frozen=True, gc=False):
    """A claim is final: what arrived by its transaction's logs, and what was burnt for it. Gas is in the settlement.

    `source` is `transfer` when the source's own event is missing. Values are as of the simulation, in `currency`.
    """

    account: str
    venue: str
    claim_id: str
    source: Source
    spent: Amount | None
    rewards: tuple[Reward, ...]
    currency: str
    tx_hash: str
    block: Block


class RewardClaimFailed(msgspec.Struct, frozen=True, gc=False):
    """A claim's transaction is final and brought nothing; what was there to claim may still be there."""

    account: str
    claim_id: str
    source: Source
    sentence: str
    tx_hash: str


RewardFact = RewardUnclaimed | RewardClaimRequested | RewardsClaimed | RewardClaimFailed
