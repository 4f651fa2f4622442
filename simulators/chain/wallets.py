"""The wallets of the local chain: keys that everybody can compute, for play money only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from eth_utils.crypto import keccak

from simulators.chain.rpc import Rpc
from venues.evm.accounts import Account

COUNT = 10


class Wallet(NamedTuple):
    """An account with its private key, both as 0x text."""

    address: str
    key: str


@cache
def wallets() -> tuple[Wallet, ...]:
    """Return the wallets; the same ones on every local chain, and on no other chain anything."""
    keys = [keccak(text=f"dustman local chain wallet {number}") for number in range(COUNT)]
    return tuple(Wallet(Account.from_key(key).address, "0x" + key.hex()) for key in keys)


def fund(rpc: Rpc, funded: Iterable[Wallet], wei: int) -> None:
    """Set what each of them holds in ETH."""
    rpc.batch([("anvil_setBalance", (wallet.address, hex(wei))) for wallet in funded])
