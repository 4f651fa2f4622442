"""What making ETH takes: the gas of one purchase, and the transactions, in a batch or by transactions of its own.

Estimates, made before anything is tried: the plan chooses by them, the proposal says what is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from venues.evm.routes import Route
from venues.evm.running import RETRACTION_GAS, limit

# What a batch uses besides its swaps: the transaction itself, the deadline's call, the unwrapping.
BASE_GAS: Final = 95_000
# And where the account has to be delegated first, by a transaction of its own.
FIRST_GAS: Final = BASE_GAS + 60_000
# What an unwrapping and each pool of a swap use in it.
UNWRAP_GAS: Final = 36_000
HOP_GAS: Final = 100_000
# The same by transactions of their own: the withdrawal, an approval, a swap besides its pools with the unwrapping of
# what it brings, and each pool.
WITHDRAWAL_GAS: Final = 38_000
APPROVAL_GAS: Final = 50_000
SWAP_GAS: Final = 65_000
POOL_GAS: Final = 75_000


@dataclass(frozen=True, slots=True)
class Effort:
    """One purchase: `gas` in units, of which `upfront` may be taken before it brings ether, at the most.

    `before` transactions have to be final before the one that brings it, `after` follow.
    """

    gas: int
    upfront: int = 0
    before: int = 0
    after: int = 0


def together(route: Route | None) -> Effort:
    """Return what a purchase adds to a batch; None for withdrawing WETH."""
    return Effort(UNWRAP_GAS if route is None else HOP_GAS * len(route.fees))


def apart(route: Route | None, allowed: int) -> Effort:
    """Return what a purchase takes by itself; an allowance that is there already is taken back first."""
    if route is None:
        return Effort(WITHDRAWAL_GAS, limit(WITHDRAWAL_GAS))
    approvals = 2 if allowed else 1
    later = APPROVAL_GAS * (approvals - 1) + SWAP_GAS + POOL_GAS * len(route.fees) + RETRACTION_GAS
    return Effort(APPROVAL_GAS + later, limit(APPROVAL_GAS) + limit(later), before=approvals, after=1)
