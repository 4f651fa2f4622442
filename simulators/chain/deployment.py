"""The deployment: from an empty node to contracts, tokens, feeds and markets with liquidity."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from simulators.chain import market, multicall3
from simulators.chain.builder import Builder
from simulators.chain.manifest import Contracts, Manifest, Pool, Token
from simulators.chain.market import BASKET, HOSTILE, MAJORS, V2, WETH_USD, Listing
from simulators.chain.trading import ENDLESS, sell

ZERO = "0x" + "00" * 20
MOST = 2**256 - 1
# What part of a market's liquidity is traded before it is used.
LITTLE = 10_000
ETHER = 10**18
# What the owner spends on liquidity, most of it as WETH.
PURSE, WRAPPED = 2_000_000 * ETHER, 1_000_000 * ETHER
# Feeds by what they are named after, with decimals and answer, as at the addresses that real wallets read.
FEEDS = {
    "ETH/USD": (8, WETH_USD),
    "USDC/USD": (8, Decimal(1)),
    "USDT/USD": (8, Decimal(1)),
    "DAI/USD": (8, Decimal(1)),
    "EIGEN/USD": (8, Decimal("1.20")),
    "ETHFI/USD": (8, Decimal("0.90")),
    "weETH/ETH": (18, Decimal("1.08")),
    "wstETH/ETH": (18, Decimal("1.22")),
}
NO_CODE = "0x000000000000000000000000000000000000c0de"

# A market's token, its quote token, its fee, and how much of either there is.
Traded = tuple[str, str, int, dict[str, int]]


def deploy(builder: Builder, dust: int, *, traded: bool = False) -> Manifest:
    """Put everything on an empty chain."""
    multicall3.put(builder.rpc)
    builder.rpc("anvil_setBalance", builder.owner, hex(PURSE))
    contracts = _contracts(builder)
    feeds = {pair: _feed(builder, pair, *answer) for pair, answer in FEEDS.items()}
    listed = [*MAJORS, *market.dust(dust, traded=traded)]
    tokens = {"WETH": Token("WETH", "WETH", contracts.weth, 18)}
    tokens |= {listing.name: _token(builder, listing) for listing in listed}
    contracts = replace(contracts, merkle_drop=builder.deploy("MerkleDrop", tokens["KING"].address))
    hostile = {listing.name: _token(builder, listing) for listing in HOSTILE}
    builder.send(contracts.weth, "deposit()", value=WRAPPED)
    for spender in (contracts.position_manager, contracts.v2_router, contracts.swap_router):
        for token in (*tokens.values(), *hostile.values()):
            builder.send(token.address, "approve(address,uint256)", spender, MOST)
    builder.settle()
    pools = _markets(builder, contracts, tokens | hostile, (*listed, *HOSTILE))
    _fill_basket(builder, tokens)
    _arm(builder, hostile, pools)
    hostile["no_code"] = Token("no_code", "", NO_CODE, 18)
    return Manifest(contracts, tokens, hostile, pools, feeds, builder.owner)


def _contracts(builder: Builder) -> Contracts:
    weth = builder.deploy("WETH9")
    v3_factory = builder.deploy("V3Factory")
    builder.send(v3_factory, "enableFeeAmount(uint24,int24)", 100, 1)
    positions = builder.deploy("PositionManager", v3_factory, weth, ZERO)
    v2_factory = builder.deploy("V2Factory", builder.owner)
    return Contracts(
        weth=weth,
        multicall3=multicall3.ADDRESS,
        v3_factory=v3_factory,
        position_manager=positions,
        swap_router=builder.deploy("SwapRouter02", v2_factory, v3_factory, positions, weth),
        quoter=builder.deploy("QuoterV2", v3_factory, weth),
        v2_factory=v2_factory,
        v2_router=builder.deploy("V2Router", v2_factory, weth),
        batch_account=builder.deploy("BatchAccount"),
        sequencer_feed=builder.deploy("PriceFeed", "L2 Sequencer Uptime Status Feed", 0, 0, 86_400),
        merkle_drop=ZERO,
        rewards_coordinator=builder.deploy("RewardsCoordinator"),
    )


def _feed(builder: Builder, pair: str, decimals: int, answer: Decimal) -> str:
    return builder.deploy("PriceFeed", pair.replace("/", " / "), decimals, int(answer * 10**decimals), 60)


def _token(builder: Builder, listing: Listing) -> Token:
    title = listing.title or listing.symbol
    match listing.contract:
        case "Token":
            address = builder.deploy("Token", title, listing.symbol, listing.decimals)
        case "RateToken":
            address = builder.deploy("RateToken", title, listing.symbol, 18, int(listing.usd / WETH_USD * ETHER))
        case "Tether" | "Rebasing":
            address = builder.deploy(listing.contract)
        case "Bytes32Token":
            address = builder.deploy(
                "Bytes32Token", *(text.encode().ljust(32, b"\0") for text in (title, listing.symbol))
            )
        case trap:
            address = builder.deploy(trap, title, listing.symbol)
    return Token(listing.name, listing.symbol, address, listing.decimals)


def _markets(
    builder: Builder, contracts: Contracts, tokens: dict[str, Token], listed: tuple[Listing, ...]
) -> tuple[Pool, ...]:
    prices = {listing.name: listing.usd for listing in listed} | {"WETH": WETH_USD}
    opened = [(tokens[one.name], tokens[quote], fee, usd) for one in listed for quote, fee, usd in one.markets]
    traded: list[Traded] = []
    for token, quote, fee, usd in opened:
        amounts = {one.address: market.units(usd, prices[one.name], one.decimals) for one in (token, quote)}
        for one in (token, quote):
            if one.name != "WETH":
                # Twice as much as the tax of a taxed token could take.
                builder.send(one.address, "mint(address,uint256)", builder.owner, 2 * amounts[one.address])
        if fee == V2:
            _pair(builder, contracts, amounts)
        else:
            _pool(builder, contracts, amounts, fee)
        traded.append((token.address, quote.address, fee, amounts))
    builder.settle()
    _trade(builder, contracts, traded)
    return tuple(
        Pool(_address_of(builder, contracts, token, quote, fee), token.name, quote.name, fee)
        for token, quote, fee, _ in opened
    )


def _trade(builder: Builder, contracts: Contracts, traded: list[Traded]) -> None:
    """Sell a little each way: the first trade of a market costs more gas, as what it counts is still zero."""
    for token, quote, fee, amounts in traded:
        for sold, bought in ((token, quote), (quote, token)):
            sell(builder, contracts, sold, bought, fee, amounts[sold] // LITTLE)
    builder.settle()


def _pool(builder: Builder, contracts: Contracts, amounts: dict[str, int], fee: int) -> None:
    token0, token1 = sorted(amounts, key=str.lower)
    price = market.sqrt_price(amounts[token0], amounts[token1])
    manager = contracts.position_manager
    opening = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
    builder.send(manager, opening, token0, token1, fee, price)
    position = (token0, token1, fee, *market.full_range(fee), amounts[token0], amounts[token1], 0, 0)
    mint = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
    builder.send(manager, mint, (*position, builder.owner, ENDLESS))


def _pair(builder: Builder, contracts: Contracts, amounts: dict[str, int]) -> None:
    adding = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
    (token, much), (other, more) = amounts.items()
    builder.send(contracts.v2_router, adding, token, other, much, more, 0, 0, builder.owner, ENDLESS)


def _address_of(builder: Builder, contracts: Contracts, token: Token, quote: Token, fee: int) -> str:
    pair = (token.address, quote.address)
    if fee == V2:
        found = builder.ask(contracts.v2_factory, "getPair(address,address)", ("address",), *pair)
    else:
        found = builder.ask(contracts.v3_factory, "getPool(address,address,uint24)", ("address",), *pair, fee)
    return str(found[0])


def _fill_basket(builder: Builder, tokens: dict[str, Token]) -> None:
    """Give KING what its shares are worth."""
    king = tokens["KING"].address
    supply = int(builder.ask(king, "totalSupply()", ("uint256",))[0])
    for name, each in BASKET.items():
        builder.send(king, "registerToken(address,uint64)", tokens[name].address, 0)
        builder.send(tokens[name].address, "mint(address,uint256)", king, int(supply * each))
    builder.settle()


def _arm(builder: Builder, hostile: dict[str, Token], pools: tuple[Pool, ...]) -> None:
    """Spring the traps, now that the markets are open."""
    traps = {listing.name for listing in HOSTILE if listing.contract in TRAPS}
    for pool in pools:
        if pool.token in traps:
            builder.send(hostile[pool.token].address, "arm(address)", pool.address)
    builder.settle()


TRAPS = {"Honeypot", "GasBurner", "ReturnBomb", "Liar", "Mute"}
