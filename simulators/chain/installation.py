"""What `make chain` installed: the node's program, the contracts from npm, and ours as they were compiled."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import ConfigurationError

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
COMPILED = HERE / "build" / "contracts.json"
MULTICALL3 = HERE / "build" / "multicall3.txt"

FROM_NPM = {
    "WETH9": "canonical-weth/build/contracts/WETH9.json",
    "V3Factory": "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json",
    "PositionManager": (
        "@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json"
    ),
    "QuoterV2": "@uniswap/v3-periphery/artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json",
    "SwapRouter02": "@uniswap/swap-router-contracts/artifacts/contracts/SwapRouter02.sol/SwapRouter02.json",
    "V2Factory": "@uniswap/v2-core/build/UniswapV2Factory.json",
    "V2Router": "@uniswap/v2-periphery/build/UniswapV2Router02.json",
}


class Artifact(NamedTuple):
    """A compiled contract: its interface and its creation code."""

    abi: list[dict[str, Any]]
    bytecode: bytes


def anvil() -> Path:
    """Return the node's program; raises `ConfigurationError` where it was not installed."""
    program = _anvil()
    if program is None:
        raise ConfigurationError(
            f"{PACKAGES}: holds no anvil, nor does the path; `make chain` installs it on Linux, Foundry elsewhere"
        )
    return program


def missing() -> str:
    """Say what is not installed, empty when a chain can be started."""
    try:
        anvil()
        for name in FROM_NPM:
            artifact(name)
        return "" if COMPILED.exists() and MULTICALL3.exists() else f"{COMPILED}: is missing; `make chain` installs it"
    except ConfigurationError as error:
        return str(error)


def artifact(name: str) -> Artifact:
    """Return a contract by the name it has here; raises `ConfigurationError` where it was not installed."""
    path = PACKAGES / FROM_NPM[name] if name in FROM_NPM else COMPILED
    if not path.exists():
        raise ConfigurationError(f"{path}: is missing; `make chain` installs it")
    found = _read(path) if name in FROM_NPM else _read(path)[name]
    code = found["bytecode"]
    return Artifact(found["abi"], bytes.fromhex(code.removeprefix("0x")))


def _anvil() -> Path | None:
    installed = next(PACKAGES.glob("@foundry-rs/anvil-*/bin/anvil"), None)
    # The package is for Linux on x86-64; elsewhere the owner's own Foundry serves.
    return installed or (Path(found) if (found := shutil.which("anvil")) else None)


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
