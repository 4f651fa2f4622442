"""Every account as the rules see it, folded by the same `evolve` that the workers decide with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.account import Account, evolve
from events.facts import StrategyFact
from events.log import Recorded

Accounts = Mapping[str, Account]


def accounts_of(log: Iterable[Recorded]) -> Accounts:
    """Fold a whole log."""
    accounts: dict[str, Account] = {}
    for recorded in log:
        if (fact := recorded.fact) and not isinstance(fact, StrategyFact):
            accounts[fact.account] = evolve(accounts.get(fact.account) or Account(fact.account), fact)
    return accounts
