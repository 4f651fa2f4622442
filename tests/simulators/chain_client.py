"""Signed transactions of the local chain's wallets."""

from __future__ import annotations

import time
from typing import Any

from simulators.chain.chain import LocalChain
from venues.evm.accounts import Account

ETHER = 10**18


def signed(chain: LocalChain, number: int = 0, **given: Any) -> str:
    """Sign a transaction of a wallet, by default a transfer of one wei to the next wallet."""
    wallet = chain.wallets[number]
    nonce = int(chain.rpc("eth_getTransactionCount", wallet.address, "latest"), 16)
    form = {
        "chainId": chain.chain_id,
        "nonce": nonce,
        "to": chain.wallets[number + 1].address,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 100 * 10**9,
        "maxPriorityFeePerGas": 10**9,
    }
    raw: bytes = Account.sign_transaction(form | given, wallet.key).raw_transaction
    return "0x" + raw.hex()


def mined(chain: LocalChain, raw: str) -> dict[str, Any]:
    """Send a transaction and return its receipt."""
    sent = chain.rpc("eth_sendRawTransaction", raw)
    deadline = time.monotonic() + 10
    while (receipt := chain.rpc("eth_getTransactionReceipt", sent)) is None:
        assert time.monotonic() < deadline
    assert isinstance(receipt, dict)
    return receipt
