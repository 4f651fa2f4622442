"""The registry: what stands where on the chains we know. An address is the identity, a symbol is only its label here.

Sources: aave-address-book (tokens, Chainlink feeds), Uniswap's deployment pages and default token list, the mds1
Multicall3 deployments, eigenlayer-contracts, King Protocol's, Lido's and ether.fi's repositories. Addresses that only
third parties name are left out. Heartbeats are Chainlink's where they were found, else a day. `dustman doctor` asks
each chain whether it agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from venues.evm import assets

# The venue's word in settings and in the record.
NAME: Final = "evm"
# How the coin of every chain here is called, and the symbols that a sweep may end in.
ETH: Final = "ETH"
TARGETS: Final = (ETH, "WETH", "USDC", "USDT", "DAI")
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# What tokens call themselves at length, by symbol: a stranger that goes by such a name is taken for the token.
TITLES: Final[Mapping[str, str]] = {
    "ETH": "Ether",
    "WETH": "Wrapped Ether",
    "USDC": "USD Coin",
    "USDT": "Tether USD",
    "DAI": "Dai Stablecoin",
    "wstETH": "Wrapped liquid staked Ether 2.0",
    "stETH": "Liquid staked Ether 2.0",
    "weETH": "Wrapped eETH",
    "eETH": "ether.fi ETH",
    "EIGEN": "Eigen",
    "ETHFI": "ether.fi governance token",
    "KING": "King Protocol",
}
MULTICALL3: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"


@dataclass(frozen=True, slots=True)
class Token:
    """A token known by its address. A `rebasing` one changes balances without saying so, so it is always read."""

    symbol: str
    address: str
    decimals: int
    rebasing: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A Chainlink price feed; an answer older than its `heartbeat` says nothing."""

    address: str
    heartbeat: timedelta


@dataclass(frozen=True, slots=True)
class Uniswap:
    """Where tokens are sold: V3 (factory, QuoterV2, SwapRouter02) and V2 (factory, router), None where not known."""

    v3_factory: str
    quoter: str
    router: str
    v2_factory: str | None = None
    v2_router: str | None = None


@dataclass(frozen=True, slots=True)
class Rewards:
    """What pays rewards on a chain: KING, the drop out of which it is claimed, EigenLayer's RewardsCoordinator."""

    king: str | None = None
    drop: str | None = None
    coordinator: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain. Feeds are by pair, such as `ETH/USD`; `sequencer` tells whether an L2 is up.

    `confirmations` blocks make final. A head older than `silence` is that of a node which lags; None where a chain
    makes blocks only when there is something in them. A block takes `block_time`, zero where that is not known.
    """

    chain_id: int
    name: str
    tokens: Mapping[str, Token]
    uniswap: Uniswap
    feeds: Mapping[str, Feed]
    confirmations: int
    sequencer: str | None = None
    multicall3: str | None = MULTICALL3
    silence: timedelta | None = timedelta(minutes=10)
    rewards: Rewards | None = None
    block_time: timedelta = timedelta(0)

    def token(self, symbol: str) -> Token:
        """Return a token by our label for it."""
        return self.tokens[symbol]

    def known(self, address: str) -> Token | None:
        """Return the token that an address is, None for one we do not know."""
        return next((token for token in self.tokens.values() if token.address == address), None)


def asset_of(chain: Chain, symbol: str) -> str:
    """Name the asset that we call by a symbol on a chain: ETH, or a token of the registry."""
    if symbol == ETH:
        return assets.coin(chain.chain_id)
    return assets.token(chain.chain_id, chain.token(symbol).address)


def _by_symbol(*tokens: Token) -> Mapping[str, Token]:
    return {token.symbol: token for token in tokens}


ETHEREUM: Final = Chain(
    1,
    "ethereum",
    _by_symbol(
        Token("WETH", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", 18),
        Token("USDC", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6),
        Token("USDT", "0xdAC17F958D2ee523a2206206994597C13D831ec7", 6),
        Token("DAI", "0x6B175474E89094C44Da98b954EedeAC495271d0F", 18),
        Token("wstETH", "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", 18),
        Token("weETH", "0xCd5fE23C85820F7B72D0926FC9b05b43E359b7ee", 18),
        Token("EIGEN", "0xec53bF9167f50cDEB3Ae105f56099aaaB9061F83", 18),
        Token("ETHFI", "0xFe0c30065B384F05761f15d0CC899D4F9F9Cc0eB", 18),
        Token("stETH", "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84", 18, rebasing=True),
        Token("eETH", "0x35fA164735182de50811E8e2E824cFb9B6118ac2", 18, rebasing=True),
        Token("KING", "0x8F08B70456eb22f6109F57b8fafE862ED28E6040", 18),
    ),
    Uniswap(
        "0x1F98431c8aD98523631AE4a59f267346ea31F984",
        "0x61fFE014bA17989E743c5F6cB21bF9697530B21e",
        "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45",
        "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f",
        "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D",
    ),
    {
        "ETH/USD": Feed("0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419", HOUR),
        "USDC/USD": Feed("0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6", DAY),
        "USDT/USD": Feed("0x3E7d1eAB13ad0104d2750B8863b489D65364e32D", DAY),
        "DAI/USD": Feed("0xAed0c38402a5d19df6E4c03F4E2DceD6e29c1ee9", DAY),
        "EIGEN/USD": Feed("0xf2917e602C2dCa458937fad715bb1E465305A4A1", DAY),
    },
    confirmations=32,
    rewards=Rewards(
        king="0x8F08B70456eb22f6109F57b8fafE862ED28E6040",
        drop="0x6Db24Ee656843E3fE03eb8762a54D86186bA6B64",
        coordinator="0x7750d328b314EfFa365A0402CcfD489B80B0adda",
    ),
    block_time=timedelta(seconds=12),
)
ARBITRUM: Final = Chain(
    42161,
    "arbitrum",
    _by_symbol(
        Token("WETH", "0x82aF49447D8a07e3bd95BD0d56f35241523fBab1", 18),
        Token("USDC", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", 6),
        Token("USDC.e", "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8", 6),
        Token("USDT", "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9", 6),
        Token("DAI", "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1", 18),
        Token("wstETH", "0x5979D7b546E38E414F7E9822514be443A4800529", 18),
        Token("weETH", "0x35751007a407ca6FEFfE80b3cB397736D2cf4dbe", 18),
    ),
    Uniswap(
        "0x1F98431c8aD98523631AE4a59f267346ea31F984",
        "0x61fFE014bA17989E743c5F6cB21bF9697530B21e",
        "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45",
        "0xf1D7CC64Fb4452F05c498126312eBE29f30Fbcf9",
        "0x4752ba5DBc23f44D87826276BF6Fd6b1C372aD24",
    ),
    {
        "ETH/USD": Feed("0x639Fe6ab55C921f74e7fac1ee960C0B6293ba612", DAY),
        "USDC/USD": Feed("0x50834F3163758fcC1Df9973b6e91f0F0F0434aD3", DAY),
        "USDT/USD": Feed("0x3f3f5dF88dC9F13eac63DF89EC16ef6e7E25DdE7", DAY),
        "DAI/USD": Feed("0xc5C8E77B397E531B8EC06BFb0048328B30E9eCfB", DAY),
    },
    confirmations=64,
    sequencer="0xFdB631F5EE196F0ed6FAa767959853A9F217697D",
    block_time=timedelta(milliseconds=250),
)
BASE: Final = Chain(
    8453,
    "base",
    _by_symbol(
        Token("WETH", "0x4200000000000000000000000000000000000006", 18),
        Token("USDC", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", 6),
        Token("DAI", "0x50c5725949A6F0c72E6C4a641F24049A917DB0Cb", 18),
        Token("wstETH", "0xc1CBa3fCea344f92D9239c08C0568f6F2F0ee452", 18),
        Token("weETH", "0x04C0599Ae5A44757c0af6F9eC3b93da8976c150A", 18),
    ),
    Uniswap(
        "0x33128a8fC17869897dcE68Ed026d694621f6FDfD",
        "0x3d4e44Eb1374240CE5F1B871ab261CD16335B76a",
        "0x2626664c2603336E57B271c5C0b26F421741e481",
        "0x8909Dc15e40173Ff4699343b6eB8132c65e18eC6",
        "0x4752ba5DBc23f44D87826276BF6Fd6b1C372aD24",
    ),
    {
        "ETH/USD": Feed("0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70", DAY),
        "USDC/USD": Feed("0x7e860098F58bBFC8648a4311b374B1D669a2bc6B", DAY),
        "USDT/USD": Feed("0xf19d560eB8d2ADf07BD6D13ed03e1D11215721F9", DAY),
        "DAI/USD": Feed("0x591e79239a7d679378eC8c847e5038150364C78F", DAY),
    },
    confirmations=64,
    sequencer="0xBCF85224fc0756B9Fa45aA7892530B47e10b6433",
    block_time=timedelta(seconds=2),
)
CHAINS: Final[Mapping[int, Chain]] = {chain.chain_id: chain for chain in (ETHEREUM, ARBITRUM, BASE)}
