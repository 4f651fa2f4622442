"""Settings of a wallet that makes ETH for trades of tokens that it has."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import model_validator

from dustman.forms import Duration, Fraction, NotNegative, Positive
from dustman.section import Section, rule, setting
from dustman.wallet_forms import GasUnits, Mode, Rank
from events.values import Funding, FundingMode, FundingSource
from venues.evm import assets
from venues.evm.registry import Chain, asset_of

# What may become ETH, by the names of the registry; of ETH itself something may be kept too.
FUNDABLE = ("WETH", "USDC", "USDT", "DAI")
MOST_SLIPPAGE = Decimal("0.02")


class Reserves(Section):
    """What of each token is never converted, in USD."""

    ETH: NotNegative = setting("100", "What of ETH the balance does not call available; trades may still use it.")
    WETH: NotNegative = setting("0", "What always stays of WETH.")
    USDC: NotNegative = setting("50", "What always stays of USDC.")
    USDT: NotNegative = setting("50", "What always stays of USDT.")
    DAI: NotNegative = setting("25", "What always stays of DAI.")


class Priorities(Section):
    """Which token goes first with the mode `priorities`: the one of the highest number."""

    WETH: Rank = setting("1", "The rank of WETH.")
    USDC: Rank = setting("2", "The rank of USDC.")
    USDT: Rank = setting("3", "The rank of USDT.")
    DAI: Rank = setting("4", "The rank of DAI.")


class TradeFunding(Section):
    """How ETH is made for a trade that lacks it; what it converts is never dust. The account's caps hold here too."""

    mode: Mode = setting(
        "cheapest", "What goes first: what costs least, WETH being withdrawn one to one, or what `priorities` rank."
    )
    reserves: Reserves = setting({}, "What always stays.")
    priorities: Priorities = setting({}, "The ranks.")
    buffer: NotNegative = setting("5", "What may be converted beyond the shortage, in USD; it pays the costs.")
    slippage: Fraction = setting("0.02", "How much more than its prices say a conversion may cost, at most 0.02.")
    gas: GasUnits = setting("300000", "The gas that a trade may use.")
    gas_multiple: NotNegative = setting("2", "How many times that is kept beside a trade, at the highest price of gas.")
    least_gas: NotNegative = setting("0.005", "The least ETH that is kept beside a trade.")
    life: Duration = setting("5 min", "How long ETH is promised to a trade that does not say that it is done.")
    smallest: Positive = setting("0.001", "The smallest trade that is funded, in ETH.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.slippage > MOST_SLIPPAGE:
            raise rule(f"{self.slippage:f} is above {MOST_SLIPPAGE}", "slippage")
        return self

    def sources(self, where: Chain) -> tuple[str, ...]:
        """Return the tokens of a chain that may become ETH."""
        return tuple(asset_of(where, symbol) for symbol in FUNDABLE if symbol in where.tokens)

    def funding(self, where: Chain) -> Funding:
        """Return what the owner wants, with assets named by CAIP-19."""
        sources = tuple(
            FundingSource(asset_of(where, symbol), getattr(self.reserves, symbol), getattr(self.priorities, symbol))
            for symbol in FUNDABLE
            if symbol in where.tokens
        )
        return Funding(
            coin=assets.coin(where.chain_id),
            sources=sources,
            mode=FundingMode(self.mode),
            eth_reserve=self.reserves.ETH,
            buffer=self.buffer,
            slippage=self.slippage,
            gas=self.gas,
            gas_multiple=self.gas_multiple,
            least_gas=self.least_gas,
            life=self.life,
            smallest=self.smallest,
        )
