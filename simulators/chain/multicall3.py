"""Multicall3 where every chain has it: its author's own signed transaction, put together again.

The transaction is valid on any chain and only for these exact bytes: were one of them different, the signature would
belong to another sender, and the contract would stand elsewhere.
Source of address, sender and signature: github.com/mds1/multicall3, "New Deployments".
"""

from __future__ import annotations

import re

import rlp

from domain.errors import ConfigurationError
from simulators.chain.installation import MULTICALL3
from simulators.chain.rpc import Rpc

ADDRESS = "0xcA11bde05977b3631167028862bE2a173976CA11"
SENDER = "0x05f32B3cC3888453ff71B01135B34FF8e41263F2"
PRICE, GAS = 100 * 10**9, 1_000_000
V = 28
R = 0xEDCE47092C0F398CEBF3FFC267F05C8E7076E3B89445E0FE50F6332273D4569B
S = 0x1B0B9D000E19B24C5869B0FC3B22B0D6FA47CD63316875CBBD577D76E6FDE086


def put(rpc: Rpc) -> None:
    """Pay the sender and mine its transaction; raises `ConfigurationError` where the code is not the real one."""
    rpc("anvil_setBalance", SENDER, hex(PRICE * GAS))
    rpc("eth_sendRawTransaction", "0x" + transaction().hex())
    rpc("evm_mine")
    if rpc("eth_getCode", ADDRESS, "latest")[2:] != _runtime().hex():
        raise ConfigurationError(f"{MULTICALL3}: holds other code than the signature is for")


def transaction() -> bytes:
    """Return the signed transaction."""
    runtime = _runtime()
    creation = (
        bytes.fromhex(f"608060405234801561001057600080fd5b5061{len(runtime):04x}806100206000396000f3fe") + runtime
    )
    signed: bytes = rlp.encode([0, PRICE, GAS, b"", 0, creation, V, R, S])
    return signed


def _runtime() -> bytes:
    found = re.search(r"MULTICALL3_BYTECODE[^(]*\(\s*\"0x([0-9a-f]+)\"", MULTICALL3.read_text(encoding="utf-8"))
    if not found:
        raise ConfigurationError(f"{MULTICALL3}: holds no MULTICALL3_BYTECODE")
    return bytes.fromhex(found[1])
