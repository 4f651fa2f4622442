"""Somebody else who has the wallet's key."""

from __future__ import annotations

from eth_account import Account

from simulators.chain.chain import LocalChain
from simulators.chain.wallets import Wallet as Key


def send(chain: LocalChain, key: Key, to: str, data: bytes = b"", nonce: int | None = None) -> str:
    """Send a transaction with the key, straight to the node, and return its hash."""
    found = int(chain.rpc("eth_getTransactionCount", key.address, "latest"), 16)
    fields = {
        "type": 2,
        "chainId": chain.chain_id,
        "nonce": found if nonce is None else nonce,
        "maxPriorityFeePerGas": 3 * 10**9,
        "maxFeePerGas": 100 * 10**9,
        "gas": 200_000,
        "to": to,
        "value": 0,
        "data": data,
    }
    signed = Account.sign_transaction(fields, key.key)
    tx_hash = str(chain.rpc("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex()))
    while chain.rpc("anvil_getAutomine") and chain.rpc("eth_getTransactionReceipt", tx_hash) is None:
        pass
    return tx_hash
