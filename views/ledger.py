"""What our legs moved, asset by asset, as the log has it: to be held against the venue's own ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from events.facts import LegFilled
from events.log import Recorded
from events.money import exactly_sum

Ledger = Mapping[str, Mapping[str, Decimal]]


def evolve(ledger: Ledger, recorded: Recorded) -> Ledger:
    """Add a fill: what was spent left the account, what was received arrived; fees are inside both."""
    fact = recorded.fact
    if not isinstance(fact, LegFilled):
        return ledger
    moved = dict(ledger.get(fact.account, {}))
    for asset, change in (
        (fact.fill.spent.asset, fact.fill.spent.quantity.copy_negate()),
        (fact.fill.received.asset, fact.fill.received.quantity),
    ):
        moved[asset] = exactly_sum(moved.get(asset, Decimal(0)), change)
    return {**ledger, fact.account: moved}


def ledger_of(log: Iterable[Recorded]) -> Ledger:
    """Fold a whole log: account to asset to net change."""
    ledger: Ledger = {}
    for recorded in log:
        ledger = evolve(ledger, recorded)
    return ledger
