"""What our legs moved, asset by asset, as the log has it: to be held against the venue's own ledger."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from events.facts import Fact, LegFilled, RewardsClaimed, TransactionSettled
from events.log import Recorded
from events.money import Amount, exactly_less, exactly_sum

Ledger = dict[str, dict[str, Decimal]]
_NOTHING = Decimal(0)


def add(ledger: Ledger, fact: Fact) -> None:
    """Add a fill: what was spent left the account, what was received arrived; fees in either asset are inside both.

    Gas that no fill shares was paid for a transaction that moved nothing.
    """
    match fact:
        case LegFilled(account=account, fill=fill):
            beside = [fee for fee in fill.fees if fee.asset not in (fill.spent.asset, fill.received.asset)]
            moved = ledger.setdefault(account, {})
            moved[fill.received.asset] = exactly_sum(moved.get(fill.received.asset, _NOTHING), fill.received.quantity)
            _leave(moved, fill.spent, *beside)
        case RewardsClaimed(account=account, spent=spent, rewards=rewards):
            moved = ledger.setdefault(account, {})
            for each in rewards:
                asset, quantity = each.amount.asset, each.amount.quantity
                moved[asset] = exactly_sum(moved.get(asset, _NOTHING), quantity)
            _leave(moved, *([spent] if spent else []))
        case TransactionSettled(account=account, fee=Amount() as fee, shared=False):
            _leave(ledger.setdefault(account, {}), fee)


def _leave(moved: dict[str, Decimal], *amounts: Amount) -> None:
    for each in amounts:
        moved[each.asset] = exactly_less(moved.get(each.asset, _NOTHING), each.quantity)


def ledger_of(log: Iterable[Recorded]) -> Ledger:
    """Fold a whole log: account to asset to net change."""
    ledger: Ledger = {}
    for recorded in log:
        add(ledger, recorded.fact)
    return ledger
