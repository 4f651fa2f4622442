"""Trading: a swap of the chain's owner, through the router of the market's kind."""

from __future__ import annotations

from simulators.chain.builder import Builder
from simulators.chain.manifest import Contracts
from simulators.chain.market import V2

ENDLESS = 2**255
V2_SALE = "swapExactTokensForTokensSupportingFeeOnTransferTokens(uint256,uint256,address[],address,uint256)"
V3_SALE = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint160))"


def sell(builder: Builder, contracts: Contracts, sold: str, bought: str, fee: int, units: int) -> None:
    """Sell base units of a token that the owner holds, whatever it gets; done at the next `settle`."""
    if fee == V2:
        builder.send(contracts.v2_router, V2_SALE, units, 0, [sold, bought], builder.owner, ENDLESS)
    else:
        builder.send(contracts.swap_router, V3_SALE, (sold, bought, fee, builder.owner, units, 0, 0))
