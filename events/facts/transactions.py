"""What became of a transaction of ours, from its signed bytes until its nonce is used for good."""

from __future__ import annotations

from datetime import datetime

import msgspec

from events.money import Amount
from events.values import Block, Outcome, Purpose, SignedTransaction


class TransactionSigned(msgspec.Struct, frozen=True, gc=False):
    """The intent on a chain: these bytes are on record before any node gets them, and only these are ever sent.

    `legs` are those that the transaction carries, requested in the same breath. `replaces` is the hash of the first
    transaction of the same nonce, empty for the first itself. `head` is the block it was decided on.
    """

    account: str
    sweep_id: str
    transaction: SignedTransaction
    legs: tuple[str, ...]
    replaces: str
    head: int
    signed_at: datetime


class TransactionIncluded(msgspec.Struct, frozen=True, gc=False):
    """A transaction of ours is in a block; not final yet. `succeeded` is its receipt's status."""

    account: str
    sweep_id: str
    tx_hash: str
    block: Block
    succeeded: bool


class TransactionReorged(msgspec.Struct, frozen=True, gc=False):
    """The block that held a transaction of ours is no longer part of the chain; its bytes are sent again."""

    account: str
    sweep_id: str
    tx_hash: str
    block: Block
    detail: str


class TransactionDisplaced(msgspec.Struct, frozen=True, gc=False):
    """A nonce of ours was used, for good, by a transaction that is not ours; said once, and the account is halted."""

    account: str
    sweep_id: str
    nonce: int
    detail: str


class TransactionSettled(msgspec.Struct, frozen=True, gc=False):
    """What became of a nonce is final, `confirmations` blocks deep; its legs have their answers in the same breath.

    `fee` is what the sender paid for gas, in the native coin; with `shared` it is inside the fees of the fills that
    stand beside it. A displaced transaction has no block, used no gas and has no fee. `next_nonce` is the account's.
    """

    account: str
    sweep_id: str
    tx_hash: str
    purpose: Purpose
    outcome: Outcome
    block: Block | None
    gas_used: int
    fee: Amount | None
    shared: bool
    confirmations: int
    next_nonce: int


TransactionFact = (
    TransactionSigned | TransactionIncluded | TransactionReorged | TransactionDisplaced | TransactionSettled
)
