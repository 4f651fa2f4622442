"""Every account as the rules see it, folded by the same `evolve` that the workers decide with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.account import Account, evolve
from events.log import Recorded

Accounts = Mapping[str, Account]


def accounts_of(log: Iterable[Recorded]) -> Accounts:
    """Fold a whole log."""
    accounts: dict[str, Account] = {}
    for recorded in log:
        name = recorded.fact.account
        accounts[name] = evolve(accounts.get(name) or Account(name), recorded.fact)
    return accounts
