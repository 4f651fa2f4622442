"""The markets: which tokens trade where, in which tier, at which price, and how deep."""

from __future__ import annotations

from decimal import Decimal
from math import isqrt
from typing import NamedTuple

V2 = 0
# How far apart usable ticks lie, by fee in hundredths of a basis point (Uniswap V3 whitepaper; 1 was added by vote).
SPACING = {100: 1, 500: 10, 3000: 60, 10000: 200}
LAST_TICK = 887272


class Listing(NamedTuple):
    """A token at its price in USD, and the markets it has: quote token, fee, and USD on either side."""

    name: str
    symbol: str
    decimals: int
    usd: Decimal
    markets: tuple[tuple[str, int, int], ...]
    title: str = ""
    contract: str = "Token"


WETH_USD = Decimal(3000)

MAJORS = (
    Listing("USDC", "USDC", 6, Decimal(1), (("WETH", 500, 20_000_000), ("WETH", 3000, 2_000_000)), "USD Coin"),
    Listing("USDT", "USDT", 6, Decimal(1), (("WETH", 3000, 10_000_000), ("USDC", 100, 5_000_000)), "", "Tether"),
    Listing("DAI", "DAI", 18, Decimal(1), (("WETH", 3000, 2_000_000), ("USDC", 100, 5_000_000)), "Dai Stablecoin"),
    Listing("wstETH", "wstETH", 18, Decimal(3660), (("WETH", 100, 10_000_000),), "Wrapped liquid staked Ether 2.0"),
    Listing("weETH", "weETH", 18, Decimal(3240), (("WETH", 500, 10_000_000),), "Wrapped eETH", "RateToken"),
    Listing("EIGEN", "EIGEN", 18, Decimal("1.20"), (("WETH", 3000, 2_500_000), ("USDT", 3000, 1_000_000)), "Eigen"),
    Listing("ETHFI", "ETHFI", 18, Decimal("0.90"), (("WETH", 3000, 500_000),), "ether.fi governance token"),
    # A share of a basket that is worth more: those who sell it pay for not waiting.
    Listing("KING", "KING", 18, Decimal(320), (("WETH", 3000, 200_000),), "King Protocol", "King"),
    Listing("eETH", "eETH", 18, Decimal(3000), (), "", "Rebasing"),
)

# What each KING has a part in, of what is listed above: 330 dollars' worth where it trades for 320.
BASKET = {"EIGEN": Decimal(200), "ETHFI": Decimal(100)}

HOSTILE = (
    Listing("honeypot", "SAFE", 18, Decimal(1), (("WETH", 3000, 50_000),), "Safe Gains", "Honeypot"),
    Listing("taxed", "TAX", 18, Decimal(1), (("WETH", V2, 50_000),), "Reflecting", "Taxed"),
    Listing("gas_burner", "BURN", 18, Decimal(1), (("WETH", 3000, 50_000),), "Burner", "GasBurner"),
    Listing("return_bomb", "BOMB", 18, Decimal(1), (("WETH", 3000, 50_000),), "Bomb", "ReturnBomb"),
    Listing("liar", "MOON", 18, Decimal(100), (("WETH", 10000, 50_000),), "Moon", "Liar"),
    Listing("mute", "MUTE", 18, Decimal(1), (("WETH", 3000, 50_000),), "Mute", "Mute"),
    # The last letter is the Cyrillic Es.
    Listing("look_alike", "USD\u0421", 6, Decimal(1), (("WETH", 10000, 150),), "USD Coin"),
    Listing("same_symbol", "USDC", 6, Decimal(1), (("WETH", 10000, 150),), "USD Coin"),
    Listing(
        "script", "<img src=x onerror=alert(1)>", 18, Decimal(1), (("WETH", 3000, 50_000),), "<script>alert(1)</script>"
    ),
    # Clears a terminal, names its window, turns the reading direction, forges a line.
    Listing(
        "control", "\x1b[2J\x1b]0;owned\x07", 18, Decimal(1), (("WETH", 3000, 50_000),), "a\u202eb\r\n\x00\x9b1mok"
    ),
    Listing("bytes32", "MKR", 18, Decimal(1500), (("WETH", 3000, 500_000),), "Maker", "Bytes32Token"),
    Listing("endless", "\u0416" * 500, 18, Decimal(1), (("WETH", 3000, 50_000),), "x" * 2_000),
)

# What there is to dust: 24 in the tier that most small tokens trade in, then the rarer ways, then no way at all.
WAYS: tuple[tuple[int, tuple[tuple[str, int, int], ...]], ...] = (
    (24, (("WETH", 3000, 200_000),)),
    (6, (("WETH", 10000, 100_000),)),
    (6, (("USDC", 3000, 100_000),)),
    (6, (("WETH", V2, 100_000),)),
    (6, (("WETH", V2, 100_000), ("WETH", 3000, 20_000))),
)


def dust(count: int, *, traded: bool = False) -> list[Listing]:
    """List plain tokens DUST000, DUST001, ...: every market of `WAYS` in turn, and none for those that come after.

    Where all are `traded`, the markets begin anew instead.
    """
    markets = [way for times, way in WAYS for _ in range(times)]
    if traded:
        markets *= 1 + count // len(markets)
    return [
        Listing(
            f"DUST{number:03}",
            f"DUST{number:03}",
            18,
            Decimal(1 + number % 7) / 4,
            markets[number] if number < len(markets) else (),
            f"Dust number {number}",
        )
        for number in range(count)
    ]


def units(usd: int, price: Decimal, decimals: int) -> int:
    """Say how many base units of a token this many dollars are."""
    return int(usd / price * 10**decimals)


def sqrt_price(amount0: int, amount1: int) -> int:
    """Return the square root of token1 per token0 in base units, as a fixed-point number with 96 binary places."""
    return isqrt((amount1 << 192) // amount0)


def full_range(fee: int) -> tuple[int, int]:
    """Return the lowest and the highest usable tick of a tier."""
    last = LAST_TICK // SPACING[fee] * SPACING[fee]
    return -last, last
