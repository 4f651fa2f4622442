"""What the owner wants of one account."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from events.money import Amount
from events.values.lots import Source


class FundingMode(StrEnum):
    """Which token is converted first where ETH is short: what costs least, or what the owner ranks highest."""

    CHEAPEST = "cheapest"
    PRIORITIES = "priorities"


class FundingSource(msgspec.Struct, frozen=True, gc=False):
    """A token that may become ETH: what of it always stays, in the policy's currency; a higher priority goes first."""

    asset: str
    reserve: Decimal
    priority: int


class Funding(msgspec.Struct, frozen=True, gc=False):
    """How ETH, the account's `coin`, is made for a trade that lacks it.

    `buffer` is what may be converted beyond the shortage and `eth_reserve` what of ETH counts as not available, both
    in the policy's currency. `slippage` is a fraction. Besides its trade an account keeps `gas_multiple` times what
    `gas` units cost, at least `least_gas` ETH. A reservation lives `life` seconds; no trade below `smallest` is funded.
    """

    coin: str
    sources: tuple[FundingSource, ...]
    mode: FundingMode = FundingMode.CHEAPEST
    eth_reserve: Decimal = Decimal(100)
    buffer: Decimal = Decimal(5)
    slippage: Decimal = Decimal("0.02")
    gas: int = 300_000
    gas_multiple: Decimal = Decimal(2)
    least_gas: Decimal = Decimal("0.005")
    life: int = 300
    smallest: Decimal = Decimal("0.001")


class Policy(msgspec.Struct, frozen=True, gc=False):
    """What the owner wants of one account. Its fingerprint ties a dry run to a go-live.

    `threshold` and caps are in `currency`; `hubs` are the currencies that sales may be paid in, best first;
    `admitted` is None when every asset may be sold automatically; `top_up` is None when off, else how much of the
    owner's own hub currency one sweep may lay out (0: carried proceeds only); `taker_fee` is a fraction used for
    estimates, the venue's preview decides. `rewards` names the sources that are claimed and redeemed. `belongs` is None
    for an account that no strategy names; else it lists what its strategies hold on purpose and what funds trades: all
    else is dust whatever it is worth, if they expect rewards, and only reported if none does. `funding` is None where
    nothing is converted for trades.
    """

    target: str
    threshold: Decimal
    currency: str
    excluded: tuple[str, ...]
    hubs: tuple[str, ...]
    sweep_cap: Decimal
    day_cap: Decimal
    reserves: tuple[Amount, ...] = ()
    admitted: tuple[str, ...] | None = None
    taker_fee: Decimal = Decimal("0.012")
    minimum_gain: Decimal = Decimal(0)
    top_up: Decimal | None = None
    rewards: tuple[Source, ...] = ()
    belongs: tuple[str, ...] | None = None
    expects_rewards: bool = False
    funding: Funding | None = None
