"""What was disposed of and acquired, leg by leg, and what was received for nothing: the tax exports' one source.

Every filled leg is one order at the venue and one trade here, so a route over a hub currency is two disposals, and
pooled proceeds are spent in one. Nothing is shared or rounded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext

from domain.errors import ImpossibleHistory
from domain.share import share
from events.facts import (
    DustDetected,
    FundingCompleted,
    FundingOpened,
    LegFilled,
    LegRequested,
    RewardsClaimed,
    SweepCompleted,
)
from events.log import Recorded
from events.money import Amount, exactly_sum, ticker
from events.values import Fill, LegKind, PlannedLeg, Source

REWARD = "reward"
# What was received for nothing, and what was bought, redeemed or moved here by somebody, of which no log says why.
EARNED = {Source.KING_CLAIM, Source.EIGENLAYER_CLAIM}
NOT_EARNED = {Source.LEFTOVER, Source.TRANSFER, Source.KING_REDEEM}


@dataclass(frozen=True, slots=True)
class Trade:
    """One order: `sent` was disposed of for `received`, both without `fee`, which was paid on top.

    The account's balances changed by exactly -sent, +received and -fee. `value` is in `currency`, at execution: what
    the trade was worth before its fee, in the policy's currency, of which a hub currency's unit counts as one.
    """

    position: int
    account: str
    venue: str
    at: datetime
    kind: LegKind
    product: str
    sent: Amount
    received: Amount
    fee: Amount | None
    value: Decimal
    currency: str
    order_id: str

    @property
    def sentence(self) -> str:
        """Say what it was."""
        return f"Dustman {self.kind} {self.product}"

    @property
    def reference(self) -> str:
        """Name the venue's order, by which a row that was also read from the venue is recognised."""
        return self.order_id


@dataclass(frozen=True, slots=True)
class Income:
    """A reward: received for nothing. What we claimed counts when it arrived, at the value it had when the claim was
    tried; what somebody claimed for us counts as far as it was sold, at the value it had when it was found."""

    position: int
    account: str
    venue: str
    at: datetime
    received: Amount
    value: Decimal
    currency: str
    reference: str  # the claim's transaction, or the lot

    @property
    def sentence(self) -> str:
        """Say what it was."""
        return f"Dustman {REWARD} {ticker(self.received.asset)}"


Movement = Trade | Income


@dataclass(frozen=True, slots=True)
class _Opened:
    """An open sweep and when its reason was found."""

    fact: DustDetected | FundingOpened
    at: datetime
    prices: dict[str, Decimal] = field(
        default_factory=dict
    )  # what a swap's unit was worth when it was asked for, by leg


def movements_of(log: Iterable[Recorded]) -> Iterator[Movement]:
    """Yield every trade and income of a log from its beginning, in the order of the log, keeping open sweeps only."""
    opened: dict[str, _Opened] = {}
    claims: set[str] = set()
    for recorded in log:
        match recorded.fact:
            case RewardsClaimed(tx_hash=tx_hash) as fact:
                claims.add(tx_hash)
                yield from _claimed(fact, recorded)
            case DustDetected(live=True) | FundingOpened() as fact:
                opened[fact.sweep_id] = _Opened(fact, recorded.occurred_at)
            case SweepCompleted(sweep_id=sweep_id) | FundingCompleted(sweep_id=sweep_id):
                opened.pop(sweep_id, None)
            case LegRequested(kind=LegKind.SWAP, sweep_id=sweep_id) as fact if sweep_id in opened:
                opened[sweep_id].prices[fact.leg_id] = fact.quote.price
            case LegFilled(sweep_id=sweep_id) as fact:
                if sweep_id not in opened:
                    raise ImpossibleHistory(f"position {recorded.position}: a leg of {sweep_id}, which is not open")
                yield from _movements(fact, recorded, opened[sweep_id], claims)


def _claimed(fact: RewardsClaimed, recorded: Recorded) -> Iterator[Movement]:
    """What was burnt became what arrived, by the value of each; what arrived for nothing is income."""
    if fact.spent is None:
        for reward in fact.rewards:
            yield Income(
                position=recorded.position,
                account=fact.account,
                venue=fact.venue,
                at=recorded.occurred_at,
                received=reward.amount,
                value=reward.value,
                currency=fact.currency,
                reference=fact.tx_hash,
            )
        return
    weights = [reward.value for reward in fact.rewards]
    parts = share(fact.spent.quantity, weights if any(weights) else [Decimal(1)] * len(weights))
    for reward, part in zip(fact.rewards, parts, strict=True):
        yield Trade(
            position=recorded.position,
            account=fact.account,
            venue=fact.venue,
            at=recorded.occurred_at,
            kind=LegKind.CONVERT,
            product=f"redeem {ticker(fact.spent.asset)}",
            sent=Amount(part, fact.spent.asset),
            received=reward.amount,
            fee=None,
            value=reward.value,
            currency=fact.currency,
            order_id=fact.tx_hash,
        )


def _movements(fact: LegFilled, recorded: Recorded, opened: _Opened, claims: Collection[str]) -> Iterator[Movement]:
    plan = next(leg for leg in opened.fact.plan if leg.leg_id == fact.leg_id)
    if plan.lot_id is not None and _is_exit(plan):
        yield from _income(fact.fill, plan.lot_id, recorded, opened, claims)
    yield _trade(fact, plan, recorded, opened)


def _income(fill: Fill, lot_id: str, recorded: Recorded, opened: _Opened, claims: Collection[str]) -> Iterator[Income]:
    lot = next(lot for lot in opened.fact.lots if lot.lot_id == lot_id)
    if lot.source not in EARNED or (lot.proof is not None and lot.proof.tx_hash in claims):
        return
    sold = min(fill.spent.quantity, lot.quantity)
    yield Income(
        position=recorded.position,
        account=opened.fact.account,
        venue=opened.fact.venue,
        at=opened.at,
        received=Amount(sold, lot.asset),
        value=_product(sold, lot.price),
        currency=lot.currency,
        reference=lot_id,
    )


def _trade(fact: LegFilled, plan: PlannedLeg, recorded: Recorded, opened: _Opened) -> Trade:
    sent, received, fee = _apart(fact.fill)
    executed = [execution.traded_at for execution in fact.fill.executions]
    return Trade(
        position=recorded.position,
        account=fact.account,
        venue=opened.fact.venue,
        at=max(executed, default=recorded.occurred_at),
        kind=plan.kind,
        product=plan.product,
        sent=sent,
        received=received,
        fee=fee,
        value=_value(sent, received, plan, opened),
        currency=opened.fact.policy.currency,
        order_id=fact.fill.order_id,
    )


def _apart(fill: Fill) -> tuple[Amount, Amount, Amount | None]:
    """Take the fee out of what was spent or received, since importers add it on top.

    Importers know one fee a row. It is the one in a third asset, else the one taken from what was received, else the
    one in what was spent; any other stays in the amount it was taken from, as a part of the price.
    """
    totals: dict[str, Decimal] = {}
    for fee in fill.fees:
        totals[fee.asset] = exactly_sum(totals.get(fee.asset, Decimal(0)), fee.quantity)
    paid = {asset: Amount(total, asset) for asset, total in totals.items() if total > 0}
    sent, received = fill.spent, fill.received
    others = [fee for asset, fee in paid.items() if asset not in (sent.asset, received.asset)]
    if len(others) > 1:
        raise ImpossibleHistory(f"order {fill.order_id}: fees in {len(others)} assets that it did not trade")
    if others:
        return sent, received, others[0]
    if received.asset in paid:
        return sent, received + paid[received.asset], paid[received.asset]
    if sent.asset in paid:
        return sent - paid[sent.asset], received, paid[sent.asset]
    return sent, received, None


def _value(sent: Amount, received: Amount, plan: PlannedLeg, opened: _Opened) -> Decimal:
    """Price a swap as it was asked for, a trade by its side in a hub, else by the lot's price when it was found."""
    if plan.kind is LegKind.SWAP:
        return _product(sent.quantity, opened.prices[plan.leg_id])
    for side in (received, sent) if _is_exit(plan) else (sent, received):
        if side.asset in opened.fact.policy.hubs:
            return side.quantity
    prices = [lot.price for lot in opened.fact.lots if lot.asset == sent.asset]
    if not prices:
        raise ImpossibleHistory(f"leg {plan.leg_id}: neither side is a hub currency or a lot, so it has no value")
    return _product(sent.quantity, prices[0])


def _is_exit(plan: PlannedLeg) -> bool:
    """An exit turns a lot's asset into a hub currency."""
    return plan.lot_id is not None and plan.kind is not LegKind.TOP_UP


def _product(quantity: Decimal, price: Decimal) -> Decimal:
    with localcontext(prec=200):
        return quantity * price
