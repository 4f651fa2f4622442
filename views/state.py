"""Everything the live views know, folded in one pass: what a replay shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.account import Account, evolve
from events.log import Recorded
from views.ledger import Ledger, add
from views.lots import Lots


@dataclass(slots=True)
class State:
    """Lots, what each account's assets moved by, and the accounts as the rules see them. Grows in place."""

    lots: Lots = field(default_factory=Lots)
    ledger: Ledger = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        fact = recorded.fact
        self.lots.apply(recorded)
        add(self.ledger, fact)
        self.accounts[fact.account] = evolve(self.accounts.get(fact.account) or Account(fact.account), fact)


def state_of(log: Iterable[Recorded], account: str = "") -> State:
    """Fold a log, whole or up to somewhere; with `account` only what happened to it."""
    state = State()
    for recorded in log:
        if not account or recorded.fact.account == account:
            state.apply(recorded)
    return state
