"""Everything the live views know, folded in one pass: what a replay shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain import account as accounts
from domain import strategy as strategies
from domain.account import Account
from domain.strategy import Strategy
from events.facts import StrategyFact, account_of
from events.log import Recorded
from views.closed import Closed
from views.ledger import Ledger, add
from views.lots import Lots


@dataclass(slots=True)
class State:
    """Lots, what each account's assets moved by, accounts and strategies as the rules see them. Grows in place."""

    lots: Lots = field(default_factory=Lots)
    ledger: Ledger = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    strategies: dict[str, Strategy] = field(default_factory=dict)

    def apply(self, recorded: Recorded) -> None:
        """Apply one event."""
        fact = recorded.fact
        if isinstance(fact, StrategyFact):
            strategy = self.strategies.get(fact.strategy) or Strategy(fact.strategy)
            self.strategies[fact.strategy] = strategies.evolve(strategy, fact)
            return
        self.lots.apply(recorded)
        add(self.ledger, fact)
        account = self.accounts.get(fact.account) or Account(fact.account)
        self.accounts[fact.account] = accounts.evolve(account, fact)

    def only(self, account: str) -> State:
        """Return what happened to one account, as a fold of its events alone gives it."""
        lots, sweep = self.lots, self.accounts[account].sweep if account in self.accounts else None
        here = sweep.opened.sweep_id if sweep else ""
        return State(
            lots=Lots(
                live={lot_id: row for lot_id, row in lots.live.items() if row.account == account},
                closed=Closed(rest=[row for row in lots.closed if row.account == account]),
                tallies={name: tally for name, tally in lots.tallies.items() if name == account},
                staying={key: why for key, why in lots.staying.items() if key[0] == account},
                plans={sweep_id: each for sweep_id, each in lots.plans.items() if sweep_id == here},
                carried_by={sweep_id: each for sweep_id, each in lots.carried_by.items() if sweep_id == here},
                watched={key: lot_id for key, lot_id in lots.watched.items() if key[0] == account},
            ),
            ledger={name: moved for name, moved in self.ledger.items() if name == account},
            accounts={name: each for name, each in self.accounts.items() if name == account},
        )


def state_of(log: Iterable[Recorded], account: str = "") -> State:
    """Fold a log, whole or up to somewhere; with `account` only what happened to it."""
    state = State()
    for recorded in log:
        if not account or account_of(recorded.fact) == account:
            state.apply(recorded)
    return state
