"""What our legs moved, asset by asset, as the log has it: to be held against the venue's own ledger."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from events.facts import Fact, LegFilled
from events.log import Recorded
from events.money import exactly_less, exactly_sum

Ledger = dict[str, dict[str, Decimal]]


def add(ledger: Ledger, fact: Fact) -> None:
    """Add a fill: what was spent left the account, what was received arrived; fees are inside both."""
    if isinstance(fact, LegFilled):
        moved, fill = ledger.setdefault(fact.account, {}), fact.fill
        moved[fill.spent.asset] = exactly_less(moved.get(fill.spent.asset, Decimal(0)), fill.spent.quantity)
        moved[fill.received.asset] = exactly_sum(moved.get(fill.received.asset, Decimal(0)), fill.received.quantity)


def ledger_of(log: Iterable[Recorded]) -> Ledger:
    """Fold a whole log: account to asset to net change."""
    ledger: Ledger = {}
    for recorded in log:
        add(ledger, recorded.fact)
    return ledger
