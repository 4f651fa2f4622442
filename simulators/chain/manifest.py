"""The manifest: where everything on the local chain is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses of what is not a token."""

    weth: str
    multicall3: str
    v3_factory: str
    position_manager: str
    swap_router: str
    quoter: str
    v2_factory: str
    v2_router: str
    batch_account: str
    sequencer_feed: str
    merkle_drop: str
    rewards_coordinator: str


@dataclass(frozen=True, slots=True)
class Pool:
    """A market of two tokens, by their names in the manifest; `fee` in hundredths of a basis point, 0 for a V2 pair."""

    address: str
    token: str
    quote: str
    fee: int


@dataclass(frozen=True, slots=True)
class Token:
    """A token. `name` is ours and unique; `symbol` is what the contract says and proves nothing."""

    name: str
    symbol: str
    address: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything by name. `hostile` are tokens that mean harm, or look as if they did."""

    contracts: Contracts
    tokens: dict[str, Token]
    hostile: dict[str, Token]
    pools: tuple[Pool, ...]
    feeds: dict[str, str]
    owner: str
