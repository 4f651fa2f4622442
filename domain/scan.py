"""One scan of an account: what was read, judged against the policy, said once for each change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.dust import CENT, Dust, Market, free_of, judge, settlement_hub, still_holds, unroutable
from domain.identity import scan_id, sweep_id
from domain.plan import lot_of, outlay, plan, top_up
from domain.venue import Holding
from events.facts import DustUnroutable
from events.money import exactly_less, exactly_sum, floor_to, plain
from events.values import Keep, Kept, Lot, PlannedLeg, Policy, Unroutable


@dataclass(frozen=True, slots=True)
class Reading:
    """What a scan read: every holding, the market at that moment, and how many requests that took.

    `base_fee` is what the latest block charges for a unit of gas, in wei, None where nobody pays for gas.
    """

    account: str
    venue: str
    due: datetime
    now: datetime
    holdings: tuple[Holding, ...]
    market: Market
    requests: int
    automatic: bool
    base_fee: int | None = None

    @property
    def scan_id(self) -> str:
        """Name the scan by what it was asked for."""
        return scan_id(self.account, self.due)


@dataclass(frozen=True, slots=True)
class Findings:
    """A reading judged: every holding is in exactly one of `kept`, `stuck` and `dust`."""

    kept: tuple[Kept, ...]
    stuck: tuple[DustUnroutable, ...]
    dust: tuple[Dust, ...]
    lots: tuple[Lot, ...]
    legs: tuple[PlannedLeg, ...]

    @property
    def total(self) -> Decimal:
        """The value of all lots in the policy's currency."""
        return exactly_sum(*(lot.value for lot in self.lots))

    def counts(self) -> dict[str, int]:
        """Count the holdings that stay by reason."""
        return dict(sorted(Counter(str(kept.reason) for kept in self.kept).items()))


def find(
    reading: Reading,
    policy: Policy,
    learned: Mapping[str, DustUnroutable],
    carried: Mapping[str, Decimal],
    spent_today: Decimal,
) -> Findings:
    """Judge every holding and plan the conversion of what is dust, largest value first within the policy's caps.

    Each lot gains by itself what the owner wants at least, so a sweep does.
    """
    judged = [judge(holding, policy, reading.market, reading.automatic) for holding in reading.holdings]
    kept = [each for each in judged if isinstance(each, Kept)]
    candidates = sorted((d for d in judged if isinstance(d, Dust)), key=lambda d: (-d.value, d.asset))
    stuck: list[DustUnroutable] = []
    dust: list[Dust] = []
    top_ups: dict[str, Decimal] = {}
    allowance = min(policy.sweep_cap, exactly_less(policy.day_cap, spent_today))
    money = dict(carried)
    for piece in candidates:
        topped, value = None, piece.value
        if obstacle := _obstacle(piece, reading, policy, learned):
            topped = _may_top_up(piece, obstacle, policy, reading.market, outlay(money, piece.hub, policy))
            if topped is None:
                stuck.append(obstacle)
                continue
            value = exactly_sum(value, topped)
        if value > allowance:
            kept.append(_over_cap(piece, policy))
            continue
        allowance = exactly_less(allowance, value)
        dust.append(piece)
        if topped:
            top_ups[piece.asset] = topped
            money[piece.hub] = exactly_less(money.get(piece.hub, Decimal(0)), topped)
    sweep = sweep_id(reading.scan_id)
    lots = tuple(lot_of(piece, sweep, policy, piece.asset in top_ups) for piece in dust)
    legs = plan(sweep, dust, top_ups, carried, policy, reading.market)
    return Findings(tuple(kept), tuple(stuck), tuple(dust), lots, legs)


def still_there(reading: Reading, policy: Policy, carried: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return what the account still has of carried proceeds; its owner may have used them."""
    free = {holding.asset: max(free_of(holding, policy), Decimal(0)) for holding in reading.holdings}
    return {hub: min(money, free.get(hub, Decimal(0))) for hub, money in carried.items()}


def carried_alone_suffices(policy: Policy, carried: Mapping[str, Decimal], market: Market) -> bool:
    """Say whether proceeds of earlier sweeps become the target although no new dust was found.

    What waits in another hub counts as far as the venue exchanges it.
    """
    pool = settlement_hub(policy, market)
    if pool is None:
        return False
    others = [carried.get(hub, Decimal(0)) for hub in policy.hubs if (hub, pool) in market.capabilities.convertible]
    joining = exactly_sum(*(floor_to(money, CENT) for money in others if money > 0))
    if pool == policy.target:
        return joining > 0
    product = market.product(policy.target, pool)
    if product is None or not market.fair_bid(product):
        return False
    money = exactly_sum(carried.get(pool, Decimal(0)), joining)
    return floor_to(money, product.quote_increment) >= max(product.quote_minimum, product.quote_increment)


def _obstacle(
    piece: Dust, reading: Reading, policy: Policy, learned: Mapping[str, DustUnroutable]
) -> DustUnroutable | None:
    earlier = learned.get(piece.asset)
    if found := unroutable(piece, policy, reading.market):
        reason, sentence, missing = found
        return DustUnroutable(
            reading.account,
            piece.asset,
            piece.free,
            piece.value,
            policy.currency,
            reason,
            sentence,
            missing,
            learned=False,
            noted_at=reading.now,
        )
    return earlier if earlier and still_holds(earlier, piece, reading.now, reading.base_fee) else None


def _may_top_up(
    piece: Dust, obstacle: DustUnroutable, policy: Policy, market: Market, funds: Decimal
) -> Decimal | None:
    if obstacle.reason is not Unroutable.BELOW_MINIMUM or obstacle.learned:
        return None
    return top_up(piece, policy, market, funds)


def _over_cap(piece: Dust, policy: Policy) -> Kept:
    caps = f"{plain(policy.sweep_cap)} a sweep and {plain(policy.day_cap)} a day ({policy.currency})"
    return Kept(piece.asset, piece.free, Keep.OVER_CAP, f"the caps are reached: {caps}; a later sweep takes it")
