"""One round of converting an account's lots: what comes next, and how large.

A sweep walks its plan in order and asks one leg at a time, or all swaps in one transaction. An open leg blocks all
others until the venue has answered for it. Legs that serve the whole sweep spend from the purse: what this account's
dust has earned and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from domain import leg as legs
from domain.dust import free_of, over_threshold, smallest
from domain.leg import Filled, Leg, NeverArrived, Refused, is_exit
from domain.purse import Purse
from domain.venue import Holding
from events.facts import DustDetected, FundingOpened, TransactionSettled
from events.money import Amount, exactly_sum, floor_to, plain, ticker
from events.values import LegKind, Lot, Policy, Refusal, RefusalCode


class Sweep(NamedTuple):
    """An open sweep: the event that opened it, and its legs by id in the order of the plan.

    `lots` has the event's lots by id, `top_ups` for each that is lifted over its minimum the id of the leg that does.
    `gas` is what its transactions cost in the native coin that no leg's fill bears, such as approvals and reverts.
    """

    opened: DustDetected | FundingOpened
    legs: Mapping[str, Leg]
    lots: Mapping[str, Lot]
    top_ups: Mapping[str | None, str]
    gas: Decimal = Decimal(0)

    def lot(self, lot_id: str) -> Lot:
        """Return a lot of this sweep."""
        return self.lots[lot_id]

    def top_up_of(self, lot_id: str | None) -> Leg | None:
        """Return the leg that lifts a lot over its minimum, if the plan has one."""
        return self.legs[self.top_ups[lot_id]] if lot_id in self.top_ups else None

    def moved(self, leg: Leg) -> Sweep:
        """Return the sweep with this leg in its state."""
        return Sweep(self.opened, {**self.legs, leg.plan.leg_id: leg}, self.lots, self.top_ups, self.gas)

    def paid(self, fact: TransactionSettled) -> Sweep:
        """Return the sweep with what a transaction cost, where it is one of its own and no leg bears it."""
        if fact.fee is None or fact.shared or fact.sweep_id != self.opened.sweep_id:
            return self
        return self._replace(gas=exactly_sum(self.gas, fact.fee.quantity))


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the venue what became of an open leg."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Try:
    """Read the balance, size the leg up to `wanted`, have it quoted, then request it.

    `lot` is what the leg sells as it was announced; None for legs that spend hub currency and after a top-up.
    """

    leg: Leg
    wanted: Amount
    lot: Lot | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Do the same for all of these together, as one transaction."""

    tries: tuple[Try, ...]


@dataclass(frozen=True, slots=True)
class Retract:
    """Take back what a market may still take of an asset that no leg sells any more."""

    asset: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Do the same for all of these together, as one request to the venue's exchange of small balances."""

    tries: tuple[Try, ...]

    def of_at_most(self, largest: int | None) -> Batch:
        """Keep the first `largest`, None for all: what one request leaves over is next once that has its answers."""
        if largest is not None and largest < 1:
            raise ValueError(f"largest: {largest} is below one, so that no request could be made")
        return Batch(self.tries[:largest])


@dataclass(frozen=True, slots=True)
class AskBatch:
    """Ask the venue what became of one request that carried all of these open legs."""

    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Observe:
    """Look what became of the transaction in flight."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Decline a leg that cannot be asked any more."""

    leg: Leg
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Finish:
    """Every leg has its answer: give every lot its own."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do."""


Step = Ask | AskBatch | Try | Bundle | Batch | Retract | Observe | GiveUp | Finish | Rest


def open_sweep(opened: DustDetected | FundingOpened) -> Sweep:
    """Start a sweep with every leg of its plan not yet asked."""
    return Sweep(
        opened,
        legs={plan.leg_id: legs.Planned(plan) for plan in opened.plan},
        lots={lot.lot_id: lot for lot in opened.lots},
        top_ups={plan.lot_id: plan.leg_id for plan in opened.plan if plan.kind is LegKind.TOP_UP},
    )


def next_step(sweep: Sweep, purse: Purse, halted: bool) -> Step:
    """Say what the sweep needs next; a halt lets open legs be settled and nothing new be asked."""
    for leg in sweep.legs.values():
        if legs.is_open(leg):
            return AskBatch(_open_beside(leg, sweep)) if leg.plan.kind is LegKind.DUST else Ask(leg)
    if halted:
        return Rest()
    swaps, small = list[Try](), list[Try]()
    for leg in sweep.legs.values():
        if isinstance(leg, Filled | Refused):
            continue
        if refusal := _hopeless(leg, sweep):
            return GiveUp(leg, refusal)
        if wanted := _wanted(leg, sweep, purse):
            attempt = Try(leg, wanted, _announced(leg, sweep))
            if leg.plan.kind is LegKind.DUST:
                small.append(attempt)
                continue
            if small and leg.plan.lot_id is None:
                break
            if leg.plan.kind is not LegKind.SWAP:
                return Bundle(tuple(swaps)) if swaps else attempt
            swaps.append(attempt)
    if small:
        return Batch(tuple(small))
    return Bundle(tuple(swaps)) if swaps else Finish()


def owing(step: Step, asset: str) -> Step:
    """Say what comes first while a market may take something of `asset`: the sale that it is for, else its end."""
    match step:
        case Bundle(tries) if mine := tuple(each for each in tries if each.leg.plan.spend == asset):
            return Bundle(mine)
        case Bundle() | Try() | Finish():
            return Retract(asset)
        case _:
            return step


def _open_beside(leg: Leg, sweep: Sweep) -> tuple[Leg, ...]:
    """Name the open legs that travelled in the same request."""
    assert isinstance(leg, legs.Requested | legs.Unknown)  # it is open
    others = (each for each in sweep.legs.values() if isinstance(each, legs.Requested | legs.Unknown))
    return tuple(each for each in others if each.intent.key == leg.intent.key)


def _hopeless(leg: Leg, sweep: Sweep) -> Refusal | None:
    if isinstance(leg, NeverArrived) and legs.next_attempt(leg) is None:
        return Refusal(RefusalCode.NEVER_ARRIVED, f"asked {legs.ATTEMPTS} times and never reached the venue")
    topping = sweep.top_up_of(leg.plan.lot_id)
    if leg.plan.kind is LegKind.SELL and isinstance(topping, Refused):
        return topping.refusal
    return None


def _wanted(leg: Leg, sweep: Sweep, purse: Purse) -> Amount | None:
    """Say how much a leg would spend at most; None when the purse does not reach its minimum."""
    plan = leg.plan
    if isinstance(leg, NeverArrived):
        return leg.intent.spend
    if plan.output is not None and plan.quantity is not None:
        return Amount(plan.quantity, plan.spend)
    if plan.lot_id is None:
        money = purse.of(plan.spend)
        enough = money >= smallest(plan.minimum, plan.increment)
        return Amount(floor_to(money, plan.increment), plan.spend) if enough else None
    if plan.kind is LegKind.TOP_UP:
        assert plan.quantity is not None  # the planner sizes every leg that belongs to a lot
        return Amount(plan.quantity, plan.spend)
    return Amount(exactly_sum(sweep.lot(plan.lot_id).quantity, _topped(sweep, plan.lot_id)), plan.spend)


def _announced(leg: Leg, sweep: Sweep) -> Lot | None:
    plan = leg.plan
    return sweep.lot(plan.lot_id) if plan.lot_id and sweep.top_up_of(plan.lot_id) is None else None


def _topped(sweep: Sweep, lot_id: str) -> Decimal:
    topping = sweep.top_up_of(lot_id)
    return topping.fill.received.quantity if isinstance(topping, Filled) else Decimal(0)


def size(step: Try, holding: Holding, policy: Policy) -> Amount | Refusal:
    """Size a leg by the balance read just now: never more than was announced, than is free, or than the reserve leaves.

    A leg that never arrived keeps its size, so that its key always means the same order, or is not made.
    """
    plan, free = step.leg.plan, free_of(holding, policy)
    if refusal := _no_longer_dust(step, holding, policy):
        return refusal
    if free <= 0 < step.wanted.quantity:
        return Refusal(RefusalCode.INSUFFICIENT_BALANCE, f"no {ticker(plan.spend)} is free on the account any more")
    if isinstance(step.leg, NeverArrived):
        if free >= step.wanted.quantity:
            return step.wanted
        sentence = f"it was asked for with {step.wanted}, of which {plain(free)} is free now"
        return Refusal(RefusalCode.INSUFFICIENT_BALANCE, sentence)
    if plan.kind is LegKind.DUST and free != step.wanted.quantity:
        sentence = f"{plain(free)} {ticker(plan.spend)} is free now; all of it would go, not {step.wanted}"
        return Refusal(RefusalCode.NO_LONGER_DUST, sentence)
    there, needed = min(free, step.wanted.quantity), smallest(plan.minimum, plan.increment)
    if there < needed:
        missing = Amount(needed, plan.spend) - Amount(there, plan.spend)
        sentence = f"{plan.product} takes at least {plain(needed)}, {missing} more is needed"
        return Refusal(RefusalCode.BELOW_MINIMUM, sentence, missing=missing)
    return Amount(floor_to(there, plan.increment), plan.spend)


def expected(step: Try) -> Amount:
    """Say what a leg will spend if its balance is still what was announced."""
    return Amount(floor_to(step.wanted.quantity, step.leg.plan.increment), step.wanted.asset)


def _no_longer_dust(step: Try, holding: Holding, policy: Policy) -> Refusal | None:
    name = ticker(holding.asset)
    if is_exit(step.leg.plan) and holding.hold > 0:
        sentence = f"{plain(holding.hold)} {name} belongs to open orders now"
        return Refusal(RefusalCode.NO_LONGER_DUST, sentence)
    if step.lot and over_threshold(holding.available * step.lot.price, policy):
        limit = f"{plain(policy.threshold)} {policy.currency}"
        sentence = f"{plain(holding.available)} {name} is there now, not worth less than the threshold of {limit}"
        return Refusal(RefusalCode.NO_LONGER_DUST, sentence)
    return None
