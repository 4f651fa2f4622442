"""What a transaction is made of, and where a chain holds it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from events.money import Amount


class Purpose(StrEnum):
    """What a transaction is for: it carries legs, lets the account carry them, claims, or only uses its nonce up.

    `approve` lets a market take what one leg sells, or takes that back.
    """

    DELEGATE = "delegate"
    APPROVE = "approve"
    SWEEP = "sweep"
    CLAIM = "claim"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """How a nonce of ours was finally used; `displaced` by a transaction that is not ours."""

    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    CANCELLED = "cancelled"
    DISPLACED = "displaced"


class Block(msgspec.Struct, frozen=True, gc=False):
    """A block by its place and its hash; after a reorganisation another hash stands at the same place."""

    number: int
    block_hash: str


class GasPrice(msgspec.Struct, frozen=True, gc=False):
    """What a transaction offers for a unit of gas, in wei: at most `fee` in all, of it at most `tip` (EIP-1559)."""

    fee: int
    tip: int


class SignedTransaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction as it was signed: `raw` are the only bytes that are ever sent, `tx_hash` is their identity.

    `chain` is named by CAIP-2, `sender` is in EIP-55 form, `raw` and `tx_hash` are hex with `0x`. After `deadline` its
    swaps revert by themselves; None for one that has none. `allowance` is what an approval lets a market take, zero to
    take it back, or what a swap that may need less leaves of it at the most; None for all else.
    """

    purpose: Purpose
    chain: str
    sender: str
    nonce: int
    tx_hash: str
    raw: str
    gas_limit: int
    gas_price: GasPrice
    deadline: datetime | None
    allowance: Amount | None = None
