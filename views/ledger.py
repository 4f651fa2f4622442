"""What our legs moved, asset by asset, as the log has it: to be held against the venue's own ledger."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from events.facts import Fact, LegFilled, TransactionSettled
from events.log import Recorded
from events.money import Amount, exactly_sum

Ledger = dict[str, dict[str, Decimal]]


def add(ledger: Ledger, fact: Fact) -> None:
    """Add a fill: what was spent left the account, what was received arrived; fees in either asset are inside both.

    Gas that no fill shares was paid for a transaction that moved nothing.
    """
    match fact:
        case LegFilled(account=account, fill=fill):
            beside = [fee for fee in fill.fees if fee.asset not in (fill.spent.asset, fill.received.asset)]
            _move(ledger, account, arrived=[fill.received], left=[fill.spent, *beside])
        case TransactionSettled(account=account, fee=Amount() as fee, shared=False):
            _move(ledger, account, arrived=[], left=[fee])


def _move(ledger: Ledger, account: str, arrived: Iterable[Amount], left: Iterable[Amount]) -> None:
    moved = ledger.setdefault(account, {})
    changes = [(each.asset, each.quantity) for each in arrived]
    for asset, change in [*changes, *((each.asset, each.quantity.copy_negate()) for each in left)]:
        moved[asset] = exactly_sum(moved.get(asset, Decimal(0)), change)


def ledger_of(log: Iterable[Recorded]) -> Ledger:
    """Fold a whole log: account to asset to net change."""
    ledger: Ledger = {}
    for recorded in log:
        add(ledger, recorded.fact)
    return ledger
