"""What signs for a wallet. A key is unlocked once for each process and shown nowhere.

A signer may as well stand elsewhere, on another host or in a vault: it gets fields and returns bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount

from domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed bytes and the hash that a chain knows them by, both as 0x text."""

    raw: str
    tx_hash: str


class Signer(Protocol):
    """Signs transactions of one address."""

    @property
    def address(self) -> str: ...

    def sign(self, transaction: Mapping[str, Any]) -> Signed:
        """Sign the fields of a transaction of type 2 or 4 (EIP-1559, EIP-7702), named as JSON-RPC names them."""
        ...

    def authorize(self, chain_id: int, delegate: str, nonce: int) -> Any:
        """Sign that the address may be delegated while `nonce` is its next (EIP-7702)."""
        ...


class LocalSigner:
    """Signs with a key in this process's memory; neither `repr` nor a pickle has it."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    def __reduce__(self) -> Any:
        raise TypeError("a signer is not written down: it has a key")

    @property
    def address(self) -> str:
        """Return the address of the key, in its checksum form."""
        return str(self._account.address)

    def sign(self, transaction: Mapping[str, Any]) -> Signed:
        """Sign; the same fields always give the same bytes (RFC 6979)."""
        signed = self._account.sign_transaction(dict(transaction))
        return Signed("0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex())

    def authorize(self, chain_id: int, delegate: str, nonce: int) -> Any:
        """Sign an authorization for one chain and one nonce."""
        return self._account.sign_authorization({"chainId": chain_id, "address": delegate, "nonce": nonce})


def from_key(key: str, address: str) -> LocalSigner:
    """Unlock a key of 32 bytes, 0x and 64 hexadecimal digits; `ConfigurationError` when it is not that of `address`."""
    try:
        account = Account.from_key(key)
    except Exception:  # noqa: BLE001 - every library below raises errors of its own, and their words may hold the key
        raise ConfigurationError("key: is not 0x and 64 hexadecimal digits") from None
    return _checked(LocalSigner(account), address)


def from_keystore(path: Path, password: str, address: str) -> LocalSigner:
    """Unlock an encrypted keystore (Web3 Secret Storage, version 3); `ConfigurationError` says what is wrong."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read, {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{path}: is no keystore, which is a file of JSON") from None
    try:
        key = Account.decrypt(content, password)
    except ValueError as error:
        wrong = "MAC" in str(error)
        raise ConfigurationError(
            f"{path}: its password is another one" if wrong else f"{path}: is no keystore of version 3"
        ) from None
    except (KeyError, TypeError, AttributeError, NotImplementedError):
        raise ConfigurationError(f"{path}: is no keystore of version 3") from None
    return _checked(LocalSigner(Account.from_key(key)), address)


def _checked(signer: LocalSigner, address: str) -> LocalSigner:
    if signer.address != address:
        raise ConfigurationError(f"address: the key is that of {signer.address}, not of {address}")
    return signer
