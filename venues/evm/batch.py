"""The calls of a batch: an exact allowance for each swap, the swap with its minimum, and ether at the end.

They are made by the account itself, through its delegation to an ERC-7821 contract (EIP-7702,
https://eips.ethereum.org/EIPS/eip-7821): all of them or none. V3 is traded through SwapRouter02, pairs through V2's own
router. For ether, swaps pay WETH to SwapRouter02, which unwraps all of it at the end; in between nobody else acts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from venues.evm.assets import checksummed
from venues.evm.pricing import UNWRAP
from venues.evm.registry import Chain
from venues.evm.routes import Route
from venues.evm.words import packed, selector

# One batch whose calls are all made or none: call type 01, default execution (ERC-7821).
MODE: Final = bytes.fromhex("01") + bytes(31)
DESIGNATOR: Final = "0xef0100"  # EIP-7702: what stands before the delegate in an account's code
COIN: Final = "0x" + "00" * 20
# SwapRouter02's short words for whoever calls it and for itself; an address of zeros costs less gas than a whole one.
CALLER: Final = "0x" + "00" * 19 + "01"
ROUTER: Final = "0x" + "00" * 19 + "02"
_PLANNED: Final = re.compile(r"(?:v3:([0-9]+(?:,[0-9]+)?)|v2)(?: via (\S+))?")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the account: no ether goes with it."""

    to: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sale:
    """One leg in base units: what it sells, over which route, None for unwrapping WETH."""

    key: str
    token: str
    units: int
    route: Route | None

    @property
    def at_most(self) -> bool:
        """Say whether less than its units may be enough."""
        return False


def route_of(name: str, token: str, chain: Chain, target: str) -> Route | None:
    """Read a route's name, `v3:3000,500 via WETH@0x…`; None for `unwrap`, `ValueError` for what names none."""
    way, _, address = name.partition("@")
    if checksummed(address) != token:
        raise ValueError(f"product: {name!r} sells {address}, not {token}")
    if way == UNWRAP:
        return None
    found = _PLANNED.fullmatch(way)
    if not found:
        raise ValueError(f"product: {name!r} is neither v2, v3:FEE nor {UNWRAP}")
    fees = tuple(map(int, found[1].split(","))) if found[1] else ()
    middle = () if not found[2] else (found[2] if found[2].startswith("0x") else chain.token(found[2]).address,)
    path = (token, *middle, target)
    if fees and len(fees) != len(path) - 1:
        raise ValueError(f"product: {name!r} names {len(fees)} pools for {len(path) - 1} swaps")
    return Route(path, fees)


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes the calls of one account: where it trades, and whether its proceeds end as ether."""

    chain: Chain
    account: str
    ether: bool

    @property
    def payee(self) -> str:
        """Return who gets what a swap brings: the account, or for ether the router that unwraps it."""
        return self.chain.uniswap.router if self.ether else self.account

    @property
    def payees(self) -> frozenset[str]:
        """Return all who may get what swaps bring, as receipts show it."""
        return frozenset({self.payee})

    def proceeds(self, sale: Sale) -> tuple[str, str]:
        """Return what a sale brings by itself, `COIN` for ether, and who gets it."""
        return (COIN, self.account) if sale.route is None else (sale.route.path[-1], self.payee)

    def market(self, sale: Sale) -> str:
        """Return the contract that sells."""
        if sale.route is None:
            return sale.token
        return self.chain.uniswap.router if sale.route.fees else self.chain.uniswap.v2_router or ""

    def spender(self, sale: Sale) -> str:
        """Return who has to be allowed to take the token, nobody for unwrapping."""
        return COIN if sale.route is None else self.market(sale)

    def sell(self, sale: Sale, minimum: int, deadline: int) -> bytes:
        """Write the call that sells, or reverts when less than `minimum` base units would arrive."""
        route = sale.route
        if route is None:
            return selector("withdraw(uint256)") + encode(["uint256"], [sale.units])
        if not route.fees:
            return pair_sale("Tokens", sale.units, minimum, route.path, self.payee, deadline)
        payee = ROUTER if self.ether else CALLER
        if len(route.fees) == 1:
            kind = "(address,address,uint24,address,uint256,uint256,uint160)"
            one = (*route.path, route.fees[0], payee, sale.units, minimum, 0)
            return selector(f"exactInputSingle({kind})") + encode([kind], [one])
        hops = b"".join(fee.to_bytes(3, "big") + packed(to) for fee, to in zip(route.fees, route.path[1:], strict=True))
        several = (packed(route.path[0]) + hops, payee, sale.units, minimum)
        kind = "(bytes,address,uint256,uint256)"
        return selector(f"exactInput({kind})") + encode([kind], [several])

    def calls(self, sales: Sequence[tuple[Sale, int, bool]], deadline: int) -> list[Call]:
        """Write all calls for sales, each with its minimum and whether an allowance stands in its way.

        A token like USDT refuses a new allowance while an old one stands, so that is taken back first.
        """
        router = self.chain.uniswap.router
        # V3's swaps have no deadline of their own: this does nothing, or reverts after it.
        made = [Call(router, multicall(deadline))]
        for sale, minimum, allowed in sales:
            spender = self.spender(sale)
            if sale.route is not None:
                if allowed:
                    made.append(Call(sale.token, approval(spender, 0)))
                made.append(Call(sale.token, approval(spender, sale.units)))
            made.append(Call(self.market(sale), self.sell(sale, minimum, deadline)))
        if self.ether and (swapped := [minimum for sale, minimum, _ in sales if sale.route is not None]):
            made.append(Call(router, unwrapping(sum(swapped), self.account)))
        return made


def approval(spender: str, units: int) -> bytes:
    """Write the call that lets a spender take so many base units."""
    return selector("approve(address,uint256)") + encode(["address", "uint256"], [spender, units])


def executed(calls: Sequence[Call]) -> bytes:
    """Write execute(mode, calls) of ERC-7821."""
    batch = encode(["(address,uint256,bytes)[]"], [[(call.to, 0, call.data) for call in calls]])
    return selector("execute(bytes32,bytes)") + encode(["bytes32", "bytes"], [MODE, batch])


def pair_sale(into: str, units: int, minimum: int, path: Sequence[str], payee: str, deadline: int) -> bytes:
    """Write V2's sale of tokens into `Tokens` or `ETH`, for those too that keep a part of what is moved: its minimum is
    held against what really arrives (https://docs.uniswap.org/contracts/v2/reference/smart-contracts/router-02)."""
    name = f"swapExactTokensFor{into}SupportingFeeOnTransferTokens"
    types = ["uint256", "uint256", "address[]", "address", "uint256"]
    return selector(f"{name}({','.join(types)})") + encode(types, [units, minimum, path, payee, deadline])


def unwrapping(minimum: int, payee: str) -> bytes:
    """Write the router's call that pays all the WETH it has as ether, or reverts when that is less than a minimum."""
    return selector("unwrapWETH9(uint256,address)") + encode(["uint256", "address"], [minimum, payee])


def multicall(deadline: int, calls: Sequence[bytes] = ()) -> bytes:
    """Write the router's call that makes calls of itself, none after the deadline."""
    return selector("multicall(uint256,bytes[])") + encode(["uint256", "bytes[]"], [deadline, calls])
