"""Building: transactions of the chain's owner, collected and mined together, each of them checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rlp
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from simulators.chain.calldata import call, words
from simulators.chain.installation import artifact
from simulators.chain.rpc import Rpc

# Below the 16,777,216 that a transaction may use (EIP-7825).
GAS = 16_000_000
# Room in one block for everything that waits, whatever limits it announces.
ROOM, USUAL_ROOM = 10**12, 30_000_000
# Wei for a unit of gas, so that nothing of the owner's waits, whatever a block charges.
FEE, TIP = 10**12, 10**9


class BuildFailed(Exception):
    """A transaction of the owner was mined and reverted; the message says which."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction that was not sent yet, and what it is for."""

    purpose: str
    to: str | None
    data: bytes
    value: int


class Builder:
    """Deploys and calls as `owner`, an account that the node signs for; nothing happens before `settle`."""

    def __init__(self, rpc: Rpc, owner: str) -> None:
        self.rpc = rpc
        self.owner = owner
        self._waiting: list[Waiting] = []
        self.forget()

    def forget(self) -> None:
        """Drop what waits and read the nonce from the node, after it went back in time."""
        self._waiting.clear()
        self._nonce = int(self.rpc("eth_getTransactionCount", self.owner, "pending"), 16)

    def deploy(self, name: str, *values: object) -> str:
        """Deploy a contract and return the address it will have."""
        made = artifact(name)
        inputs: list[dict[str, str]] = next(
            (entry["inputs"] for entry in made.abi if entry["type"] == "constructor"), []
        )
        data = made.bytecode + encode([given["type"] for given in inputs], values)
        address = created(self.owner, self._nonce + len(self._waiting))
        self._waiting.append(Waiting(f"deployment of {name}", None, data, 0))
        return address

    def send(self, to: str, signature: str, *values: object, value: int = 0) -> None:
        """Call a function of a contract."""
        self._waiting.append(Waiting(f"{signature} of {to}", to, call(signature, *values), value))

    def settle(self) -> None:
        """Mine all that waits in one block, and an empty one; raises `BuildFailed` for the first that reverted."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        automine = self.rpc("anvil_getAutomine")
        sends = [("eth_sendTransaction", (self._form(one, number),)) for number, one in enumerate(waiting)]
        self.rpc.batch([("evm_setAutomine", (False,)), ("evm_setBlockGasLimit", (hex(ROOM),))])
        hashes = self.rpc.batch(sends)
        # The second block is empty, so that the latest has the usual limit again.
        self.rpc("evm_mine")
        self.rpc("evm_setBlockGasLimit", hex(USUAL_ROOM))
        self.rpc("evm_mine")
        self.rpc("evm_setAutomine", automine)
        self._nonce += len(waiting)
        receipts = self.rpc.batch([("eth_getTransactionReceipt", (mined,)) for mined in hashes])
        for one, receipt in zip(waiting, receipts, strict=True):
            if receipt is None or receipt["status"] != "0x1":
                raise BuildFailed(f"{one.purpose}: {'was not mined' if receipt is None else 'reverted'}")

    def ask(self, to: str, signature: str, answer: tuple[str, ...], *values: object) -> tuple[Any, ...]:
        """Call a function without a transaction and decode what it returns."""
        data = self.rpc("eth_call", {"to": to, "data": "0x" + call(signature, *values).hex()}, "latest")
        return words(answer, bytes.fromhex(data[2:]))

    def _form(self, one: Waiting, number: int) -> dict[str, str]:
        form = {
            "from": self.owner,
            "nonce": hex(self._nonce + number),
            "gas": hex(GAS),
            "maxFeePerGas": hex(FEE),
            "maxPriorityFeePerGas": hex(TIP),
            "value": hex(one.value),
            "data": "0x" + one.data.hex(),
        }
        return form if one.to is None else form | {"to": one.to}


def created(creator: str, nonce: int) -> str:
    """Return the address of what an account creates with this nonce: the end of keccak(rlp([creator, nonce]))."""
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(creator[2:]), nonce]))[12:])
