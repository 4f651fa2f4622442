"""Every account as the rules see it, folded by the same `evolve` that the workers decide with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.account import Account
from domain.account import evolve as evolve_account
from events.log import Recorded

Accounts = Mapping[str, Account]


def evolve(accounts: Accounts, recorded: Recorded) -> Accounts:
    """Apply one event to the account it belongs to."""
    name = recorded.fact.account
    return {**accounts, name: evolve_account(accounts.get(name, Account(name)), recorded.fact)}


def accounts_of(log: Iterable[Recorded]) -> Accounts:
    """Fold a whole log."""
    accounts: Accounts = {}
    for recorded in log:
        accounts = evolve(accounts, recorded)
    return accounts
