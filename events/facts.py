"""The facts: everything that can happen to an account or a strategy, in the past tense, one frozen struct each.

Every fact belongs to one account or one strategy and is recorded in its stream. Times inside a fact are UTC and were
known to whoever produced it; when a fact happened and when it was recorded stand in its envelope.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from events.money import Amount
from events.values import (
    Block,
    CarriedLot,
    Execution,
    Fill,
    FundingAnswer,
    Instruction,
    Kept,
    LegKind,
    Lot,
    MeasuredLot,
    Outcome,
    PlannedLeg,
    Policy,
    Purpose,
    Quote,
    Refusal,
    Release,
    Reward,
    SignedTransaction,
    Source,
    Unclaimed,
    Unmeasured,
    Unroutable,
)


class ScanCompleted(msgspec.Struct, frozen=True, gc=False):
    """An account was read whole. Written also when nothing was found; `requests` counts calls to the venue.

    `automatic` is true for a scan that answers for its due time; a look and a sweep that somebody watches do not.
    """

    account: str
    scan_id: str
    due: datetime
    requests: int
    holdings: int
    dust: int
    dust_value: Decimal
    currency: str
    kept: dict[str, int]
    automatic: bool


class HoldingsKept(msgspec.Struct, frozen=True, gc=False):
    """Holdings whose reason to stay changed since the last scan; unchanged ones are not repeated."""

    account: str
    scan_id: str
    kept: tuple[Kept, ...]


class VenueUnreachable(msgspec.Struct, frozen=True, gc=False):
    """A venue could not be read, so nothing is known about dust. Never the same as `no dust`.

    `about` is the scan or the sweep that had to wait; an outage is said once for each.
    """

    account: str
    venue: str
    operation: str
    about: str
    detail: str


class DustDetected(msgspec.Struct, frozen=True, gc=False):
    """Dust was found, with the plan that converts it.

    With `live` true this opens the sweep `sweep_id`; with false the account only watches and nothing will be sold.
    `carried` is proceeds of earlier sweeps that join this one, per hub currency. `total` is in `policy.currency`.
    `strategy` and its `mode` name whose dust it is, both empty for an account that belongs to none.
    """

    account: str
    venue: str
    scan_id: str
    sweep_id: str
    policy: Policy
    fingerprint: str
    lots: tuple[Lot, ...]
    total: Decimal
    carried: tuple[Amount, ...]
    plan: tuple[PlannedLeg, ...]
    live: bool
    strategy: str = ""
    mode: str = ""


class DustUnroutable(msgspec.Struct, frozen=True, gc=False):
    """Dust that nothing converts today; said once for each change of reason.

    `missing` is the amount by which it falls short, where the reason is an amount. `learned` is true when the venue
    refused a leg and its answer, not its product list, taught us. `base_fee` is what a block has to charge less than
    for a unit of gas, in wei, where only gas stands in the way.
    """

    account: str
    asset: str
    quantity: Decimal
    value: Decimal
    currency: str
    reason: Unroutable
    sentence: str
    missing: Amount | None
    learned: bool
    noted_at: datetime
    base_fee: int | None = None


class LegRequested(msgspec.Struct, frozen=True, gc=False):
    """The intent: on record before the venue hears of it. `key` is the idempotency key, a pure function of the leg.

    With `output` exactly so much is to arrive, for at most `spend`.
    """

    account: str
    sweep_id: str
    leg_id: str
    key: str
    kind: LegKind
    product: str
    spend: Amount
    receive: str
    quote: Quote
    attempt: int
    requested_at: datetime
    output: Decimal | None = None


class LegFilled(msgspec.Struct, frozen=True, gc=False):
    """The venue did it, in whole or in part; `fill` was read back and agrees with the intent."""

    account: str
    sweep_id: str
    leg_id: str
    fill: Fill


class LegRefused(msgspec.Struct, frozen=True, gc=False):
    """The leg was not made: the venue said no, or our own check did just before asking."""

    account: str
    sweep_id: str
    leg_id: str
    refusal: Refusal


class LegOutcomeUnknown(msgspec.Struct, frozen=True, gc=False):
    """The answer was lost or is not final. Only asking settles it; nothing is sent in its place."""

    account: str
    sweep_id: str
    leg_id: str
    detail: str


class LegNeverArrived(msgspec.Struct, frozen=True, gc=False):
    """The venue knows nothing of the leg and can no longer come to know: it may be asked again, under the same key."""

    account: str
    sweep_id: str
    leg_id: str
    attempt: int


class TransactionSigned(msgspec.Struct, frozen=True, gc=False):
    """The intent on a chain: these bytes are on record before any node gets them, and only these are ever sent.

    `legs` are those that the transaction carries, requested in the same breath. `replaces` is the hash of the first
    transaction of the same nonce, empty for the first itself. `head` is the block it was decided on.
    """

    account: str
    sweep_id: str
    transaction: SignedTransaction
    legs: tuple[str, ...]
    replaces: str
    head: int
    signed_at: datetime


class TransactionIncluded(msgspec.Struct, frozen=True, gc=False):
    """A transaction of ours is in a block; not final yet. `succeeded` is its receipt's status."""

    account: str
    sweep_id: str
    tx_hash: str
    block: Block
    succeeded: bool


class TransactionReorged(msgspec.Struct, frozen=True, gc=False):
    """The block that held a transaction of ours is no longer part of the chain; its bytes are sent again."""

    account: str
    sweep_id: str
    tx_hash: str
    block: Block
    detail: str


class TransactionDisplaced(msgspec.Struct, frozen=True, gc=False):
    """A nonce of ours was used, for good, by a transaction that is not ours; said once, and the account is halted."""

    account: str
    sweep_id: str
    nonce: int
    detail: str


class TransactionSettled(msgspec.Struct, frozen=True, gc=False):
    """What became of a nonce is final, `confirmations` blocks deep; its legs have their answers in the same breath.

    `fee` is what the sender paid for gas, in the native coin; with `shared` it is inside the fees of the fills that
    stand beside it. A displaced transaction has no block, used no gas and has no fee. `next_nonce` is the account's.
    """

    account: str
    sweep_id: str
    tx_hash: str
    purpose: Purpose
    outcome: Outcome
    block: Block | None
    gas_used: int
    fee: Amount | None
    shared: bool
    confirmations: int
    next_nonce: int


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


class DustConverted(msgspec.Struct, frozen=True, gc=False):
    """A lot has become the target.

    `quantity` was sold, `unsold` was left by a partial fill; `proceeds` is this lot's share, shares add up exactly to
    what was bought. `fees` are this lot's, each in its currency. `slippage_bps` compares fill with quote (negative:
    worse). `value` is the sale's gross value in `currency` at execution.
    """

    account: str
    sweep_id: str
    lot_id: str
    asset: str
    quantity: Decimal
    unsold: Decimal
    proceeds: Amount
    fees: tuple[Amount, ...]
    executions: tuple[Execution, ...]
    order_ids: tuple[str, ...]
    slippage_bps: Decimal
    value: Decimal
    currency: str


class DustConversionFailed(msgspec.Struct, frozen=True, gc=False):
    """A lot did not become the target: why, which legs were done, and where the money is now.

    `money` is empty when the account no longer had what was announced: it went without us.
    """

    account: str
    sweep_id: str
    lot_id: str
    asset: str
    refusal: Refusal
    legs_done: tuple[str, ...]
    money: tuple[Amount, ...]


class ProceedsCarried(msgspec.Struct, frozen=True, gc=False):
    """Proceeds that did not become the target yet; they stay on the account and join the next sweep."""

    account: str
    sweep_id: str
    amount: Amount
    lots: tuple[CarriedLot, ...]
    sentence: str
    missing: Amount | None


class SweepCompleted(msgspec.Struct, frozen=True, gc=False):
    """Every lot of the sweep has its answer; the account may be swept again."""

    account: str
    sweep_id: str
    converted: int
    carried: int
    failed: int
    proceeds: Amount


class EthReserved(msgspec.Struct, frozen=True, gc=False):
    """ETH of the account is promised to one trade, until `expires_at`, and to no other.

    `amount` is what the trade asked for, `gas_reserve` what is kept beside it. With `answer` covered it was there, with
    converted the sweep `sweep_id` makes it of other tokens.
    """

    account: str
    reservation_id: str
    trade: str
    amount: Amount
    gas_reserve: Amount
    answer: FundingAnswer
    sweep_id: str
    reserved_at: datetime
    expires_at: datetime


class ReservationReleased(msgspec.Struct, frozen=True, gc=False):
    """A trade's ETH is promised to nobody any more."""

    account: str
    reservation_id: str
    trade: str
    why: Release


class FundingOpened(msgspec.Struct, frozen=True, gc=False):
    """A trade lacks ETH: the sweep `sweep_id` makes exactly what the plan says, of at most what the plan says.

    `shortage` is what is missing; `buffer` of it may be more, in `policy.currency`, in which one ETH is worth `worth`.
    A lot's quantity is what is expected to be converted of it, its leg's the most. `total` is in `policy.currency`.
    """

    account: str
    venue: str
    sweep_id: str
    reservation_id: str
    trade: str
    policy: Policy
    fingerprint: str
    shortage: Amount
    worth: Decimal
    lots: tuple[Lot, ...]
    total: Decimal
    plan: tuple[PlannedLeg, ...]
    head: int
    opened_at: datetime


class FundingDeclined(msgspec.Struct, frozen=True, gc=False):
    """A trade got no ETH, and why; it may go on with what is there.

    Where it is not possible, `gap` is what is missing after all that may be converted, and `largest` the most ETH that
    a trade could have; both are None where that is not known now.
    """

    account: str
    trade: str
    amount: Amount
    answer: FundingAnswer
    reason: str
    gap: Amount | None
    largest: Amount | None
    declined_at: datetime


class FundingCompleted(msgspec.Struct, frozen=True, gc=False):
    """A conversion for a trade has ended: `received` arrived, gas taken off, for `spent`. `covered` says it is enough.

    `tx_hash` is empty where nothing was converted; `reason` says why it fell short.
    """

    account: str
    sweep_id: str
    reservation_id: str
    trade: str
    spent: tuple[Amount, ...]
    received: Amount
    value: Decimal
    currency: str
    covered: bool
    tx_hash: str
    reason: str


class DryRunCompleted(msgspec.Struct, frozen=True, gc=False):
    """A plan was priced leg by leg against the venue's own previews; nothing was sold. `net` is in the target."""

    account: str
    fingerprint: str
    lots: int
    refused: int
    net: Amount
    run_at: datetime


class AccountWentLive(msgspec.Struct, frozen=True, gc=False):
    """The owner allowed conversions under exactly this policy."""

    account: str
    fingerprint: str
    sweep_cap: Decimal
    day_cap: Decimal
    currency: str


class ConversionsHalted(msgspec.Struct, frozen=True, gc=False):
    """Nothing new is asked of the venue for this account until it is resumed; open legs are still settled."""

    account: str
    reason: str


class ConversionsResumed(msgspec.Struct, frozen=True, gc=False):
    """The halt is over."""

    account: str


class StrategyMeasured(msgspec.Struct, frozen=True, gc=False):
    """A strategy's dust was held against its equity.

    `lots` are what would be sold, `unexpected` what the strategy has no reason to receive and does not sell, `unpriced`
    the assets that nothing was learned of. `exceeds` says that `total` is strictly over `threshold`, a share of
    `equity`; `missing` is how far it is below, 0 when it is over. `ratio` is total over equity. `net` is what selling
    would leave after fees and gas; with `triggered` it is instructed, else `sentence` says why not. `source` says who
    knew the equity. All values are in `currency`.
    """

    strategy: str
    measure_id: str
    due: datetime
    measured_at: datetime
    mode: str
    currency: str
    lots: tuple[MeasuredLot, ...]
    unexpected: tuple[MeasuredLot, ...]
    unpriced: tuple[str, ...]
    total: Decimal
    equity: Decimal
    source: str
    ratio: Decimal
    threshold: Decimal
    exceeds: bool
    missing: Decimal
    net: Decimal
    triggered: bool
    sentence: str


class StrategyNotMeasured(msgspec.Struct, frozen=True, gc=False):
    """A strategy's dust could not be held against its equity, so nothing is sold; never the same as `below`."""

    strategy: str
    measure_id: str
    due: datetime
    measured_at: datetime
    mode: str
    reason: Unmeasured
    sentence: str


class DustInstructed(msgspec.Struct, frozen=True, gc=False):
    """A strategy's dust is to be converted, before anything else: how, lot by lot. Values are in `currency`."""

    strategy: str
    measure_id: str
    mode: str
    instructions: tuple[Instruction, ...]
    total: Decimal
    net: Decimal
    currency: str
    instructed_at: datetime


AccountFact = (
    ScanCompleted
    | HoldingsKept
    | VenueUnreachable
    | DustDetected
    | DustUnroutable
    | LegRequested
    | LegFilled
    | LegRefused
    | LegOutcomeUnknown
    | LegNeverArrived
    | TransactionSigned
    | TransactionIncluded
    | TransactionReorged
    | TransactionDisplaced
    | TransactionSettled
    | RewardUnclaimed
    | RewardClaimRequested
    | RewardsClaimed
    | RewardClaimFailed
    | DustConverted
    | DustConversionFailed
    | ProceedsCarried
    | SweepCompleted
    | EthReserved
    | ReservationReleased
    | FundingOpened
    | FundingDeclined
    | FundingCompleted
    | DryRunCompleted
    | AccountWentLive
    | ConversionsHalted
    | ConversionsResumed
)
StrategyFact = StrategyMeasured | StrategyNotMeasured | DustInstructed
Fact = AccountFact | StrategyFact


def account_of(fact: Fact) -> str:
    """Name the account that a fact belongs to, empty for one that belongs to a strategy."""
    return "" if isinstance(fact, StrategyFact) else fact.account


def strategy_of(fact: Fact) -> str:
    """Name the strategy that a fact belongs to, or whose dust it announces; empty when it has to do with none."""
    return fact.strategy if isinstance(fact, StrategyFact | DustDetected) else ""
