"""A strategy as its team set it up, in terms of the accounts that it holds things in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from events.records import replace
from events.values import Policy

# How much less than the best the preferred way may bring, as a part of the best, where its team says nothing else.
TOLERANCE: Final = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Charter:
    """One strategy: what it holds on purpose, how much dust it bears, and how it likes dust converted.

    `delta` is the share of its equity that dust may be worth. `belongs` names, by account, the assets of share class,
    asset and staking token. `venue` is the preferred one, empty for none; `steps` are by account the assets that a
    preferred path goes through after the lot itself, and only of accounts that know them all. The preferred way is
    taken where it brings at most `tolerance` less than the best, as a part of the best.
    """

    name: str
    mode: str
    share_class: str
    asset: str
    lst: str
    staking: bool
    delta: Decimal
    accounts: tuple[str, ...]
    belongs: Mapping[str, tuple[str, ...]]
    venue: str = ""
    prefers_path: bool = False
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tolerance: Decimal = TOLERANCE

    @property
    def expects_rewards(self) -> bool:
        """Say whether foreign tokens are rewards: only staked weETH brings any."""
        return self.staking and self.lst == "weeth"


def policy_for(account: str, policy: Policy, charters: Iterable[Charter]) -> Policy:
    """Return an account's policy with what belongs to all strategies that name it; unchanged where none does.

    What may become ETH for trades, and ETH itself, is nobody's reward either.
    """
    ours = [charter for charter in charters if account in charter.accounts]
    if not ours:
        return policy
    belongs = tuple(sorted({asset for charter in ours for asset in charter.belongs[account]}.union(spendable(policy))))
    return replace(policy, belongs=belongs, expects_rewards=any(charter.expects_rewards for charter in ours))


def spendable(policy: Policy) -> frozenset[str]:
    """Name what an account has for trades: its coin, and the tokens that may become it."""
    funding = policy.funding
    return frozenset((funding.coin, *(source.asset for source in funding.sources)) if funding else ())
