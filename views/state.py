"""Everything the live views know, folded in one pass: what a replay shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from events.log import Recorded
from views import accounts as account_view
from views import ledger as ledger_view
from views.accounts import Accounts
from views.ledger import Ledger
from views.lots import Lots


@dataclass(slots=True)
class State:
    """Lots, what each account's assets moved by, and the accounts as the rules see them. Grows in place."""

    lots: Lots = field(default_factory=Lots)
    ledger: Ledger = field(default_factory=dict)
    accounts: Accounts = field(default_factory=dict)

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        self.lots.apply(recorded)
        self.ledger = ledger_view.evolve(self.ledger, recorded)
        self.accounts = account_view.evolve(self.accounts, recorded)


def state_of(log: Iterable[Recorded], account: str = "") -> State:
    """Fold a log, whole or up to somewhere; with `account` only what happened to it."""
    state = State()
    for recorded in log:
        if not account or recorded.fact.account == account:
            state.apply(recorded)
    return state
