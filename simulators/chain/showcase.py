"""A wallet to look at: the settings that watch one on the local chain, and a handful of dust in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError
from simulators.chain.chain import LocalChain

# What is plain dust by its number, not believed until its owner allows it.
PLAIN = "DUST"
# Base units by token, of what is known and of what strangers send.
KNOWN = {"USDC": 200_000, "EIGEN": 10**18, "DAI": 3 * 10**18, "weETH": 10**15, "WETH": 10**14}
ALLOWED = (
    *(f"DUST{number:03}" for number in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
    *("DUST024", "DUST025", "DUST030", "DUST036", "DUST042"),
)
STRANGERS = ("DUST001", "honeypot", "liar", "look_alike", "same_symbol", "script", "control")


def contracts(chain: LocalChain) -> dict[str, Any]:
    """Return the key `contracts` of a wallet's settings: everything but plain dust and what means harm."""
    at = chain.contracts
    known = {name: token for name, token in chain.tokens.items() if not name.startswith(PLAIN)}
    return {
        "tokens": {name: {"address": token.address, "decimals": token.decimals} for name, token in known.items()},
        "feeds": {pair: {"address": address} for pair, address in chain.feeds.items()},
        "v3_factory": at.v3_factory,
        "quoter": at.quoter,
        "router": at.swap_router,
        "v2_factory": at.v2_factory,
        "v2_router": at.v2_router,
        "multicall3": at.multicall3,
        "king": chain.tokens["KING"].address,
        "merkle_drop": at.merkle_drop,
        "rewards_coordinator": at.rewards_coordinator,
    }


def watched(chain: LocalChain, url: str) -> dict[str, Any]:
    """Return the settings of an account that watches the first wallet through an endpoint."""
    return {
        "venue": "evm",
        "chain": chain.chain_id,
        "contracts": contracts(chain),
        "address": chain.wallets[0].address,
        "endpoints": [url],
        "allow": [chain.tokens[name].address for name in ALLOWED if name in chain.tokens],
    }


def scatter(chain: LocalChain) -> None:
    """Give the first wallet dust of every kind."""
    owner = chain.wallets[0].address
    plain = {name: 10**18 for name in (*ALLOWED, *STRANGERS) if name in chain.tokens or name in chain.hostile}
    chain.hand_out([(name, owner, units) for name, units in {**KNOWN, **plain}.items()])


def write_settings(chain: LocalChain, url: str, path: Path) -> None:
    """Write a settings file that watches the first wallet, in JSON, which is YAML; never over one that is there."""
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump({"accounts": {"wallet": watched(chain, url)}}, file, indent=1)
            file.write("\n")
    except FileExistsError:
        raise ConfigurationError(f"{path}: is there already; move it, or name another file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written, {error.strerror}") from None
