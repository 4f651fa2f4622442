"""How a wallet's owner lets transactions be sent, and what a chain has besides its registry for sending them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

# OP-stack chains charge for a transaction's data on L1 besides its gas, and say how much at this address
# (https://docs.optimism.io/app-developers/transactions/fees). Arbitrum has it in its gas estimates.
GAS_PRICE_ORACLES: Final[Mapping[int, str]] = {8453: "0x420000000000000000000000000000000000000F"}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the owner allows.

    `delegate` is the ERC-7821 contract that the account's code is delegated to; without one each sale is made by
    transactions of its own. A swap brings at least what it brought
    when it was tried, less `slippage` (a fraction), and not after `deadline`. `ceiling` is in wei for a unit of gas.
    """

    delegate: str | None
    confirmations: int
    slippage: Decimal = Decimal("0.01")
    deadline: timedelta = timedelta(minutes=10)
    patience: timedelta = timedelta(minutes=3)
    ceiling: int = 100 * 10**9
    oracle: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.slippage < 1:
            raise ValueError(f"slippage: {self.slippage} is not a fraction from 0 to below 1")

    def minimum(self, received: int) -> int:
        """Return the least that a swap may bring of what it brought when tried, at least 1."""
        return max(1, int(received * (1 - self.slippage)))
