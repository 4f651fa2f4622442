"""Rewards that wait elsewhere: what may be claimed or redeemed, whether it is worth its gas, and what came of it.

A claim is a transaction of its own, without legs: what arrives is a holding like any other and is sold by the next
sweep. So a claim that fails takes no sale with it, and a sale none of the claims. Claims come before the scan of the
same due time, each source once for it, and only while no sweep is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Protocol, runtime_checkable

from domain.bundle import gwei
from domain.chain import Code, Receipt
from domain.dust import over_threshold, reserve_of
from domain.identity import claim_id
from events.facts import RewardClaimFailed, RewardClaimRequested, RewardsClaimed, RewardUnclaimed
from events.money import Amount, exactly_sum, plain
from events.values import Block, GasPrice, Outcome, Policy, Reward, SignedTransaction, Source, Unclaimed


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is not claimed now, and why; `rewards` as far as they are known."""

    source: Source
    reason: Unclaimed
    sentence: str
    rewards: tuple[Reward, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimProposal:
    """A claim tried at `head`; nothing is signed.

    `spend` is burnt for it, None where nothing is, and would be worth `otherwise` if it were sold instead. `nonce`,
    `code` and `ether`, what it has of the native coin, are the account's. `gas` is the claim's own; `gas_later` is what
    selling the rewards takes more than selling `spend` would. `native_worth` is that of one native coin in the policy's
    currency. `to` and `payload` are signed.
    """

    source: Source
    head: Block
    nonce: int
    code: Code
    ether: Decimal
    spend: Amount | None
    rewards: tuple[Reward, ...]
    otherwise: Decimal
    gas: int
    gas_later: int
    expected_price: int
    native: str
    native_worth: Decimal
    gas_limit: int
    gas_price: GasPrice
    deadline: datetime
    to: str
    payload: str

    @property
    def fee(self) -> Amount:
        """What the claim itself is expected to cost."""
        with localcontext(prec=80):
            return Amount(Decimal(self.gas * self.expected_price).scaleb(-18), self.native)

    def gas_worth(self, price: int) -> Decimal:
        """Say what all its gas is worth at `price` wei for a unit."""
        with localcontext(prec=80):
            return Decimal((self.gas + self.gas_later) * price).scaleb(-18) * self.native_worth

    @property
    def value(self) -> Decimal:
        """What the rewards are worth together."""
        return exactly_sum(*(reward.value for reward in self.rewards))


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a receipt says that a claim moved; `proven` says whether the source's own event stands in it."""

    proven: bool
    spent: Amount | None
    received: tuple[Amount, ...]


@runtime_checkable
class Claimer(Protocol):
    """A venue whose account has rewards to claim. Reading raises `VenueUnavailable` when no node answers."""

    def claims(self) -> Sequence[ClaimProposal | Waiting]:
        """Try each source's claim at the latest block. Moves nothing."""
        ...


@runtime_checkable
class ClaimSigner(Claimer, Protocol):
    """One that can also make them."""

    def sign_claim(self, proposal: ClaimProposal, nonce: int) -> SignedTransaction:
        """Sign a claim. Sends nothing."""
        ...

    def claimed(self, receipt: Receipt, requested: RewardClaimRequested) -> Claimed:
        """Read what a successful claim moved."""
        ...


def objection(proposal: ClaimProposal, policy: Policy) -> Waiting | None:
    """Say why a claim waits: it must leave more than the policy's least gain, after all gas and what it forgoes."""
    gross, cost = proposal.value - proposal.otherwise, proposal.gas_worth(proposal.expected_price)
    money = policy.currency
    if proposal.source not in policy.rewards:
        sentence = "the policy that the account is live with does not claim it"
        return Waiting(proposal.source, Unclaimed.NOT_ALLOWED, sentence, proposal.rewards)
    if proposal.spend is not None and (kept := _kept(proposal, proposal.spend.asset, policy)):
        return Waiting(proposal.source, Unclaimed.NOT_ALLOWED, kept, proposal.rewards)
    if proposal.spend is not None and gross <= 0:
        sentence = f"redeeming brings {proposal.value:.4f} {money}, selling brings {proposal.otherwise:.4f}: it is sold"
        return Waiting(proposal.source, Unclaimed.SALE_NETS_MORE, sentence, proposal.rewards)
    if gross - cost > policy.minimum_gain:
        return None
    bearable = _bearable(gross - policy.minimum_gain, proposal)
    more = " more than a sale" if proposal.spend else ""
    goes = f"it would go below {gwei(bearable)} gwei" if bearable >= 1 else "it would not go at any price of gas"
    sentence = (
        f"gas at {gwei(proposal.expected_price)} gwei, the later sale's included, takes {cost:.4f} of the {gross:.4f} "
        f"{money} that it brings{more}; {goes}"
    )
    reason = Unclaimed.SALE_NETS_MORE if proposal.spend else Unclaimed.NO_NET_GAIN
    return Waiting(proposal.source, reason, sentence, proposal.rewards)


def _kept(proposal: ClaimProposal, asset: str, policy: Policy) -> str:
    """Say why what would be burnt has to stay: only what would be sold as dust is redeemed."""
    if asset in policy.excluded or asset in (policy.belongs or ()) or reserve_of(policy, asset) > 0:
        return "the policy keeps what would be redeemed"
    if policy.belongs is not None and not policy.expects_rewards:
        return "no strategy here expects what would be redeemed; it is reported, not sold"
    if policy.admitted is not None and asset not in policy.admitted:
        return "what would be redeemed is not in the list that the policy admits for automatic conversion"
    if over_threshold(max(proposal.value, proposal.otherwise), policy):
        limit = f"{plain(policy.threshold)} {policy.currency}"
        return f"worth {proposal.value:.4f} {policy.currency}, not below the threshold of {limit}, so it is no dust"
    return ""


def _bearable(gain: Decimal, proposal: ClaimProposal) -> int:
    one = proposal.gas_worth(1)
    return int(gain / one) if gain > 0 and one > 0 else 0


def told(account: str, waiting: Waiting, policy: Policy, now: datetime) -> RewardUnclaimed:
    """Put into words for the record why something is not claimed."""
    return RewardUnclaimed(
        account, waiting.source, waiting.reason, waiting.sentence, waiting.rewards, policy.currency, now
    )


def requested(
    account: str, venue: str, proposal: ClaimProposal, policy: Policy, due: datetime, now: datetime
) -> RewardClaimRequested:
    """Make the intent of a claim that is due at `due`."""
    return RewardClaimRequested(
        account=account,
        venue=venue,
        claim_id=claim_id(account, proposal.source, due),
        source=proposal.source,
        spend=proposal.spend,
        rewards=proposal.rewards,
        fee=proposal.fee,
        currency=policy.currency,
        requested_at=now,
    )


def concluded(
    request: RewardClaimRequested, outcome: Outcome, tx_hash: str, block: Block | None, claimed: Claimed | None
) -> RewardsClaimed | RewardClaimFailed:
    """Say what came of a claim whose transaction is final; what arrived is worth what it was when it was tried."""
    done = outcome is Outcome.SUCCEEDED and claimed is not None and block is not None
    if not done or claimed is None or block is None or not (claimed.received or claimed.spent):
        words = "moved nothing to the account" if outcome is Outcome.SUCCEEDED else f"was {outcome}"
        sentence = f"its transaction {words}; the next scan looks at it anew"
        return RewardClaimFailed(request.account, request.claim_id, request.source, sentence, tx_hash)
    source = request.source if claimed.proven else Source.TRANSFER
    rewards = tuple(Reward(amount, _worth(amount, request)) for amount in claimed.received)
    return RewardsClaimed(
        account=request.account,
        venue=request.venue,
        claim_id=request.claim_id,
        source=source,
        spent=claimed.spent,
        rewards=rewards,
        currency=request.currency,
        tx_hash=tx_hash,
        block=block,
    )


def _worth(amount: Amount, request: RewardClaimRequested) -> Decimal:
    expected = next((each for each in request.rewards if each.amount.asset == amount.asset), None)
    if expected is None or expected.amount.quantity <= 0:
        return Decimal(0)
    with localcontext(prec=80):
        return expected.value * amount.quantity / expected.amount.quantity
